"""A bound that gradients know of: a log-variance that may fall, but not run away."""

import numpy as np

from ..core import node


@node
def bounded_below(a, *, low):
    """y = low + softplus(a - low): y > low for every a, y ~ a where a is far above low;  dy/da = sigmoid(a - low)

    a of any shape -> y of the same shape. Smooth, and backward is the derivative of this very bound: clipping in
    forward alone would tell the network of a freedom that it does not have.
    """
    t = np.tanh((a - low) / 2)

    def backward(dy):
        return dy * (1 + t) / 2

    d = a - low
    return low + np.maximum(d, 0) + np.log1p(np.exp(np.minimum(d, -d))), backward
