"""The importance-weighted autoencoder.     Burda, Grosse & Salakhutdinov 2016, "Importance weighted autoencoders"

Three quantities that are often taken for each other:

    L_1, the ELBO      E log w
    L_k                E log 1/k sum_i w_i        a bound on log p(x), tighter with every k       IWAE.forward
    the surrogate      sum_i v_i log w_i          no bound; with v_i = w_i / sum_j w_j held fixed it has the
                                                  gradient of L_k                                 IWAE.surrogate

w_i = p(x, z_i) / q(z_i|x) with z_i ~ q(z|x). DReG has the value of L_k and another, quieter way home.
"""

import numpy as np

from ..nn import relu
from ..probability import gaussian_logpdf, log_mean_exp, reparameterize, repeat
from .vae import VAE, mlp_vae


def log_weights(vae, *, x, eps):
    """log w_i = log p(x, z_i) - log q(z_i|x), z_i = mu + sigma * eps_i:  x (B, D), eps (B, k, Z) -> (B, k), in nats

    -> log_w; to_latents(dlog_w) -> (dz, dmu, dlogvar), the gradient that reaches log w through z and those that reach
    it through the density q alone; to_encoder(dz, dmu, dlogvar), which takes all three home. The encoder works once.
    """
    B, k, Z = eps.shape
    (mu, logvar), encoder_backward = vae.encoder.forward(x)
    mu, mu_backward = repeat.forward(mu, k=k)
    logvar, logvar_backward = repeat.forward(logvar, k=k)
    z, sample_backward = reparameterize.forward(mu, logvar, eps=eps.reshape(B * k, Z))
    y, decoder_backward = vae.decoder.forward(z)
    nll, nll_backward = vae.likelihood.forward(y, x=x.repeat(k, axis=0))
    log_prior, prior_backward = gaussian_logpdf.forward(z, np.zeros_like(z), np.zeros_like(z))
    log_q, q_backward = gaussian_logpdf.forward(z, mu, logvar)

    def to_latents(dlog_w):
        dlog_w = dlog_w.ravel()
        dz_likelihood = decoder_backward(nll_backward(-dlog_w))
        dz_prior, _, _ = prior_backward(dlog_w)
        dz_q, dmu, dlogvar = q_backward(-dlog_w)
        return dz_likelihood + dz_prior + dz_q, dmu, dlogvar

    def to_encoder(dz, dmu, dlogvar):
        dmu_z, dlogvar_z = sample_backward(dz)
        encoder_backward(mu_backward(dmu_z + dmu), logvar_backward(dlogvar_z + dlogvar))

    return (log_prior - nll - log_q).reshape(B, k), to_latents, to_encoder


class IWAE(VAE):
    """The nets of the VAE, trained on L_k = E log 1/k sum_i p(x, z_i) / q(z_i|x), k draws of z for each x."""

    terms = ("negative_bound",)

    def __init__(self, encoder, decoder, n_latents, likelihood, k):
        super().__init__(encoder, decoder, n_latents, likelihood)
        if k < 1:
            raise ValueError(f"k, the draws of z for each x, must be at least 1, but is {k}")
        self.k = k

    def noise(self, x, rng):
        """The draws that one look at x needs: eps ~ N(0, I) of shape (B, k, Z)."""
        return {"eps": rng.standard_normal((len(x), self.k, self.n_latents), x.dtype)}

    def forward(self, *, x, eps):
        """(-L_k,), in nats, of shape (B,); x (B, D), eps (B, k, Z).     Burda et al. 2016, eq. (8)"""
        log_w, to_latents, to_encoder = log_weights(self, x=x, eps=eps)
        bound, bound_backward = log_mean_exp.forward(log_w)

        def backward(dloss):
            to_encoder(*to_latents(bound_backward(-dloss)))

        return (-bound,), backward

    def weights(self, *, x, eps):
        """v_i = w_i / sum_j w_j, of shape (B, k): they sum to 1 for each example."""
        log_w, _, _ = log_weights(self, x=x, eps=eps)
        return normalized(log_w)

    def surrogate(self, *, x, eps, v):
        """-sum_i v_i log w_i, of shape (B,): at v = weights(x, eps), held fixed, it has the gradient of -L_k.

        Burda et al. 2016, eq. (14). Its value is no bound: it may lie on either side of log p(x).
        """
        log_w, to_latents, to_encoder = log_weights(self, x=x, eps=eps)

        def backward(dloss):
            to_encoder(*to_latents(-dloss[:, None] * v))

        return -(v * log_w).sum(axis=1), backward


class DReG(IWAE):
    """L_k with the doubly reparameterized gradient for the encoder.     Tucker et al. 2019, eq. (8)

        d L_k / d phi  =  E sum_i v_i^2 (d log w_i / d z_i) (d z_i / d phi)

    The decoder's gradient is that of L_k. The encoder's has the same expectation as that of L_k, but not the same
    value: what phi does to log w through the density q alone does not go home, and each v_i is squared instead.
    """

    def forward(self, *, x, eps):
        """(-L_k,), in nats, of shape (B,); x (B, D), eps (B, k, Z)."""
        log_w, to_latents, to_encoder = log_weights(self, x=x, eps=eps)
        bound, bound_backward = log_mean_exp.forward(log_w)

        def backward(dloss):
            dz, dmu, dlogvar = to_latents(bound_backward(-dloss))
            v = normalized(log_w).reshape(-1, 1)
            to_encoder(v * dz, np.zeros_like(dmu), np.zeros_like(dlogvar))

        return (-bound,), backward


def normalized(log_w):
    """v_i = w_i / sum_j w_j, (B, k): the weights that sum to 1 for each example."""
    _, softmax = log_mean_exp.forward(log_w)
    return softmax(np.ones_like(log_w[:, 0]))


def mlp_iwae(n_x, hidden, n_latents, rng, *, k, activation=relu, likelihood=None, estimator=IWAE, dtype=np.float32):
    """The nets of mlp_vae, trained on L_k: mlp_iwae(784, [200, 200], 50, rng, k=5); `estimator` is IWAE or DReG."""
    vae = mlp_vae(n_x, hidden, n_latents, rng, activation=activation, likelihood=likelihood, dtype=dtype)
    return estimator(vae.encoder, vae.decoder, n_latents, vae.likelihood, k)
