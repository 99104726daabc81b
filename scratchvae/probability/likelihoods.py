"""log p(x|z), seen from the decoder: its output is turned into a density, and -log p(x|z) is the loss.

A likelihood is a node from the decoder's output and x to nats, and knows the `mean` of the density and how to
`sample` from it. Here are the two simplest; the others have a file each. `SquaredError` stands beside them with the
same face, but it is no density.
"""

import math

import numpy as np

from ..checks import require_positive, require_same_shape
from ..core import Module, node
from ..microbatches import in_micro_batches
from .gaussian import gaussian_logpdf

ROWS = 256              # of the Bernoulli loss at a time: of 784 pixels each, less than half a megabyte in float32


@node
def bernoulli_nll(logits, *, x):
    """-log p(x|z) = sum_d softplus(a_d) - a_d x_d,  p(x_d = 1|z) = sigmoid(a_d).     Kingma & Welling 2014, eq. (11)

    logits a and x of shape (B, D) -> (B,), in nats. Sound at any logit: with t = tanh(a/2), softplus(a) =
    max(a, 0) + log 2 - log(1 + |t|), and sigmoid(a) = (1 + t) / 2 in the gradient is made of the same t.
    On grey x in [0, 1] the same number is a surrogate (cross-entropy), not a likelihood.
    """
    require_same_shape(logits=logits, x=x)
    t = np.tanh(logits / 2)

    def backward(dnll):
        return dnll[:, None] * ((1 + t) / 2 - x)

    nats = np.maximum(logits, 0) - logits * x + (math.log(2) - np.log1p(np.maximum(t, -t)))
    return nats.sum(axis=1), backward


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


@node
def squared_error(y, *, x):
    """sum_d (y_d - x_d)^2: a distance, not a likelihood; y and x of shape (B, D) -> (B,), in squared pixels."""
    require_same_shape(y=y, x=x)
    d = y - x

    def backward(derror):
        return 2 * derror[:, None] * d

    return (d * d).sum(axis=1), backward


class Bernoulli(Module):
    """x_d ~ Bernoulli(sigmoid(a_d)), for binary pixels; the decoder's output is the logits a."""

    unit = "nats"
    outputs = 1                # numbers that the decoder gives for each pixel

    def forward(self, logits, *, x):
        return in_micro_batches(bernoulli_nll.forward, logits, x=x, size=ROWS)

    def check(self, x, name):
        """ValueError, in one sentence, unless x lies in [0, 1]."""
        if not (x.min() >= 0 and x.max() <= 1):
            raise ValueError(f"{name} must lie in [0, 1] for a Bernoulli, but runs from {x.min()} to {x.max()}")

    def mean(self, logits):
        """E[x|z] = sigmoid(a) = (1 + tanh(a / 2)) / 2"""
        return (1 + np.tanh(logits / 2)) / 2

    def sample(self, logits, rng):
        """A draw x ~ p(x|z), of 0 and 1."""
        return (rng.random(logits.shape, logits.dtype) < self.mean(logits)).astype(logits.dtype)


class Gaussian(Module):
    """x_d ~ N(mu_d, sigma^2) with one fixed sigma, for real pixels; the decoder's output is mu."""

    unit = "nats"
    outputs = 1

    def __init__(self, sigma=1.0):
        self.sigma = require_positive(sigma=sigma)

    def forward(self, mu, *, x):
        nll, nll_backward = gaussian_nll.forward(mu, np.full_like(mu, 2 * math.log(self.sigma)), x=x)

        def backward(dnll):
            return nll_backward(dnll)[0]

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


class SquaredError(Module):
    """The distance |y - x|^2 where a model asks for a likelihood. It is not a density: it has no `sample`."""

    unit = "squared pixels"
    outputs = 1

    def forward(self, y, *, x):
        return squared_error.forward(y, x=x)

    def check(self, x, name):
        """ValueError, in one sentence, unless x is finite."""
        require_finite(x, name)

    def mean(self, y):
        """The reconstruction is the decoder's output itself."""
        return y


def require_finite(x, name):
    """ValueError, with how many entries are not, unless all of x are finite."""
    if not np.isfinite(x).all():
        raise ValueError(f"{name} must be finite, but {np.isnan(x).sum()} entries are nan and {np.isinf(x).sum()} inf")
