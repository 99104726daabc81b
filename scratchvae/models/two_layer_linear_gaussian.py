"""The model with two layers of latents in which nothing is hidden.     Tipping & Bishop 1999, one layer higher"""

import math

import numpy as np

from ..checks import require_positive
from ..probability import cholesky, multivariate_kl
from .linear_gaussian import LinearGaussian


class TwoLayerLinearGaussian:
    """p(z2) = N(0, I),  p(z1|z2) = N(W2 z2, s1 I),  p(x|z1) = N(W1 z1 + b, s2 I)

    W1 (D, Z1), W2 (Z1, Z2), b (D,), s1 and s2 > 0 variances. With z1 = W2 z2 + sqrt(s1) u it is the LinearGaussian of
    the latents [u, z2] ~ N(0, I) with matrix [sqrt(s1) W1, W1 W2]; so p(x) = N(b, W1 (W2 W2' + s1 I) W1' + s2 I).
    All in nats, one number for each example, in float64.
    """

    def __init__(self, W1, W2, b, s1, s2):
        if W1.ndim != 2 or W2.ndim != 2 or W1.shape != (len(b), len(W2)):
            raise ValueError("W1 must have shape (D, Z1), W2 (Z1, Z2) and b (D,), but they have "
                             f"{W1.shape}, {W2.shape} and {b.shape}")
        self.W1, self.W2, self.b = W1, W2, b
        self.s1, self.s2 = require_positive(s1=s1), require_positive(s2=s2)
        self.n_first = len(W2)
        self.flat = LinearGaussian(np.concatenate([math.sqrt(s1) * W1, W1 @ W2], axis=1), b, s2)

    def log_evidence(self, x):
        """log p(x), (B,)."""
        return self.flat.log_evidence(x)

    def sample(self, n, rng):
        """n draws from p(x, z): x (n, D) and z = [z1, z2], (n, Z1 + Z2)."""
        x, flat = self.flat.sample(n, rng)
        u, z2 = np.split(flat, [self.n_first], axis=1)
        return x, np.concatenate([z2 @ self.W2.T + math.sqrt(self.s1) * u, z2], axis=1)

    def second_posterior(self, x):
        """The mean (B, Z2) and the covariance (Z2, Z2) of p(z2|x)."""
        mean, covariance = self.flat.posterior(x)
        return mean[:, self.n_first:], covariance[self.n_first:, self.n_first:]

    def first_posterior(self, x, z2):
        """The mean (B, Z1) and the covariance C (Z1, Z1) of p(z1|x, z2):

        C = (W1' W1 / s2 + I / s1)^-1,  mean = C (W1' (x - b) / s2 + W2 z2 / s1)
        """
        C = np.linalg.inv(self.W1.T @ self.W1 / self.s2 + np.eye(self.n_first) / self.s1)
        return ((x - self.b) @ self.W1 / self.s2 + z2 @ self.W2.T / self.s1) @ C, C

    def kl(self, x):
        """KL(p(z|x) || p(z)), the rate of the exact posterior, (B,): that of [u, z2], which [z1, z2] is a map of."""
        mean, covariance = self.flat.posterior(x)
        return multivariate_kl(mean, cholesky(covariance), np.zeros_like(mean), np.eye(mean.shape[1]))

    def layer_kl(self, x):
        """(E KL(p(z1|x, z2) || p(z1|z2)) over p(z2|x), KL(p(z2|x) || p(z2))), each (B,): their sum is `kl`.

        The first is 1/2 (tr C / s1 - Z1 + Z1 log s1 - log|C| + E |shift|^2 / s1), where the mean of z1 is shifted by
        C W1' (x - b - W1 W2 z2) / s2 from that of its prior.
        """
        mean, covariance = self.second_posterior(x)
        second = multivariate_kl(mean, cholesky(covariance), np.zeros_like(mean), np.eye(mean.shape[1]))
        _, C = self.first_posterior(x, mean)
        gain, V = C @ self.W1.T / self.s2, self.W1 @ self.W2
        shift, spread = (x - self.b - mean @ V.T) @ gain.T, gain @ V
        expected = (shift * shift).sum(axis=1) + ((spread @ covariance) * spread).sum()
        log_determinant = 2 * np.log(np.diag(cholesky(C))).sum()
        first = np.trace(C) / self.s1 + self.n_first * (math.log(self.s1) - 1) - log_determinant + expected / self.s1
        return first / 2, second
