"""Mixtures: each x was made by one of K components, and nobody wrote down by which.

    p(x) = sum_k pi_k p(x|k)

One k is drawn for the whole of x. A product over dimensions of one-dimensional mixtures draws a k for every dimension:
another model, with K^D places for x to be.

    for step in em(GaussianMixture.start(x, 2, rng), x, steps=100):
        print(step.number, step.log_likelihood)

In nats and float64, and in the logarithm until the last line.     Bishop 2006, chapter 9
"""

import numpy as np

from .log_sum_exp import log_sum_exp
from .multivariate import cholesky, multivariate_logpdf


class CollapseError(ValueError):
    """A component has lost its examples, or its covariance has become singular: there is no M step."""


class Mixture:
    """What every mixture does. A subclass writes `component_logpdf`, `component_sample` and `maximize`."""

    def __init__(self, weights, means):
        if weights.shape != means.shape[:1] or not (weights >= 0).all() or abs(weights.sum() - 1) > 1e-9:
            raise ValueError(f"weights must be {len(means)} numbers >= 0, one a mean, with sum 1, but are {weights}")
        self.weights = weights
        self.means = means

    def log_joint(self, x):
        """log p(x, k) = log pi_k + log p(x|k), (B, D) -> (B, K)"""
        if x.ndim != 2 or x.shape[1] != self.means.shape[1]:
            raise ValueError(f"x must have shape (B, {self.means.shape[1]}), but has {x.shape}")
        with np.errstate(divide="ignore"):                      # the log of a weight 0 is -inf
            return np.log(self.weights) + self.component_logpdf(x)

    def log_likelihood(self, x):
        """log p(x) = log sum_k p(x, k), (B, D) -> (B,), in nats: exact, not a bound"""
        return log_sum_exp(self.log_joint(x))

    def posterior(self, x):
        """The E step, Bayes' rule: q_k = p(k|x) = p(x, k) / p(x) of shape (B, K), and the log p(x) it needs, (B,)"""
        log_joint = self.log_joint(x)
        log_p = log_sum_exp(log_joint)
        return np.exp(log_joint - log_p[:, None]), log_p

    def bound(self, x, q):
        """L(q, theta) = sum_k q_k (log p(x, k) - log q_k) <= log p(x), for any q (B, K) with rows of sum 1; -> (B,)"""
        log_q = np.log(np.where(q > 0, q, 1))                   # 0 log 0 = 0
        return (q * (np.where(q > 0, self.log_joint(x), 0) - log_q)).sum(axis=1)

    def log_prior(self):
        """What `maximize` maximizes together with the bound: 0, unless the mixture is regularized."""
        return 0.0

    def sample(self, n, rng):
        """n draws, first k ~ pi, then x ~ p(x|k): (x of shape (n, D), k of shape (n,))"""
        k = rng.choice(len(self.weights), size=n, p=self.weights)
        return self.component_sample(k, rng), k


class GaussianMixture(Mixture):
    """p(x|k) = N(x; mu_k, S_k), with full covariances.     Bishop 2006, section 9.2

    weights (K,), means (K, D), covariances (K, D, D). The likelihood has no maximum: a component that shrinks onto one
    point sends it to infinity, and `maximize` raises CollapseError. With ridge > 0 there is a prior on each covariance,
    log p(S) = -ridge/2 tr S^-1 + constant, and none can shrink to nothing; ridge is in the squared units of x.
    """

    def __init__(self, weights, means, covariances, ridge=0.0):
        super().__init__(weights, means)
        self.covariances = covariances
        self.triangles = np.array([cholesky(S) for S in covariances])
        self.ridge = ridge

    @classmethod
    def start(cls, x, K, rng, ridge=0.0):
        """K different points of x (B, D) as means, the covariance of all of x for each, equal weights."""
        means = rng.permutation(np.unique(x, axis=0))[:K]
        return cls(np.full(K, 1 / K), means, np.array([np.atleast_2d(np.cov(x.T, bias=True))] * K), ridge)

    def component_logpdf(self, x):
        """log N(x; mu_k, S_k), (B, D) -> (B, K)"""
        return np.stack([multivariate_logpdf(x, mu, L) for mu, L in zip(self.means, self.triangles, strict=True)], 1)

    def component_sample(self, k, rng):
        """x = mu_k + L_k eps"""
        eps = rng.standard_normal((len(k), self.means.shape[1]))
        return self.means[k] + np.einsum("bij,bj->bi", self.triangles[k], eps)

    def maximize(self, x, q):
        """The M step: a new mixture. With n_k = sum_b q_bk,     Bishop 2006, section 9.2.2 (there ridge = 0)

        pi_k = n_k / B,  mu_k = sum_b q_bk x_b / n_k,  S_k = (sum_b q_bk (x_b - mu_k)(x_b - mu_k)' + ridge I) / n_k
        """
        n = counts(q)
        means = q.T @ x / n[:, None]
        covariances = np.empty((len(n), x.shape[1], x.shape[1]))
        for k, mu in enumerate(means):
            d = x - mu
            covariances[k] = ((q[:, k, None] * d).T @ d + self.ridge * np.eye(len(mu))) / n[k]
            require_width(covariances[k], x, f"component {k} answers for {n[k]:.1f} of {len(x)} examples")
        return GaussianMixture(n / len(x), means, covariances, self.ridge)

    def log_prior(self):
        """-ridge/2 sum_k tr S_k^-1, in nats, without its constant"""
        return -self.ridge / 2 * float(sum(np.trace(np.linalg.inv(S)) for S in self.covariances))


