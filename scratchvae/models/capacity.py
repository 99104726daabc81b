"""A KL that is told how large to be.     Burgess et al. 2018, "Understanding disentangling in beta-VAE\""""

import numpy as np

from ..checks import require_positive
from ..core import Buffer, node
from .analytic_kl import AnalyticKL


class Capacity(AnalyticKL):
    """A model trained on  E_M[-log p(x|z)] + gamma |E_M[KL] - C|,  M the minibatch.     Burgess et al. 2018, eq. (8)

    `capacity`, a function step -> C in nats, lets C rise: linear(steps=10000, stop=25). The step is a Buffer: it is
    kept in a checkpoint. The terms of `forward` are those of -ELBO; only the gradient is that of this loss. A loss
    between examples: law 6 does not hold.
    """

    coupled = True

    def __init__(self, model, gamma, capacity):
        super().__init__(model)
        self.gamma, self.capacity = require_positive(gamma=gamma), capacity
        self.step = Buffer(np.zeros((), np.int64))

    def total(self, kl):
        return kl_at_capacity.forward(kl, gamma=self.gamma, nats=self.capacity(int(self.step.value)))

    def after_step(self, **constants):
        """Count it."""
        self.step.value += 1


@node
def kl_at_capacity(kl, *, gamma, nats):
    """sum_j KL_j as it is, with the backward of  gamma |1/B sum_bj KL_bj - C|

    kl (B, Z) -> (B,). The gradient of every KL is gamma where their mean over the batch is above C, else -gamma.
    """
    slope = gamma if kl.sum(axis=1).mean() > nats else -gamma

    def backward(dkl):
        return dkl[:, None] * slope * np.ones_like(kl)

    return kl.sum(axis=1), backward
