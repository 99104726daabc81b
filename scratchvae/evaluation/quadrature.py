"""Expectations under a Gaussian by a weighted sum over fixed points, instead of over random draws."""

import itertools
import math

import numpy as np

from ..checks import require_same_shape


def gauss_hermite(n, n_latents):
    """eps (n^Z, Z) and weights (n^Z,), which sum to 1, such that E f(eps) ~ sum_k weights_k f(eps_k), eps ~ N(0, I).

    float64. Exact for polynomials of degree up to 2 n - 1 in each latent.     Abramowitz & Stegun 1964, section 25.4
    """
    points, weights = np.polynomial.hermite_e.hermegauss(n)
    eps = np.array(list(itertools.product(points, repeat=n_latents)))
    products = np.array([math.prod(w) for w in itertools.product(weights, repeat=n_latents)])
    return eps, products / products.sum()


def exact_elbo(model, x, mu, logvar, n=10, **condition):
    """E_q log p(x, z) + H(q), the ELBO of q = N(mu, sigma^2), of shape (B,), in nats, by n^Z points and no draws.

    x (B, D), mu and logvar (B, Z), else ValueError, of any latent-variable model; its own posterior takes no part.
    H(q) = 1/2 sum_j (1 + log 2 pi + logvar_j). The error falls exponentially with n where log p(x, z) is smooth.
    """
    require_same_shape(mu=mu, logvar=logvar)
    eps, weights = gauss_hermite(n, mu.shape[1])
    sigma, total, eps = np.exp(logvar / 2), 0, eps.astype(mu.dtype)
    for e, w in zip(eps, weights, strict=True):
        total = total + w * model.log_joint(mu + sigma * e, x=x, **condition)[0]
    return total + (1 + math.log(2 * math.pi) + logvar).sum(axis=1) / 2
