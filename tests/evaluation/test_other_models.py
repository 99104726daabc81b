"""Every estimator on models that it has never met: other priors, posteriors and conditions, log p(x) known exactly.

The parts are written here as the docstrings of probability/ ask for them, and nothing else of the library is used.
"""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from scratchvae.core import Module
from scratchvae.datasets import Examples
from scratchvae.evaluation import (
    GridPosterior,
    active_units,
    annealed_importance,
    annealed_upper_bound,
    evaluate,
    evaluate_bound,
    exact_elbo,
    fit_table,
    importance_weights,
    rate_distortion,
    report,
)
from scratchvae.models import IWAE, DReG, LatentModel
from scratchvae.probability import (
    DiagonalGaussian,
    Gaussian,
    GaussianMixturePrior,
    Observation,
    Posterior,
    Prior,
    StandardNormal,
)

pytestmark = pytest.mark.slow

D, Z, S2 = 4, 2, 0.5
rng = np.random.default_rng(0)
W, A, B = 1.3 * rng.standard_normal((Z, D)), rng.standard_normal((2, D)), rng.standard_normal((2, Z))
M_INVERSE = np.linalg.inv(W @ W.T / S2 + np.eye(Z))                 # the covariance of p(z|x) for p(z) of variance 1


class Affine(Module):
    """z W + c A, of a decoder that is told c; without c, z W."""

    def forward(self, z, *, c=None):
        return z @ W + (0 if c is None else c @ A), lambda dy: dy @ W.T


class Shifted(Prior):
    """p(z) = N(m + c B, I)"""

    def __init__(self, m):
        self.n_latents, self.m = Z, m

    def mean(self, c=None):
        return self.m + (0 if c is None else c @ B)

    def forward(self, z, *, c=None):
        d = z - self.mean(c)
        return -(d * d + math.log(2 * math.pi)).sum(axis=1) / 2, lambda dlog_p: -dlog_p[:, None] * d

    def sample(self, n, rng, dtype, *, c=None):
        return (self.mean(c) + rng.standard_normal((n, Z))).astype(dtype)


class BestEncoder(Module):
    """The mean of p(z|x, c) under a prior N(m + c B, I), and a log-variance that is `wider` than the best one."""

    def __init__(self, prior, wider=0.0):
        self.prior, self.wider = prior, wider

    def forward(self, x, *, c=None):
        mu = posterior_mean(self.prior, x, c)
        logvar = np.zeros_like(mu) - np.log(np.diag(np.linalg.inv(M_INVERSE))) + self.wider
        return (mu, logvar), lambda dmu, dlogvar: None


class Sheared(Posterior):
    """z = mu + L eps with a full covariance L L': log q = log N(eps; 0, I) - sum log L_jj"""

    def __init__(self, prior, wider=0.0):
        self.prior, self.L = prior, np.linalg.cholesky(M_INVERSE) * math.exp(wider / 2)

    def forward(self, x, eps, *, c=None):
        n, k, _ = eps.shape
        e = eps.reshape(n * k, Z)
        z = posterior_mean(self.prior, x, c).repeat(k, axis=0) + e @ self.L.T
        log_q = -(e * e + math.log(2 * math.pi)).sum(axis=1) / 2 - np.log(np.diag(self.L)).sum()

        def backward(dz, dlog_q):
            return None, (dz @ self.L - dlog_q[:, None] * e).reshape(n, k, Z)

        return (z, log_q), backward


def posterior_mean(prior, x, c=None):
    """M^-1 (W (x - c A) / s2 + m)"""
    return ((x - (0 if c is None else c @ A)) @ W.T / S2 + prior.mean(c)) @ M_INVERSE


class World:
    """A model, its data and the exact log p(x) of each."""

    def __init__(self, prior, posterior, seed=1, n=200, conditional=False):
        rng = np.random.default_rng(seed)
        self.model = LatentModel(posterior, Observation(Affine(), Gaussian(math.sqrt(S2))), prior)
        self.condition = {"c": np.eye(2)[rng.integers(0, 2, n)]} if conditional else {}
        z = prior.sample(n, rng, np.float64, **self.condition)
        self.x, self.z = self.model.observation.sample(z, rng, **self.condition), z
        self.data = Examples(self.x, **self.condition)

    def log_p(self):
        """log N(x; mean, W'W + s2 I), of a prior of variance 1"""
        c = self.condition.get("c")
        mean = self.model.prior.mean(c) @ W + (0 if c is None else c @ A)
        return multivariate_normal(cov=W.T @ W + S2 * np.eye(D)).logpdf(self.x - mean)


