"""Distributions: what a network's numbers mean, in nats."""

from .gaussian import gaussian_kl, gaussian_logpdf, reparameterize
from .likelihoods import Bernoulli, Gaussian, SquaredError, bernoulli_nll, gaussian_nll, squared_error

__all__ = ["Bernoulli", "Gaussian", "SquaredError", "bernoulli_nll", "gaussian_kl", "gaussian_logpdf", "gaussian_nll",
           "reparameterize", "squared_error"]
