"""The Bernoulli likelihood, from logits: pixels that are 0 or 1."""

import numpy as np

from ...checks import require_same_shape
from ...core import node
from ...functions import sigmoid
from ...microbatches import in_micro_batches
from .likelihood import Likelihood, require_unit_interval

ROWS = 128              # of the loss at a time: of 784 pixels each, less than half a megabyte in float32
FACTORS = 16            # under one logarithm; each is at least 1/2, so that their product is far from underflow


@node
def bernoulli_nll(logits, *, x):
    """-log p(x|z) = sum_d softplus(a_d) - a_d x_d,  p(x_d = 1|z) = sigmoid(a_d).     Kingma & Welling 2014, eq. (11)

    logits a and x of shape (B, D) -> (B,), in nats: the binary cross-entropy. Sound at any logit: with s = sigmoid(a),
    softplus(a) = max(a, 0) - log sigmoid(|a|), and sigmoid(|a|) = max(s, 1 - s), so that one exponential serves the
    value and the gradient, s - x; elsewhere softplus stands in functions.py.
    On grey x in [0, 1] the same number is a surrogate (cross-entropy), not a likelihood.
    """
    require_same_shape(logits=logits, x=x)
    s = sigmoid(logits)

    def backward(dnll):
        dlogits = s - x
        dlogits *= dnll[:, None]
        return dlogits

    nats = np.maximum(logits, 0) - logits * x
    return nats.sum(axis=1) - sum_of_logs(np.maximum(s, 1 - s)), backward


def sum_of_logs(p):
    """sum_d log p_d, of p in [1/2, 1] of shape (B, D) -> (B,): a product of up to 16 of them, and one logarithm of it.

    Where the processor has no wide instructions for it, a logarithm costs ten times a product. If no number up to 16
    divides D, each p has its own.
    """
    B, D = p.shape
    n = next(n for n in range(FACTORS, 0, -1) if D % n == 0)
    return np.log(p.reshape(B, n, D // n).prod(axis=1)).sum(axis=1)


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
