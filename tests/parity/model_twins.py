"""What each model is in PyTorch: its nets by `through`, its loss from torch.distributions."""

import math

from agreement import torch
from twins import D, F, normal, through, two_layer_posterior, two_layer_prior, with_kl

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


def householder_vae(f, p, *, x, eps):
    z, kl = with_kl(f.posterior, p, x, eps=eps)
    return through(f.observation, p, z, x=x), kl


def negative_elbo(f, p, *, x, eps, beta=1.0):
    nll, kl = vae(f, p, x=x, eps=eps)
    return nll + beta * kl


def log_joint(f, p, z, *, x):
    """log p(x, z), (M,)"""
    return through(f.prior, p, z) - through(f.observation, p, z, x=x)


def log_weights(f, p, eps, *, x, score=True):
    """log p(x, z) - log q(z|x), (B, k); without its score term, dz is weighted by w once more, as DReG does."""
    B, k, _ = eps.shape
    z, log_q = through(f.posterior, p, x, eps, score=score)
    log_w = (log_joint(f, p, z, x=torch.repeat_interleave(x, k, 0)) - log_q).reshape(B, k)
    if not score:
        z.register_hook(lambda dz: dz * torch.softmax(log_w.detach(), 1).reshape(-1, 1))
    return log_w


def latent_model(f, p, *, x, eps):
    z, log_q = through(f.posterior, p, x, eps[:, None])
    return through(f.observation, p, z, x=x), log_q - through(f.prior, p, z)


def by_layer(f, p, *, x, eps):
    z, log_q1, log_q2 = two_layer_posterior(f.posterior, p, x, eps[:, None])
    log_p1, log_p2 = two_layer_prior(f.prior, p, z)
    return through(f.observation, p, z, x=x), log_q1 - log_p1, log_q2 - log_p2


def iwae(f, p, *, x, eps, score=True):
    return math.log(f.k) - torch.logsumexp(log_weights(f, p, eps, x=x, score=score), 1)


def analytic_kl(f, p, *, x, eps, **seen):
    """(nll, KL of each latent, (B, Z))"""
    q = normal(*through(f.posterior.encoder, p, x))
    nll = through(f.observation, p, q.loc + q.scale * eps, x=x, **seen)
    return nll, D.kl_divergence(q, standard(q.loc))


def with_gradient_of(value, other):
    """The value of one and the gradient of another."""
    return other + (value - other).detach()


def free_bits(f, p, kl, *, nats, groups):
    """Of each example KL; its gradient is that of B times sum_j max(lambda, mean of KL_j), example by example."""
    grouped = kl.unflatten(1, (groups, -1)).sum(2)
    return with_gradient_of(kl.sum(1), torch.where(grouped.mean(0) > nats, grouped, 0).sum(1))


def kl_at_capacity(f, p, kl, *, gamma, nats):
    return with_gradient_of(kl.sum(1), gamma * kl.sum(1) * torch.sign(kl.sum(1).mean() - nats).detach())


def model_with_free_bits(f, p, *, x, eps):
    nll, kl = analytic_kl(f, p, x=x, eps=eps)
    return nll, free_bits(f, p, kl, nats=f.nats, groups=f.groups)


def model_at_capacity(f, p, *, x, eps):
    nll, kl = analytic_kl(f, p, x=x, eps=eps)
    return nll, kl_at_capacity(f, p, kl, gamma=f.gamma, nats=f.capacity(0))


def summed(f, p, *, x, eps, **seen):
    nll, kl = analytic_kl(f, p, x=x, eps=eps, **seen)
    return nll, kl.sum(1)


MODEL_TWINS = {
    models.sum_of_latents: lambda f, p, kl: kl.sum(1),
    models.AnalyticKL: summed,
    models.free_bits: free_bits,
    models.FreeBits: model_with_free_bits,
    models.kl_at_capacity: kl_at_capacity,
    models.Capacity: model_at_capacity,
    models.DecoderDropout: summed,
    models.Autoencoder: autoencoder,
    models.DenoisingAutoencoder: autoencoder,
    models.Classifier: classifier,
    models.TableEncoder: table,
    models.HouseholderVAE: householder_vae,
    models.LatentModel: latent_model,
    models.LatentModel.log_joint: log_joint,
    models.LatentModel.log_weights: log_weights,
    models.VAE: vae,
    models.VAE.negative_elbo: negative_elbo,
    models.ByLayer: by_layer,
    models.IWAE: iwae,
    models.IWAE.surrogate: lambda f, p, *, x, eps, v: -(v * log_weights(f, p, eps, x=x)).sum(1),
    models.DReG: lambda f, p, *, x, eps: iwae(f, p, x=x, eps=eps, score=False),
}
