"""A VAE with known log p(x) and posterior: its decoder is a linear-Gaussian model, its encoder the best of its kind."""

import math

import numpy as np

from ..nn import GaussianHeads
from ..probability import Gaussian
from .linear_gaussian import LinearGaussian
from .vae import VAE


def exact_vae(model: LinearGaussian) -> VAE:
    """The VAE, in float64, of a LinearGaussian: its decoder, and of all diagonal q(z|x) the one with the highest ELBO.

    mu = M^-1 W'(x - b), the mean of p(z|x), and sigma_j^2 = s2 / M_jj, one over the diagonal of its precision. Where
    the columns of W are orthogonal, M is diagonal and q *is* the posterior.
    """
    D, Z = model.W.shape
    encoder = GaussianHeads(D, Z, np.random.default_rng(0), dtype=np.float64)
    slope = np.linalg.solve(model.M, model.W.T)
    encoder.mu.W.value[...], encoder.mu.b.value[...] = slope.T, -slope @ model.b
    encoder.logvar.W.value[...], encoder.logvar.b.value[...] = 0, np.log(model.s2 / np.diag(model.M))
    return VAE(encoder, model.decoder(), Z, Gaussian(math.sqrt(model.s2)))
