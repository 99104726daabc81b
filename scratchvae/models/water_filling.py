"""Posterior collapse where it has a formula: the best linear VAE, latent by latent.

    latent i lives iff lambda_i > beta s2,  and then  E KL_i = 1/2 log(lambda_i / (beta s2))

lambda_i is an eigenvalue of the data's covariance, s2 the variance of the decoder's noise, beta the weight of the KL.
beta s2 is the level of a water under which latents drown: reverse water-filling, as in the rate-distortion function of
a Gaussian source (Cover & Thomas 2006, theorem 10.3.3).     Lucas et al. 2019, "Don't blame the ELBO!"; beta: derived
"""

import math
from typing import NamedTuple

import numpy as np

from ..checks import require_positive
from ..probability import Gaussian
from .exact_vae import exact_vae
from .ppca import fit_ppca


class WaterFilling(NamedTuple):
    """What the best linear beta-VAE does to data of D dimensions with Z latents; all in nats, means over the data."""

    level: float           # beta s2
    rates: np.ndarray      # (Z,)  E_x KL(q(z_i|x) || p(z_i)), 0 of a latent that has drowned
    errors: np.ndarray     # (D,)  E (x - W z - b)^2 along each eigenvector: the level, or all of lambda_i
    distortion: float      # E -log p(x|z)
    rate: float            # the sum of the rates

    @property
    def alive(self):
        """How many latents live."""
        return int((self.rates > 0).sum())

    @property
    def elbo(self):
        """-distortion - rate: the bound itself, whatever the beta of training; at beta = 1 it is E log p(x)."""
        return -self.distortion - self.rate


def water_filling(eigenvalues, n_latents, s2, beta=1.0):
    """The minimum over W, b and q of  E -log p(x|z) + beta E KL(q(z|x) || N(0, I)),  p(x|z) = N(W z + b, s2 I)

    eigenvalues (D,) of the data's covariance, falling, as a PCA has them. The loss over beta is, but for a constant,
    -ELBO of the same model with noise beta s2, so that W has the columns u_i (lambda_i - beta s2)^1/2 of `fit_ppca`.
    Of a living latent, q(z_i|x) has the variance beta s2 / lambda_i, and its mean the variance 1 - beta s2 / lambda_i.
    """
    level = require_positive(beta=beta) * require_positive(s2=s2)
    kept, left_out = np.split(np.asarray(eigenvalues, np.float64), [n_latents])
    rates = np.log(np.maximum(kept / level, 1)) / 2
    errors = np.concatenate([np.minimum(kept, level), left_out])
    distortion = (len(errors) * math.log(2 * math.pi * s2) + errors.sum() / s2) / 2
    return WaterFilling(level, rates, errors, float(distortion), float(rates.sum()))


def best_linear_vae(pca, n_latents, s2, beta=1.0):
    """The VAE, in float64, that has this minimum on the data of a PCA; a drowned latent has a column of zeros in W."""
    vae = exact_vae(fit_ppca(pca, n_latents, s2=require_positive(beta=beta) * require_positive(s2=s2)))
    vae.likelihood = Gaussian(math.sqrt(s2))
    return vae
