"""The bound on held-out images, and its honest name."""

import math

import numpy as np

from ..models import VAE
from ..probability import Bernoulli, SquaredError
from ..training import example_terms
from .ledger import Entry, describe


def evaluate(model, x, *, data, split="test", binarization="none", seed=0):
    """The ledger entry of the model's loss on all of x (N, D): -ELBO for a VAE, the distance for an autoencoder.

    One draw of z an image (and of the pixels, if binarized), from `seed`; beta does not enter.
    """
    terms = example_terms(model, x, binarization, seed)
    total = np.sum([term.astype(np.float64) for term in terms.values()], axis=0)
    measure = model.likelihood if isinstance(model, VAE) else model.distance
    return Entry(quantity=name_of(model, measure, x, binarization), value=float(total.mean()),
                 standard_error=float(total.std(ddof=1) / math.sqrt(len(total))) if len(total) > 1 else math.nan,
                 parts={name: float(term.mean(dtype=np.float64)) for name, term in terms.items()},
                 unit=unit_of(model, measure), likelihood=describe(measure) if isinstance(model, VAE) else "",
                 data=data, split=split, images=len(x), binarization=binarization,
                 samples=1 if isinstance(model, VAE) else 0, seed=seed)


def name_of(model, measure, x, binarization):
    """What the sum of the model's terms is: a bound only where every term is a log-density."""
    grey = isinstance(measure, Bernoulli) and binarization == "none" and bool(((x > 0) & (x < 1)).any())
    if not isinstance(model, VAE):
        return "cross-entropy" if isinstance(measure, Bernoulli) else "squared error"
    if isinstance(measure, SquaredError):
        return "surrogate (squared error + KL, neither a likelihood nor a bound)"
    return "surrogate -ELBO (cross-entropy of grey pixels, no likelihood)" if grey else "-ELBO"


def unit_of(model, measure):
    """The unit of the sum of the model's terms."""
    return f"{measure.unit} + nats" if isinstance(model, VAE) and measure.unit != "nats" else measure.unit
