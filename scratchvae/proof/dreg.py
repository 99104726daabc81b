"""What the backward of DReG is the derivative of.     Tucker et al. 2019"""

import numpy as np

from .. import probability
from .surrogate import stop_gradient


def dreg_surrogate(dreg):
    """-sum_i v_i^2 log w_i, learned by the encoder through z_i alone; -sum_i v_i log p(x, z_i), by the decoder.

    v, and in each sum everything else, is what it is at the point of the proof.
    """
    def surrogate(*, x, eps):
        fixed, k = stop_gradient(dreg), eps.shape[1]
        v, many_x = fixed.weights(x=x, eps=eps), x.repeat(k, axis=0)
        z, _, _ = draws(dreg.encoder, x, eps)
        fixed_z, mu, logvar = draws(fixed.encoder, x, eps)
        for_encoder = log_joint(fixed, many_x, z) - probability.gaussian_logpdf(z, mu, logvar)
        for_decoder = log_joint(dreg, many_x, fixed_z)
        return -(v * v * for_encoder.reshape(v.shape) + v * for_decoder.reshape(v.shape)).sum(axis=1)

    return surrogate


def draws(encoder, x, eps):
    """(z, mu, logvar) of k draws for each x: x (B, D), eps (B, k, Z) -> each (B k, Z)"""
    mu, logvar = (probability.repeat(a, k=eps.shape[1]) for a in encoder(x))
    return probability.reparameterize(mu, logvar, eps=eps.reshape(mu.shape)), mu, logvar


def log_joint(vae, x, z):
    """log p(x, z) = log p(x|z) + log N(z; 0, I)"""
    zero = np.zeros_like(z)
    return probability.gaussian_logpdf(z, zero, zero) - vae.likelihood(vae.decoder(z), x=x)
