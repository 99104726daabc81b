"""A bound that gradients know of: a log-variance that may fall, but not run away."""

import numpy as np

from ..core import node
from ..functions import magnitude, sigmoid, softplus


@node
def bounded_below(a, *, low):
    """y = low + softplus(a - low): y > low for every a, y ~ a where a is far above low;  dy/da = sigmoid(a - low)

    a of any shape -> y of the same shape. Smooth, and backward is the derivative of this very bound: clipping in
    forward alone would tell the network of a freedom that it does not have.
    """
    d = a - low

    def backward(dy):
        return dy * sigmoid(d)

    return low + np.maximum(d, 0) + softplus(-magnitude(d)), backward       # the terms of softplus(d), one by one
