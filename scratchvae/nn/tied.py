"""An affine layer whose weights are those of another layer, transposed."""

import numpy as np

from ..core import Module, Parameter


class TiedLinear(Module):
    """y = h W' + b,  with the W of another Linear, not a copy of it.     Vincent et al. 2008

    linear: n_in -> n_out; h of shape (B, n_out) -> y of shape (B, n_in). The gradients of both uses add up in W.grad.
    """

    def __init__(self, linear):
        self.W = linear.W
        self.b = Parameter(np.zeros(len(linear.W.value), linear.W.value.dtype))

    def forward(self, h):
        W, b = self.W, self.b
        if h.ndim != 2 or h.shape[1] != W.value.shape[1]:
            raise ValueError(f"h must have shape (B, {W.value.shape[1]}), but has {h.shape}")

        def backward(dy):
            W.grad += dy.T @ h
            b.grad += dy.sum(axis=0)
            return dy @ W.value

        return h @ W.value.T + b.value, backward
