"""Priors by their names, and the VAE of two perceptrons with each of them."""

from collections.abc import Sequence

import numpy as np

from ..core import Module, walk
from ..nn import relu
from ..probability import GaussianMixturePrior, Likelihood, Prior, StandardNormal, VampPrior
from .latent import LatentModel
from .vae import mlp_vae

PRIORS = ("normal", "mixture", "vamp")


def mlp_prior_vae(n_x: int, hidden: Sequence[int], n_latents: int, rng: np.random.Generator, *,
                  activation: Module = relu, likelihood: Likelihood | None = None, prior: str = "normal",
                  n_components: int = 500, images: np.ndarray | None = None, dtype: type = np.float32) -> LatentModel:
    """The nets of mlp_vae, drawn as they are there, with a prior by its name: mlp_prior_vae(784, [300, 300], 40, rng,
    prior="vamp", n_components=100). Pseudo-inputs start at some of the `images` (N, n_x), or nearly black.

    -> a VAE where the prior is "normal", else a LatentModel, whose KL term is log q(z|x) - log p(z) at the draw.
    """
    vae = mlp_vae(n_x, hidden, n_latents, rng, activation=activation, likelihood=likelihood, dtype=dtype)
    if prior == "normal":
        return vae
    u = pseudo_inputs(n_components, n_x, rng, images) if prior == "vamp" else None
    prior = make_prior(prior, n_latents, rng, n_components=n_components, encoder=vae.encoder, u=u, dtype=dtype)
    return LatentModel(vae.posterior, vae.observation, prior)


def make_prior(name: str, n_latents: int, rng: np.random.Generator, *, n_components: int = 500,
               encoder: Module | None = None, u: np.ndarray | None = None, dtype: type = np.float32) -> Prior:
    """The prior of that name: "normal", "mixture" of n_components, or "vamp" with the pseudo-inputs u (K, D) to start.

    A VampPrior shares `encoder`, x (B, D) -> (mu, logvar), with the posterior, and makes it give a gradient to its
    input. ValueError for another name, or where the VampPrior lacks its encoder or u.
    """
    if name == "normal":
        return StandardNormal(n_latents)
    if name == "mixture":
        return GaussianMixturePrior(n_components, n_latents, rng, dtype=dtype)
    if name != "vamp":
        raise ValueError(f"prior must be {', '.join(PRIORS[:-1])} or {PRIORS[-1]}, but is {name!r}")
    if encoder is None or u is None:
        raise ValueError("a VampPrior needs the encoder of the posterior, and pseudo-inputs u to start from")
    return VampPrior(with_input_gradients(encoder), u.astype(dtype))


def pseudo_inputs(n_components: int, n_x: int, rng: np.random.Generator,
                  images: np.ndarray | None = None) -> np.ndarray:
    """Where u (K, D) may start: at K different images (N, D), or at 0.05 + 0.01 eps, as in the code of the paper."""
    if images is None:
        return np.maximum(0.05 + 0.01 * rng.standard_normal((n_components, n_x)), 0)
    if n_components > len(images):
        raise ValueError(f"n_components must be at most {len(images)}, the number of images, but is {n_components}")
    return images[rng.permutation(len(images))[:n_components]]


def with_input_gradients(net: Module) -> Module:
    """The same net; its layers that were built with input_grad=False give a gradient to their input from now on."""
    for _, part in walk(net):
        if hasattr(part, "input_grad"):
            part.input_grad = True
    return net
