"""Approximate posteriors q(z|x): latents made from noise, and their density."""

import math

import numpy as np

from ..checks import require_same_shape
from ..core import Module, node
from .importance import repeat


class Posterior(Module):
    """q(z|x) as a map of noise: z = T(eps; x),  log q(z|x) = log N(eps; 0, I) - log|det dT/deps|,  eps ~ N(0, I)

        forward(x, eps, **condition) -> ((z, log_q), backward)      x (B, D), eps (B, k, Z) -> z (B k, Z), log_q (B k,)
        backward(dz, dlog_q) -> (dx, deps)                          dx is None where x is data

    k draws for each x, side by side, in nats. log q is computed from eps, not from z, which is rounded. `condition` is
    what the data hold beside x (a label, half an image): a posterior without one need not take it.

    With `score=False` backward leaves out the score term, d log q / d parameters at a fixed z, and keeps the gradient
    through z. Only DReG asks for it.     Roeder et al. 2017; Tucker et al. 2019
    """


class DiagonalGaussian(Posterior):
    """q(z|x) = N(mu, sigma^2),  (mu, logvar) = encoder(x).     Kingma & Welling 2014, eq. (9)"""

    def __init__(self, encoder):
        self.encoder = encoder

    def forward(self, x, eps, *, score=True, **condition):
        B, k, Z = eps.shape
        (mu, logvar), encoder_backward = self.encoder.forward(x, **condition)
        mu, mu_backward = repeat.forward(mu, k=k)
        logvar, logvar_backward = repeat.forward(logvar, k=k)
        z_and_log_q, draw_backward = gaussian_draw.forward(mu, logvar, eps.reshape(B * k, Z), score=score)

        def backward(dz, dlog_q):
            dmu, dlogvar, deps = draw_backward(dz, dlog_q)
            return encoder_backward(mu_backward(dmu), logvar_backward(dlogvar)), deps.reshape(B, k, Z)

        return z_and_log_q, backward

    def encode(self, x, **condition):
        """(mu, logvar), each (B, Z)."""
        return self.encoder(x, **condition)

    def invert(self, z, *, x, **condition):
        """The eps of z = T(eps; x): x (B, D), z (B k, Z) -> (B, k, Z)."""
        mu, logvar = (a.repeat(len(z) // len(x), axis=0) for a in self.encode(x, **condition))
        return ((z - mu) / np.exp(logvar / 2)).reshape(len(x), -1, z.shape[1])


@node
def gaussian_draw(mu, logvar, eps, *, score=True):
    """z = mu + sigma * eps  and  log N(z; mu, sigma^2) = -1/2 sum_j (eps_j^2 + logvar_j + log 2 pi)

    mu, logvar and eps of shape (B, Z) -> z (B, Z) and log q (B,), in nats. At fixed eps, log q does not depend on mu.
    With score=False the gradient of log q is that through z alone: d log q / dz = -eps / sigma, at fixed mu and sigma.
    """
    require_same_shape(mu=mu, logvar=logvar, eps=eps)
    sigma = np.exp(logvar / 2)

    def backward(dz, dlog_q):
        dlog_q = dlog_q[:, None]
        deps = dz * sigma - dlog_q * eps
        if score:
            return dz, (dz * eps * sigma - dlog_q) / 2, deps
        return deps / sigma, deps * eps / 2, deps

    return (mu + sigma * eps, -(eps * eps + logvar + math.log(2 * math.pi)).sum(axis=1) / 2), backward
