"""A smooth lower bound, for a log-variance that must not fall without limit."""

import numpy as np

from ..core import node
from ..functions import magnitude, sigmoid, softplus


@node
def bounded_below(a, *, low):
    """y = low + softplus(a - low): y > low for every a, y ~ a where a is far above low;  dy/da = sigmoid(a - low)

    a of any shape -> y of the same shape. backward is the derivative of this very bound; of a clip in forward alone it
    would be that of another function.
    """
    d = a - low

    def backward(dy):
        return dy * sigmoid(d)

    return low + np.maximum(d, 0) + softplus(-magnitude(d)), backward       # the terms of softplus(d), added in turn
