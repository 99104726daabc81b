"""Minibatches: the examples in a random order, a few at a time."""

from collections.abc import Iterator

import numpy as np


def minibatches(n: int, batch_size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Index arrays that together hold 0..n-1 once, in a random order; the last may be shorter than batch_size.

    Raises ValueError unless batch_size >= 1.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, but is {batch_size}")
    order = rng.permutation(n)
    return (order[start : start + batch_size] for start in range(0, n, batch_size))
