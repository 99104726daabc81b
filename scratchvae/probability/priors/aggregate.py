"""The best prior there is for a given posterior: the posteriors of all examples, averaged."""

import numpy as np

from ...core import Buffer
from .gaussian_mixture import draw_from_mixture, gaussian_mixture_logpdf
from .prior import Prior


class AggregatePosterior(Prior):
    """p(z) = q(z) = 1/N sum_n q(z|x_n),  (mu_n, logvar_n) = encoder(x_n).     Hoffman & Johnson 2016

        mean over n of KL(q(z|x_n) || p(z))  =  I_q(x; z) + KL(q(z) || p(z))

    Of all priors it makes the second term 0, and the first is at most log N, in nats: on these N examples the KL term
    is no larger, however much the encoder says of each, and so it overfits. For other x it is a prior like any other,
    and their ELBO is a bound. Every z needs the N rows of the encoder, and N exponentials.

    encoder   x (B, D) -> (mu, logvar), each (B, Z): that of the posterior; its gradients from both uses accumulate
    x         (N, D), data, which a checkpoint holds too
    """

    def __init__(self, encoder, x):
        self.encoder, self.x = encoder, Buffer(x)
        self.n_latents = encoder(x[:1])[0].shape[1]

    def forward(self, z, **condition):
        (mu, logvar), encoder_backward = self.encoder.forward(self.x.value)
        log_p, mixture_backward = gaussian_mixture_logpdf.forward(z, np.zeros_like(mu[:, 0]), mu, logvar)

        def backward(dlog_p):
            dz, _, dmu, dlogvar = mixture_backward(dlog_p)
            encoder_backward(dmu, dlogvar)
            return dz

        return log_p, backward

    def sample(self, n, rng, dtype=np.float32, **condition):
        """n draws, (n, Z): first one of the N examples, then z from its posterior."""
        mu, logvar = self.encoder(self.x.value)
        return draw_from_mixture(n, rng, dtype, np.zeros_like(mu[:, 0]), mu, logvar)
