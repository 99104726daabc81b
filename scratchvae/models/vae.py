"""The variational autoencoder.     Kingma & Welling 2014, "Auto-Encoding Variational Bayes\""""

from collections.abc import Sequence

import numpy as np

from ..core import Module, Sequential
from ..nn import GaussianHeads, Linear, mlp, relu
from ..probability import (
    Bernoulli,
    DiagonalGaussian,
    Likelihood,
    Observation,
    StandardNormal,
    gaussian_kl,
    reparameterize,
)
from .latent import LatentModel


class VAE(LatentModel):
    """p(z) = N(0, I),  p(x|z) = likelihood(decoder(z)),  q(z|x) = N(mu, sigma^2) with (mu, logvar) = encoder(x)

    log p(x) >= ELBO = E_q log p(x|z) - KL(q(z|x) || p(z)),  one z = mu + sigma * eps for each x.
    The latent-variable model whose KL has a formula: for another posterior or prior use LatentModel. `encoder` and
    `decoder` are nodes; backward is backpropagation through both, with the reparameterization trick between them.
    """

    def __init__(self, encoder: Module, decoder: Module, n_latents: int, likelihood: Likelihood):
        self.encoder = encoder
        self.decoder = decoder
        self.n_latents = n_latents
        self.likelihood = likelihood

    @property
    def posterior(self):
        """q(z|x) = N(mu, sigma^2)"""
        return DiagonalGaussian(self.encoder)

    @property
    def observation(self):
        """p(x|z) = likelihood(decoder(z))"""
        return Observation(self.decoder, self.likelihood)

    @property
    def prior(self):
        """p(z) = N(0, I)"""
        return StandardNormal(self.n_latents)

    def forward(self, *, x, eps, **condition):
        """The two terms of -ELBO in nats, (-log p(x|z), KL), each of shape (B,); x (B, D), eps (B, Z)."""
        (mu, logvar), encoder_backward = self.encoder.forward(x, **condition)
        z, sample_backward = reparameterize.forward(mu, logvar, eps=eps)
        y, decoder_backward = self.decoder.forward(z, **condition)
        nll, nll_backward = self.likelihood.forward(y, x=x)
        kl, kl_backward = gaussian_kl.forward(mu, logvar)

        def backward(dnll, dkl):
            dmu_kl, dlogvar_kl = kl_backward(dkl)
            dy = nll_backward(dnll)
            dz = decoder_backward(dy)
            dmu_z, dlogvar_z = sample_backward(dz)
            encoder_backward(dmu_z + dmu_kl, dlogvar_z + dlogvar_kl)

        return (nll, kl), backward

    def negative_elbo(self, *, x, eps, beta=1.0):
        """-ELBO = -log p(x|z) + KL, of shape (B,), in nats.     Kingma & Welling 2014, eq. (10)

        With beta, the loss of the beta-VAE, no longer the bound.     Higgins et al. 2017, eq. (4)
        """
        (nll, kl), terms_backward = self.forward(x=x, eps=eps)

        def backward(dloss):
            terms_backward(dloss, beta * dloss)

        return nll + beta * kl, backward

    def with_encoder(self, encoder: Module) -> "VAE":
        """The same decoder and likelihood with another encoder."""
        return VAE(encoder, self.decoder, self.n_latents, self.likelihood)


def mlp_vae(n_x: int, hidden: Sequence[int], n_latents: int, rng: np.random.Generator, *, activation: Module = relu,
            likelihood: Likelihood | None = None, dtype: type = np.float32) -> VAE:
    """n_x - hidden - (mu, logvar) and back, e.g. mlp_vae(784, [400], 20, rng); Bernoulli unless told otherwise.

    The decoder has n_x times as many outputs as the likelihood needs per pixel.
    """
    likelihood = likelihood or Bernoulli()
    there, back = [n_x, *hidden], [n_latents, *reversed(hidden)]
    encoder = Sequential(*mlp(there, rng, activation=activation, input_grad=False, dtype=dtype),
                         GaussianHeads(there[-1], n_latents, rng, dtype=dtype))
    n_y = n_x * likelihood.outputs
    decoder = Sequential(*mlp(back, rng, activation=activation, dtype=dtype),
                         Linear(back[-1], n_y, rng, dtype=dtype))
    return VAE(encoder, decoder, n_latents, likelihood)
