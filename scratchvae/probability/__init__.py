"""Distributions: what a network's numbers mean, in nats."""

from .categorical import categorical_nll, softmax
from .em import em
from .estimators import leave_one_out, monte_carlo_kl, reparameterized_gradient, score_function_gradient
from .gaussian import gaussian_kl, gaussian_logpdf, reparameterize
from .likelihoods import Bernoulli, Gaussian, SquaredError, bernoulli_nll, gaussian_nll, squared_error
from .log_sum_exp import log_sum_exp
from .mixtures import BernoulliMixture, CollapseError, GaussianMixture
from .multivariate import cholesky, multivariate_kl, multivariate_logpdf

__all__ = ["Bernoulli", "BernoulliMixture", "CollapseError", "Gaussian", "GaussianMixture", "SquaredError",
           "bernoulli_nll", "categorical_nll", "cholesky", "em", "gaussian_kl", "gaussian_logpdf", "gaussian_nll",
           "leave_one_out", "log_sum_exp", "monte_carlo_kl", "multivariate_kl", "multivariate_logpdf",
           "reparameterize", "reparameterized_gradient", "score_function_gradient", "softmax", "squared_error"]
