"""Latent-variable models: three densities, one quantity.

    log p(x) >= E_q log w,    log w = log p(x|z) + log p(z) - log q(z|x),    z ~ q(z|x)

The ELBO is the mean of log w over one draw, L_k the mean of the log of the mean of k weights (iwae.py), and what
evaluation/ measures is made of the same three terms.
"""

import numpy as np

from ..core import Module
from ..probability import DiagonalGaussian, Observation, Posterior, Prior
from .model import Model


class LatentModel(Model):
    """posterior q(z|x), observation p(x|z), prior p(z): see probability/ for the methods of each.

    A condition that the data hold beside x (labels y, half an image c ...) is passed to all three.
    """

    terms = ("reconstruction", "kl")
    quantity = "-ELBO"
    samples = 1

    def __init__(self, posterior: Posterior, observation: Observation, prior: Prior):
        self.posterior = posterior
        self.observation = observation
        self.prior = prior
        self.n_latents = prior.n_latents

    def noise(self, x, rng):
        """eps ~ N(0, I) of shape (B, Z): one draw of z for each x."""
        return {"eps": rng.standard_normal((len(x), self.n_latents), x.dtype)}

    def forward(self, *, x, eps, **condition):
        """(-log p(x|z), log q(z|x) - log p(z)), each (B,), in nats: their sum has the mean -ELBO; eps (B, Z)."""
        (z, log_q), posterior_backward = self.posterior.forward(x, eps[:, None], **condition)
        nll, observation_backward = self.observation.forward(z, x=x, **condition)
        log_p, prior_backward = self.prior.forward(z, **condition)

        def backward(dnll, dkl):
            dz = observation_backward(dnll) + prior_backward(-dkl)
            posterior_backward(dz, dkl)

        return (nll, log_q - log_p), backward

    def log_weights(self, eps, *, x, score=True, **condition):
        """log w = log p(x|z) + log p(z) - log q(z|x) of k draws for each x: eps (B, k, Z) -> (B, k), in nats

        -> log_w, backward; backward(dlog_w) -> deps. `score=False`: see Posterior. With a `share` (B, k), only this
        share of each draw's gradient reaches the posterior; observation and prior get all of it.
        """
        B, k, _ = eps.shape
        options = condition if score else {"score": False, **condition}
        (z, log_q), posterior_backward = self.posterior.forward(x, eps, **options)
        log_p, joint_backward = self.log_joint(z, **for_each_draw(k, x=x, **condition))

        def backward(dlog_w, share=None):
            dz, dlog_q = joint_backward(dlog_w.ravel()), -dlog_w.ravel()
            if share is not None:
                dz, dlog_q = dz * share.reshape(-1, 1), dlog_q * share.ravel()
            _, deps = posterior_backward(dz, dlog_q)
            return deps

        return (log_p - log_q).reshape(B, k), backward

    def log_joint(self, z, *, x, **condition):
        """log p(x, z) = log p(x|z) + log p(z), z (M, Z), x (M, D) -> (M,) in nats; -> log_p, backward(dlog_p) -> dz"""
        nll, observation_backward = self.observation.forward(z, x=x, **condition)
        log_p, prior_backward = self.prior.forward(z, **condition)

        def backward(dlog_p):
            return observation_backward(-dlog_p) + prior_backward(dlog_p)

        return log_p - nll, backward

    @property
    def one_draw(self):
        """The model whose loss is -ELBO: this one; for an IWAE, the one it trains."""
        return self

    def with_encoder(self, encoder: Module) -> "LatentModel":
        """The same observation and prior, and the posterior N(mu, sigma^2) of another encoder."""
        return LatentModel(DiagonalGaussian(encoder), self.observation, self.prior)

    def encode(self, x: np.ndarray, **condition) -> tuple[np.ndarray, np.ndarray]:
        """(mu, logvar) of q(z|x), each (B, Z); ValueError unless the posterior is a diagonal Gaussian."""
        if not hasattr(self.posterior, "encode"):
            raise ValueError(f"the posterior must be a diagonal Gaussian to have (mu, logvar), but is a "
                             f"{type(self.posterior).__name__}; `code` gives the z of eps = 0")
        return self.posterior.encode(x, **condition)

    def code(self, x: np.ndarray, **condition) -> np.ndarray:
        """z at eps = 0, (B, Z): the mean of a Gaussian q(z|x)."""
        if hasattr(self.posterior, "encode"):
            return self.encode(x, **condition)[0]
        return self.posterior(x, np.zeros((len(x), 1, self.n_latents), x.dtype), **condition)[0]

    def decode(self, z: np.ndarray, **condition) -> np.ndarray:
        """E[x|z], (B, D)"""
        return self.observation.mean(z, **condition)

    def reconstruct(self, x: np.ndarray, **condition) -> np.ndarray:
        """E[x|z] at z = code(x), (B, D): for a picture, not for a bound."""
        return self.decode(self.code(x, **condition), **condition)

    def sample(self, n: int, rng: np.random.Generator, **condition) -> tuple[np.ndarray, np.ndarray]:
        """n new examples x ~ p(x|z), (n, D), and the z ~ p(z) they are drawn from, (n, Z); E[x|z] is decode(z)."""
        z = self.prior.sample(n, rng, self.dtype, **condition)
        return self.observation.sample(z, rng, **condition), z

    def check(self, x, name):
        """Raises ValueError if the likelihood has no density at this x."""
        self.observation.check(x, name)

    def flaw(self, x):
        return self.observation.flaw(x)

    def describe(self):
        return self.observation.describe()

    @property
    def unit(self):
        """The unit of the likelihood, plus that of the KL."""
        unit = self.observation.unit
        return unit if unit == "nats" else f"{unit} + nats"


def for_each_draw(k, **arrays):
    """The arrays with each row repeated k times, as in z; a number stays as it is."""
    return {name: a.repeat(k, axis=0) if k > 1 and getattr(a, "ndim", 0) else a for name, a in arrays.items()}
