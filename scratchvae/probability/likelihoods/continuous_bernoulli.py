"""The continuous Bernoulli: the cross-entropy on grey pixels, with the constant that makes it a density on [0, 1]."""

import numpy as np

from ...checks import require_same_shape
from ...core import node
from ...functions import magnitude
from .likelihood import Likelihood, require_unit_interval

# log(sinh h / h) = sum_n c_n h^(2 n),  c_n = 2^(2 n) B_(2 n) / (2 n (2 n)!) with the Bernoulli numbers B
SERIES = (1 / 6, -1 / 180, 1 / 2835, -1 / 37800, 1 / 467775, -691 / 3831077250, 2 / 127702575, -3617 / 2605132530000)
NEAR = 0.5        # where |h| is below, the series; its next term is then smaller than a rounding in float64


@node
def continuous_bernoulli_nll(logits, *, x):
    """-log p(x|z) = sum_d A(a_d) - a_d x_d,  A(a) = log integral_0^1 exp(a t) dt = log (e^a - 1) / a

    logits a and x in [0, 1] of shape (B, D) -> (B,), in nats.     Loaiza-Ganem & Cunningham 2019, with a = logit lambda
    The cross-entropy has softplus(a) in the place of A(a): what is missing there is log C = softplus(a) - A(a).
    A(a) = max(a, 0) + log (1 - e^-|a|) / |a|, and max(a, 0) - a x is taken first: at a large logit these two are large
    and nearly cancel, and what is left keeps its digits.
    """
    require_same_shape(logits=logits, x=x)

    def backward(dnll):
        return dnll[:, None] * (continuous_bernoulli_mean(logits) - x)

    return (np.maximum(logits, 0) - logits * x + log_mean_decay(magnitude(logits))).sum(axis=1), backward


def log_mean_decay(m):
    """log integral_0^1 exp(-m t) dt = log (1 - e^-m) / m, for m >= 0: no overflow, and no digit lost at m = 0

    = log(sinh h / h) - h with h = m / 2, summed as a series where it would be 0 / 0.
    """
    near = m.real < 2 * NEAR
    far, h = np.where(near, 1, m), np.where(near, m, 0) / 2      # each branch is given only what it can bear
    return np.where(near, h * h * polynomial(SERIES, h * h) - h, np.log1p(-np.exp(-far)) - np.log(far))


def continuous_bernoulli_mean(logits):
    """E x = A'(a) = 1/2 + (coth h - 1 / h) / 2,  h = a / 2: what sigmoid(a) is for the Bernoulli, and nearer to 1/2."""
    h = logits / 2
    near = np.abs(h) < NEAR
    far = np.where(near, 1, h)
    small = np.where(near, h, 0)
    slopes = [2 * (n + 1) * c for n, c in enumerate(SERIES)]
    return (1 + np.where(near, small * polynomial(slopes, small * small), 1 / np.tanh(far) - 1 / far)) / 2


def polynomial(coefficients, s):
    """c_0 + c_1 s + c_2 s^2 + ..., by Horner's rule."""
    total = 0
    for c in reversed(coefficients):
        total = total * s + c
    return total


class ContinuousBernoulli(Likelihood):
    """p(x_d) proportional to exp(a_d x_d) on [0, 1], for grey pixels; the decoder's output is the logits a."""

    def forward(self, logits, *, x):
        return continuous_bernoulli_nll.forward(logits, x=x)

    def check(self, x, name):
        """ValueError unless x lies in [0, 1]."""
        super().check(x, name)
        require_unit_interval(x, name, " for a continuous Bernoulli")

    def mean(self, logits):
        """E[x|z]"""
        return continuous_bernoulli_mean(logits)

    def sample(self, logits, rng):
        """A draw x ~ p(x|z), by the inverse of the cdf F(x) = (e^(a x) - 1) / (e^a - 1).

        For a < 0, x = log(1 + u (e^a - 1)) / a; for a > 0 the same from the other end, so that nothing overflows.
        """
        m = np.maximum(np.abs(logits), np.finfo(logits.dtype).tiny)
        u = rng.random(logits.shape, logits.dtype)
        x = np.minimum(-np.log1p(u * np.expm1(-m)) / m, 1)
        return np.where(logits > 0, 1 - x, x)
