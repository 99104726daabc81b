"""Rate and distortion of a model, and what the KL term is made of.

    -ELBO  =  distortion + rate                      E -log p(x|z)  +  E KL(q(z|x) || p(z))     Alemi et al. 2018
    rate   =  I(x; z) + KL(q(z) || p(z))             q(z) = 1/N sum_n q(z|x_n)          Hoffman & Johnson 2016
    KL(q(z) || p(z))  =  total correlation + dimension-wise KL                          Chen et al. 2018, eq. (2)
                         KL(q(z) || prod_j q(z_j)) + sum_j KL(q(z_j) || p(z_j))
"""

import dataclasses

import numpy as np

from ..models import LatentModel
from ..probability import gaussian_draw
from ..training.signatures import Data
from .aggregate import log_aggregate, log_marginals
from .over_examples import batches, encodings, mean_and_error, seen


@dataclasses.dataclass(frozen=True)
class RateDistortion:
    """Terms of each image, (N,), in nats (the distortion in the unit of the likelihood), at one z ~ q(z|x_n).

    Their means are the quantities; mean("rate") gives one with its standard error over the images. For each image,
    up to rounding, rate_sampled = mutual_information + marginal_kl; these two are None where q(z|x) is not a diagonal
    Gaussian (of others the density is not known at every z), or where the data hold a condition beside x.
    """

    distortion: np.ndarray                    # -log p(x_n|z)
    rate: np.ndarray                          # the KL as the model states it: by its formula, if there is one
    rate_sampled: np.ndarray                  # log q(z|x_n) - log p(z), the same in expectation
    mutual_information: np.ndarray | None     # log q(z|x_n) - log q(z)
    marginal_kl: np.ndarray | None            # log q(z) - log p(z)

    def mean(self, name):
        """(mean, standard error) of the named term."""
        return mean_and_error(getattr(self, name))


def rate_distortion(model: LatentModel, x: Data, binarization: str | None = None, seed: int = 0) -> RateDistortion:
    """The terms of every image of x (N, D); one z per image, and bits if the model sees bits, from `seed`.

    q(z) is the mixture of these N encoders, and n is among them: so I(x; z) <= log N, whatever the images. It is the
    information about *which of the N* was seen: for the whole data distribution it is too low, and the marginal KL too
    high by as much. All N^2 pairs are computed, 1 MB at a time (see aggregate.py). ValueError for x Examples refuses.
    """
    constants, rng = seen(x, binarization, seed)
    distortion, rate, z, log_q, log_p = one_draw_each(model, constants, rng)
    mutual_information = marginal_kl = None
    if hasattr(model.posterior, "encode") and set(constants) == {"x"}:
        log_q_z = log_aggregate(z, *encodings(model, constants))
        mutual_information, marginal_kl = log_q - log_q_z, log_q_z - log_p
    return RateDistortion(distortion, rate, log_q - log_p, mutual_information, marginal_kl)


def split_marginal_kl(model: LatentModel, x: Data, binarization: str | None = None,
                      seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The two terms of KL(q(z) || p(z)), at the draws of `rate_distortion`; up to rounding they sum to its marginal_kl.

    -> total correlation log q(z) - sum_j log q(z_j), (N,), and log q(z_j) - log p(z_j) of every latent, (N, Z), nats.
    It takes an exponential for each of N^2 Z densities, many times the work of `rate_distortion`. Only for a prior that
    is a product over the latents (it has `log_marginals`) and a diagonal Gaussian q(z|x).
    """
    if not hasattr(model.prior, "log_marginals"):
        raise ValueError(f"the prior must be a product over the latents, but is a {type(model.prior).__name__}")
    constants, rng = seen(x, binarization, seed)
    *_, z, _, _ = one_draw_each(model, constants, rng)
    mu, logvar = encodings(model, constants)
    marginals = log_marginals(z, mu, logvar)
    return log_aggregate(z, mu, logvar) - marginals.sum(axis=1), marginals - model.prior.log_marginals(z)


def one_draw_each(model, constants, rng):
    """(-log p(x|z), KL, z, log q(z|x), log p(z)) of all examples, at one z ~ q(z|x) each; in float64."""
    columns = zip(*(one_draw(model, few, rng) for few in batches(constants)), strict=True)
    return [np.concatenate(column).astype(np.float64) for column in columns]


def one_draw(model, constants, rng):
    """The same for a few examples; the draws are those of `example_terms`."""
    x, condition = constants["x"], {name: c for name, c in constants.items() if name != "x"}
    eps = rng.standard_normal((len(x), model.n_latents), x.dtype)
    nll, kl = model.one_draw(eps=eps, **constants)
    z, log_q = draw(model, x, eps, condition)
    return nll, kl, z, log_q, model.prior(z.astype(np.float64), **condition)


def draw(model, x, eps, condition):
    """z ~ q(z|x) and log q(z|x); of a diagonal Gaussian in float64, as the aggregate posterior is made of it."""
    if not hasattr(model.posterior, "encode"):
        return model.posterior(x, eps[:, None], **condition)
    mu, logvar = (a.astype(np.float64) for a in model.encode(x, **condition))
    return gaussian_draw(mu, logvar, eps.astype(np.float64))
