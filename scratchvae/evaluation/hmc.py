"""Hamiltonian Monte Carlo along a path of densities, from one that is known to the posterior:

    log f_b(u) = reference(u) + b ratio(u),   0 <= b <= 1

Two paths for a latent-variable model, each a function u (M, Z) -> (reference, its gradient, ratio, its gradient), of
shapes (M,), (M, Z), (M,), (M, Z), in float64:

    from_prior        u = z                f_b = p(z) p(x|z)^b               no encoder takes part
    from_posterior    u = eps, z = T(eps)  f_b = N(eps; 0, I) w(eps)^b       w = p(x, z) / q(z|x)

The backward passes of the model give the force. They also add to the gradients of its parameters, which the caller
protects (gradients_kept).
"""

import numpy as np


def from_prior(model, x, **condition):
    """The path p(z) p(x|z)^b; a row of x (M, D) for each u."""
    def path(z):
        log_p, prior_backward = model.prior.forward(z, **condition)
        nll, observation_backward = model.observation.forward(z.astype(x.dtype), x=x, **condition)
        return log_p, prior_backward(np.ones_like(log_p)), -nll, -observation_backward(np.ones_like(nll))

    return path


def from_posterior(model, x, **condition):
    """The path N(eps; 0, I) w(eps)^b; x (B, D) for u (B k, Z)."""
    def path(eps):
        draws = eps.reshape(len(x), -1, eps.shape[1]).astype(x.dtype)
        log_w, weights_backward = model.log_weights(draws, x=x, **condition)
        deps = weights_backward(np.ones_like(log_w))
        return -(eps * eps).sum(axis=1) / 2, -eps, log_w.ravel().astype(np.float64), deps.reshape(eps.shape)

    return path


def hmc(path, u, here, b, step, leapfrogs, rng):
    """One transition that leaves f_b invariant; -> u (M, Z), path(u), and the probability of acceptance (M,).

    u (M, Z), with here = path(u); b the power, step (M,) the step sizes. A trajectory that diverges to infinity is not
    accepted.     Neal 2011, "MCMC using Hamiltonian dynamics", section 5.3.2
    """
    step, p = step[:, None], rng.standard_normal(u.shape)
    at, there = u, here
    before = energy(p, there, b)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(leapfrogs):
            p = p + step / 2 * force(there, b)
            at = at + step * p
            there = path(at)
            p = p + step / 2 * force(there, b)
        chance = np.nan_to_num(np.exp(np.minimum(before - energy(p, there, b), 0)), nan=0)
    accepted = rng.random(len(u)) < chance
    u, *here = (np.where(accepted if old.ndim == 1 else accepted[:, None], new, old)
                for new, old in zip((at, *there), (u, *here), strict=True))
    return u, here, chance


def energy(p, here, b):
    """|p|^2 / 2 - log f_b(u)"""
    reference, _, ratio, _ = here
    return (p * p).sum(axis=1) / 2 - reference - b * ratio


def force(here, b):
    """d log f_b / du"""
    _, dreference, _, dratio = here
    return dreference + b * dratio
