"""A categorical for each pixel: one logit for each level of grey, and no shape assumed."""

import numpy as np

from ..categorical import categorical_nll, softmax
from .levels import level_of, require_levels, require_on_levels
from .likelihood import Likelihood


class CategoricalPixels(Likelihood):
    """P(x_d = k / (K - 1)) = softmax(a_d)_k; the decoder's output, (B, D K), holds K logits for each pixel in turn.

    The most free of all likelihoods of one pixel, and the widest: it does not know that grey 100 is near grey 101.
    """

    numbers = ("levels",)

    def __init__(self, levels=256):
        self.levels = self.outputs = require_levels(levels)

    def forward(self, logits, *, x):
        """-log P(x|z) = sum_d log sum_k exp(a_dk) - a_d,x; logits (B, D K), x (B, D) -> (B,), in nats."""
        B, D = x.shape
        a = self.of_each_pixel(logits)
        if len(a) != B * D:
            raise ValueError(f"logits must hold {self.levels} for each pixel, shape {(B, D * self.levels)}, "
                             f"but have {logits.shape}")
        nll, nll_backward = categorical_nll.forward(a, y=level_of(x, self.levels).ravel())      # (B D,)

        def backward(dnll):
            return nll_backward(np.repeat(dnll, D)).reshape(logits.shape)

        return nll.reshape(B, D).sum(axis=1), backward

    def of_each_pixel(self, logits):
        """(B, D K) -> (B D, K)"""
        return logits.reshape(-1, self.levels)

    def check(self, x, name):
        """ValueError unless x lies on the levels."""
        super().check(x, name)
        require_on_levels(x, name, self.levels)

    def mean(self, logits):
        """E[x|z] = sum_k softmax(a_d)_k k / (K - 1), (B, D)"""
        grey = (np.arange(self.levels, like=logits) / (self.levels - 1)).astype(logits.dtype)
        return (softmax(self.of_each_pixel(logits)) @ grey).reshape(len(logits), -1)

    def sample(self, logits, rng):
        """A draw x ~ p(x|z): the level at which the summed probabilities pass u; (B, D)."""
        cdf = softmax(self.of_each_pixel(logits)).cumsum(axis=1)
        u = rng.random((len(cdf), 1), logits.dtype) * cdf[:, -1:]
        k = np.minimum((u >= cdf).sum(axis=1), self.levels - 1)
        return (k / (self.levels - 1)).astype(logits.dtype).reshape(len(logits), -1)
