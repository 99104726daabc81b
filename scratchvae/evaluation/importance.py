"""The importance-weighted bound with any number of draws, in memory that does not grow with them."""

from typing import NamedTuple

import numpy as np
from tqdm.auto import tqdm

from ..checks import require_positive
from ..models import LatentModel
from ..signatures import Data
from .elbo import honest_name
from .held_out import batches, ledger, mean_and_error, seen
from .ledger import Entry

ROWS, DRAWS = 2000, 100      # rows that go through the decoder at a time; of these for one image, at most


class Weights(NamedTuple):
    """Of each image: bound (N,), L_k in nats; ess (N,), the effective sample size, between 1 and k."""

    bound: np.ndarray
    ess: np.ndarray


def importance_weights(model: LatentModel, x: Data, k: int, *, binarization: str | None = None, seed: int = 0,
                       progress: bool = False) -> Weights:
    """L_k = log 1/k sum_i w_i,  w_i = p(x, z_i) / q(z_i|x),  and  ESS = (sum_i w_i)^2 / sum_i w_i^2, of x (N, D).

    One estimate of each for each image, from k draws of z; E L_k <= log p(x), and it rises with k (Burda et al. 2016,
    theorem 1). The effective sample size: Kong 1992. At most ROWS rows of the decoder's output are in memory. Raises
    ValueError unless k > 0, and for x that Examples refuses.
    """
    require_positive(k=k)
    constants, rng = seen(x, binarization, seed)
    step = ROWS // min(k, DRAWS)
    columns = zip(*(weights_of_batch(model, few, k, rng)
                    for few in tqdm(list(batches(constants, step)), disable=None if progress else True, unit="batch")),
                  strict=True)
    return Weights(*(np.concatenate(column) for column in columns))


def weights_of_batch(model, constants, k, rng):
    """(L_k, ESS) of a few images: running sums of w_i and w_i^2, each divided by the largest weight so far."""
    x = constants["x"]
    largest, total, squares = np.full(len(x), -np.inf), np.zeros(len(x)), np.zeros(len(x))
    for done in range(0, k, DRAWS):
        eps = rng.standard_normal((len(x), min(DRAWS, k - done), model.n_latents), x.dtype)
        log_w = model.log_weights(eps, **constants)[0].astype(np.float64)
        before, largest = largest, np.maximum(largest, log_w.max(axis=1))
        w, shrunk = np.exp(log_w - largest[:, None]), np.exp(before - largest)
        total = total * shrunk + w.sum(axis=1)
        squares = squares * shrunk**2 + (w * w).sum(axis=1)
    return largest + np.log(total / k), total**2 / squares


def evaluate_bound(model: LatentModel, x: Data, k: int, *, data: str, split: str = "test",
                   binarization: str | None = None, seed: int = 0, progress: bool = False) -> Entry:
    """The ledger entry of -L_k on all of x (N, D), in the model's unit per image, with its standard error over them.

    Raises ValueError as `importance_weights` does.
    """
    bound, _ = importance_weights(model, x, k, binarization=binarization, seed=seed, progress=progress)
    value, error = mean_and_error(-bound)
    return ledger(model, x, binarization, data=data, split=split, seed=seed)(
        quantity=honest_name(model, f"-L_{k}", seen(x, binarization, seed)[0]["x"]), value=value,
        standard_error=error, unit=model.unit, samples=k)
