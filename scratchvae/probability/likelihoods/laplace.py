"""The Laplace likelihood: the absolute error as a density, with one learned width."""

import math

import numpy as np

from ...checks import require_positive, require_same_shape
from ...core import Parameter, node
from ...functions import magnitude
from .likelihood import Likelihood
from .width import with_one_width


@node
def laplace_nll(mu, logscale, *, x):
    """-log p(x|z) = sum_d log 2 b_d + |x_d - mu_d| / b_d,  p(x) = exp(-|x - mu| / b) / 2 b,  b = exp(logscale)

    mu, logscale and x of shape (B, D) -> (B,), in nats. At x = mu, where |x - mu| has no derivative, dmu is 0.
    """
    require_same_shape(mu=mu, logscale=logscale, x=x)
    d = x - mu
    u = magnitude(d) * np.exp(-logscale)

    def backward(dnll):
        dnll = dnll[:, None]
        return -dnll * np.sign(d) * np.exp(-logscale), dnll * (1 - u)

    return (math.log(2) + logscale + u).sum(axis=1), backward


class Laplace(Likelihood):
    """x_d ~ Laplace(mu_d, b) with one learned width b for all pixels; the decoder's output is mu.

    logscale = log b is a Parameter of shape (1,); at its optimum b is the mean absolute error.
    """

    numbers = ("scale",)

    def __init__(self, scale=0.2, *, dtype=np.float32):
        self.logscale = Parameter(np.array([math.log(require_positive(scale=scale))], dtype))

    @property
    def scale(self):
        """The width b as it is now, a float; the standard deviation is sqrt(2) b."""
        return math.exp(float(self.logscale.value[0]))

    def forward(self, mu, *, x):
        return with_one_width(laplace_nll, mu, self.logscale, x=x)

    def mean(self, mu):
        """E[x|z] = mu, which is the median too"""
        return mu

    def sample(self, mu, rng):
        """A draw x ~ p(x|z): the difference of two exponential draws, times b."""
        first, second = rng.standard_exponential((2, *mu.shape), mu.dtype)
        return mu + self.scale * (first - second)