class ZeroWorld(World):
    """The prior is N(0, I)."""

    def log_p(self):
        return multivariate_normal(cov=W.T @ W + S2 * np.eye(D)).logpdf(self.x)


class MixtureWorld(World):
    """The prior is a mixture: so is p(x)."""

    def log_p(self):
        prior = self.model.prior
        pi = np.exp(prior.logits.value) / np.exp(prior.logits.value).sum()
        return np.log(sum(w * multivariate_normal(m @ W, W.T @ np.diag(np.exp(s)) @ W + S2 * np.eye(D)).pdf(self.x)
                          for w, m, s in zip(pi, prior.mu.value, prior.logvar.value, strict=True)))


def mixture():
    prior = GaussianMixturePrior(3, Z, np.random.default_rng(5), dtype=np.float64)
    prior.logits.value[...], prior.logvar.value[...] = [0.5, -0.5, 0], [[0, -1], [-1, 0.5], [0.3, -0.7]]
    prior.mu.value *= 2
    return prior


def shifted(wider=0.5, posterior=None, **options):
    prior = Shifted(np.full(Z, 3.0))
    return World(prior, (posterior or (lambda p, w: DiagonalGaussian(BestEncoder(p, w))))(prior, wider), **options)


WORLDS = {
    "N(3, 1)": shifted,
    "N(0, 1) with a shear": lambda **o: ZeroWorld(StandardNormal(Z), Sheared(Shifted(np.zeros(Z)), 0.5), **o),
    "N(3, 1) with a shear": lambda **o: shifted(0.5, Sheared, **o),
    "mixture": lambda **o: MixtureWorld(mixture(), DiagonalGaussian(BestEncoder(Shifted(np.zeros(Z)), 1.0)), **o),
    "condition": lambda **o: shifted(conditional=True, **o),
    "condition and shear": lambda **o: shifted(0.5, Sheared, conditional=True, **o),
}


def mean_is(expected, values, errors=4.5):
    return abs(values.mean() - expected) < errors * values.std(ddof=1) / math.sqrt(len(values))


@pytest.fixture(params=WORLDS)
def world(request):
    return WORLDS[request.param]()


def test_the_gradient_of_log_w_is_its_slope(world):
    """In float64: the parts written here are not made for float32, which `prove` would ask for."""
    (eps, v), h = np.random.default_rng(3).standard_normal((2, len(world.x), 3, Z)), 1e-6
    log_w, backward = world.model.log_weights(eps, **world.data.arrays)
    right, left = (world.model.log_weights(eps + s * v, **world.data.arrays)[0] for s in (h, -h))
    slope = (backward(np.ones_like(log_w)) * v).sum(axis=2)
    np.testing.assert_allclose((right - left) / (2 * h), slope, rtol=1e-5, atol=1e-6)


def test_the_mean_weight_is_p_of_x(world):
    """And so every L_k is below log p(x), and rises."""
    log_p = world.log_p()
    assert mean_is(1, np.exp(importance_weights(world.model, world.data, 2000).bound - log_p))
    one, ten, many = (importance_weights(world.model, world.data, k, seed=k).bound for k in (1, 10, 1000))
    for looser, tighter in ((one, ten), (ten, many)):
        assert (tighter - looser).mean() > 0
    assert abs((many - log_p).mean()) < 0.02


def test_the_elbo_is_that_of_quadrature(world):
    """Of a diagonal posterior, whose exact ELBO is known without a draw."""
    if not hasattr(world.model.posterior, "encode"):
        pytest.skip("a full covariance")
    exact = exact_elbo(world.model, world.x, *world.model.encode(world.x, **world.condition), n=30, **world.condition)
    assert (exact < world.log_p()).all()
    value = evaluate(world.model, world.data, data="exact")
    assert abs(value.value + exact.mean()) < 4.5 * value.standard_error
    assert value.quantity == "-ELBO" and value.samples == 1


def test_with_the_exact_posterior_every_number_is_log_p():
    """The shear can be the posterior itself, with a condition too: then no weight varies."""
    for world in (shifted(0.0, Sheared), shifted(0.0, Sheared, conditional=True)):
        log_p = world.log_p()
        np.testing.assert_allclose(importance_weights(world.model, world.data, 3).bound, log_p, rtol=1e-10)
        for entry in (evaluate(world.model, world.data, data="exact"),
                      evaluate_bound(world.model, world.data, 2, data="exact")):
            assert math.isclose(entry.value, -log_p.mean(), rel_tol=1e-10)
        annealed = annealed_importance(world.model, world.data, chains=2, temperatures=3, base="posterior")
        np.testing.assert_allclose(annealed.bound, log_p, rtol=1e-9)


