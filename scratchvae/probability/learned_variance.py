"""Gaussian likelihoods whose variance is learned: one for all pixels, or one for each pixel of each image."""

import math

import numpy as np

from ..checks import require_positive
from ..core import Module, Parameter
from .bounds import bounded_below
from .likelihoods import gaussian_nll, require_finite


class SharedGaussian(Module):
    """x_d ~ N(mu_d, sigma^2) with one learned sigma for all pixels; the decoder's output is mu.

    logvar = log sigma^2 is a Parameter of shape (1,). At its optimum sigma^2 is the mean squared error, and with it
    the weight 1 / (2 sigma^2) of the squared error is learned too.     Rybkin et al. 2021
    """

    unit = "nats"
    outputs = 1

    def __init__(self, sigma=0.3, dtype=np.float32):
        self.logvar = Parameter(np.array([2 * math.log(require_positive(sigma=sigma))], dtype))

    @property
    def sigma(self):
        """The standard deviation as it is now, a float."""
        return math.exp(float(self.logvar.value[0]) / 2)

    def forward(self, mu, *, x):
        logvar = self.logvar
        nll, nll_backward = gaussian_nll.forward(mu, np.zeros_like(mu) + logvar.value, x=x)

        def backward(dnll):
            dmu, dlogvar = nll_backward(dnll)
            logvar.grad += dlogvar.sum()
            return dmu

        return nll, backward

    def check(self, x, name):
        """ValueError, in one sentence, unless x is finite."""
        require_finite(x, name)

    def mean(self, mu):
        """E[x|z] = mu"""
        return mu

    def sample(self, mu, rng):
        """A draw x ~ p(x|z) = N(mu, sigma^2)."""
        return mu + self.sigma * rng.standard_normal(mu.shape, mu.dtype)


class PixelGaussian(Module):
    """x_d ~ N(mu_d, sigma_d^2): the decoder's output, (B, 2 D), is mu and then, for each pixel, a log-variance.

    A pixel that the decoder predicts exactly would be paid for with sigma -> 0 and a density without limit. So
    log sigma^2 = bounded_below(a, 2 log min_sigma), and sigma stays above min_sigma.
    """

    unit = "nats"
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

    def check(self, x, name):
        """ValueError, in one sentence, unless x is finite."""
        require_finite(x, name)

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


def halves(y):
    """The two outputs for each pixel: y (B, 2 D) -> (B, D) and (B, D)."""
    if y.ndim != 2 or y.shape[1] % 2:
        raise ValueError(f"y must have two outputs for each pixel, shape (B, 2 D), but has {y.shape}")
    D = y.shape[1] // 2
    return y[:, :D], y[:, D:]
