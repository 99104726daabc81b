"""The affine layer, and the pair of affine heads that describe a Gaussian."""

import numpy as np

from ..core import Module, Parameter
from .initialization import glorot_uniform


class Linear(Module):
    """y = x W + b

    x of shape (B, n_in) -> y of shape (B, n_out). W starts as `init(n_in, n_out, rng)`, b as 0.

        dx = dy W',  dW = x' dy,  db = the sum of dy over the batch

    If x is data, nothing learns from dx, and in the first layer of a network it would be a third of the work: built
    with input_grad=False, backward returns None for it.
    """

    def __init__(self, n_in, n_out, rng, *, init=glorot_uniform, input_grad=True, dtype=np.float32):
        self.W = Parameter(init(n_in, n_out, rng).astype(dtype))
        self.b = Parameter(np.zeros(n_out, dtype))
        self.input_grad = input_grad

    def forward(self, x):
        W, b = self.W, self.b
        if x.ndim != 2 or x.shape[1] != len(W.value):
            raise ValueError(f"x must have shape (B, {len(W.value)}), but has {x.shape}")

        def backward(dy):
            W.accumulate(x.T, dy)                    # W.grad += x.T @ dy
            b.grad += dy.sum(axis=0)
            return dy @ W.value.T if self.input_grad else None

        y = x @ W.value
        y += b.value
        return y, backward


class GaussianHeads(Module):
    """mu = h W_mu + b_mu,  logvar = h W_logvar + b_logvar.     Kingma & Welling 2014, appendix C.2, eq. (12)

    h of shape (B, H) -> (mu, logvar), each of shape (B, Z). The fork at h adds the two gradients.
    """

    def __init__(self, n_in, n_latents, rng, *, dtype=np.float32):
        self.mu = Linear(n_in, n_latents, rng, dtype=dtype)
        self.logvar = Linear(n_in, n_latents, rng, dtype=dtype)

    def forward(self, h):
        mu, mu_backward = self.mu.forward(h)
        logvar, logvar_backward = self.logvar.forward(h)

        def backward(dmu, dlogvar):
            return mu_backward(dmu) + logvar_backward(dlogvar)

        return (mu, logvar), backward
