"""What each model is in PyTorch: its nets by `through`, its loss from torch.distributions."""

import math

from agreement import torch
from twins import D, F, normal, through

from scratchvae import models


def standard(z):
    return D.Normal(torch.zeros_like(z), torch.ones_like(z))


def autoencoder(f, p, *, x, corrupted=None):
    z = through(f.encoder, p, x if corrupted is None else corrupted)
    return through(f.distance, p, through(f.decoder, p, z), x=x)


def classifier(f, p, *, x, y):
    return F.cross_entropy(through(f.head, p, through(f.body, p, x)), y, reduction="none")


def table(f, p, x):
    copies = len(x) // len(p(f.mu))
    return p(f.mu).repeat(copies, 1), p(f.logvar).repeat(copies, 1)


def encode(f, p, x):
    """q(z|x)"""
    return normal(*through(f.encoder, p, x))


def vae(f, p, *, x, eps):
    q = encode(f, p, x)
    y = through(f.decoder, p, q.loc + q.scale * eps)
    return through(f.likelihood, p, y, x=x), D.kl_divergence(q, standard(q.loc)).sum(1)


def negative_elbo(f, p, *, x, eps, beta=1.0):
    nll, kl = vae(f, p, x=x, eps=eps)
    return nll + beta * kl


def log_weights(f, p, x, eps, held=False):
    """log p(x, z) - log q(z|x), (B, k); if held, the density q keeps its place, and dz is weighted by w once more."""
    q = encode(f, p, x)
    z = q.loc[:, None] + q.scale[:, None] * eps
    density = D.Normal(q.loc.detach(), q.scale.detach()) if held else q
    B, k, Z = eps.shape
    y = through(f.decoder, p, z.reshape(B * k, Z))
    log_likelihood = -through(f.likelihood, p, y, x=torch.repeat_interleave(x, k, 0)).reshape(B, k)
    log_q = D.Normal(density.loc[:, None], density.scale[:, None]).log_prob(z).sum(2)
    log_w = log_likelihood + standard(z).log_prob(z).sum(2) - log_q
    if held:
        z.register_hook(lambda dz: dz * torch.softmax(log_w.detach(), 1)[:, :, None])
    return log_w


def iwae(f, p, *, x, eps, held=False):
    log_w = log_weights(f, p, x, eps, held)
    return -(torch.logsumexp(log_w, 1) - math.log(f.k))


MODEL_TWINS = {
    models.Autoencoder: autoencoder,
    models.DenoisingAutoencoder: autoencoder,
    models.Classifier: classifier,
    models.TableEncoder: table,
    models.VAE: vae,
    models.VAE.negative_elbo: negative_elbo,
    models.IWAE: iwae,
    models.IWAE.surrogate: lambda f, p, *, x, eps, v: -(v * log_weights(f, p, x, eps)).sum(1),
    models.DReG: lambda f, p, *, x, eps: iwae(f, p, x=x, eps=eps, held=True),
}
