"""The pictures of a run: those after each epoch, and those of the trained model."""

import copy

import numpy as np

from .. import plots
from ..backend import to_host


def after_epoch(model, x):
    """picture(record): the figure of a few images x and what the model makes of them after that epoch."""
    def picture(record):
        here = to_host(copy.deepcopy(model))                    # wherever it goes on learning
        return plots.reconstructions(here, to_host(x), f"After epoch {record['epoch']}")

    return picture


def draw_run(model, x_test, records, unit, seed, folder):
    """Draw every picture that the model can give into the folder; their paths."""
    figures = {"reconstructions": plots.reconstructions(model, x_test[:16]),
               "learning": plots.learning_curves(records, unit=unit)}
    if hasattr(model, "sample") and model.observation.is_density:
        figures["samples"] = plots.samples(model, np.random.default_rng(seed))
        if model.n_latents == 2:
            figures["manifold"] = plots.manifold(model)
    paths = [folder / f"{name}.png" for name in figures]
    for path, figure in zip(paths, figures.values(), strict=True):
        figure.savefig(path, dpi=120)
    return paths
