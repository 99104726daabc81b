"""Priors p(z): the density of a latent before x is seen."""

from .aggregate import AggregatePosterior
from .gaussian_mixture import GaussianMixturePrior, gaussian_mixture_logpdf
from .prior import Prior
from .standard_normal import StandardNormal
from .vamp import VampPrior

__all__ = ["AggregatePosterior", "GaussianMixturePrior", "Prior", "StandardNormal", "VampPrior",
           "gaussian_mixture_logpdf"]
