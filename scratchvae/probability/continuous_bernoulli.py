"""The continuous Bernoulli: the cross-entropy on grey pixels, with the constant that makes it a density on [0, 1]."""

import numpy as np

from ..checks import require_same_shape
from ..core import Module, node

# log(sinh h / h) = sum_n c_n h^(2 n),  c_n = 2^(2 n) B_(2 n) / (2 n (2 n)!) with the Bernoulli numbers B
SERIES = (1 / 6, -1 / 180, 1 / 2835, -1 / 37800, 1 / 467775, -691 / 3831077250, 2 / 127702575, -3617 / 2605132530000)
NEAR = 0.5        # below, the series; the next term is then smaller than a rounding in float64


@node
def continuous_bernoulli_nll(logits, *, x):
    """-log p(x|z) = sum_d A(a_d) - a_d x_d,  A(a) = log integral_0^1 exp(a t) dt = log (e^a - 1) / a

    logits a and x in [0, 1] of shape (B, D) -> (B,), in nats.     Loaiza-Ganem & Cunningham 2019, with a = logit lambda
    The cross-entropy has softplus(a) in the place of A(a): what is missing there is log C = softplus(a) - A(a).
    With h = a / 2, A(a) = h + log(sinh h / h), which is 0 / 0 at a = 0: there it is summed as a series.
    """
    require_same_shape(logits=logits, x=x)

    def backward(dnll):
        return dnll[:, None] * (continuous_bernoulli_mean(logits) - x)

    return (log_normalizer(logits) - logits * x).sum(axis=1), backward


def log_normalizer(logits):
    """A(a) = log (e^a - 1) / a, which neither overflows nor loses digits at a = 0; the shape of a."""
    h = logits / 2
    m = np.maximum(h, -h)                                    # sinh h / h is the same at h and -h
    near = m.real < NEAR
    far = np.where(near, 1, m)
    small = np.where(near, m, 0)                             # also keeps the square of a vast m from overflowing
    s = small * small
    return h + np.where(near, s * polynomial(SERIES, s), far + np.log1p(-np.exp(-2 * far)) - np.log(2 * far))


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


class ContinuousBernoulli(Module):
    """p(x_d) proportional to exp(a_d x_d) on [0, 1], for grey pixels; the decoder's output is the logits a."""

    unit = "nats"
    outputs = 1

    def forward(self, logits, *, x):
        return continuous_bernoulli_nll.forward(logits, x=x)

    def check(self, x, name):
        """ValueError, in one sentence, unless x lies in [0, 1]."""
        if not (x.min() >= 0 and x.max() <= 1):
            raise ValueError(f"{name} must lie in [0, 1] for a continuous Bernoulli, "
                             f"but runs from {x.min()} to {x.max()}")

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