class BernoulliMixture(Mixture):
    """p(x|k) = prod_d mu_kd^x_d (1 - mu_kd)^(1 - x_d), for x of 0 and 1.     Bishop 2006, section 9.3.3

    weights (K,), means (K, D) strictly between 0 and 1. smoothing a > 0 is a Beta(1 + a, 1 + a) prior on each mean: a
    ones and a zeros are added to the counts, so that a pixel never seen on is improbable, not impossible.
    """

    def __init__(self, weights, means, smoothing=1.0):
        super().__init__(weights, means)
        if not (means.min() > 0 and means.max() < 1):
            raise CollapseError("means must lie strictly between 0 and 1, but run from "
                                f"{means.min()} to {means.max()}; smoothing > 0 keeps them inside")
        self.smoothing = smoothing

    @classmethod
    def start(cls, x, K, rng, smoothing=1.0):
        """Each mean from one example, (x + 1/2) / 2: 1/4 where it is 0, 3/4 where it is 1; equal weights."""
        return cls(np.full(K, 1 / K), (x[rng.choice(len(x), K, replace=False)] + 0.5) / 2, smoothing)

    def component_logpdf(self, x):
        """sum_d x_d logit mu_kd + log(1 - mu_kd), (B, D) -> (B, K)"""
        if not ((x == 0) | (x == 1)).all():
            raise ValueError(f"x must be 0 or 1 for a Bernoulli mixture, but runs from {x.min()} to {x.max()}")
        log_off = np.log1p(-self.means)
        return x @ (np.log(self.means) - log_off).T + log_off.sum(axis=1)

    def component_sample(self, k, rng):
        """x_d = 1 with probability mu_kd"""
        return (rng.random((len(k), self.means.shape[1])) < self.means[k]).astype(self.means.dtype)

    def maximize(self, x, q):
        """The M step, a new mixture: pi_k = n_k / B,  mu_k = (sum_b q_bk x_b + a) / (n_k + 2a),  n_k = sum_b q_bk"""
        n, a = counts(q), self.smoothing
        return BernoulliMixture(n / len(x), (q.T @ x + a) / (n[:, None] + 2 * a), a)

    def log_prior(self):
        """a sum_kd (log mu_kd + log(1 - mu_kd)), in nats, without its constant"""
        return self.smoothing * float((np.log(self.means) + np.log1p(-self.means)).sum())


def counts(q):
    """n_k = sum_b q_bk, (B, K) -> (K,): how many examples each component answers for."""
    n = q.sum(axis=0)
    if not (n > 0).all():
        raise CollapseError(f"component {int(n.argmin())} answers for no example any more; start elsewhere, or with "
                            "fewer components")
    return n


def require_width(covariance, x, which):
    """CollapseError if the covariance has, in some direction, less than a millionth of the width of the data x."""
    least = 1e-12 * x.var(axis=0) + 1e-28 * (x * x).mean(axis=0)      # the second is rounding, in a constant column
    scale = np.sqrt(np.where(least > 0, least, 1))
    if not np.linalg.eigvalsh(covariance / np.outer(scale, scale))[0] > 1:
        raise CollapseError(f"{which} and has collapsed: its covariance is singular, the likelihood has no maximum; "
                            "start elsewhere, or set ridge > 0")
