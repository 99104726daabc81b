"""What the code costs, what it is worth, and where the nats of the KL term go.

    -ELBO  =  distortion + rate                      E -log p(x|z)  +  E KL(q(z|x) || p(z))     Alemi et al. 2018
    rate   =  I(x; z) + KL(q(z) || p(z))             q(z) = 1/N sum_n q(z|x_n)          Hoffman & Johnson 2016
    KL(q(z) || p(z))  =  total correlation + dimension-wise KL                          Chen et al. 2018, eq. (2)
                         KL(q(z) || prod_j q(z_j)) + sum_j KL(q(z_j) || p(z_j))
"""

import dataclasses
import math

import numpy as np

from ..probability import gaussian_kl, gaussian_logpdf
from .aggregate import log_aggregate, log_marginals
from .held_out import as_seen, encodings, mean_and_error


@dataclasses.dataclass(frozen=True)
class RateDistortion:
    """Terms of each image, (N,), in nats (the distortion in the unit of the likelihood), at one z ~ q(z|x_n).

    Their means are the quantities; mean("rate") gives one with its standard error over the images. For each image,
    to rounding, rate_sampled = mutual_information + marginal_kl.
    """

    distortion: np.ndarray             # -log p(x_n|z)
    rate: np.ndarray                   # KL(q(z|x_n) || p(z)), by its formula
    rate_sampled: np.ndarray           # log q(z|x_n) - log p(z), the same in expectation
    mutual_information: np.ndarray     # log q(z|x_n) - log q(z)
    marginal_kl: np.ndarray            # log q(z) - log p(z)

    def mean(self, name):
        """(mean, standard error) of the named term."""
        return mean_and_error(getattr(self, name))


def rate_distortion(model, x, binarization="none", seed=0):
    """The terms of every image of x (N, D); one z an image, and bits if the model sees bits, from `seed`.

    q(z) is the mixture of these N encoders, and n is among them: so I(x; z) <= log N, whatever the images. It is the
    information about *which of the N* was seen; of endless data it is underestimated, and the marginal KL
    overestimated by as much. All N^2 pairs are looked at, a block of 1 MB at a time (see aggregate.py).
    """
    x, z, mu, logvar = draws(model, x, binarization, seed)
    log_q, log_prior, log_q_z = gaussian_logpdf(z, mu, logvar), log_standard(z), log_aggregate(z, mu, logvar)
    return RateDistortion(distortions(model, x, z), gaussian_kl(mu, logvar), rate_sampled=log_q - log_prior,
                          mutual_information=log_q - log_q_z, marginal_kl=log_q_z - log_prior)


def split_marginal_kl(model, x, binarization="none", seed=0):
    """KL(q(z) || p(z)) taken apart, at the draws of `rate_distortion`: their sums are its marginal_kl, to rounding.

    -> total correlation log q(z) - sum_j log q(z_j), (N,), and log q(z_j) - log p(z_j) of every latent, (N, Z). An
    exponential for each of N^2 Z densities: many times the work of `rate_distortion`.
    """
    _, z, mu, logvar = draws(model, x, binarization, seed)
    marginals = log_marginals(z, mu, logvar)
    return (log_aggregate(z, mu, logvar) - marginals.sum(axis=1),
            marginals + (math.log(2 * math.pi) + z * z) / 2)


def draws(model, x, binarization, seed):
    """x as the model sees it (the draws of `example_terms`), one z ~ q(z|x) for each, and (mu, logvar) of q."""
    x, rng = as_seen(x, binarization, seed)
    mu, logvar = encodings(model, x)
    return x, mu + np.exp(logvar / 2) * rng.standard_normal(mu.shape, x.dtype), mu, logvar


def log_standard(z):
    """log p(z) = log N(z; 0, I): (N, Z) -> (N,)"""
    return gaussian_logpdf(z, np.zeros_like(z), np.zeros_like(z))


def distortions(model, x, z, batch_size=500):
    """-log p(x|z) of each pair x (N, D), z (N, Z) -> (N,), in float64; `batch_size` images at a time."""
    batches = (slice(start, start + batch_size) for start in range(0, len(x), batch_size))
    return np.concatenate([model.likelihood(model.decoder(z[rows].astype(x.dtype)), x=x[rows])
                           for rows in batches]).astype(np.float64)
