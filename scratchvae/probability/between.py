"""A smooth bound on both sides, for numbers that must stay in a range, such as the pixels of a pseudo-input."""

import numpy as np

from ..core import node
from ..functions import sigmoid


@node
def bounded_between(a, *, low, high):
    """y = low + (high - low) sigmoid(a): low < y < high for every a;  dy/da = (y - low) (high - y) / (high - low)

    a of any shape -> y of the same shape. Unlike a clip (hardtanh), whose gradient is 0 outside the range, it lets
    every entry learn from wherever it is.
    """
    share = sigmoid(a)

    def backward(dy):
        return dy * (high - low) * share * (1 - share)

    return low + (high - low) * share, backward


def unbounded(y, *, low, high):
    """The a of y = bounded_between(a); y at the bounds, where a is infinite, is moved 1/100 of the range inside.

    ValueError for a y outside.
    """
    if not (y.min() >= low and y.max() <= high):
        raise ValueError(f"what is to stay between {low} and {high} must start there, but runs from {y.min()} to "
                         f"{y.max()}")
    share = np.clip((y - low) / (high - low), 0.01, 0.99)
    return np.log(share / (1 - share))
