"""A data set as a model sees it, and what its encoder says of all of it."""

import math

import numpy as np

from ..datasets import binarize_once
from ..training.terms import TEST


def as_seen(x, binarization, seed):
    """(x with its bits drawn, once, if binarized; the generator that goes on): the draws of `example_terms`."""
    rng = np.random.default_rng([seed, TEST])
    return binarize_once(x, "none" if binarization == "none" else "static", rng), rng


def encodings(model, x, batch_size=500):
    """(mu, logvar) of q(z|x) for all of x (N, D), each (N, Z), in float64; `batch_size` images at a time."""
    pairs = (model.encode(x[start:start + batch_size]) for start in range(0, len(x), batch_size))
    return tuple(np.concatenate(column).astype(np.float64) for column in zip(*pairs, strict=True))


def mean_and_error(values):
    """The mean of values (N,) and its standard error over them; nan for a single one."""
    values = np.asarray(values, np.float64)
    error = values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(error)
