"""The bound on held-out images, and its honest name."""

import math

import numpy as np

from ..models import IWAE, VAE
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
                 samples=samples_of(model), seed=seed)


def name_of(model, measure, x, binarization):
    """What the sum of the model's terms is called."""
    if not isinstance(model, VAE):
        return "cross-entropy" if isinstance(measure, Bernoulli) else "squared error"
    return honest_name(f"-L_{model.k}" if isinstance(model, IWAE) else "-ELBO", measure, x, binarization)


def honest_name(bound, likelihood, x, binarization):
    """The name of the bound, or what it is instead: it is a bound only where the likelihood is a density of this x."""
    grey = isinstance(likelihood, Bernoulli) and binarization == "none" and bool(((x > 0) & (x < 1)).any())
    if isinstance(likelihood, SquaredError):
        return ("surrogate (squared error + KL, neither a likelihood nor a bound)" if bound == "-ELBO" else
                f"surrogate {bound} (squared error in place of nats, neither a likelihood nor a bound)")
    return f"surrogate {bound} (cross-entropy of grey pixels, no likelihood)" if grey else bound


def samples_of(model):
    """The draws of z for each image."""
    return model.k if isinstance(model, IWAE) else 1 if isinstance(model, VAE) else 0


def unit_of(model, measure):
    """The unit of the sum of the model's terms."""
    return f"{measure.unit} + nats" if isinstance(model, VAE) and measure.unit != "nats" else measure.unit
