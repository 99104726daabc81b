"""The aggregate posterior of a few examples that are learned: the VampPrior."""

import numpy as np

from ...core import Buffer, Parameter
from ..between import bounded_between, unbounded
from .gaussian_mixture import draw_from_mixture, gaussian_mixture_logpdf
from .prior import Prior


class VampPrior(Prior):
    """p(z) = sum_k pi_k q(z|u_k),  (mu_k, logvar_k) = encoder(u_k).     Tomczak & Welling 2018

    The K pseudo-inputs u_k learn, and live where x does. The encoder is that of the posterior: it is used on x and on
    u before any backward, and its gradient is the sum of both. It must give a gradient to its input, for u learns from
    it: ValueError for one that was built with input_grad=False, and for a u that starts outside of the bounds. It is
    called with u alone, and cannot be one that is told a condition.

    u                 (K, D), where the pseudo-inputs start: images of the training set, or, as in the code of the
                      paper, a constant and a little noise
    bounds            (low, high), the range of x, or None: u itself is the parameter. In the paper's code u is clipped
                      to [0, 1] (hardtanh), and a pixel that has left the range has no gradient and stays there;
                      bounded_between has none of that, and a complex step passes through it
    learned_weights   pi = softmax(logits) with logits (K,) that learn; else pi_k = 1/K, as in the paper
    """

    def __init__(self, encoder, u, *, bounds=(0, 1), learned_weights=False):
        self.encoder = encoder
        self.bounds = bounds and dict(zip(("low", "high"), bounds, strict=True))
        self.u = Parameter(unbounded(u, **self.bounds) if bounds else u.copy())
        self.logits = (Parameter if learned_weights else Buffer)(np.zeros(len(u), u.dtype))
        self.n_latents = latents_of(encoder, u[:1])

    def forward(self, z, **condition):
        u, u_backward = self.inputs()
        (mu, logvar), encoder_backward = self.encoder.forward(u)
        log_p, mixture_backward = gaussian_mixture_logpdf.forward(z, self.logits.value, mu, logvar)

        def backward(dlog_p):
            dz, dlogits, dmu, dlogvar = mixture_backward(dlog_p)
            self.u.grad += u_backward(encoder_backward(dmu, dlogvar))
            if isinstance(self.logits, Parameter):
                self.logits.grad += dlogits
            return dz

        return log_p, backward

    def inputs(self):
        """The pseudo-inputs as the encoder sees them, (K, D), and their backward: for pictures, inputs()[0]."""
        return bounded_between.forward(self.u.value, **self.bounds) if self.bounds else (self.u.value, lambda du: du)

    def sample(self, n, rng, dtype=np.float32, **condition):
        """n draws, (n, Z): first k ~ pi, then z ~ q(z|u_k)."""
        return draw_from_mixture(n, rng, dtype, self.logits.value, *self.encoder(self.inputs()[0]))


def latents_of(encoder, u):
    """Z; ValueError if the encoder gives no gradient to its input."""
    (mu, logvar), backward = encoder.forward(u)
    if backward(np.zeros_like(mu), np.zeros_like(logvar)) is None:
        raise ValueError("encoder must give a gradient to its input, for the pseudo-inputs of a VampPrior learn, but "
                         "was built with input_grad=False")
    return mu.shape[1]
