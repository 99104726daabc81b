"""The observation model of a decoder that sees the pixels it has already drawn.

    p(x|z) = prod_d p(x_d | x_<d, z),   x_<d: all that comes before x_d in the decoder's order

It can have any p(x) at all without z: then the best model of x may leave z unused, and the KL be 0.
"""

import numpy as np

from ..core import Buffer
from .likelihoods import Bernoulli
from .observation import ObservationModel


class AutoregressiveObservation(ObservationModel):
    """p(x|z) = prod_d Bernoulli(x_d; sigmoid(a_d)),  a = decoder(x, z), of which a_d sees x_<d and z alone

    The decoder is a MADE with n_h = Z (Germain et al. 2015), or another network with its `forward` and its `order`. In
    forward every pixel is given the true ones before it, all at once (teacher forcing); a draw takes D passes.

    rng, draws   make the numbers that `mean` draws with: fixed, evenly spread, `draws` for each pixel
    """

    def __init__(self, decoder, rng, draws=16):
        super().__init__(decoder, Bernoulli())
        even = np.tile((np.arange(draws) + 0.5) / draws, (len(decoder.order), 1))
        self.u = Buffer(rng.permuted(even, axis=1).T.astype(np.float32))

    def forward(self, z, *, x, seen=None, **condition):
        """-log p(x|z), (M,), in nats; z (M, Z), x (M, D), of bits.

        seen (M, D), zeros and ones: the decoder is shown 1/2, which says nothing, for a pixel with a 0. What is to be
        explained stays x: for each `seen` it is a density of x, of another decoder.     Bowman et al. 2016, section 3.1
        """
        shown = x if seen is None else seen * (x - 0.5) + 0.5
        logits, decoder_backward = self.decoder.forward(shown, z, **condition)
        nll, likelihood_backward = self.likelihood.forward(logits, x=x)

        def backward(dnll):
            _, dz = decoder_backward(likelihood_backward(dnll))
            return dz

        return nll, backward

    def mean(self, z, **condition):
        """An estimate of E[x|z], (M, D), always the same: the mean of p(x_d = 1 | x_<d, z) over a few draws of x_<d.

        There is no formula for it. Its error is that of `draws` independent draws, or less; it is for pictures.
        """
        u, n = self.u.value, len(self.u.value)
        rows = {name: c.repeat(n, axis=0) for name, c in condition.items()}
        _, p = self.unroll(z.repeat(n, axis=0), np.tile(u, (len(z), 1)), **rows)
        return p.reshape(len(z), n, -1).mean(axis=1)

    def sample(self, z, rng, **condition):
        """A draw x ~ p(x|z) for each z, of 0 and 1: pixel after pixel, in D passes of the decoder."""
        return self.unroll(z, rng.random((len(z), len(self.decoder.order)), z.dtype), **condition)[0]

    def unroll(self, z, u, **condition):
        """The x that the uniform numbers u (M, D) stand for, and p(x_d = 1 | x_<d, z), each (M, D)."""
        x, p = np.zeros_like(u, z.dtype), np.zeros_like(u, z.dtype)
        for d in self.decoder.order:
            p[:, d] = self.likelihood.mean(self.decoder(x, z, **condition)[:, d])
            x[:, d] = u[:, d] < p[:, d]
        return x, p

    def describe(self):
        """The likelihood in words."""
        return f"autoregressive {self.likelihood.describe()}"
