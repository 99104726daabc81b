"""Variational inference without an encoder network: each example has its own mu and logvar."""

import numpy as np

from ..core import Module, Parameter


class TableEncoder(Module):
    """q(z_i) = N(mu_i, sigma_i^2): row i of a table belongs to example i, and only to it.

    It takes the place of the encoder of a VAE and never reads x, so it has no answer for an x without a row. Hoffman et
    al. 2013 call mu_i and logvar_i the local variational parameters.
    """

    def __init__(self, n_examples: int, n_latents: int, *, dtype: type = np.float64):
        self.mu = Parameter(np.zeros((n_examples, n_latents), dtype))
        self.logvar = Parameter(np.zeros((n_examples, n_latents), dtype))

    def forward(self, x, **condition):
        """(mu, logvar), each (k N, Z), for x that holds the N examples k times in a row; else ValueError."""
        mu, logvar = self.mu, self.logvar
        shape = mu.value.shape
        if len(x) % shape[0]:
            raise ValueError(f"x must hold the {shape[0]} examples of the table, once or k times, but has {len(x)}")
        copies = len(x) // shape[0]

        def backward(dmu, dlogvar):
            mu.grad += dmu.reshape(copies, *shape).sum(axis=0)
            logvar.grad += dlogvar.reshape(copies, *shape).sum(axis=0)
            return np.zeros_like(x)

        return (np.tile(mu.value, (copies, 1)), np.tile(logvar.value, (copies, 1))), backward
