"""Latents in two layers, z = [z1, z2]: what is general in z2, what is particular in z1.

    p(z) = p(z2) p(z1|z2)        q(z|x) = q(z2|x) q(z1|x, z2)                    Tomczak & Welling 2018

    KL(q(z|x) || p(z)) = KL(q(z2|x) || p(z2)) + E KL(q(z1|x, z2) || p(z1|z2)), E over z2 ~ q(z2|x)       the chain rule

Both draw from the top down: z2 first, then z1 given z2. z1 stands in the first n_first columns of z and eps.
"""

import numpy as np

from ..core import Module, gradients_kept
from .gaussian import gaussian_logpdf
from .importance import repeat
from .posteriors import Posterior, gaussian_draw
from .priors import Prior


class TwoLayerPrior(Prior):
    """p(z) = p(z2) p(z1|z2),  p(z1|z2) = N(mu, sigma^2) with (mu, logvar) = first(z2)

    top      p(z2), any Prior
    first    a network, z2 (M, Z2) -> (mu, logvar), each (M, n_first)
    """

    def __init__(self, top, first, n_first):
        self.top, self.first, self.n_first = top, first, n_first
        self.n_latents = n_first + top.n_latents

    def forward(self, z, **condition):
        (log_p1, log_p2), layers_backward = self.layers(z, **condition)

        def backward(dlog_p):
            return layers_backward(dlog_p, dlog_p)

        return log_p1 + log_p2, backward

    def layers(self, z, **condition):
        """(log p(z1|z2), log p(z2)), each (M,), in nats, of z (M, Z); backward(dlog_p1, dlog_p2) -> dz"""
        z1, z2 = z[:, :self.n_first], z[:, self.n_first:]
        log_p2, top_backward = self.top.forward(z2, **condition)
        (mu, logvar), first_backward = self.first.forward(z2)
        log_p1, log_p1_backward = gaussian_logpdf.forward(z1, mu, logvar)

        def backward(dlog_p1, dlog_p2):
            dz1, dmu, dlogvar = log_p1_backward(dlog_p1)
            return np.concatenate([dz1, top_backward(dlog_p2) + first_backward(dmu, dlogvar)], axis=1)

        return (log_p1, log_p2), backward

    def sample(self, n, rng, dtype=np.float32, **condition):
        """n draws, (n, Z): first z2 ~ p(z2), then z1 ~ p(z1|z2)."""
        z2 = self.top.sample(n, rng, dtype, **condition)
        mu, logvar = self.first(z2)
        z1 = mu + np.exp(logvar / 2) * rng.standard_normal(mu.shape, dtype)
        return np.concatenate([z1, z2], axis=1).astype(dtype)


class TwoLayerPosterior(Posterior):
    """q(z|x) = q(z2|x) q(z1|x, z2),  q(z1|x, z2) = N(mu, sigma^2) with (mu, logvar) = first(features(x), z2)

    top         q(z2|x), any Posterior
    features    a network, x (B, D) -> h (B, H), computed once for all draws of z2
    first       a network of two inputs, h (M, H) and z2 (M, Z2) -> (mu, logvar), each (M, n_first): Joined, Residual
    """

    def __init__(self, top, features, first, n_first):
        self.top, self.features, self.first, self.n_first = top, features, first, n_first

    def forward(self, x, eps, *, score=True, **condition):
        (z, log_q1, log_q2), layers_backward = self.layers(x, eps, score=score, **condition)

        def backward(dz, dlog_q):
            return layers_backward(dz, dlog_q, dlog_q)

        return (z, log_q1 + log_q2), backward

    def layers(self, x, eps, *, score=True, **condition):
        """(z, log q(z1|x, z2), log q(z2|x)) of x (B, D) and eps (B, k, Z): z (B k, Z), and each (B k,), in nats

        -> backward(dz, dlog_q1, dlog_q2) -> (dx, deps). `score=False`: see Posterior.
        """
        (B, k, _), n = eps.shape, self.n_first
        options = condition if score else {"score": False, **condition}
        (z2, log_q2), top_backward = self.top.forward(x, eps[:, :, n:], **options)
        h, features_backward = self.features.forward(x, **condition)
        h, repeat_backward = repeat.forward(h, k=k)
        (z1, log_q1), first_backward = self.draw_first(h, z2, eps[:, :, :n].reshape(B * k, n), score)

        def backward(dz, dlog_q1, dlog_q2):
            dh, dz2, deps1 = first_backward(dz[:, :n], dlog_q1)
            dx, deps2 = top_backward(dz[:, n:] + dz2, dlog_q2)
            dx_features = features_backward(repeat_backward(dh))
            dx = None if dx is None or dx_features is None else dx + dx_features
            return dx, np.concatenate([deps1.reshape(B, k, n), deps2], axis=2)

        return (np.concatenate([z1, z2], axis=1), log_q1, log_q2), backward

    def draw_first(self, h, z2, eps, score=True):
        """(z1, log q(z1|x, z2)) of h (M, H), z2 (M, Z2), eps (M, n_first); backward(dz1, dlog_q1) -> (dh, dz2, deps)

        z2 is a draw, not a parameter: what it does to the density at a fixed z1 belongs to the path, and stays where
        the score term is left out.
        """
        (mu, logvar), first_backward = self.first.forward(h, z2)
        z1_and_log_q, draw_backward = gaussian_draw.forward(mu, logvar, eps, score=score)

        def backward(dz1, dlog_q1):
            dmu, dlogvar, deps = draw_backward(dz1, dlog_q1)
            dh, dz2 = first_backward(dmu, dlogvar)
            if not score:
                _, *at_fixed_z1 = gaussian_logpdf.forward(z1_and_log_q[0], mu, logvar)[1](dlog_q1)
                with gradients_kept(self.first):
                    dz2 = dz2 + first_backward(*at_fixed_z1)[1]
            return dh, dz2, deps

        return z1_and_log_q, backward

    def invert(self, z, *, x, **condition):
        """The eps of z = T(eps; x): x (B, D), z (B k, Z) -> (B, k, Z)."""
        B, (z1, z2) = len(x), np.split(z, [self.n_first], axis=1)
        mu, logvar = self.first(self.features(x, **condition).repeat(len(z) // B, axis=0), z2)
        eps1 = ((z1 - mu) / np.exp(logvar / 2)).reshape(B, -1, self.n_first)
        return np.concatenate([eps1, self.top.invert(z2, x=x, **condition)], axis=2)


class Residual(Module):
    """mu = mu_p + dmu,  logvar = logvar_p + dlogvar:  (mu_p, logvar_p) = prior(z2),  (dmu, dlogvar) = change(h, z2)

    q(z1|x, z2) as a change of p(z1|z2), of which `prior` is the network: where change says 0, the KL of layer 1 is 0,
    and the prior need not be imitated. KL = 1/2 sum_j (dmu_j^2 / sigma_pj^2 + exp(dlogvar_j) - 1 - dlogvar_j).
    Vahdat & Kautz 2020, "NVAE", section 3.2

    h (M, H), z2 (M, Z2) -> (mu, logvar), each (M, n_first)
    """

    def __init__(self, prior, change):
        self.prior, self.change = prior, change

    def forward(self, h, z2):
        (prior_mu, prior_logvar), prior_backward = self.prior.forward(z2)
        (mu, logvar), change_backward = self.change.forward(h, z2)

        def backward(dmu, dlogvar):
            dh, dz2 = change_backward(dmu, dlogvar)
            return dh, dz2 + prior_backward(dmu, dlogvar)

        return (prior_mu + mu, prior_logvar + logvar), backward
