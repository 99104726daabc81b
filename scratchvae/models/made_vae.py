"""A VAE whose decoder sees the pixels before the one that it says: strong enough to do without z."""

import numpy as np

from ..core import Sequential
from ..nn import MADE, GaussianHeads, causal_window, mlp, relu, restricted
from ..probability import AutoregressiveObservation, DiagonalGaussian, StandardNormal
from .analytic_kl import AnalyticKL
from .latent import LatentModel


def made_vae(shape, hidden, n_latents, rng, *, radius=None, activation=relu, dtype=np.float32):
    """The encoder of mlp_vae and, as decoder, a MADE of the same widths: made_vae((8, 8), [128], 8, rng).

    shape     (height, width) of the images of bits, row by row
    radius    of the window of pixels that the decoder sees, or None: all that come before

    z reaches every layer of the MADE. x reaches its outputs directly too, so that any width will do.
    """
    n_x, options = shape[0] * shape[1], {"activation": activation, "dtype": dtype}
    widths = [n_x, *hidden]
    encoder = Sequential(*mlp(widths, rng, input_grad=False, **options),
                         GaussianHeads(widths[-1], n_latents, rng, dtype=dtype))
    made = MADE(n_x, hidden, rng, n_h=n_latents, direct=True, input_grad=False, **options)
    if radius is not None:
        restricted(made, causal_window(*shape, radius))
    observation = AutoregressiveObservation(made, rng)
    return AnalyticKL(LatentModel(DiagonalGaussian(encoder), observation, StandardNormal(n_latents)))
