"""Many draws for one example: the rows it takes, and the logarithm of the mean of their weights."""

import math

import numpy as np

from ..core import node
from .log_sum_exp import log_sum_exp

NEGLIGIBLE = 1e-12      # a weight that moves no digit in float32; its products would be subnormal numbers, and slow


@node
def repeat(x, *, k):
    """Every row k times: x (B, Z) -> (B k, Z), the rows of one example side by side.

    The k draws of z for one x share the mu and logvar of x; backward adds their gradients.
    """
    def backward(dy):
        return dy.reshape(-1, k, x.shape[1]).sum(axis=1)

    return x.repeat(k, axis=0), backward


@node
def log_mean_exp(log_w):
    """log 1/k sum_i exp(log w_i), of shape (B,), from log w of shape (B, k).     Burda et al. 2016, eq. (8)

    Its gradient is the normalized weights, w_i / sum_j w_j     (Burda et al. 2016, eq. 14); in float32 those below
    1e-12 are 0.
    """
    log_sum, softmax = log_sum_exp.forward(log_w)

    def backward(dy):
        dlog_w = softmax(dy)
        if dlog_w.dtype != np.float32:
            return dlog_w
        return dlog_w * (abs(dlog_w) > NEGLIGIBLE * abs(dy[:, None]))

    return log_sum - math.log(log_w.shape[1]), backward
