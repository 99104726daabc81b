"""Examples as a model sees them, and the posterior's means and variances for all of them."""

import functools
import math

import numpy as np

from ..datasets import Examples
from ..seeds import TEST, generator
from ..training.pieces import ROWS, by_threads, threads_for_pieces
from .ledger import Entry


def seen(x, binarization, seed):
    """({"x": x, its bits drawn once if it is binarized, and its condition}, the generator after that draw).

    x is Examples, or a bare array with its binarization. The draws are those of `example_terms`.
    """
    rng = generator(seed, TEST)
    arrays = Examples.of(x, binarization=binarization).drawn(rng).arrays
    return arrays | {"x": arrays["x"][:]}, rng                  # Pixels become floats here


def ledger(model, x, binarization, **facts):
    """Entry with the fields that all numbers about a model on these examples share; facts: data, split and seed."""
    examples = Examples.of(x, binarization=binarization)
    return functools.partial(Entry, likelihood=model.describe(), images=len(examples),
                             binarization=examples.binarization, **facts)


def batches(constants, size=ROWS):
    """The constants of `size` examples at a time."""
    for start in range(0, len(constants["x"]), size):
        yield {name: c[start:start + size] for name, c in constants.items()}


def in_batches(function, constants):
    """function(x, **condition) of all examples, (N, ...), a few of them at a time, shared by threads."""
    return columns(lambda few: (function(**few),), ((few,) for few in batches(constants)), constants["x"])[0]


def encodings(model, constants):
    """(mu, logvar) of q(z|x) for all examples, each (N, Z), in float64."""
    found = columns(lambda few: model.encode(**few), ((few,) for few in batches(constants)), constants["x"])
    return tuple(column.astype(np.float64) for column in found)


def posterior_means(model, constants, rng, draws=100):
    """E[z|x] of all examples, (N, Z): mu of a diagonal Gaussian, the mean of `draws` draws of another posterior."""
    if hasattr(model.posterior, "encode"):
        return encodings(model, constants)[0]

    def mean(few, eps):
        z = model.posterior(few.pop("x"), eps, **few)[0]
        return (z.reshape(*eps.shape[:2], -1).mean(axis=1, dtype=np.float64),)

    pieces = ((few, rng.standard_normal((len(few["x"]), draws, model.n_latents), few["x"].dtype))
              for few in batches(constants, size=20))
    return columns(mean, pieces, constants["x"])[0]


def columns(function, pieces, x):
    """The arrays that function(*piece) returns, each of all pieces; threads share them where x is large enough."""
    return [np.concatenate(column) for column in
            zip(*by_threads(function, pieces, threads_for_pieces(x, ROWS)), strict=True)]


def mean_and_error(values):
    """The mean of values (N,) and its standard error over them; nan for a single one."""
    values = np.asarray(values, np.float64)
    error = values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(error)
