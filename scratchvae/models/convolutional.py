"""The convolutional VAE of many public lessons, layer by layer: 28-29-14-7-14-29-28 pixels per side."""

import numpy as np

from ..core import Module
from ..microbatches import MicroBatches
from ..nn import Conv2d, ConvTranspose2d, GaussianHeads, Linear, Reshape, flatten, relu
from ..probability import Likelihood, SquaredError
from .vae import VAE


def conv_vae(n_latents: int, rng: np.random.Generator, *, activation: Module = relu,
             likelihood: Likelihood | None = None, channels: int = 32, dtype: type = np.float32) -> VAE:
    """A VAE of flat 28 x 28 images x (B, 784); `likelihood` is the SquaredError of the lessons unless given.

    SquaredError is a distance, not a likelihood: trained with weights={"kl": 5} this is the network as it is published.
    Raises ValueError for a likelihood with more than one output per pixel.
    """
    likelihood = likelihood or SquaredError()
    if likelihood.outputs != 1:
        raise ValueError(f"likelihood must ask for one output a pixel, but asks for {likelihood.outputs}")
    c, options = channels, {"rng": rng, "dtype": dtype}
    encoder = MicroBatches(
        Reshape(28, 28, 1),
        Conv2d(1, c, 4, stride=1, padding=2, input_grad=False, **options), activation,            # 29 x 29 x 32
        Conv2d(c, c, 4, stride=2, padding=1, **options), activation,                              # 14 x 14 x 32
        Conv2d(c, 2 * c, 4, stride=2, padding=1, **options), activation,                          # 7 x 7 x 64
        flatten,                                                                                  # 3136
        GaussianHeads(98 * c, n_latents, **options),
        size=16)
    decoder = MicroBatches(
        Linear(n_latents, 98 * c, **options), activation, Reshape(7, 7, 2 * c),
        ConvTranspose2d(2 * c, c, 4, stride=2, padding=1, **options), activation,                 # 14 x 14 x 32
        ConvTranspose2d(c, c, 4, stride=2, padding=1, output_padding=1, **options), activation,   # 29 x 29 x 32
        ConvTranspose2d(c, 1, 4, stride=1, padding=2, **options),                                 # 28 x 28 x 1
        flatten,
        size=16)
    return VAE(encoder, decoder, n_latents, likelihood)
