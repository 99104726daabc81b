"""The best Gaussian q for each example, by gradient ascent on its ELBO: the decoder is fixed, there is no encoder."""

import numpy as np

from ..core import gradients_kept
from ..models import TableEncoder
from ..training import Adam
from .quadrature import gauss_hermite


def fit_table(model, x, start=None, steps=100, lr=0.05, n=5, **condition):
    """Maximize the ELBO of each x (B, D) over its own (mu, logvar), by Adam with a step size that falls from lr to 0.

    start    (mu, logvar), each (B, Z), or None: 0 and 0, the standard normal
    n        Gauss-Hermite points for each latent, in place of random draws of eps
    -> a model of the observation and prior of `model`, which is not changed, with the fitted TableEncoder; and the ELBO
    of each x before each step, (steps, B), in nats where the likelihood is a density
    """
    table = TableEncoder(len(x), model.n_latents, dtype=x.dtype)
    if start is not None:
        table.mu.value[...], table.logvar.value[...] = start
    local = model.one_draw.with_encoder(table)
    optimizer = Adam(table, lr, beta1=0.8, beta2=0.95)          # short averages: this gradient has no noise
    eps, weights = gauss_hermite(n, model.n_latents)
    rows = np.tile(np.arange(len(x)), len(eps))                 # all examples at the first point, then ...
    constants = {"x": x[rows], "eps": np.repeat(eps, len(x), axis=0).astype(x.dtype),
                 **{name: c[rows] for name, c in condition.items()}}
    weights = np.repeat(weights, len(x)).astype(x.dtype)
    path = np.empty((steps, len(x)))
    with gradients_kept(model):
        for step in range(steps):
            optimizer.lr = lr * (1 - step / steps)
            (nll, kl), backward = local.forward(**constants)
            path[step] = -(weights * (nll + kl)).reshape(len(eps), -1).sum(axis=0)
            backward(weights, weights)
            optimizer.step()
    return local, path
