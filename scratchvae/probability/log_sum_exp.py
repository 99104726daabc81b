"""The logarithm of a sum, of which only the logarithms of the terms are known."""

import numpy as np

from ..core import node


@node
def log_sum_exp(a):
    """log sum_k exp(a_k) = m + log sum_k exp(a_k - m),  m = max_k a_k, so that nothing overflows.

    a of shape (..., K) -> (...,). Its gradient is the softmax: with a_k = log p(x, k), the posterior p(k|x).
    An a_k = -inf is a term 0; a sum of nothing but zeros is -inf, and there the gradient is 0.
    """
    m = a.max(axis=-1, keepdims=True)
    m = np.where(np.isfinite(m), m, 0)
    terms = np.exp(a - m)
    total = terms.sum(axis=-1, keepdims=True)

    def backward(dy):
        return dy[..., None] * terms / np.where(total == 0, 1, total)

    with np.errstate(divide="ignore"):
        return (m + np.log(total))[..., 0], backward
