"""Activations, element by element: x of any shape -> y of the same shape."""

import numpy as np

from .. import functions
from ..core import node


@node
def relu(x):
    """y = max(x, 0).     Nair & Hinton 2010"""
    y = np.maximum(x, 0)

    def backward(dy):
        return dy * (y > 0)

    return y, backward


@node
def elu(x):
    """y = x where x > 0, exp(x) - 1 elsewhere.     Clevert et al. 2016, eq. (15) with alpha = 1"""
    negative = np.minimum(x, 0)

    def backward(dy):
        return dy * np.exp(negative)

    return np.maximum(x, 0) + np.expm1(negative), backward


@node
def tanh(x):
    """y = tanh(x);  dy/dx = 1 - y^2"""
    y = np.tanh(x)

    def backward(dy):
        return dy * (1 - y * y)

    return y, backward


@node
def sigmoid(x):
    """y = 1 / (1 + exp(-x));  dy/dx = y (1 - y)"""
    y = functions.sigmoid(x)

    def backward(dy):
        return dy * y * (1 - y)

    return y, backward


@node
def softplus(x):
    """y = log(1 + exp(x));  dy/dx = sigmoid(x)"""

    def backward(dy):
        return dy * functions.sigmoid(x)

    return functions.softplus(x), backward
