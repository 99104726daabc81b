"""Estimates of d/d(mu, logvar) E f(z), z ~ N(mu, sigma^2), from samples of z; and of KL(N(mu, sigma^2) || N(0, I)).

Each function gives one unbiased estimate per row and averages nothing; their variance over the rows is its cost.
Chapter 7 derives them. Mohamed et al. 2020, "Monte Carlo Gradient Estimation in Machine Learning", is the survey.
"""

import numpy as np

from ..checks import require_same_shape
from ..core import node
from .gaussian import reparameterize


def reparameterized_gradient(f, mu, logvar, *, eps):
    """df/dz, and backward through the sample z = mu + sigma * eps.     Kingma & Welling 2014, section 2.4

    f is a node, z of shape (B, Z) -> (B,). mu, logvar and eps ~ N(0, I) of shape (B, Z) -> (dmu, dlogvar), each (B, Z).
    """
    z, sample_backward = reparameterize.forward(mu, logvar, eps=eps)
    y, f_backward = f.forward(z)
    return sample_backward(f_backward(np.ones_like(y)))


def score_function_gradient(f, mu, logvar, *, eps, baseline=None):
    """(f(z) - baseline) d log q(z) / d(mu, logvar), the sample z held constant.     Williams 1992, "REINFORCE"

    f is only called, never asked for a derivative: z of shape (B, Z) -> (B,), or -> (B, Z) where f is a sum of one
    term a latent, and then each latent is given its own term alone (Rao-Blackwell; Ranganath et al. 2014, section 3.1).
    baseline has the shape of f(z); it may depend on anything but its own row of eps.
    mu, logvar and eps ~ N(0, I) of shape (B, Z) -> (dmu, dlogvar), each (B, Z).
    """
    reward = f(reparameterize(mu, logvar, eps=eps))
    if baseline is not None:
        require_same_shape(f=reward, baseline=baseline)
        reward = reward - baseline
    if reward.ndim == 1:
        reward = reward[:, None]
    return reward * eps / np.exp(logvar / 2), reward * (eps * eps - 1) / 2


def leave_one_out(values):
    """For each of K values the mean of the K - 1 others: a baseline that does not depend on its own sample.

    Mnih & Rezende 2016 use it for several samples of one example. values of shape (K, ...) -> the same shape.
    Raises ValueError for fewer than two values: there are no others.
    """
    if len(values) < 2:
        raise ValueError(f"values must be at least 2, for each needs another, but there are {len(values)}")
    return (values.sum(axis=0) - values) / (len(values) - 1)


@node
def monte_carlo_kl(mu, logvar, *, eps):
    """log q(z) - log p(z) = 1/2 sum_j (z_j^2 - eps_j^2 - log sigma_j^2) at z = mu + sigma * eps, with p = N(0, I)

    One sample of the KL, as in Kingma & Welling 2014, eq. (6). Its Rao-Blackwellization is `gaussian_kl`, where z^2
    and eps^2 are replaced by their means mu^2 + sigma^2 and 1. mu, logvar and eps ~ N(0, I) of shape (B, Z) -> (B,),
    in nats, summed over the latents; a single value may be negative.
    """
    z, sample_backward = reparameterize.forward(mu, logvar, eps=eps)

    def backward(dkl):
        dkl = dkl[:, None]
        dmu, dlogvar = sample_backward(dkl * z)
        return dmu, dlogvar - dkl / 2

    return (z * z - eps * eps - logvar).sum(axis=1) / 2, backward
