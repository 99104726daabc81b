"""The divergence of each latent alone, where posterior collapse is seen."""

import numpy as np

from ..checks import require_same_shape
from ..core import node


@node
def gaussian_kl_per_latent(mu, logvar):
    """KL(N(mu_j, sigma_j^2) || N(0, 1)) = 1/2 (mu_j^2 + sigma_j^2 - 1 - log sigma_j^2) of each latent j

    mu, logvar of shape (B, Z) -> (B, Z), in nats. Where q and p are products over the latents their KL is the sum of
    these, which is `gaussian_kl`; posterior collapse is seen in each alone.
    """
    require_same_shape(mu=mu, logvar=logvar)
    var = np.exp(logvar)

    def backward(dkl):
        return dkl * mu, dkl * (var - 1) / 2

    return (mu * mu + var - 1 - logvar) / 2, backward
