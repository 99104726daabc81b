"""The categorical distribution over K classes, from logits: its probabilities, and -log p(y|x) of a label."""

import numpy as np

from ..core import node
from .log_sum_exp import log_sum_exp


@node
def softmax(logits):
    """p_k = exp(a_k) / sum_j exp(a_j), the largest a_j subtracted first, so nothing overflows.     Bridle 1990

    logits a of shape (B, K) -> p of shape (B, K), each row sums to 1.
    """
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)

    def backward(dp):
        return p * (dp - (p * dp).sum(axis=1, keepdims=True))

    return p, backward


@node
def categorical_nll(logits, *, y):
    """-log p(y|x) = log sum_k exp(a_k) - a_y: softmax and cross-entropy in one, which neither overflow nor underflow.

    logits a of shape (B, K), y of shape (B,), whole numbers 0..K-1 -> (B,), in nats. da = softmax(a) - onehot(y).
    Raises ValueError for labels that are no class.
    """
    require_labels(y, logits.shape)
    rows = np.arange(len(y), like=y)
    shifted = logits - logits.max(axis=1, keepdims=True)      # the same nats, and no large numbers to round
    total, total_backward = log_sum_exp.forward(shifted)

    def backward(dnll):
        da = total_backward(dnll)
        da[rows, y] -= dnll
        return da

    return total - shifted[rows, y], backward


def require_labels(y, shape):
    """ValueError unless y holds one class 0..K-1 for each of the B rows; shape is (B, K)."""
    n, n_classes = shape
    if y.shape != (n,) or y.dtype.kind not in "iu":
        raise ValueError(f"y must hold {n} whole numbers, but is {y.dtype} of shape {y.shape}")
    if n and not (y.min() >= 0 and y.max() < n_classes):
        raise ValueError(f"y must lie in 0..{n_classes - 1}, but runs from {y.min()} to {y.max()}")
