"""The latent-variable model in which everything is known: every quantity of the VAE has a formula.

Tipping & Bishop 1999, "Probabilistic principal component analysis".
"""

import math

import numpy as np

from ..checks import require_positive
from ..nn import Linear
from ..probability import cholesky, multivariate_kl


class LinearGaussian:
    """p(z) = N(0, I),  p(x|z) = N(W z + b, s2 I);  W of shape (D, Z), b (D,), s2 > 0 the variance of the noise.

    Then p(x) = N(b, W W' + s2 I) and p(z|x) = N(M^-1 W' (x - b), s2 M^-1) with M = W' W + s2 I, of shape (Z, Z): the
    D x D covariance of x is never built. All in nats, summed over the dimensions, one number per example. Raises
    ValueError for shapes that do not fit together, or s2 <= 0.
    """

    def __init__(self, W: np.ndarray, b: np.ndarray, s2: float):
        if W.ndim != 2 or b.shape != W.shape[:1]:
            raise ValueError(f"W must have shape (D, Z) and b (D,), but they have {W.shape} and {b.shape}")
        self.W, self.b, self.s2 = W, b, require_positive(s2=s2)
        self.M = W.T @ W + s2 * np.eye(W.shape[1])

    def posterior(self, x):
        """The mean (B, Z) and the covariance (Z, Z) of p(z|x); the covariance is the same for every x."""
        return np.linalg.solve(self.M, self.W.T @ (x - self.b).T).T, self.s2 * np.linalg.inv(self.M)

    def log_joint(self, x, z):
        """log p(x|z) + log p(z), of shape (B,); x (B, D), z (B, Z)."""
        (D, Z), error = self.W.shape, self.squared_error(x, z)
        return -(D * math.log(2 * math.pi * self.s2) + error / self.s2
                 + Z * math.log(2 * math.pi) + (z * z).sum(axis=1)) / 2

    def log_evidence(self, x):
        """log p(x) = log p(x, z) - log p(z|x), the same at every z; taken at the posterior mean, of shape (B,).

        There log p(z|x) = -1/2 log|2 pi s2 M^-1|, and no small difference of large numbers is left.
        """
        Z, mean = len(self.M), np.linalg.solve(self.M, self.W.T @ (x - self.b).T).T
        log_determinant = Z * math.log(2 * math.pi * self.s2) - 2 * np.log(np.diag(cholesky(self.M))).sum()
        return self.log_joint(x, mean) + log_determinant / 2

    def elbo(self, x, mean, covariance):
        """E_q log p(x|z) - KL(q || p(z)) for q = N(mean, covariance), exactly, of shape (B,).

        mean (B, Z), covariance (Z, Z):  E_q |x - W z - b|^2 = |x - W mean - b|^2 + tr(W covariance W').
        """
        D, Z = self.W.shape
        error = self.squared_error(x, mean) + ((self.W @ covariance) * self.W).sum()
        kl = multivariate_kl(mean, cholesky(covariance), np.zeros_like(mean), np.eye(Z))
        return -(D * math.log(2 * math.pi * self.s2) + error / self.s2) / 2 - kl

    def kl_to_posterior(self, x, mean, covariance):
        """KL(q || p(z|x)) for q = N(mean, covariance): log p(x) minus the ELBO of q, of shape (B,)."""
        posterior_mean, posterior_covariance = self.posterior(x)
        return multivariate_kl(mean, cholesky(covariance), posterior_mean, cholesky(posterior_covariance))

    def squared_error(self, x, z):
        """|x - W z - b|^2, of shape (B,)."""
        error = x - self.b - z @ self.W.T
        return (error * error).sum(axis=1)

    def sample(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """n draws from p(x, z): x (n, D) and its z (n, Z), float64."""
        D, Z = self.W.shape
        z = rng.standard_normal((n, Z))
        return z @ self.W.T + self.b + math.sqrt(self.s2) * rng.standard_normal((n, D)), z

    def decoder(self):
        """The mean of p(x|z) as the decoder of a VAE: a Linear node with these W and b, in float64."""
        linear = Linear(*self.W.T.shape, np.random.default_rng(0), dtype=np.float64)
        linear.W.value[...], linear.b.value[...] = self.W.T, self.b
        return linear
