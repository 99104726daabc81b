"""The terms of a model's loss: over a whole set, and their weights in training."""

import math

import numpy as np

from ..backend import to_host
from ..core import Module
from ..datasets import Examples
from ..seeds import TEST, generator
from ..signatures import Data


def example_terms(model: Module, x: Data, binarization: str | None = None, seed: int = 0, batch_size: int = 500,
                  y: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """{term: (N,)}: the terms of each example of x, with one draw per example, by `seed`; no parameter changes.

    x is an Examples, or a bare array with its labels y and its binarization ("dynamic" and "static": drawn once).
    """
    examples = Examples.of(x, y=y, binarization=binarization)
    rng = generator(seed, TEST, like=examples.x)
    examples = examples.drawn(rng)
    columns = {name: [] for terms in model.turns.values() for name in terms}
    for start in range(0, len(examples), batch_size):
        batch = examples.batch(slice(start, start + batch_size), rng)
        for method, names in model.turns.items():
            terms, _ = getattr(model, method)(**batch, **model.noise(batch["x"], rng))
            for name, term in zip(names, terms, strict=True):
                columns[name].append(term)
    return {name: to_host(np.concatenate(column)) for name, column in columns.items()}


def mean_terms(model: Module, x: Data, binarization: str | None = None, seed: int = 0,
               y: np.ndarray | None = None) -> dict[str, float]:
    """{term: its mean over all examples of x}, of what example_terms gives."""
    return {name: float(term.mean(dtype=np.float64)) for name, term in
            example_terms(model, x, binarization, seed, y=y).items()}


def term_weights(terms, weights):
    """{term: a number, or a schedule of the step} for each of the terms, 1.0 where none is given.

    Raises ValueError for the weight of an unknown term, or one that is neither.
    """
    given = weights or {}
    if unknown := given.keys() - set(terms):
        raise ValueError(f"weights may name {', '.join(terms)}, but names {', '.join(sorted(unknown))}")
    for name, w in given.items():
        if not callable(w) and not (isinstance(w, (int, float, np.number)) and math.isfinite(w)):
            raise ValueError(f"weights of {name} must be a number or a schedule, but is {w!r}")
    return {name: w if callable(w := given.get(name, 1.0)) else float(w) for name in terms}
