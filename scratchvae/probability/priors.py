"""Priors p(z): the density of a latent before x is seen."""

import math

import numpy as np

from ..core import Module, Parameter, node
from .log_sum_exp import log_sum_exp


class Prior(Module):
    """p(z), of which a model needs the log-density and draws.

        forward(z, **condition) -> (log_p, backward)        z (M, Z) -> (M,), in nats; backward(dlog_p) -> dz
        sample(n, rng, dtype, **condition) -> z (n, Z)
        n_latents = Z

    `condition` is what the data hold beside x (a label, half an image), a row for each z; most priors ignore it.
    """


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
        """n draws, first k ~ pi, then z ~ N(mu_k, sigma_k^2); (n, Z)."""
        logits = self.logits.value.astype(float)
        pi = np.exp(logits - log_sum_exp(logits))
        k = rng.choice(len(pi), size=n, p=pi / pi.sum())
        mu, logvar = self.mu.value[k], self.logvar.value[k]
        return (mu + np.exp(logvar / 2) * rng.standard_normal(mu.shape, dtype)).astype(dtype)


@node
def gaussian_mixture_logpdf(z, logits, mu, logvar):
    """log sum_k pi_k N(z; mu_k, sigma_k^2),  log pi_k = a_k - log sum_j exp(a_j) with the logits a

    z (M, Z), logits (K,), mu and logvar (K, Z) -> (M,), in nats. With the responsibilities r_k = p(k|z) and
    e_k = (z - mu_k) / sigma_k^2:  dz = -sum_k r_k e_k,  dmu_k = r_k e_k,  dlogvar_k = r_k (e_k (z - mu_k) - 1) / 2,
    da_k = r_k - pi_k.
    """
    log_pi = logits - log_sum_exp(logits)
    precision = np.exp(-logvar)
    d = z[:, None] - mu                                                                           # (M, K, Z)
    log_joint = log_pi - (math.log(2 * math.pi) + logvar + d * d * precision).sum(axis=2) / 2     # (M, K)
    log_p, sum_backward = log_sum_exp.forward(log_joint)

    def backward(dlog_p):
        r = sum_backward(dlog_p)
        re = r[..., None] * d * precision
        dlogvar = ((re * d).sum(axis=0) - r.sum(axis=0)[:, None]) / 2
        return -re.sum(axis=1), r.sum(axis=0) - np.exp(log_pi) * dlog_p.sum(), re.sum(axis=0), dlogvar

    return log_p, backward
