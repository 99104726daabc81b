"""The discretized logistic: a bell cut into K bins, each pixel value with the mass of its bin."""

import math

import numpy as np

from ...checks import require_positive, require_same_shape
from ...core import node
from ...functions import sigmoid, softplus
from ..bounds import bounded_below
from .levels import level_of, require_levels, require_on_levels
from .likelihood import Likelihood
from .width import halves


@node
def discretized_logistic_nll(mu, logscale, *, x, levels=256):
    """-log P(x|z), P(k) = F(k + 1/2) - F(k - 1/2),  F(k) = sigmoid((k / (K - 1) - mu) / s),  s = exp(logscale)

    Kingma et al. 2016 and Salimans et al. 2017, eq. (2): the first bin reaches down to -inf, the last up to +inf.
    mu, logscale and x = k / (K - 1) of shape (B, D) -> (B,), in nats: a mass, P <= 1, so never below 0.

    With the edges p = upper, m = lower and w = p - m, in units of s, the difference is a product,

        sigmoid(p) - sigmoid(m) = sigmoid(p) sigmoid(-m) (1 - e^-w)

    whose logarithm loses no digit at any scale (for a very wide bell, log(1 - e^-w) = log w + log((1 - e^-w) / w)).
    The first bin keeps only sigmoid(p), the last only sigmoid(-m).
    """
    require_same_shape(mu=mu, logscale=logscale, x=x)
    half = 0.5 / (levels - 1)
    not_first, not_last = (x > half).astype(x.dtype), (x < 1 - half).astype(x.dtype)
    inside = not_first * not_last
    precision = np.exp(-logscale)
    p, m, w = (x - mu + half) * precision, (x - mu - half) * precision, 2 * half * precision
    w = np.maximum(w, 1e-37)                                 # 0 where exp(-logscale) has underflowed
    body = -np.expm1(-w) / w

    def backward(dnll):
        dnll = dnll[:, None]
        dp, dm = -dnll * not_last * sigmoid(-p), dnll * not_first * sigmoid(m)
        wdw = -dnll * inside * np.exp(-w) / body
        return -(dp + dm) * precision, -(dp * p + dm * m + wdw)

    nats = not_last * softplus(-p) + not_first * softplus(m) - inside * (math.log(2 * half) - logscale + np.log(body))
    return nats.sum(axis=1), backward


class DiscretizedLogistic(Likelihood):
    """P(x_d) of a logistic bell cut into bins; the decoder's output, (B, 2 D), is mu and then a log-scale a pixel.

    The scale stays above `min_scale`: logscale = bounded_below(a, log min_scale).
    """

    outputs = 2
    numbers = ("levels",)

    def __init__(self, levels=256, min_scale=1e-4):
        self.levels = require_levels(levels)
        self.low = math.log(require_positive(min_scale=min_scale))

    def forward(self, y, *, x):
        mu, a = halves(y)
        logscale, bound_backward = bounded_below.forward(a, low=self.low)
        nll, nll_backward = discretized_logistic_nll.forward(mu, logscale, x=x, levels=self.levels)

        def backward(dnll):
            dmu, dlogscale = nll_backward(dnll)
            return np.concatenate([dmu, bound_backward(dlogscale)], axis=1)

        return nll, backward

    def check(self, x, name):
        """ValueError unless x lies on the levels."""
        super().check(x, name)
        require_on_levels(x, name, self.levels)

    def mean(self, y):
        """E[x|z] = sum_(j=1)^(K-1) P(k >= j) / (K - 1),  P(k >= j) = sigmoid((mu - (j - 1/2) / (K - 1)) / s); (B, D)"""
        mu, a = halves(y)
        precision = np.exp(-bounded_below(a, low=self.low))
        total = np.zeros_like(mu)
        for j in range(1, self.levels):
            total += sigmoid((mu - (j - 0.5) / (self.levels - 1)) * precision)
        return total / (self.levels - 1)

    def sample(self, y, rng):
        """A draw x ~ p(x|z): a draw from the bell, mu + s log(u / (1 - u)), moved to the nearest level; (B, D)."""
        mu, a = halves(y)
        u = np.maximum(rng.random(mu.shape, mu.dtype), np.finfo(mu.dtype).tiny)
        t = mu + np.exp(bounded_below(a, low=self.low)) * (np.log(u) - np.log1p(-u))
        return (level_of(np.clip(t, 0, 1), self.levels) / (self.levels - 1)).astype(mu.dtype)
