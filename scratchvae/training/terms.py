"""The terms of a model's loss: over a whole set, and their weights in training."""

import functools
import math

import numpy as np

from ..backend import on_host, to_host
from ..core import Module
from ..datasets import Examples
from ..microbatches import rows_of
from ..seeds import TEST, generator
from .pieces import ROWS, by_threads, slices, threads_for_pieces
from .signatures import Data


def example_terms(model: Module, x: Data, binarization: str | None = None, seed: int = 0, batch_size: int = 500,
                  y: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """{term: (N,)}: the terms of each example of x, with one draw per example, by `seed`; no parameter changes.

    x is an Examples, or a bare array with its labels y and its binarization ("dynamic" and "static": drawn once). Bits
    and noise are drawn for `batch_size` examples at a time, in order; threads compute the terms, a piece each.
    """
    examples = Examples.of(x, y=y, binarization=binarization)
    rng = generator(seed, TEST, like=examples.x)
    examples, rows = examples.drawn(rng), rows_of_a_piece(model, examples.x, batch_size)
    columns = {name: [] for terms in model.turns.values() for name in terms}
    pieces = pieces_of(model, examples, rng, batch_size, rows)
    for found in by_threads(functools.partial(terms_of, model), pieces, threads_for_pieces(examples.x, rows)):
        for name, term in found.items():
            columns[name].append(term)
    return {name: to_host(np.concatenate(column)) for name, column in columns.items()}


def pieces_of(model, examples, rng, batch_size, rows):
    """(method, constants) of each turn and each `rows` examples, drawn in the order of the batches."""
    for batch_rows in slices(len(examples), batch_size):
        batch = examples.batch(batch_rows, rng)
        for method in model.turns:
            constants = batch | model.noise(batch["x"], rng)
            for few in slices(len(batch["x"]), rows):
                yield method, rows_of(constants, few)


def terms_of(model, method, constants):
    """{term: (B,)} of one turn."""
    return dict(zip(model.turns[method], getattr(model, method)(**constants)[0], strict=True))


def rows_of_a_piece(model, x, batch_size):
    """How many examples are computed at a time: all that are drawn where they depend on each other, or on a GPU."""
    if model.coupled or not on_host(x):
        return batch_size
    return max(1, min(batch_size, ROWS // max(1, model.samples)))


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
