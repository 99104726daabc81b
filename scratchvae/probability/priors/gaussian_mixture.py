"""A mixture of Gaussians as a prior: its density for thousands of z and hundreds of components, and its draws."""

import math

import numpy as np

from ...core import Parameter, node
from ..log_sum_exp import log_sum_exp
from .prior import Prior


class GaussianMixturePrior(Prior):
    """p(z) = sum_k pi_k N(z; mu_k, sigma_k^2),  pi = softmax(logits): one k is drawn for the whole of z.

    Joint, not a product over dimensions of one-dimensional mixtures, which has K^Z modes. Parameters: logits (K,),
    mu and logvar (K, Z); the means start as draws from N(0, I), the rest as 0.
    """

    def __init__(self, n_components, n_latents, rng, *, dtype=np.float32):
        self.n_latents = n_latents
        self.logits = Parameter(np.zeros(n_components, dtype))
        self.mu = Parameter(rng.standard_normal((n_components, n_latents)).astype(dtype))
        self.logvar = Parameter(np.zeros((n_components, n_latents), dtype))

    def forward(self, z, **condition):
        parameters = self.logits, self.mu, self.logvar
        log_p, mixture_backward = gaussian_mixture_logpdf.forward(z, *(p.value for p in parameters))

        def backward(dlog_p):
            dz, *gradients = mixture_backward(dlog_p)
            for p, gradient in zip(parameters, gradients, strict=True):
                p.grad += gradient
            return dz

        return log_p, backward

    def sample(self, n, rng, dtype=np.float32, **condition):
        """n draws, (n, Z)."""
        return draw_from_mixture(n, rng, dtype, self.logits.value, self.mu.value, self.logvar.value)


@node
def gaussian_mixture_logpdf(z, logits, mu, logvar):
    """log sum_k pi_k N(z; mu_k, sigma_k^2),  log pi_k = a_k - log sum_j exp(a_j) with the logits a

    z (M, Z), logits (K,), mu and logvar (K, Z) -> (M,), in nats. With s = 1 / sigma^2 the square is multiplied out,
    sum_j s_j (z_j - mu_j)^2 = sum_j (s_j z_j^2 - 2 s_j mu_j z_j + s_j mu_j^2): matrix products, and no array of
    M K Z numbers. The terms are larger than their sum, so all is computed in float64, also for float32: the error is
    about 1e-16 sum_j (z_j / sigma_j)^2, of z measured from the mean of the mu_k. The responsibilities r_k = p(k|z) give

    dz = -sum_k r_k s_k (z - mu_k),  dmu_k = r_k s_k (z - mu_k),  dlogvar_k = r_k (s_k (z - mu_k)^2 - 1) / 2,
    da_k = r_k - pi_k.
    """
    given = z, logits, mu, logvar
    z, logits, mu, logvar = (a.astype(np.result_type(a.dtype, np.float64)) for a in given)
    center = mu.mean(axis=0)
    z, mu, s = z - center, mu - center, np.exp(-logvar)
    log_pi = logits - log_sum_exp(logits)
    features = np.concatenate([z, z * z], axis=1)                                                 # (M, 2 Z)
    slopes = np.concatenate([mu * s, -s / 2], axis=1)                                             # (K, 2 Z)
    constants = log_pi - (math.log(2 * math.pi) + logvar + mu * mu * s).sum(axis=1) / 2           # (K,)
    log_p, sum_backward = log_sum_exp.forward(features @ slopes.T + constants)

    def backward(dlog_p):
        r = sum_backward(dlog_p)                                                                  # (M, K)
        n, (rz, rzz), (rm, rs) = r.sum(axis=0)[:, None], halves(r.T @ features), halves(r @ slopes)
        gradients = (rm + 2 * rs * z, n[:, 0] - np.exp(log_pi) * dlog_p.sum(),
                     s * (rz - n * mu), (s * (rzz - mu * (2 * rz - n * mu)) - n) / 2)
        return tuple(d.astype(a.dtype) for d, a in zip(gradients, given, strict=True))

    return log_p.astype(np.result_type(*(a.dtype for a in given))), backward


def halves(a):
    """The left and the right half of the columns of a."""
    return np.split(a, 2, axis=1)


def draw_from_mixture(n, rng, dtype, logits, mu, logvar):
    """n draws, (n, Z): first k ~ pi = softmax(logits), then the whole of z ~ N(mu_k, sigma_k^2)."""
    logits = logits.astype(np.float64)
    below = np.cumsum(np.exp(logits - log_sum_exp(logits)))                    # pi_1 + ... + pi_k
    k = (rng.random(n)[:, None] * below[-1] >= below[:-1]).sum(axis=1)
    mu, logvar = mu[k], logvar[k]
    return (mu + np.exp(logvar / 2) * rng.standard_normal(mu.shape, dtype)).astype(dtype)
