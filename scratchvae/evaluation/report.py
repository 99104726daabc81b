"""Everything that is measured of a trained model, each number as a ledger entry, as a table and as JSON."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..datasets import Examples
from ..models import Model
from ..seeds import PICTURES, generator
from ..training.signatures import Data
from .active_units import active_units
from .elbo import evaluate, honest_name
from .frechet import frechet_distance, frechet_floor
from .importance import importance_weights
from .ledger import Entry
from .over_examples import in_batches, ledger, mean_and_error, seen
from .rate_distortion import rate_distortion


def report(model: Model, x: Data, *, data: str, split: str = "test", binarization: str | None = None,
           samples: int = 100, seed: int = 0,
           features: Callable[[np.ndarray], np.ndarray] | None = None) -> list[Entry]:
    """A list of ledger entries, all that is measured of a model on x (N, D), in the memory of a few thousand images.

    samples    k of L_k, the draws of z per image
    features   images (N, D) -> (N, F), for the Frechet distance, which needs at least 4 images; None: without it

    What is measured depends on what the model can answer. Every model has its loss; one that reconstructs, the error of
    that; a latent-variable model, bounds, rate and distortion, active units, new images. Bits, where the model sees
    bits, are the same in all. Raises ValueError for x that Examples or the model refuses.
    """
    constants, _ = seen(x, binarization, seed)
    entry = ledger(model, x, binarization, data=data, split=split, seed=seed)
    about = Subject(model, x, constants, binarization, seed, entry)
    loss = functools.partial(evaluate, x=x, data=data, split=split, binarization=binarization, seed=seed)
    entries = [loss(model)]
    if hasattr(model, "log_weights"):
        own = [] if model.one_draw is model or model.samples == samples else entries             # once is enough
        entries = [loss(model.one_draw), *own, *importance(about, samples), *information(about), active(about)]
    if hasattr(model, "reconstruct"):
        entries.append(reconstruction_error(about))
    if hasattr(model, "log_weights") and features and len(x) >= 4:
        entries += frechet(about, features)
    return entries


class Subject(NamedTuple):
    """What is measured, and the ledger fields that all numbers about it share."""

    model: object
    x: np.ndarray
    constants: dict            # x and its condition, as the model sees them
    binarization: str
    seed: int
    entry: functools.partial   # ledger(...)


def importance(about, k):
    """-L_k, and the effective sample size of the k draws; nothing where there is no p(x)."""
    model, x, constants, binarization, seed, entry = about
    if not model.observation.is_density:
        return []
    weights = importance_weights(model, x, k, binarization=binarization, seed=seed, progress=True)
    bound, bound_error = mean_and_error(-weights.bound)
    ess, ess_error = mean_and_error(weights.ess)
    return [entry(quantity=honest_name(model, f"-L_{k}", constants["x"]), value=bound,
                  standard_error=bound_error, unit="nats", samples=k),
            entry(quantity="effective sample size", value=ess, standard_error=ess_error, unit="draws", samples=k)]


def information(about):
    """Distortion and rate, and the two terms of the rate where they are known."""
    model, x, _, binarization, seed, entry = about
    terms = rate_distortion(model, x, binarization, seed)
    names = {"distortion": "distortion", "rate": "rate", "marginal_kl": "KL of the aggregate posterior",
             "mutual_information": f"mutual information of x and z, at most log N = {math.log(len(x)):.2f}"}
    entries = []
    for term, name in names.items():
        if getattr(terms, term) is not None:
            value, error = terms.mean(term)
            entries.append(entry(quantity=name, value=value, standard_error=error, samples=0 if term == "rate" else 1,
                                 unit=model.observation.unit if term == "distortion" else "nats"))
    return entries


def active(about):
    """How many latents the model uses."""
    model, x, _, binarization, seed, entry = about
    units = active_units(model, x, binarization, seed)
    return entry(quantity="active units", value=float(units.count), standard_error=np.nan, samples=0,
                 unit=f"of {len(units.variances)} latents", per="")


def reconstruction_error(about):
    """|x - E[x|z]|^2 at z = mu(x), or of an autoencoder's output; x is as the model sees it, and not corrupted."""
    model, constants = about.model, about.constants

    def error_of(x, **condition):
        return ((x - model.reconstruct(x, **condition)) ** 2).sum(axis=1)

    value, error = mean_and_error(in_batches(error_of, constants))
    return about.entry(quantity=f"reconstruction error{' at mu' if hasattr(model, 'log_weights') else ''}",
                       value=value, standard_error=error, unit="squared pixels", samples=0)


def frechet(about, features):
    """The distance of N / 2 means E[x|z], z ~ p(z), from N / 2 grey images x; and that of two halves of x."""
    model, x, constants, _, seed, entry = about
    rng, n = generator(seed, PICTURES), len(x) // 2
    condition = {name: c[:n] for name, c in constants.items() if name != "x"}
    real, z = features(Examples.of(x).x[:]), model.prior.sample(n, rng, constants["x"].dtype, **condition)
    made = features(in_batches(lambda x, **condition: model.decode(x, **condition), {"x": z, **condition}))
    distances = {f"Frechet distance of {n} mean images, on a classifier's features":
                 frechet_distance(made, real[rng.permutation(len(x))[:n]]),
                 f"its floor, {n} images from {n} others": frechet_floor(real, n, rng)}
    return [entry(quantity=name, value=value, standard_error=np.nan, unit="squared units", per="", samples=0)
            for name, value in distances.items()]


def as_json(entries: Sequence[Entry]) -> str:
    """The entries as a JSON array, one per line."""
    return "[\n" + ",\n".join(entry.to_json() for entry in entries) + "\n]\n"


def as_table(entries: Sequence[Entry]) -> str:
    """The entries as a table in Markdown, under a line with what all of them share."""
    e = entries[0]
    likelihood = f", likelihood {e.likelihood}" if e.likelihood else ""
    shared = f"{e.data} {e.split}, {e.images} images, binarization {e.binarization}{likelihood}, seed {e.seed}"
    rows = [("quantity", "value", "+-", "unit", "samples"), ("---", "--:", "--:", "---", "--:")]
    for e in entries:
        rows.append((e.quantity, f"{e.value:.2f}", "" if np.isnan(e.standard_error) else f"{e.standard_error:.2f}",
                     f"{e.unit} {e.per}".strip(), f"{e.samples or ''}"))
        rows += [(f"... {name}", f"{value:.2f}", "", "", "") for name, value in e.parts.items() if len(e.parts) > 1]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return f"{shared}\n\n" + "".join(f"| {line} |\n" for line in lines)
