"""The prior of the first VAE."""

import math

import numpy as np

from .prior import Prior


class StandardNormal(Prior):
    """p(z) = N(0, I):  log p(z) = -1/2 sum_j (z_j^2 + log 2 pi)"""

    def __init__(self, n_latents):
        self.n_latents = n_latents

    def forward(self, z, **condition):
        def backward(dlog_p):
            return -dlog_p[:, None] * z

        return -(math.log(2 * math.pi) + z * z).sum(axis=1) / 2, backward

    def sample(self, n, rng, dtype=np.float32, **condition):
        """n draws, (n, Z)."""
        return rng.standard_normal((n, self.n_latents), dtype)

    def log_marginals(self, z):
        """log p(z_j) of each latent alone, (M, Z): the prior is their product."""
        return -(math.log(2 * math.pi) + z * z) / 2
