"""A model's own loss on held-out examples, under its honest name."""

import numpy as np

from ..models import Model
from ..training import example_terms
from ..training.signatures import Data
from .ledger import Entry
from .over_examples import ledger, mean_and_error, seen


def evaluate(model: Model, x: Data, *, data: str, split: str = "test", binarization: str | None = None,
             seed: int = 0) -> Entry:
    """The ledger entry of the model's loss on all of x (N, D): -ELBO for a VAE, the distance for an autoencoder.

    In the model's unit per example, from one evaluation of forward (and one draw of the bits, if binarized), by `seed`;
    beta does not enter. x may be Examples, with all that the model is conditioned on. Raises ValueError for x that
    Examples or the model refuses.
    """
    terms = example_terms(model, x, binarization, seed)
    total = np.sum([term.astype(np.float64) for term in terms.values()], axis=0)
    value, error = mean_and_error(total)
    return ledger(model, x, binarization, data=data, split=split, seed=seed)(
        quantity=honest_name(model, model.quantity, seen(x, binarization, seed)[0]["x"]), value=value,
        standard_error=error, unit=model.unit, samples=model.samples,
        parts={name: float(term.mean(dtype=np.float64)) for name, term in terms.items()})


def honest_name(model, quantity, x):
    """The quantity, or what it is instead where the model's -log p(x|z) is no likelihood of this x."""
    flaw = model.flaw(x)
    return f"surrogate {quantity} ({flaw})" if flaw else quantity
