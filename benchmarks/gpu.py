"""On a GPU, beside PyTorch's: python -m benchmarks.gpu [--seconds N] [--out FOLDER]

One command for a machine with CuPy and PyTorch: the tests marked `gpu`, then the five workloads, each trained by this
library, by PyTorch as it comes and by torch.compile, in turns; within eight minutes. What it prints is its page.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from scratchvae.backend import gpu, to_device
from scratchvae.training import Adam, fit

from .race import ROOT
from .report import machine
from .say import say
from .workloads import WORKLOADS

BUDGET, TESTS = 480, 150            # seconds: of all; of the tests, at most
TO_COMPILE = 45                     # seconds that one workload must have, or torch.compile is left out


def tests():
    """What pytest says of the tests marked `gpu`, in its last line."""
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider", "--tb=line", "tests"]
    try:
        done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=TESTS)
    except subprocess.TimeoutExpired:
        return f"not done after {TESTS} seconds"
    return done.stdout.strip().splitlines()[-1]


def ours(workload):
    """A generator: each `next` trains for a slice, and waits until the GPU has done it (fit asks it for the sums)."""
    model = to_device(workload.model())
    x = to_device(workload.images().reshape(-1, 784) / np.float32(255))
    return fit(model, x, optimizer=Adam(model, workload.lr), epochs=10**6, batch_size=workload.batch,
               weights=workload.weights, progress=False)


def theirs(workload, compiled):
    """The same in PyTorch."""
    from .theirs import Training
    return Training(workload, fused=compiled, compiled=compiled, device="cuda")


MAKERS = {
    "scratchvae": ours,
    "torch": lambda workload: theirs(workload, compiled=False),
    "torch-compile": lambda workload: theirs(workload, compiled=True),
}


def names(seconds):
    """Those that start within the seconds for one workload."""
    return [name for name in MAKERS if name != "torch-compile" or seconds > TO_COMPILE]


def started(workload, names):
    """({name: what trains}, {name: why it cannot}), after a slice that is not counted."""
    training, skipped = {}, {}
    for name in names:
        say(f"{workload.title}: {name} warms up")
        try:
            training[name] = MAKERS[name](workload)
            next(training[name])
        except Exception as error:
            training.pop(name, None)
            skipped[name] = (str(error).strip() or type(error).__name__).splitlines()[0]
    return training, skipped


def steps_per_second(workload, training, until):
    """{contender: steps/s of each round}, in turns A B C C B A, at least once."""
    found = {name: [] for name in training}
    while training and (time.monotonic() < until or not all(found.values())):
        for name in [*training, *reversed(training)]:
            start = time.perf_counter()
            next(training[name])
            found[name].append(workload.steps / (time.perf_counter() - start))
    return found


def rows(name, found, skipped):
    """A line of the table for each contender: medians, and the median ratio of a round to PyTorch as it comes."""
    for contender, each in found.items():
        ratio = f"{np.median(np.array(each) / np.array(found['torch'])):.2f}" if "torch" in found else "-"
        yield f"| {name} | {contender} | {np.median(each):.1f} | {ratio} | {len(each)} |"
    for contender, why in skipped.items():
        yield f"| {name} | {contender} | skipped: {why} | - | 0 |"


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.split(":")[0])
    parser.add_argument("--seconds", type=int, default=BUDGET, help=f"of everything together (default: {BUDGET})")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks", help="folder of GPU.md")
    a = parser.parse_args()
    try:
        cupy = gpu()
    except ValueError as reason:
        print(reason)
        sys.exit(1)
    end = time.monotonic() + a.seconds
    lines = ["# On a GPU, beside PyTorch's", "", *about(cupy), f"- tests marked gpu: {tests()}", "",
             "| workload | contender | steps/s | ratio to torch | rounds |", "|---|---|--:|--:|--:|"]
    for i, (name, workload) in enumerate(WORKLOADS.items()):
        left, share = end - time.monotonic(), len(WORKLOADS) - i
        until = time.monotonic() + left / share
        training, skipped = started(workload, names(left / share))
        lines += rows(name, steps_per_second(workload, training, until), skipped)
    a.out.mkdir(parents=True, exist_ok=True)
    (a.out / "GPU.md").write_text("\n".join(lines) + "\n")
    print(*lines, sep="\n")


def about(cupy):
    """The machine, as lines of the page."""
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    yield from (f"- {what}: {value}" for what, value in ({"GPU": name, "CuPy": cupy.__version__} | machine()).items())


if __name__ == "__main__":
    main()
