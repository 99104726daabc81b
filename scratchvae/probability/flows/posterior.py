"""Approximate posteriors made by a flow."""

import numpy as np

from ..gaussian import gaussian_kl, reparameterize
from ..importance import repeat
from ..posteriors import Posterior, gaussian_draw
from .householder import Householder
from .step import Flow


class FlowPosterior(Posterior):
    """z_0 ~ N(mu, sigma^2), z = f_K(... f_1(z_0)):  log q(z|x) = log q_0(z_0|x) - sum_k log|det df_k|

    h = encoder(x), (mu, logvar) = heads(h), and the steps are told h.     Rezende & Mohamed 2015, eq. (13)

    Its path derivative (score=False, for DReG) needs the inverse of each Jacobian, which an IAF does not have at hand:
    ValueError.
    """

    def __init__(self, encoder, heads, *steps):
        self.encoder = encoder
        self.heads = heads
        self.flow = Flow(*steps)

    def forward(self, x, eps, *, score=True, **condition):
        if not score:
            raise ValueError("posterior must be a diagonal Gaussian to leave out its score term, as DReG does, but is "
                             f"a {type(self).__name__}: train it on L_k itself")
        (mu, logvar, h), start_backward = self.start(x, k=eps.shape[1], **condition)
        (z, log_q), draw_backward = gaussian_draw.forward(mu, logvar, eps.reshape(-1, eps.shape[2]))
        (z, log_det), flow_backward = self.flow.forward(z, h)

        def backward(dz, dlog_q):
            dz, dh = flow_backward(dz, -dlog_q)
            dmu, dlogvar, deps = draw_backward(dz, dlog_q)
            return start_backward(dmu, dlogvar, dh), deps.reshape(eps.shape)

        return (z, log_q - log_det), backward

    def start(self, x, *, k=1, **condition):
        """(mu, logvar, h), what is said of x, each row k times: (B k, Z), (B k, Z), (B k, H); and backward -> dx"""
        h, encoder_backward = self.encoder.forward(x, **condition)
        said, heads_backward = self.heads.forward(h)
        (mu, mu_backward), (logvar, logvar_backward), (hs, h_backward) = (repeat.forward(a, k=k) for a in (*said, h))

        def backward(dmu, dlogvar, dh):
            return encoder_backward(heads_backward(mu_backward(dmu), logvar_backward(dlogvar)) + h_backward(dh))

        return (mu, logvar, hs), backward

    def invert(self, z, *, x, **condition):
        """The eps of z = T(eps; x): x (B, D), z (B k, Z) -> (B, k, Z)."""
        (mu, logvar, h), _ = self.start(x, k=len(z) // len(x), **condition)
        return ((self.flow.inverse(z, h) - mu) / np.exp(logvar / 2)).reshape(len(x), -1, z.shape[1])

    def log_density(self, z, *, x, **condition):
        """log q(z|x) at any z, through the inverse: x (B, D), z (B k, Z) -> (B k,), in nats."""
        (_, log_q), _ = self.forward(x, self.invert(z, x=x, **condition), **condition)
        return log_q


class HouseholderPosterior(FlowPosterior):
    """A FlowPosterior of reflections: each of `nets` gives the v of one of them.

    q(z|x) is a Gaussian with a full covariance, and its KL to N(0, I) still has the formula of the diagonal one:

        KL(q || N(0, I)) = E_q [log q(z) - log N(z; 0, I)]
        log q(z) = log q_0(z_0)                       for every reflection has |det| = 1
        log N(z; 0, I) = log N(z_0; 0, I)             for it depends on z through |z| alone, and |z| = |z_0|
                         = E_q0 [log q_0(z_0) - log N(z_0; 0, I)] = KL(N(mu, sigma^2) || N(0, I))

    So only p(x|z) sees the flow. And so a v that does not depend on x is of no use: the first layer of the decoder, if
    it is affine, can do the same turn to every z.     Tomczak & Welling 2016
    """

    def __init__(self, encoder, heads, *nets):
        super().__init__(encoder, heads, *(Householder(net) for net in nets))

    def with_kl(self, x, *, eps, **condition):
        """(z, KL(q(z|x) || N(0, I))) of one draw for each x: x (B, D), eps (B, Z) -> (B, Z), (B,); backward -> dx"""
        (mu, logvar, h), start_backward = self.start(x, **condition)
        z, sample_backward = reparameterize.forward(mu, logvar, eps=eps)
        (z, _), flow_backward = self.flow.forward(z, h)
        kl, kl_backward = gaussian_kl.forward(mu, logvar)

        def backward(dz, dkl):
            dz, dh = flow_backward(dz, np.zeros_like(dkl))
            (dmu, dlogvar), (dmu_kl, dlogvar_kl) = sample_backward(dz), kl_backward(dkl)
            return start_backward(dmu + dmu_kl, dlogvar + dlogvar_kl, dh)

        return (z, kl), backward
