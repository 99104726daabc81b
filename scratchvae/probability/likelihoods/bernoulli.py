"""The Bernoulli likelihood, from logits: pixels that are 0 or 1."""

import math

import numpy as np

from ...checks import require_same_shape
from ...core import node
from ...functions import magnitude, sigmoid
from ...microbatches import in_micro_batches
from .likelihood import Likelihood, require_unit_interval

ROWS = 256              # of the loss at a time: of 784 pixels each, less than half a megabyte in float32


@node
def bernoulli_nll(logits, *, x):
    """-log p(x|z) = sum_d softplus(a_d) - a_d x_d,  p(x_d = 1|z) = sigmoid(a_d).     Kingma & Welling 2014, eq. (11)

    logits a and x of shape (B, D) -> (B,), in nats: the binary cross-entropy. Sound at any logit: with t = tanh(a/2),
    softplus(a) = max(a, 0) + log 2 - log(1 + |t|), and sigmoid(a) = (1 + t) / 2 in the gradient is made of the same t,
    so that one exponential serves both; elsewhere softplus stands in functions.py.
    On grey x in [0, 1] the same number is a surrogate (cross-entropy), not a likelihood.
    """
    require_same_shape(logits=logits, x=x)
    t = np.tanh(logits / 2)

    def backward(dnll):
        return dnll[:, None] * ((1 + t) / 2 - x)

    nats = np.maximum(logits, 0) - logits * x + (math.log(2) - np.log1p(magnitude(t)))
    return nats.sum(axis=1), backward


class Bernoulli(Likelihood):
    """x_d ~ Bernoulli(sigmoid(a_d)), for binary pixels; the decoder's output is the logits a."""

    as_distance = "cross-entropy"

    def forward(self, logits, *, x):
        return in_micro_batches(bernoulli_nll.forward, logits, x=x, size=ROWS)

    def mean(self, logits):
        """E[x|z] = sigmoid(a)"""
        return sigmoid(logits)

    def sample(self, logits, rng):
        """A draw x ~ p(x|z), of 0 and 1."""
        return (rng.random(logits.shape, logits.dtype) < self.mean(logits)).astype(logits.dtype)

    def check(self, x, name):
        """ValueError unless x lies in [0, 1]."""
        super().check(x, name)
        require_unit_interval(x, name, " for a Bernoulli")

    def flaw(self, x):
        """The cross-entropy of grey pixels is no likelihood: over 0 and 1 alone the two masses sum to 1."""
        return "cross-entropy of grey pixels, no likelihood" if bool(((x > 0) & (x < 1)).any()) else ""
