"""Hamiltonian Monte Carlo in the latents of a VAE: the decoder's own way back gives the force.

In the coordinates u of a Gaussian base N(mu, sigma^2), z = mu + sigma u, the densities between the base and p(x, z)
are a standard normal times a power of one ratio:

    log f_b(u) = log N(u; 0, I) + b r(u),     r(u) = log p(x|z) + log p(z) - log N(z; mu, sigma^2)
"""

import numpy as np


def log_ratio(model, x, mu, logvar, u):
    """r(u) and its gradient: x (M, D); mu, logvar, u (M, Z) -> (M,) and (M, Z), in float64.

    What comes home to the model's parameters on the way is of no use, and its caller puts it away.
    """
    sigma = np.exp(logvar / 2)
    z = mu + sigma * u
    y, decoder_backward = model.decoder.forward(z.astype(x.dtype))
    nll, nll_backward = model.likelihood.forward(y, x=x)
    dz = -decoder_backward(nll_backward(np.ones_like(nll))) - z
    return -nll + (u * u - z * z + logvar).sum(axis=1) / 2, sigma * dz + u


def hmc(ratio, u, r, dr, b, step, leapfrogs, rng):
    """One transition that leaves f_b as it is; -> u, r(u), its gradient, and the chance with which it was accepted.

    u (M, Z), with r and dr = ratio(u); b the power, step (M,) the step sizes. A trajectory that flies off to infinity
    is not accepted.     Neal 2011, "MCMC using Hamiltonian dynamics", section 5.3.2
    """
    step, p = step[:, None], rng.standard_normal(u.shape)
    at, r_at, force = u, r, b * dr - u
    energy = ((p * p + u * u).sum(axis=1)) / 2 - b * r
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(leapfrogs):
            p = p + step / 2 * force
            at = at + step * p
            r_at, dr_at = ratio(at)
            force = b * dr_at - at
            p = p + step / 2 * force
        change = ((p * p + at * at).sum(axis=1)) / 2 - b * r_at - energy
        chance = np.nan_to_num(np.exp(np.minimum(-change, 0)), nan=0)
    accepted = rng.random(len(u)) < chance
    return (np.where(accepted[:, None], at, u), np.where(accepted, r_at, r),
            np.where(accepted[:, None], dr_at, dr), chance)
