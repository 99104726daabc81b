"""One contender in a process of its own: python -m benchmarks.contender WORKLOAD CONTENDER STEPS

Each line that comes in is a number of slices to train for; each that goes out is {"seconds": of these, "peak": bytes}.
Between them it waits for the next line. What goes wrong is said in {"skipped": "..."}.
"""

import dataclasses
import json
import resource
import sys
import time

from .workloads import ALL, EVALUATION


def build(workload, name, task):
    """An object whose `next` trains for a slice, or does the task of that name once; only PyTorch's import torch."""
    if name.startswith("scratchvae"):
        from . import ours
        return ours.again(task, workload) if task else ours.slices(workload, workers=2 if name.endswith("2") else 1)
    from . import theirs
    if task:
        return theirs.again(task, workload)
    return {"torch": theirs.default, "torch-tuned": theirs.tuned, "torch-compile": theirs.compiled}[name](workload)


def main(workload, name, steps):
    task = workload if workload in EVALUATION else None
    training = build(dataclasses.replace(ALL[workload], steps=int(steps)), name, task)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            next(training)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": seconds, "peak": peak}), flush=True)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as error:
        print(json.dumps({"skipped": (str(error).strip() or type(error).__name__).splitlines()[0]}), flush=True)
