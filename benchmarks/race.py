"""All contenders of one workload: a process each, timed in turns, A B C ... C B A."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
CONTENDERS = ("scratchvae", "scratchvae-2", "torch", "torch-tuned", "torch-compile")
ENVIRONMENT = {"torch-tuned": {"MALLOC_TRIM_THRESHOLD_": str(1 << 30), "MALLOC_MMAP_THRESHOLD_": str(1 << 30)}}
PAUSE = 0.2             # seconds, until threads that wait by spinning have gone to sleep


class Contender:
    """A process that trains when it is told to, and waits otherwise."""

    def __init__(self, workload, name, steps):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.contender", workload, name, str(steps)], cwd=ROOT, text=True,
            env=os.environ | ENVIRONMENT.get(name, {}), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        self.peak, self.seconds = 0, []

    def train(self, slices):
        """Seconds that it took."""
        self.ask(slices)
        return self.answer()

    def ask(self, slices):
        with contextlib.suppress(BrokenPipeError):
            print(slices, file=self.process.stdin, flush=True)

    def answer(self):
        said = json.loads(self.process.stdout.readline() or '{"skipped": "its process has died"}')
        if "skipped" in said:
            raise RuntimeError(said["skipped"])
        self.peak = max(self.peak, said["peak"])
        return said["seconds"]

    def train_watched(self, slices):
        """Train, and see how much memory the process and its workers have together; pages they share count once."""
        self.ask(slices)
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            self.peak = max(self.peak, sum(map(proportional_memory, [self.process.pid, *children(self.process.pid)])))
            time.sleep(0.05)
        self.answer()

    def end(self):
        self.process.kill()
        self.process.communicate()


def children(pid):
    """The processes that a process has started."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def proportional_memory(pid):
    """Bytes of a process; of a page that n processes share, an n-th. 0 where the system does not say."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def race(name, workload, rounds, say, contenders=CONTENDERS):
    """{contender: {"steps/s", "seconds" of each round, "MB"} or {"skipped": why}}"""
    runners, results = {}, {}
    try:
        for contender in contenders:
            say(f"{name}: {contender} warms up")
            runner = runners[contender] = Contender(name, contender, workload.steps)
            try:
                runner.train(-(-workload.warm_up // workload.steps))
            except RuntimeError as error:
                runners.pop(contender).end()
                results[contender] = {"skipped": str(error)}
        for i in range(rounds):
            say(f"{name}: round {i + 1} of {rounds}")
            for runner in list(runners.values())[::-1 if i % 2 else 1]:
                time.sleep(PAUSE)
                runner.seconds.append(runner.train(1))
        for contender, runner in runners.items():
            runner.train_watched(2)
            results[contender] = {"steps/s": float(np.median(workload.steps / np.array(runner.seconds))),
                                  "seconds": runner.seconds, "MB": runner.peak / 1e6}
    finally:
        for runner in runners.values():
            runner.end()
    return results


def ratio(results, contender, rival):
    """(median, lower quartile, upper quartile) of the rounds' steps/s over the rival's; None if one did not run."""
    if "seconds" not in results[contender] or "seconds" not in results.get(rival, {}):
        return None
    each = np.array(results[rival]["seconds"]) / np.array(results[contender]["seconds"])
    return [float(q) for q in np.quantile(each, (0.5, 0.25, 0.75))]
