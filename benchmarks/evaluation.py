"""What is measured of a model, beside the same in PyTorch: python -m benchmarks.evaluation [--rounds N] [--quick]"""

import argparse
import dataclasses

from .race import race, ratio
from .report import machine, spread
from .say import say
from .workloads import EVALUATION

CONTENDERS = "scratchvae", "torch"


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation", description=__doc__.split(":")[0])
    parser.add_argument("--rounds", type=int, default=6, help="turns of each (default: 6)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the images: to try it, not to tell")
    a = parser.parse_args()
    print(*(f"{name}: {value}" for name, value in machine().items()), sep="\n")
    print(f"{'':32s}{'seconds':>16s}{'times as fast':>20s}{'peak MB':>12s}")
    for name, workload in EVALUATION.items():
        few = dataclasses.replace(workload, steps=workload.steps // 10) if a.quick else workload
        found = race(name, few, 2 if a.quick else a.rounds, say, CONTENDERS)
        for contender in CONTENDERS:
            of = found[contender]
            print(f"{workload.title:32s}" + (of.get("skipped") or f"{few.steps / of['steps/s']:10.2f} s    "
                  f"{spread(ratio(found, contender, 'torch')):>20s}{of['MB']:12.0f}"), contender, flush=True)


if __name__ == "__main__":
    main()
