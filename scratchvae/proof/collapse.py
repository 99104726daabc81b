"""What the backwards of free bits and of a capacity are the derivatives of: sums in which slopes are held fixed."""

import numpy as np

from .surrogate import stop_gradient


def frozen_free_bits(kl, *, nats, groups):
    """sum_j s_j KL_j of groups j of latents,  s_j = 1 where the mean of KL_j over the batch is above lambda, else 0"""
    kl = kl.reshape(len(kl), groups, -1).sum(axis=2)
    return (kl * stop_gradient(1.0 * (kl.mean(axis=0) > nats))).sum(axis=1)


def frozen_capacity(kl, *, gamma, nats):
    """s sum_j KL_j,  s = gamma sign(E KL - C)"""
    return kl.sum(axis=1) * stop_gradient(gamma * np.sign(kl.sum(axis=1).mean() - nats))
