"""The numbers to quote, beside those of the papers: reproduced by one command, from configurations and seeds.

    python -m scratchvae results        trains PAPERS of experiments.py, measures L_5000, keeps all in data/trained/
"""

import dataclasses
from pathlib import Path

from ..datasets import LEVELS, load, pixels
from ..evaluation import Entry, active_units, evaluate_bound
from .experiments import PAPERS, Experiment, Outcome, run
from .trained import recall

PUBLISHED = {         # -L_5000 in nats per image, and its source
    "12_mnist_vae": (86.76, "Burda et al. 2016, table 1"),
    "12_mnist_iwae5": (85.54, "Burda et al. 2016, table 1"),
}


def measure(experiment: Experiment, folder: str | Path | None = None, draws: int = 5000,
            progress: bool = False) -> tuple[Outcome, dict]:
    """Train, and measure -L_draws on the whole test set; -> (Outcome, its facts as JSON can hold them)."""
    e, outcome = experiment, run(experiment, folder, progress)
    x_test, model = pixels(load(e.data).x_test, LEVELS[e.data]), outcome.model()
    setting = {"binarization": e.binarization, "seed": e.seed}
    entry = evaluate_bound(model, x_test, draws, data=e.data, progress=progress, **setting)
    return outcome, {"experiment": dataclasses.asdict(e), "records": outcome.records,
                     "bound": dataclasses.asdict(entry), "active": active_units(model, x_test, **setting).count}


def table() -> str:
    """The kept results as a Markdown table."""
    lines = ["| network | data | loss | epochs | nats an image | published -L_5000 | higher by | active latents |",
             "|---|---|---|---|---|---|---|---|"]
    return "\n".join([*lines, *(row(e.name, recall(e.name)) for e in PAPERS)])


def row(name, facts):
    """The row of one experiment in the table."""
    e, entry = facts["experiment"], Entry(**facts["bound"])
    value, source = PUBLISHED.get(name, (None, ""))
    published, gap = (f"{value:.2f} ({source})", f"{entry.value - value:.2f}") if value else ("", "")
    widths = "-".join(map(str, [784, *e["hidden"], e["n_latents"]]))
    loss = f"IWAE, k = {e['k']}" if e["k"] > 1 else "VAE"
    return (f"| {widths}, {e['activation']} | {e['data']}, {e['binarization']} binarization | {loss} | {e['epochs']} | "
            f"{entry.quantity} = {entry.value:.2f} +- {entry.standard_error:.2f} | {published} | {gap} | "
            f"{facts['active']} of {e['n_latents']} |")
