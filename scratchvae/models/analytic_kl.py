"""The KL by its formula, latent by latent: what is done against posterior collapse is done to these numbers."""

import numpy as np

from ..core import node
from ..probability import DiagonalGaussian, StandardNormal, gaussian_kl_per_latent, reparameterize
from .latent import LatentModel


class AnalyticKL(LatentModel):
    """-ELBO of a model with q(z|x) = N(mu, sigma^2) and p(z) = N(0, I), its KL without a draw; p(x|z) is any.

    Parts and parameters are those of `model`. A subclass is another training of it and writes `total`, a forward of
    kl (B, Z) -> (B,): its value is the sum as it is, so that records and reports show the bound; its backward is that
    of what training makes smaller. ValueError, in one sentence, for a model whose KL has no such formula.
    """

    def __init__(self, model):
        if not (isinstance(model.posterior, DiagonalGaussian) and isinstance(model.prior, StandardNormal)
                and len(model.terms) == 2):
            raise ValueError("model must be trained on -ELBO and have q(z|x) = N(mu, sigma^2) and p(z) = N(0, I) for "
                             f"a KL of each latent, but is a {type(model).__name__} with a "
                             f"{type(model.posterior).__name__} and a {type(model.prior).__name__}")
        super().__init__(model.posterior, model.observation, model.prior)
        self.model, self.terms, self.quantity = model, model.terms, model.quantity

    def forward(self, *, x, eps, seen=None, **condition):
        """(-log p(x|z), KL), each (B,); x (B, D), eps (B, Z). `seen`: what an autoregressive decoder is shown of x."""
        shown = {} if seen is None else {"seen": seen}
        (mu, logvar), encoder_backward = self.posterior.encoder.forward(x, **condition)
        z, sample_backward = reparameterize.forward(mu, logvar, eps=eps)
        nll, observation_backward = self.observation.forward(z, x=x, **shown, **condition)
        kl, kl_backward = gaussian_kl_per_latent.forward(mu, logvar)
        total, total_backward = self.total(kl)

        def backward(dnll, dkl):
            dmu_kl, dlogvar_kl = kl_backward(total_backward(dkl))
            dmu_z, dlogvar_z = sample_backward(observation_backward(dnll))
            encoder_backward(dmu_z + dmu_kl, dlogvar_z + dlogvar_kl)

        return (nll, total), backward

    def total(self, kl):
        """(B, Z) -> (B,), and its backward."""
        return sum_of_latents.forward(kl)

    def kl_per_latent(self, x, **condition):
        """KL(q(z_j|x) || p(z_j)), (B, Z), in nats."""
        return gaussian_kl_per_latent(*self.encode(x, **condition))

    def noise(self, x, rng):
        """That of the model."""
        return self.model.noise(x, rng)

    def parameters(self):
        """Those of the model, under their names there."""
        return self.model.parameters()

    @property
    def one_draw(self):
        """The model whose loss is -ELBO: this one, unless the one within is trained on something else."""
        return self if self.model.one_draw is self.model else self.model.one_draw


@node
def sum_of_latents(kl):
    """sum_j KL_j:  (B, Z) -> (B,)"""

    def backward(dkl):
        return dkl[:, None] * np.ones_like(kl)

    return kl.sum(axis=1), backward
