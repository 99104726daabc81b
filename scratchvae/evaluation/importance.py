"""The importance-weighted bound with any number of draws, in memory that does not grow with them."""

import functools
from typing import NamedTuple

import numpy as np
from tqdm.auto import tqdm

from ..checks import require_positive
from ..microbatches import rows_of
from ..models import LatentModel
from ..training.pieces import ROWS, by_threads, slices, threads_for_pieces
from ..training.signatures import Data
from .elbo import honest_name
from .ledger import Entry
from .over_examples import ledger, mean_and_error, seen

BLOCK, DRAWS = 2000, 100     # rows of noise that are drawn at a time; of these for one image, at most


class Weights(NamedTuple):
    """Of each image: bound (N,), L_k in nats; ess (N,), the effective sample size, between 1 and k."""

    bound: np.ndarray
    ess: np.ndarray


def importance_weights(model: LatentModel, x: Data, k: int, *, binarization: str | None = None, seed: int = 0,
                       progress: bool = False) -> Weights:
    """L_k = log 1/k sum_i w_i,  w_i = p(x, z_i) / q(z_i|x),  and  ESS = (sum_i w_i)^2 / sum_i w_i^2, of x (N, D).

    One estimate of each for each image, from k draws of z; E L_k <= log p(x), and it rises with k (Burda et al. 2016,
    theorem 1). The effective sample size: Kong 1992. Threads share the draws, and sum_i w_i and sum_i w_i^2 grow with
    each few of them, divided by the largest weight so far: so memory does not grow with k. Raises ValueError unless
    k > 0, and for x that Examples refuses.
    """
    require_positive(k=k)
    constants, rng = seen(x, binarization, seed)
    n, threads = len(constants["x"]), threads_for_pieces(constants["x"], ROWS)
    bar = functools.partial(tqdm, disable=None if progress else True, unit="batch")
    drawn = pieces(model, constants, k, rng, BLOCK if threads == 1 else ROWS, bar)
    largest, total, squares = np.full(n, -np.inf), np.zeros(n), np.zeros(n)
    for rows, log_w in by_threads(functools.partial(weigh, model), drawn, threads):
        before, largest[rows] = largest[rows].copy(), np.maximum(largest[rows], log_w.max(axis=1))
        w, shrunk = np.exp(log_w - largest[rows, None]), np.exp(before - largest[rows])
        total[rows] = total[rows] * shrunk + w.sum(axis=1)
        squares[rows] = squares[rows] * shrunk**2 + (w * w).sum(axis=1)
    return Weights(largest + np.log(total / k), total**2 / squares)


def pieces(model, constants, k, rng, size, bar):
    """(images, their constants, eps (B, draws, Z)), B draws <= size; a BLOCK of eps is drawn at a time, in order."""
    draws = min(k, DRAWS)
    for block in bar(slices(len(constants["x"]), BLOCK // draws)):
        for done in range(0, k, DRAWS):
            shape = block.stop - block.start, min(DRAWS, k - done), model.n_latents
            eps = rng.standard_normal(shape, constants["x"].dtype)
            for few in slices(len(eps), max(1, size // draws)):
                images = slice(block.start + few.start, block.start + few.stop)
                yield images, rows_of(constants, images), eps[few]


def weigh(model, images, constants, eps):
    """The images, and log w of their draws in float64, (B, draws)."""
    return images, model.log_weights(eps, **constants)[0].astype(np.float64)


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
