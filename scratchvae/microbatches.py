"""A function of a whole batch, computed a few examples at a time: its intermediate arrays stay in the cache."""

import numpy as np

from .core import Sequential


class MicroBatches(Sequential):
    """The same function as Sequential, computed for `size` examples at a time."""

    def __init__(self, *nodes, size):
        super().__init__(*nodes)
        self.size = size

    def forward(self, x):
        return in_micro_batches(super().forward, x, size=self.size)


def in_micro_batches(forward, x, /, *, size, **constants):
    """forward(x, **constants), computed for `size` examples at a time; on a GPU for all at once.

    A constant that is an array has a row for each example and is divided with them; a number is the same for all.
    No example depends on another (law 6), and gradients accumulate (law 4), so the results are the same up to rounding.
    """
    if len(x) <= size or not isinstance(x, np.ndarray):
        return forward(x, **constants)
    rows = [slice(start, start + size) for start in range(0, len(x), size)]
    ys, backwards = zip(*(forward(x[few], **rows_of(constants, few)) for few in rows), strict=True)

    def backward(*dy):
        dxs = [few_backward(*(d[few] for d in dy)) for few, few_backward in zip(rows, backwards, strict=True)]
        return None if dxs[0] is None else np.concatenate(dxs)

    if isinstance(ys[0], tuple):
        return tuple(np.concatenate(y) for y in zip(*ys, strict=True)), backward
    return np.concatenate(ys), backward


def rows_of(constants, rows):
    """The constants of some examples: these rows of each array, and every number as it is."""
    return {name: c[rows] if getattr(c, "ndim", 0) else c for name, c in constants.items()}
