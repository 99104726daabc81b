"""Distributions: what a network's numbers mean, in nats."""

from .estimators import leave_one_out, monte_carlo_kl, reparameterized_gradient, score_function_gradient
from .gaussian import gaussian_kl, gaussian_logpdf, reparameterize
from .likelihoods import Bernoulli, Gaussian, SquaredError, bernoulli_nll, gaussian_nll, squared_error

__all__ = ["Bernoulli", "Gaussian", "SquaredError", "bernoulli_nll", "gaussian_kl", "gaussian_logpdf", "gaussian_nll",
           "leave_one_out", "monte_carlo_kl", "reparameterize", "reparameterized_gradient", "score_function_gradient",
           "squared_error"]
