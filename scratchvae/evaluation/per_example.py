"""The best Gaussian for each example, found by climbing its own ELBO: the decoder stays, no encoder takes part."""

import numpy as np

from ..models import VAE, TableEncoder
from ..training import Adam
from .quadrature import gauss_hermite


def fit_table(model, x, start=None, steps=100, lr=0.05, n=5):
    """Maximize the ELBO of each x (B, D) over its own (mu, logvar), by Adam with a step size that falls from lr to 0.

    start    (mu, logvar), each (B, Z), or None: the prior, 0 and 0
    n        Gauss-Hermite points for each latent, in place of random draws of eps
    -> a VAE with the decoder of `model`, which is not changed, and the fitted TableEncoder for an encoder; and the ELBO
    of each x at each step, (steps, B), in nats
    """
    table = TableEncoder(len(x), model.n_latents, x.dtype)
    if start is not None:
        table.mu.value[...], table.logvar.value[...] = start
    local = VAE(table, model.decoder, model.n_latents, model.likelihood)
    optimizer = Adam(table, lr, beta1=0.8, beta2=0.95)          # short averages: this gradient has no noise
    kept = [p.grad.copy() for p in model.parameters().values()]
    eps, weights = gauss_hermite(n, model.n_latents)
    constants = {"x": np.tile(x, (len(eps), 1)), "eps": np.repeat(eps, len(x), axis=0).astype(x.dtype)}
    weights = np.repeat(weights, len(x)).astype(x.dtype)
    path = np.empty((steps, len(x)))
    for step in range(steps):
        optimizer.lr = lr * (1 - step / steps)
        loss, backward = local.negative_elbo(**constants)
        path[step] = -(weights * loss).reshape(len(eps), -1).sum(axis=0)
        backward(weights)
        optimizer.step()
    for p, grad in zip(model.parameters().values(), kept, strict=True):
        p.grad[...] = grad
    return local, path
