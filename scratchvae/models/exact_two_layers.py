"""A two-layer VAE of which everything is known: its decoder and prior are linear-Gaussian, its posterior the best."""

import math

import numpy as np

from ..core import Sequential
from ..nn import Columns, GaussianHeads, Joined
from ..probability import (
    DiagonalGaussian,
    Gaussian,
    Observation,
    Residual,
    StandardNormal,
    TwoLayerPosterior,
    TwoLayerPrior,
)
from .latent import LatentModel
from .linear_gaussian import LinearGaussian


def exact_two_layer_vae(model, residual=False):
    """The LatentModel, in float64, of a TwoLayerLinearGaussian; of all q(z2|x) q(z1|x, z2) that are diagonal Gaussians
    the one with the highest ELBO.

    Each has the mean of the exact posterior, and as its variances one over the diagonal of the inverse covariance.
    Where these inverses are diagonal, q *is* the posterior. With `residual`, the same q as a change of p(z1|z2).
    """
    (D, n1), n2 = model.W1.shape, model.W2.shape[1]
    second, covariance = model.second_posterior(np.vstack([model.b, model.b + np.eye(D)]))
    top = affine(second[1:] - second[0], second[0] - model.b @ (second[1:] - second[0]), best(covariance))
    at_zero, C = model.first_posterior(np.zeros((1, D)), np.zeros((1, n2)))
    slope = np.concatenate([model.W1 / model.s2, model.W2.T / model.s1]) @ C
    prior_slope, log_s1 = np.concatenate([np.zeros((D, n1)), model.W2.T]), np.full(n1, math.log(model.s1))
    first = affine(model.W2.T, np.zeros(n1), log_s1)
    q_z1 = Joined(affine(slope, at_zero[0], best(C)))
    if residual:
        q_z1 = Residual(first, Joined(affine(slope - prior_slope, at_zero[0], best(C) - log_s1)))
    decoder = Sequential(Columns(0, n1), LinearGaussian(model.W1, model.b, model.s2).decoder())
    return LatentModel(TwoLayerPosterior(DiagonalGaussian(top), Sequential(), q_z1, n1),
                       Observation(decoder, Gaussian(math.sqrt(model.s2))),
                       TwoLayerPrior(StandardNormal(n2), first, n1))


def affine(W, b, logvar):
    """The network (mu, logvar) = (x W + b, logvar), the same logvar for every x."""
    heads = GaussianHeads(*W.shape, np.random.default_rng(0), dtype=np.float64)
    heads.mu.W.value[...], heads.mu.b.value[...] = W, b
    heads.logvar.W.value[...], heads.logvar.b.value[...] = 0, logvar
    return heads


def best(covariance):
    """The logvar of the diagonal Gaussian nearest, in KL(q || p), to a Gaussian of this covariance."""
    return -np.log(np.diag(np.linalg.inv(covariance)))
