"""Scalar functions that all of the library needs, each written once: none overflows at any x, in float32 or float64.

They work element by element, on x of any shape. They are analytic where they are smooth: every branch depends on the
real part of x alone (np.maximum orders complex numbers by it), so that `prove` can use the complex step.
"""

import numpy as np


def magnitude(x):
    """|x| = max(x, -x), analytic on either side of 0; np.abs is not (of a complex number it is the modulus)."""
    return np.maximum(x, -x)


def sigmoid(x):
    """1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2;  its derivative is sigmoid(x) sigmoid(-x)

    Its absolute error is that of rounding 1: far below 0 it is 0, and log sigmoid(x) = -softplus(-x) keeps more digits.
    """
    return (1 + np.tanh(x / 2)) / 2


def softplus(x):
    """log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|));  its derivative is sigmoid(x)"""
    return np.maximum(x, 0) + np.log1p(np.exp(-magnitude(x)))
