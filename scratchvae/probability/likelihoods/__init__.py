"""Likelihoods p(x|z) of pixels: what the decoder's output means. The protocol is written at `Likelihood`."""

from .bernoulli import Bernoulli, bernoulli_nll
from .categorical_pixels import CategoricalPixels
from .continuous_bernoulli import ContinuousBernoulli, continuous_bernoulli_mean, continuous_bernoulli_nll
from .discretized_logistic import DiscretizedLogistic, discretized_logistic_nll
from .gaussian import Gaussian, PixelGaussian, SharedGaussian, gaussian_nll
from .laplace import Laplace, laplace_nll
from .likelihood import Likelihood
from .squared_error import SquaredError, squared_error

__all__ = ["Bernoulli", "CategoricalPixels", "ContinuousBernoulli", "DiscretizedLogistic", "Gaussian", "Laplace",
           "Likelihood", "PixelGaussian", "SharedGaussian", "SquaredError", "bernoulli_nll",
           "continuous_bernoulli_mean", "continuous_bernoulli_nll", "discretized_logistic_nll", "gaussian_nll",
           "laplace_nll", "squared_error"]
