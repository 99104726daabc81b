"""Autoencoders: a code for each x, and x from its code. There is no prior and no p(x), so no loss is a bound."""

from collections.abc import Callable, Sequence

import numpy as np

from ..core import Module, Sequential
from ..nn import Linear, TiedLinear, mlp, relu
from ..probability import Bernoulli, Likelihood, SquaredError
from .model import Model


class Autoencoder(Model):
    """z = f(x), y = g(z), trained so that y is close to x.     Hinton & Salakhutdinov 2006

    `distance` measures y against x: Bernoulli() (cross-entropy from logits) or SquaredError().
    """

    terms = ("reconstruction",)

    def __init__(self, encoder: Module, decoder: Module, distance: Likelihood):
        self.encoder = encoder
        self.decoder = decoder
        self.distance = distance

    def check(self, x, name):
        """Raises ValueError if the distance is not defined for this x."""
        self.distance.check(x, name)

    @property
    def quantity(self):
        """The distance: "cross-entropy", "squared error" or "distance by Laplace(scale=0.2)"."""
        return self.distance.as_distance or f"distance by {self.distance.describe()}"

    @property
    def unit(self):
        """The unit of the distance."""
        return self.distance.unit

    def forward(self, *, x, corrupted=None):
        """(distance of g(f(x)) to x,), of shape (B,), in `unit`; the encoder sees `corrupted` if that is given."""
        z, encoder_backward = self.encoder.forward(x if corrupted is None else corrupted)
        y, decoder_backward = self.decoder.forward(z)
        loss, loss_backward = self.distance.forward(y, x=x)

        def backward(dloss):
            dy = loss_backward(dloss)
            dz = decoder_backward(dy)
            encoder_backward(dz)

        return (loss,), backward

    def encode(self, x: np.ndarray) -> np.ndarray:
        """The code z = f(x), (B, Z)."""
        return self.encoder(x)

    def decode(self, z: np.ndarray) -> np.ndarray:
        """The image g(z), (B, D)."""
        return self.distance.mean(self.decoder(z))

    def reconstruct(self, x: np.ndarray) -> np.ndarray:
        """g(f(x)), (B, D)."""
        return self.decode(self.encode(x))


class DenoisingAutoencoder(Autoencoder):
    """An autoencoder that sees a corrupted x and must reconstruct the clean one.     Vincent et al. 2008

    `corrupt(x, rng)` is `gaussian_noise`, `mask_noise` or any function with the same arguments.
    """

    def __init__(self, encoder: Module, decoder: Module, distance: Likelihood, corrupt: Callable):
        super().__init__(encoder, decoder, distance)
        self.corrupt = corrupt

    def noise(self, x, rng):
        """{"corrupted": x after `corrupt`}, of the shape and dtype of x."""
        return {"corrupted": self.corrupt(x, rng)}


def gaussian_noise(x: np.ndarray, rng: np.random.Generator, sigma: float = 0.2) -> np.ndarray:
    """x + sigma * eps,  eps ~ N(0, I), of the shape and dtype of x"""
    return x + sigma * rng.standard_normal(x.shape, x.dtype)


def mask_noise(x: np.ndarray, rng: np.random.Generator, dropped: float = 0.3) -> np.ndarray:
    """x with each entry set to 0 with probability `dropped`, of the shape and dtype of x"""
    return x * (rng.random(x.shape, x.dtype) >= dropped)


def mlp_autoencoder(n_x: int, hidden: Sequence[int], n_latents: int, rng: np.random.Generator, *,
                    activation: Module = relu, distance: Likelihood | None = None, corrupt: Callable | None = None,
                    tied: bool = False, dtype: type = np.float32) -> Autoencoder:
    """n_x - hidden - n_latents and back, e.g. mlp_autoencoder(784, [256], 64, rng); it denoises if `corrupt` is given.

    Without a hidden layer the activation is applied to the code: mlp_autoencoder(784, [], 256, rng) is 784-256-784.
    The distance is Bernoulli() unless given. If `tied`, the decoder uses the encoder's weights, transposed.
    """
    there = mlp([n_x, *(hidden or [n_latents])], rng, activation=activation, dtype=dtype)
    if hidden:
        there.append(Linear(hidden[-1], n_latents, rng, dtype=dtype))
    if tied:
        back = [f for layer in reversed(there[::2]) for f in (TiedLinear(layer), activation)][:-1]
    else:
        back = mlp([n_latents, *reversed(hidden)], rng, activation=activation, dtype=dtype)
        back.append(Linear(hidden[0] if hidden else n_latents, n_x, rng, dtype=dtype))
    return assemble(Sequential(*there), Sequential(*back), distance or Bernoulli(), corrupt)


def linear_autoencoder(n_x: int, n_latents: int, rng: np.random.Generator, *, corrupt: Callable | None = None,
                       tied: bool = False, dtype: type = np.float32) -> Autoencoder:
    """y = (x W + b) V + c, trained on |y - x|^2; V is the transpose of W if `tied`.     Baldi & Hornik 1989"""
    encoder = Linear(n_x, n_latents, rng, dtype=dtype)
    decoder = TiedLinear(encoder) if tied else Linear(n_latents, n_x, rng, dtype=dtype)
    return assemble(encoder, decoder, SquaredError(), corrupt)


def assemble(encoder, decoder, distance, corrupt):
    """An Autoencoder, or a DenoisingAutoencoder if `corrupt` is given."""
    if corrupt is None:
        return Autoencoder(encoder, decoder, distance)
    return DenoisingAutoencoder(encoder, decoder, distance, corrupt)
