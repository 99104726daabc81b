"""How cost grows, beside PyTorch's: python -m benchmarks.scaling [WHAT ...] [--rounds N] [--quick] [--out FOLDER]

One thing at a time grows from the MLP of 784-400-20 with batches of 128: hidden units, batch, latents, images. These
lie in a file that is mapped into memory, 784 bytes each; both libraries read from it what a batch needs.
"""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import numpy as np

from .race import ROOT, race, ratio
from .report import machine, spread
from .say import say
from .workloads import CONTROLS

CONTENDERS = "scratchvae", "scratchvae-2", "torch"
LOOKS = {"scratchvae": ("#0072B2", "o", "-"), "scratchvae-2": ("#009E73", "s", "-"),          # Okabe and Ito 2008
         "torch": ("#D55E00", "^", "--")}


def measure(what, n, workload, rounds, contenders=CONTENDERS):
    """One point: {"value": n, "steps": ..., "contenders": what race gives}"""
    found = race(f"{what}-{n}", workload, rounds, say, contenders)
    return {"value": n, "steps": workload.steps, "contenders": found}


def shortened(points):
    """The first two points, a few steps each: to try it, not to tell."""
    return {n: dataclasses.replace(w, steps=w.steps if w.mapped else 10, warm_up=1) for n, w in [*points.items()][:2]}


HEAD = ("contender", "steps/s", "ratio to torch", "peak MB", "ratio to torch")


def rows(what, point):
    """What stands under HEAD for each contender of a point."""
    found = point["contenders"]
    for name in found:
        if "skipped" in found[name]:
            yield str(point["value"]), name, f"skipped: {found[name]['skipped']}"
            continue
        torch = found["torch"].get("MB")
        yield (str(point["value"]), name, f"{found[name]['steps/s']:.1f}", spread(ratio(found, name, "torch")),
               f"{found[name]['MB']:.0f}", f"{found[name]['MB'] / torch:.2f}" if torch else "-")


def markdown(results):
    """All of it as a page."""
    lines = ["# How cost grows", "", *EXPLANATION, "", "![steps/s and memory](scaling.svg)", ""]
    lines += [f"- {name}: {value}" for name, value in results["machine"].items()]
    lines += [f"- command: `{results['command']}`, {results['rounds']} rounds"]
    for what, points in results["points"].items():
        head = what, *HEAD
        lines += ["", f"## {what}", "", f"| {' | '.join(head)} |", "|--:|---|" + "--:|" * (len(head) - 2)]
        lines += [f"| {' | '.join(row)} |" for point in points for row in rows(what, point)]
    return "\n".join(lines) + "\n"


EXPLANATION = (
    "One thing grows, the rest is an MLP VAE of 784-400-20 with batches of 128, float32, Adam. Each contender of each",
    "point is a process of its own; they train in turns, A B C ... C B A; steps/s and ratios are medians over rounds.",
    "Memory is the most that the process ever held, with its workers; pages of the mapped file count, too.",
    "",
    "- scratchvae: `fit`; scratchvae-2: `fit(..., workers=2)`; torch: PyTorch as it comes, `torch.optim.Adam`",
)


def plot(results, path):
    """Steps/s above, memory below, a column for each thing that grows."""
    import matplotlib
    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams |= {"svg.hashsalt": "scaling", "svg.fonttype": "none", "font.size": 9}
    points = results["points"]
    figure, axes = plt.subplots(2, len(points), figsize=(3.1 * len(points), 5.4), squeeze=False, layout="constrained")
    for column, (what, of) in zip(axes.T, points.items(), strict=True):
        for axis, quantity in zip(column, ("steps/s", "MB"), strict=True):
            draw(axis, of, quantity)
            axis.set(xscale="log", yscale="log", xlabel=what, xticks=[p["value"] for p in of])
            axis.set_xticks([p["value"] for p in of], [f"{p['value']:,}".replace(",", " ") for p in of], rotation=45)
            axis.minorticks_off()
            axis.grid(alpha=0.3)
    for axis, label in zip(axes[:, 0], ("steps a second", "peak memory, MB"), strict=True):
        axis.set_ylabel(label)
    figure.suptitle("How cost grows, beside PyTorch's")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(CONTENDERS))
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def draw(axis, points, quantity):
    """A line for each contender, through the points at which it ran."""
    for name, (color, marker, line) in LOOKS.items():
        ran = [(p["value"], found[quantity]) for p in points if quantity in (found := p["contenders"].get(name, {}))]
        axis.plot(*np.array(ran).reshape(-1, 2).T, color=color, marker=marker, linestyle=line, label=name)


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__.split(":")[0])
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"of {', '.join(CONTROLS)}; default: all")
    parser.add_argument("--rounds", type=int, default=5, help="turns of every contender (default: 5)")
    parser.add_argument("--quick", action="store_true", help="two points, few steps, no workers: to try it")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks", help="folder of SCALING.md and scaling.svg")
    a = parser.parse_args()
    if unknown := set(a.what) - set(CONTROLS):
        parser.error(f"WHAT must be one of {', '.join(CONTROLS)}, but is {', '.join(sorted(unknown))}")
    rounds, contenders = (1, ("scratchvae", "torch")) if a.quick else (a.rounds, CONTENDERS)
    results = {"machine": machine(), "command": " ".join(["python -m benchmarks.scaling", *sys.argv[1:]]),
               "rounds": rounds, "points": {}}
    for what in a.what or CONTROLS:
        points = shortened(CONTROLS[what]) if a.quick else CONTROLS[what]
        results["points"][what] = [measure(what, n, workload, rounds, contenders) for n, workload in points.items()]
    write(results, a.out)
    print(markdown(results))


def write(results, folder):
    """scaling.json, SCALING.md and scaling.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scaling.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "SCALING.md").write_text(markdown(results))
    plot(results, folder / "scaling.svg")


if __name__ == "__main__":
    main()
