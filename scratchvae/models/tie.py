"""The tie: a decoder that can say any p(x|z) has the same bound whether z says much of x or nothing.

A world of so few bits that every image is written down. Whatever the code q(z|x), the best decoder for it is q(x|z),
and any table of images is a product of p(x_d | x_<d, z): an autoregressive decoder that can do all reaches it. Then

    E log p(x|z) - E KL(q(z|x) || p(z))  =  E log p*(x) - KL(q(z) || p(z))

With the best prior, p(z) = q(z), this is E log p*(x) at every rate I(x; z): a tie, and to leave z unused is one of its
optima. With a prior that no code but the constant one can match, that one is the only optimum. A decoder that draws the
bits apart, prod_d p(x_d|z), needs z: its bound is a hill over the rate.     Chen et al. 2017; Alemi et al. 2018
"""

import itertools
import math
from typing import NamedTuple

import numpy as np

from ..probability import BernoulliMixture


class TieBounds(NamedTuple):
    """Of a code q(z|x), in nats, exact expectations over the images; each decoder is the best of its kind for q."""

    rate: float            # I(x; z) = E KL(q(z|x) || q(z)), from 0 to the entropy of x or log K
    strong: float          # the bound of an autoregressive decoder, with the prior q(z)
    weak: float            # the bound of a decoder whose bits are independent given z, with the prior q(z)
    marginal_kl: float     # KL(q(z) || uniform): with the uniform prior the rate is higher, each bound lower by it


class Tie:
    """Bits whose p*(x) is a BernoulliMixture, `truth`: its K components are what z can be.

    x (2^D, D) all images, p (2^D,) their probabilities, posterior (2^D, K) the p(k|x) of the mixture.
    """

    def __init__(self, truth):
        self.x = np.array(list(itertools.product([0.0, 1.0], repeat=truth.means.shape[1])))
        self.posterior, log_p = truth.posterior(self.x)
        self.p = np.exp(log_p)

    def code(self, sharpness):
        """q(z|x) proportional to p(z|x)^t: a constant at t = 0, the exact posterior of the truth at 1, then harder."""
        q = self.posterior**sharpness
        return q / q.sum(axis=1, keepdims=True)

    def log_p(self):
        """E log p*(x): what no bound can exceed."""
        return float(self.p @ np.log(self.p))

    def bounds(self, q):
        """TieBounds of a code q (2^D, K), whose rows sum to 1."""
        joint = self.p[:, None] * q
        q_z = joint.sum(axis=0)
        on = joint.T @ self.x / q_z[:, None]                            # (K, D): q(x_d = 1|z)
        entropy_z = -p_log_p(q_z).sum()
        rate = entropy_z + (self.p[:, None] * p_log_p(q)).sum()
        strong = p_log_p(joint).sum() + entropy_z                       # E log p(x|z)
        weak = (q_z[:, None] * (p_log_p(on) + p_log_p(1 - on))).sum()
        return TieBounds(*map(float, (rate, strong - rate, weak - rate, math.log(len(q_z)) - entropy_z)))

    def curve(self, sharpness):
        """The TieBounds along codes of these sharpnesses, each an array: their `rate` is the axis to the right."""
        return TieBounds(*np.transpose([self.bounds(self.code(t)) for t in sharpness]))


def p_log_p(p):
    """p log p of each number, with 0 log 0 = 0."""
    return p * np.log(np.where(p > 0, p, 1))


def two_rows(noise=0.25, share=0.7):
    """2 x 2 bits: the upper row is white with probability `share`, else the lower; each bit flips with `noise`."""
    upper = np.array([1 - noise, 1 - noise, noise, noise])
    return Tie(BernoulliMixture(np.array([share, 1 - share]), np.stack([upper, 1 - upper])))