@pytest.mark.parametrize("base", ["prior", "posterior"])
def test_ais_is_unbiased(world, base):
    bound, error, _ = annealed_importance(world.model, world.data, temperatures=30, leapfrogs=5, base=base)
    assert mean_is(1, np.exp(bound - world.log_p()))
    assert np.median(np.abs(bound - world.log_p()) / error) < 1.2


def test_the_reverse_walk_bounds_from_above(world):
    upper = annealed_upper_bound(world.model, world.data, world.z, chains=4, temperatures=40, leapfrogs=3)
    assert mean_is(1, np.exp(world.log_p() - upper))


def test_new_examples_are_drawn_from_this_prior(world):
    """x with the z it was made of, in the order of the conditions: their mean weight is that of data."""
    n = 4000
    condition = {name: np.resize(c, (n, *c.shape[1:])) for name, c in world.condition.items()}
    x, z = world.model.sample(n, np.random.default_rng(8), **condition)
    expected = world.model.prior.sample(n, np.random.default_rng(9), np.float64, **condition)
    for j in range(Z):
        assert mean_is(expected[:, j].mean(), z[:, j], 6) and mean_is((expected[:, j]**2).mean(), z[:, j]**2, 6)
    residual = x - world.model.decode(z, **condition)
    assert mean_is(0, residual[:, 0]) and mean_is(S2, residual[:, 0]**2)


def test_a_grid_holds_log_p_exactly(world):
    few = {name: c[:3] for name, c in world.condition.items()}
    grid = GridPosterior(world.model, world.x[:3], limit=10, **few)
    np.testing.assert_allclose(grid.log_evidence, world.log_p()[:3], rtol=1e-8)


def test_the_rate_is_what_the_prior_says(world):
    terms = rate_distortion(world.model, world.data)
    np.testing.assert_allclose(terms.distortion + terms.rate,
                               -importance_weights(world.model, world.data, 1).bound, rtol=1e-9)
    np.testing.assert_allclose(terms.rate, terms.rate_sampled, rtol=1e-7, atol=1e-9)
    known = hasattr(world.model.posterior, "encode") and not world.condition
    assert (terms.marginal_kl is not None) == known
    if known:
        np.testing.assert_allclose(terms.rate_sampled, terms.mutual_information + terms.marginal_kl, atol=1e-6)
        assert terms.marginal_kl.mean() < 1.5              # of data from the model; 9 more under N(0, I)


def test_the_report_gives_the_exact_values_within_their_errors(world):
    entries = {e.quantity: e for e in report(world.model, world.data, data="exact", samples=500, features=lambda x: x)}
    assert abs(entries["-L_500"].value + world.log_p().mean()) < 0.05
    assert entries["-ELBO"].value > entries["-L_500"].value
    assert entries["active units"].value == 2 and entries["reconstruction error at mu"].value < D * S2 * 1.5
    names = [name for name in entries if name.startswith("Frechet")]
    assert entries[names[0]].value < 4                     # new images are drawn from this prior: 30 from N(0, I)


def test_active_units_are_of_the_mean_that_a_posterior_has():
    """A shear has no formula for it here: the mean of draws."""
    diagonal, sheared = shifted(0.5), shifted(0.5, Sheared)
    np.testing.assert_allclose(active_units(sheared.model, sheared.data).variances,
                               active_units(diagonal.model, diagonal.data).variances, rtol=0.1)


def test_a_table_finds_the_best_diagonal_gaussian(world):
    few = {name: c[:5] for name, c in world.condition.items()}
    local, path = fit_table(world.model, world.x[:5], steps=200, lr=0.1, n=9, **few)
    if isinstance(world.model.prior, Shifted):
        best = posterior_mean(world.model.prior, world.x[:5], few.get("c"))
        np.testing.assert_allclose(local.encode(world.x[:5])[0], best, atol=2e-2)
    assert (path[-1] < world.log_p()[:5]).all() and (path[-1] > world.log_p()[:5] - 1).all()


@pytest.mark.parametrize("estimator", [IWAE, DReG])
def test_an_iwae_of_any_model_has_its_bound(world, estimator):
    if estimator is DReG and not isinstance(world.model.posterior, DiagonalGaussian):
        pytest.skip("its posterior does not say its path derivative")
    iwae = estimator(world.model, 50)
    entries = {e.quantity: e.value for e in report(iwae, world.data, data="exact", samples=100)}
    assert list(entries)[:3] == ["-ELBO", "-L_50", "-L_100"]
    assert abs(entries["-L_50"] + world.log_p().mean()) < 0.1
