"""Gaussian likelihoods, for real pixels: one fixed width, one learned width, or one for each pixel of each image."""

import math

import numpy as np

from ...checks import require_positive
from ...core import Parameter, node
from ..bounds import bounded_below
from ..gaussian import gaussian_logpdf
from .likelihood import Likelihood
from .width import halves, with_one_width


@node
def gaussian_nll(mu, logvar, *, x):
    """-log N(x; mu, sigma^2), every constant included.

    mu, logvar and x of shape (B, D) -> (B,), in nats.
    """
    logp, logpdf_backward = gaussian_logpdf.forward(x, mu, logvar)

    def backward(dnll):
        _, dmu, dlogvar = logpdf_backward(-dnll)
        return dmu, dlogvar

    return -logp, backward


class Gaussian(Likelihood):
    """x_d ~ N(mu_d, sigma^2) with one fixed sigma; the decoder's output is mu."""

    numbers = ("sigma",)

    def __init__(self, sigma=1.0):
        self.sigma = require_positive(sigma=sigma)

    def forward(self, mu, *, x):
        nll, nll_backward = gaussian_nll.forward(mu, np.full_like(mu, 2 * math.log(self.sigma)), x=x)

        def backward(dnll):
            return nll_backward(dnll)[0]

        return nll, backward

    def mean(self, mu):
        """E[x|z] = mu"""
        return mu

    def sample(self, mu, rng):
        """A draw x ~ p(x|z) = N(mu, sigma^2)."""
        return mu + self.sigma * rng.standard_normal(mu.shape, mu.dtype)


class SharedGaussian(Gaussian):
    """x_d ~ N(mu_d, sigma^2) with one learned sigma for all pixels; the decoder's output is mu.

    logvar = log sigma^2 is a Parameter of shape (1,). At its optimum sigma^2 is the mean squared error, and with it
    the weight 1 / (2 sigma^2) of the squared error is learned too.     Rybkin et al. 2021
    """

    def __init__(self, sigma=0.3, *, dtype=np.float32):
        self.logvar = Parameter(np.array([2 * math.log(require_positive(sigma=sigma))], dtype))

    @property
    def sigma(self):
        """The standard deviation as it is now, a float."""
        return math.exp(float(self.logvar.value[0]) / 2)

    def forward(self, mu, *, x):
        return with_one_width(gaussian_nll, mu, self.logvar, x=x)


class PixelGaussian(Likelihood):
    """x_d ~ N(mu_d, sigma_d^2): the decoder's output, (B, 2 D), is mu and then, for each pixel, a log-variance.

    At a pixel that the decoder predicts exactly the density has no maximum: it grows without limit as sigma -> 0. So
    log sigma^2 = bounded_below(a, 2 log min_sigma), and sigma stays above min_sigma.
    """

    outputs = 2

    def __init__(self, min_sigma=1e-3):
        self.low = 2 * math.log(require_positive(min_sigma=min_sigma))

    def forward(self, y, *, x):
        mu, a = halves(y)
        logvar, bound_backward = bounded_below.forward(a, low=self.low)
        nll, nll_backward = gaussian_nll.forward(mu, logvar, x=x)

        def backward(dnll):
            dmu, dlogvar = nll_backward(dnll)
            return np.concatenate([dmu, bound_backward(dlogvar)], axis=1)

        return nll, backward

    def mean(self, y):
        """E[x|z] = mu, (B, D)"""
        return halves(y)[0]

    def sigma(self, y):
        """The standard deviation of each pixel, (B, D)."""
        return np.exp(bounded_below(halves(y)[1], low=self.low) / 2)

    def sample(self, y, rng):
        """A draw x ~ p(x|z) = N(mu, sigma_d^2), (B, D)."""
        mu = self.mean(y)
        return mu + self.sigma(y) * rng.standard_normal(mu.shape, mu.dtype)
