"""Training speed beside PyTorch's: python -m benchmarks [WORKLOAD ...] [--rounds N] [--quick] [--out FOLDER]"""

import argparse
import dataclasses
import json
import subprocess
import sys
from pathlib import Path

from .race import ROOT, race
from .report import machine, markdown, table
from .say import say
from .workloads import WORKLOADS


def part(module, *arguments):
    """What another part of the benchmark prints, in a process of its own; if that fails, this one ends with it."""
    done = subprocess.run([sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def measure(name, rounds, quick):
    """Everything about one workload."""
    workload = WORKLOADS[name]
    if quick:
        workload = dataclasses.replace(workload, steps=max(2, workload.steps // 10), warm_up=1)
    results = {"title": workload.title, "steps": workload.steps, "warm_up": workload.warm_up, "rounds": rounds,
               "contenders": race(name, workload, rounds, say)}
    say(f"{name}: where a step goes")
    return results | {"breakdown": json.loads(part("breakdown", name, workload.steps, workload.warm_up))}


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split(":")[0])
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(WORKLOADS)}; default: all")
    parser.add_argument("--rounds", type=int, default=10, help="turns of every contender (default: 10)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the steps, no warm-up: to try it, not to tell")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks", help="folder of results.json and RESULTS.md")
    a = parser.parse_args()
    if unknown := set(a.workloads) - set(WORKLOADS):
        parser.error(f"WORKLOAD must be one of {', '.join(WORKLOADS)}, but is {', '.join(sorted(unknown))}")
    names, rounds = a.workloads or list(WORKLOADS), 2 if a.quick else a.rounds
    print(gate := part("gate", *names))
    results = {"machine": machine(), "command": " ".join(["python -m benchmarks", *sys.argv[1:]]), "gate": gate,
               "workloads": {}}
    for name in names:
        results["workloads"][name] = found = measure(name, rounds, a.quick)
        print(table(name, found), flush=True)
    a.out.mkdir(parents=True, exist_ok=True)
    (a.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (a.out / "RESULTS.md").write_text(markdown(results))
    print(f"written: {a.out / 'results.json'}, {a.out / 'RESULTS.md'}")


if __name__ == "__main__":
    main()
