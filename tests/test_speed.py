"""What the README says of speed is what the benchmark measured."""

import json
from pathlib import Path

from benchmarks.race import ratio

ROOT = Path(__file__).parents[1]


def test_the_words_on_speed_are_the_numbers_of_the_last_benchmark():
    words = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    workloads = json.loads((ROOT / "benchmarks" / "results.json").read_text())["workloads"]
    found = [workload["contenders"] for workload in workloads.values()]

    def span(contender, rival, chosen=found):
        ratios = [ratio(contenders, contender, rival)[0] for contenders in chosen]
        return f"{min(ratios):.2f} to {max(ratios):.2f}"

    others = [workload["contenders"] for name, workload in workloads.items() if name != "mlp-512"]
    least = ratio(workloads["mlp-512"]["contenders"], "scratchvae", "torch")[0]
    memory = [c[ours]["MB"] / c["torch"]["MB"] for c in found for ours in ("scratchvae", "scratchvae-2")]
    assert f"took {span('scratchvae-2', 'torch')} times as many steps a second in the five workloads" in words
    assert f"one process {span('scratchvae', 'torch', others)} times as many in four" in words
    assert f"and {least:.2f} in batches of 512" in words
    assert f"two workers took {span('scratchvae-2', 'torch-tuned')} times as many" in words
    assert f"Memory was {min(memory):.2f} to {max(memory):.2f} of PyTorch's" in words
