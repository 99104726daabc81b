"""The diagonal Gaussian: the reparameterization trick (再パラメータ化), the KL from N(0, I), the density."""

import math

import numpy as np

from ..checks import require_same_shape
from ..core import node


@node
def reparameterize(mu, logvar, *, eps):
    """z = mu + sigma * eps,  sigma = exp(logvar / 2).     Kingma & Welling 2014, eq. (4)

    mu, logvar and eps ~ N(0, I) of shape (B, Z) -> z ~ N(mu, sigma^2) of shape (B, Z).
    """
    require_same_shape(mu=mu, logvar=logvar, eps=eps)
    sigma = np.exp(logvar / 2)

    def backward(dz):
        return dz, dz * eps * sigma / 2

    return mu + sigma * eps, backward


@node
def gaussian_kl(mu, logvar):
    """KL(N(mu, sigma^2) || N(0, I)) = 1/2 sum_j (mu_j^2 + sigma_j^2 - 1 - log sigma_j^2)

    Kingma & Welling 2014, appendix B. mu, logvar of shape (B, Z) -> (B,), in nats, summed over the latents.
    """
    require_same_shape(mu=mu, logvar=logvar)
    var = np.exp(logvar)

    def backward(dkl):
        dkl = dkl[:, None]
        return dkl * mu, dkl * (var - 1) / 2

    return (mu * mu + var - 1 - logvar).sum(axis=1) / 2, backward


@node
def gaussian_logpdf(x, mu, logvar):
    """log N(x; mu, sigma^2) = -1/2 sum_j (log 2 pi + log sigma_j^2 + (x_j - mu_j)^2 / sigma_j^2)

    x, mu, logvar of shape (B, D) -> (B,), in nats, summed over the dimensions, with every constant.
    """
    require_same_shape(mu=mu, logvar=logvar, x=x)
    precision = np.exp(-logvar)
    d = x - mu

    def backward(dlogp):
        dlogp = dlogp[:, None]
        dmu = dlogp * d * precision
        return -dmu, dmu, dlogp * (d * d * precision - 1) / 2

    return -(math.log(2 * math.pi) + logvar + d * d * precision).sum(axis=1) / 2, backward
