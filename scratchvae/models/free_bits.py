"""Free bits: so much of the KL costs nothing, and no latent has to give it up.     Kingma et al. 2016, appendix C.8

    L = E_M[-log p(x|z)] + sum_j max(lambda, E_M[KL_j])       M: the minibatch, j: a group of latents       eq. (15)

The mean over the minibatch comes first, then the max, for each group by itself. With the max of each example, or with
the KLs under lambda left out, it is another loss (`free_bits_loss` gives the value of this one).
"""

import numpy as np

from ..checks import require_positive
from ..core import node
from .analytic_kl import AnalyticKL


class FreeBits(AnalyticKL):
    """A model trained with `nats` free for each group of latents; by default each latent is a group of its own.

    The terms of `forward` are those of -ELBO, without the max: what is recorded and evaluated is the bound, and only
    the gradient is that of eq. (15). A loss between examples: law 6 does not hold.
    """

    coupled = True

    def __init__(self, model, nats, groups=None):
        super().__init__(model)
        self.nats, self.groups = require_positive(nats=nats), groups or self.n_latents
        if self.n_latents % self.groups:
            raise ValueError(f"groups must divide the {self.n_latents} latents, but is {groups}")

    def total(self, kl):
        return free_bits.forward(kl, nats=self.nats, groups=self.groups)


@node
def free_bits(kl, *, nats, groups):
    """sum_j KL_j as it is, with the backward of  sum_j max(lambda, 1/B sum_b KL_bj)

    kl (B, Z) -> (B,), the Z latents in `groups` of neighbours. The gradient of a KL is 1 if the mean over the batch of
    its group's is above lambda, else 0: with dkl = 1/B for each example it is the gradient of that sum of maxima.
    """
    alive = (means(kl, groups) > nats).repeat(kl.shape[1] // groups)

    def backward(dkl):
        return dkl[:, None] * alive

    return kl.sum(axis=1), backward


def free_bits_loss(kl, nats, groups=None):
    """sum_j max(lambda, 1/B sum_b KL_bj), a number in nats: kl (B, Z) of one minibatch."""
    return float(np.maximum(means(kl, groups or kl.shape[1]), nats).sum())


def means(kl, groups):
    """1/B sum_b KL_bj of each group j: (B, Z) -> (groups,)"""
    return kl.reshape(len(kl), groups, -1).sum(axis=2).mean(axis=0)
