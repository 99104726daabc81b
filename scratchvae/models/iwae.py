"""The importance-weighted autoencoder.     Burda, Grosse & Salakhutdinov 2016, "Importance weighted autoencoders"

Three quantities that are often confused:

    L_1, the ELBO      E log w
    L_k                E log 1/k sum_i w_i        a bound on log p(x), tighter with every k       IWAE.forward
    the surrogate      sum_i v_i log w_i          no bound; with v_i = w_i / sum_j w_j held fixed it has the
                                                  gradient of L_k                                 IWAE.surrogate

w_i = p(x, z_i) / q(z_i|x) with z_i ~ q(z|x). DReG has the value of L_k and another gradient, of less variance.
"""

from collections.abc import Sequence

import numpy as np

from ..core import Module
from ..nn import relu
from ..probability import Likelihood, log_mean_exp
from .latent import LatentModel
from .vae import mlp_vae


class IWAE(LatentModel):
    """Any latent-variable model, trained on L_k = E log 1/k sum_i p(x, z_i) / q(z_i|x), k draws of z for each x.

    Raises ValueError unless k >= 1. Its unit is that of the model.
    """

    terms = ("negative_bound",)

    def __init__(self, model: LatentModel, k: int):
        if k < 1:
            raise ValueError(f"k, the draws of z for each x, must be at least 1, but is {k}")
        super().__init__(model.posterior, model.observation, model.prior)
        self.model, self.k = model, k

    @property
    def quantity(self):
        """The name of its loss, "-L_k"."""
        return f"-L_{self.k}"

    @property
    def samples(self):
        """k, the draws of z for each x."""
        return self.k

    @property
    def one_draw(self):
        """The model it trains, whose own loss is -ELBO."""
        return self.model

    def parameters(self):
        """{name: Parameter} of the model it trains, with the names they have there."""
        return self.model.parameters()

    def buffers(self):
        """{name: Buffer} of the model it trains, with the names they have there."""
        return self.model.buffers()

    def noise(self, x, rng):
        """eps ~ N(0, I) of shape (B, k, Z)."""
        return {"eps": rng.standard_normal((len(x), self.k, self.n_latents), x.dtype)}

    def forward(self, *, x, eps, **condition):
        """(-L_k,), in nats, of shape (B,); x (B, D), eps (B, k, Z).     Burda et al. 2016, eq. (8)"""
        log_w, weights_backward = self.log_weights(eps, x=x, **condition)
        bound, bound_backward = log_mean_exp.forward(log_w)

        def backward(dloss):
            weights_backward(bound_backward(-dloss))

        return (-bound,), backward

    def weights(self, *, x, eps, **condition):
        """v_i = w_i / sum_j w_j, of shape (B, k): they sum to 1 for each example."""
        return normalized(self.log_weights(eps, x=x, **condition)[0])

    def surrogate(self, *, x, eps, v, **condition):
        """-sum_i v_i log w_i, of shape (B,): with constant v (B, k) = weights(x, eps) it has the gradient of -L_k.

        Burda et al. 2016, eq. (14). Its value is no bound: it may lie on either side of log p(x).
        """
        log_w, weights_backward = self.log_weights(eps, x=x, **condition)

        def backward(dloss):
            weights_backward(-dloss[:, None] * v)

        return -(v * log_w).sum(axis=1), backward


class DReG(IWAE):
    """L_k with the doubly reparameterized gradient for the posterior.     Tucker et al. 2019, eq. (8)

        d L_k / d phi  =  E sum_i v_i^2 (d log w_i / d z_i) (d z_i / d phi)

    The gradient of observation and prior is that of L_k. The posterior's has the same expectation as that of L_k, but
    not the same value: the score term, d log q / d phi at a fixed z, is left out, and each v_i is squared instead.
    """

    def forward(self, *, x, eps, **condition):
        """(-L_k,), in nats, of shape (B,); x (B, D), eps (B, k, Z)."""
        log_w, weights_backward = self.log_weights(eps, x=x, score=False, **condition)
        bound, bound_backward = log_mean_exp.forward(log_w)

        def backward(dloss):
            weights_backward(bound_backward(-dloss), share=normalized(log_w))

        return (-bound,), backward


def normalized(log_w):
    """v_i = w_i / sum_j w_j, (B, k): the weights that sum to 1 for each example."""
    _, softmax = log_mean_exp.forward(log_w)
    return softmax(np.ones_like(log_w[:, 0]))


def mlp_iwae(n_x: int, hidden: Sequence[int], n_latents: int, rng: np.random.Generator, *, activation: Module = relu,
             likelihood: Likelihood | None = None, k: int, estimator: type[IWAE] = IWAE,
             dtype: type = np.float32) -> IWAE:
    """The networks of mlp_vae, trained on L_k: mlp_iwae(784, [200, 200], 50, rng, k=5); `estimator` is IWAE or DReG."""
    vae = mlp_vae(n_x, hidden, n_latents, rng, activation=activation, likelihood=likelihood, dtype=dtype)
    return estimator(vae, k)
