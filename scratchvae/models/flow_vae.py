"""Variational autoencoders whose posterior is made by a flow.

Rezende & Mohamed 2015; Tomczak & Welling 2016; Kingma et al. 2016.
"""

import copy
import math
from collections.abc import Sequence

import numpy as np

from ..core import Module
from ..nn import MADE, Linear, relu
from ..probability import Likelihood, StandardNormal
from ..probability.flows import IAF, FlowPosterior, HouseholderPosterior, LinearIAF, Planar
from .latent import LatentModel
from .vae import mlp_vae

STEPS = {"planar": 8, "householder": 4, "iaf": 2, "linear-iaf": 1}      # of each kind, unless told otherwise
OPEN = 1.5                                                              # where the gate of an IAF starts


class HouseholderVAE(LatentModel):
    """p(z) = N(0, I), and a q(z|x) made by reflections: the KL has the formula of the VAE's.

    A draw of -log w and this loss have one expectation, -ELBO; here the KL is not a draw of it but its value.
    """

    def __init__(self, posterior, observation, n_latents):
        super().__init__(posterior, observation, StandardNormal(n_latents))

    def forward(self, *, x, eps, **condition):
        """The two terms of -ELBO in nats, (-log p(x|z), KL), each of shape (B,); x (B, D), eps (B, Z)."""
        (z, kl), posterior_backward = self.posterior.with_kl(x, eps=eps, **condition)
        nll, observation_backward = self.observation.forward(z, x=x, **condition)

        def backward(dnll, dkl):
            posterior_backward(observation_backward(dnll), dkl)

        return (nll, kl), backward


def mlp_flow_vae(n_x: int, hidden: Sequence[int], n_latents: int, rng: np.random.Generator, *,
                 activation: Module = relu, likelihood: Likelihood | None = None, posterior: str = "gaussian",
                 steps: int | None = None, dtype: type = np.float32) -> LatentModel:
    """The nets of mlp_vae, with this posterior: "gaussian", "planar", "householder", "iaf" or "linear-iaf".

    "gaussian" is mlp_vae itself. The nets of the others start with the same values, from the same rng; those of the
    `steps` of the flow are drawn after them.
    """
    vae = mlp_vae(n_x, hidden, n_latents, rng, activation=activation, likelihood=likelihood, dtype=dtype)
    return vae if posterior == "gaussian" else flow_vae(vae, posterior, rng, steps=steps, activation=activation)


def flow_vae(model: LatentModel, kind: str, rng: np.random.Generator, *, steps: int | None = None,
             activation: Module = relu) -> LatentModel:
    """The nets of a model whose posterior is a DiagonalGaussian, its encoder ending with GaussianHeads, and a flow
    behind them: of a VAE, or of a LatentModel with another prior, e.g. a VampPrior, which keeps what it shares.
    """
    encoder = model.posterior.encoder
    body = copy.copy(encoder)                              # a Sequential, or MicroBatches
    *body.nodes, heads = encoder.nodes
    posterior = flow_posterior(kind, body, heads, rng, steps=steps, activation=activation)
    if kind == "householder" and type(model.prior) is StandardNormal:
        return HouseholderVAE(posterior, model.observation, model.n_latents)
    return LatentModel(posterior, model.observation, model.prior)


def flow_posterior(kind: str, encoder: Module, heads: Module, rng: np.random.Generator, *, steps: int | None = None,
                   activation: Module = relu) -> FlowPosterior:
    """q(z|x) with a flow of this kind; heads, GaussianHeads, make (mu, logvar) of h = encoder(x).

    kind and, by default, steps: "planar" 8, "householder" 4, "iaf" 2, "linear-iaf" 1 (the only number allowed).
    Raises ValueError for another kind.
    """
    if kind not in STEPS:
        raise ValueError(f"posterior must be one of gaussian, {', '.join(STEPS)}, but is {kind!r}")
    steps = STEPS[kind] if steps is None else steps
    if steps < 1 or (kind == "linear-iaf" and steps > 1):
        raise ValueError(f"steps must be {'1: two shears are one' if steps > 1 else 'at least 1'}, but is {steps}")
    (n_h, Z), dtype = heads.mu.W.value.shape, heads.dtype
    if kind == "householder":
        return HouseholderPosterior(encoder, heads, *(turning_net(n_h, Z, rng, dtype) for _ in range(steps)))
    make = {"planar": lambda t: Planar(planar_net(n_h, Z, rng, dtype)),
            "iaf": lambda t: IAF(iaf_net(n_h, Z, rng, dtype, activation, reverse=t % 2)),
            "linear-iaf": lambda t: LinearIAF(Linear(n_h, Z * (Z - 1) // 2, rng, init=small, dtype=dtype))}[kind]
    return FlowPosterior(encoder, heads, *(make(t) for t in range(steps)))


def planar_net(n_h, Z, rng, dtype):
    """(u, w, b) of h: a w of length 1 that is not 0 where h is, and the u with which the step is the identity there.

    v = 0 where u = p w / |w|^2 and softplus(p) - 1 = 0, p = log(e - 1).
    """
    net = Linear(n_h, 2 * Z + 1, rng, init=small, dtype=dtype)
    w = rng.standard_normal(Z)
    w /= math.sqrt(w @ w)
    net.b.value[:2 * Z] = np.concatenate([math.log(math.e - 1) * w, w])
    return net


def turning_net(n_h, Z, rng, dtype):
    """v of h, which is not 0 where h is."""
    net = Linear(n_h, Z, rng, dtype=dtype)
    net.b.value[...] = rng.standard_normal(Z)
    return net


def iaf_net(n_h, Z, rng, dtype, activation, reverse):
    """(m, a) of (z, h): one hidden layer, 8 units for each latent; a gate that starts open."""
    net = MADE(Z, [8 * Z], rng, outputs=2, n_h=n_h, order=range(Z)[::-1 if reverse else 1], activation=activation,
               dtype=dtype)
    net.layers[-1].b.value[Z:] = OPEN
    return net


def small(n_in, n_out, rng):
    """W ~ N(0, 0.01^2 / n_in): the flow starts near the one that is the same for every x."""
    return rng.normal(0, 0.01 / math.sqrt(n_in), (n_in, n_out))
