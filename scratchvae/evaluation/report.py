"""Everything that is measured of a trained model, each number with its ledger, as a table and as JSON."""

import functools
import math
from typing import NamedTuple

import numpy as np

from ..models import IWAE, VAE
from ..probability import SquaredError
from .active_units import active_units
from .elbo import evaluate, honest_name
from .frechet import frechet_distance, frechet_floor
from .held_out import as_seen, mean_and_error
from .importance import importance_weights
from .ledger import Entry, describe
from .rate_distortion import rate_distortion

PICTURES = 9       # the purpose of the generator default_rng([seed, PICTURES])


def report(model, x, *, data, split="test", binarization="none", samples=100, seed=0, features=None):
    """Entries of all that is known of a model on all of x (N, D), in the memory of a few thousand images.

    samples    k of L_k, the draws of z an image
    features   images (N, D) -> (N, F), for the Frechet distance, of at least 4 images; None: without it
    An autoencoder has its distance and its reconstruction error. Bits, where the model sees bits, are the same in all.
    """
    ledger = functools.partial(Entry, data=data, split=split, images=len(x), binarization=binarization, seed=seed,
                               likelihood=describe(model.likelihood) if isinstance(model, VAE) else "")
    about = Subject(model, x, binarization, seed, ledger)
    loss = functools.partial(evaluate, x=x, data=data, split=split, binarization=binarization, seed=seed)
    if not isinstance(model, VAE):
        return [loss(model), reconstruction_error(about)]
    entries = [loss(VAE(model.encoder, model.decoder, model.n_latents, model.likelihood))]
    entries += [loss(model)] if isinstance(model, IWAE) and model.k != samples else []       # once is enough
    entries += [] if isinstance(model.likelihood, SquaredError) else importance(about, samples)
    entries += [*information(about), active(about), reconstruction_error(about)]
    return entries + (frechet(about, features) if features and len(x) >= 4 else [])


class Subject(NamedTuple):
    """What is looked at, and the ledger that every number about it shares."""

    model: object
    x: np.ndarray
    binarization: str
    seed: int
    ledger: functools.partial


def importance(about, k):
    """-L_k, and how many of the k draws count."""
    model, x, binarization, seed, ledger = about
    weights = importance_weights(model, x, k, binarization=binarization, seed=seed, progress=True)
    bound, bound_error = mean_and_error(-weights.bound)
    ess, ess_error = mean_and_error(weights.ess)
    return [ledger(quantity=honest_name(f"-L_{k}", model.likelihood, x, binarization), value=bound,
                   standard_error=bound_error, unit="nats", samples=k),
            ledger(quantity="effective sample size", value=ess, standard_error=ess_error, unit="draws", samples=k)]


def information(about):
    """Distortion and rate, and what the rate is made of."""
    model, x, binarization, seed, ledger = about
    terms = rate_distortion(model, x, binarization, seed)
    names = {"distortion": "distortion", "rate": "rate", "marginal_kl": "KL of the aggregate posterior",
             "mutual_information": f"mutual information of x and z, at most log N = {math.log(len(x)):.2f}"}
    entries = []
    for term, name in names.items():
        value, error = terms.mean(term)
        entries.append(ledger(quantity=name, value=value, standard_error=error, samples=0 if term == "rate" else 1,
                              unit=model.likelihood.unit if term == "distortion" else "nats"))
    return entries


def active(about):
    """How many latents move with x."""
    model, x, binarization, seed, ledger = about
    units = active_units(model, x, binarization, seed)
    return ledger(quantity="active units", value=float(units.count), standard_error=np.nan, samples=0,
                  unit=f"of {len(units.variances)} latents", per="")


def reconstruction_error(about, batch_size=500):
    """|x - E[x|z]|^2 at z = mu(x), or of an autoencoder's output: x as the model sees it, nothing corrupted."""
    model, x, binarization, seed, ledger = about
    x, _ = as_seen(x, binarization, seed)
    batches = (x[start:start + batch_size] for start in range(0, len(x), batch_size))
    value, error = mean_and_error(np.concatenate([((rows - model.reconstruct(rows)) ** 2).sum(axis=1)
                                                  for rows in batches]))
    return ledger(quantity="reconstruction error at mu" if isinstance(model, VAE) else "reconstruction error",
                  value=value, standard_error=error, unit="squared pixels", samples=0)


def frechet(about, features):
    """Of N / 2 means E[x|z], z ~ p(z), from N / 2 grey images x; and of these from the other half: the floor."""
    model, x, _, seed, ledger = about
    rng, n = np.random.default_rng([seed, PICTURES]), len(x) // 2
    real, z = features(x), rng.standard_normal((n, model.n_latents), x.dtype)
    made = features(np.concatenate([model.decode(z[start:start + 500]) for start in range(0, n, 500)]))
    distances = {f"Frechet distance of {n} mean images, on a classifier's features":
                 frechet_distance(made, real[rng.permutation(len(x))[:n]]),
                 f"its floor, {n} images from {n} others": frechet_floor(real, n, rng)}
    return [ledger(quantity=name, value=value, standard_error=np.nan, unit="squared units", per="", samples=0)
            for name, value in distances.items()]


def as_json(entries):
    """A JSON array, one entry a line."""
    return "[\n" + ",\n".join(entry.to_json() for entry in entries) + "\n]\n"


def as_table(entries):
    """A table in Markdown, under a line that says what all its numbers share."""
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
