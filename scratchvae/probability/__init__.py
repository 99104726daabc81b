"""Distributions: what a network's numbers mean, in nats."""

from .autoregressive import AutoregressiveObservation
from .between import bounded_between
from .bounds import bounded_below
from .categorical import categorical_nll, softmax
from .em import em
from .estimators import leave_one_out, monte_carlo_kl, reparameterized_gradient, score_function_gradient
from .flows import IAF, Flow, FlowPosterior, FlowStep, Householder, HouseholderPosterior, LinearIAF, Planar
from .gaussian import gaussian_kl, gaussian_logpdf, reparameterize
from .importance import log_mean_exp, repeat
from .kl_per_latent import gaussian_kl_per_latent
from .likelihoods import (
    Bernoulli,
    CategoricalPixels,
    ContinuousBernoulli,
    DiscretizedLogistic,
    Gaussian,
    Laplace,
    Likelihood,
    PixelGaussian,
    SharedGaussian,
    SquaredError,
    bernoulli_nll,
    continuous_bernoulli_mean,
    continuous_bernoulli_nll,
    discretized_logistic_nll,
    gaussian_nll,
    laplace_nll,
    squared_error,
)
from .log_sum_exp import log_sum_exp
from .mixtures import BernoulliMixture, CollapseError, GaussianMixture
from .multivariate import cholesky, multivariate_kl, multivariate_logpdf
from .observation import Observation, ObservationModel
from .posteriors import DiagonalGaussian, Posterior, gaussian_draw
from .priors import (
    AggregatePosterior,
    GaussianMixturePrior,
    Prior,
    StandardNormal,
    VampPrior,
    gaussian_mixture_logpdf,
)
from .two_layers import Residual, TwoLayerPosterior, TwoLayerPrior

__all__ = ["IAF", "AggregatePosterior", "AutoregressiveObservation", "Bernoulli", "BernoulliMixture",
           "CategoricalPixels", "CollapseError", "ContinuousBernoulli", "DiagonalGaussian", "DiscretizedLogistic",
           "Flow", "FlowPosterior", "FlowStep", "Gaussian", "GaussianMixture", "GaussianMixturePrior", "Householder",
           "HouseholderPosterior", "Laplace", "Likelihood", "LinearIAF", "Observation", "ObservationModel",
           "PixelGaussian", "Planar", "Posterior", "Prior", "Residual", "SharedGaussian", "SquaredError",
           "StandardNormal", "TwoLayerPosterior", "TwoLayerPrior", "VampPrior", "bernoulli_nll", "bounded_below",
           "bounded_between", "categorical_nll", "cholesky", "continuous_bernoulli_mean", "continuous_bernoulli_nll",
           "discretized_logistic_nll", "em", "gaussian_draw", "gaussian_kl", "gaussian_kl_per_latent",
           "gaussian_logpdf", "gaussian_mixture_logpdf", "gaussian_nll", "laplace_nll", "leave_one_out",
           "log_mean_exp", "log_sum_exp", "monte_carlo_kl", "multivariate_kl", "multivariate_logpdf", "reparameterize",
           "reparameterized_gradient", "repeat", "score_function_gradient", "softmax", "squared_error"]
