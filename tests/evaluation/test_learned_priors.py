"""Every estimator on models whose prior is a mixture that shares the encoder: log p(x) is a mixture too, exactly."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from scratchvae.core import Module, Sequential
from scratchvae.evaluation import (
    GridPosterior,
    annealed_importance,
    annealed_upper_bound,
    evaluate,
    importance_weights,
    rate_distortion,
    report,
)
from scratchvae.models import IWAE, LatentModel
from scratchvae.nn import GaussianHeads
from scratchvae.probability import AggregatePosterior, DiagonalGaussian, Gaussian, Observation, VampPrior

pytestmark = pytest.mark.slow

D, Z, S2 = 4, 2, 0.5
RNG = np.random.default_rng(0)
W = 1.3 * RNG.standard_normal((Z, D))


class Linear(Module):
    """z W"""

    def forward(self, z):
        return z @ W, lambda dz: dz @ W.T


class World:
    """Pseudo-inputs some sigmas apart, an encoder near the posterior of a prior N(0, I), and x of the model itself."""

    def __init__(self, kind):
        rng = np.random.default_rng(1)
        heads = GaussianHeads(D, Z, rng, dtype=np.float64)
        M = W @ W.T / S2 + np.eye(Z)
        heads.mu.W.value[...], heads.logvar.W.value[...] = W.T / S2 @ np.linalg.inv(M), 0
        heads.logvar.b.value[...] = 0.7 - np.log(np.diag(M))
        encoder = Sequential(heads)
        u = 1.5 * rng.standard_normal((6, Z)) @ W
        prior = AggregatePosterior(encoder, u) if kind == "aggregate" else \
            VampPrior(encoder, u, bounds=None, learned_weights=True)
        if kind == "vamp":
            prior.logits.value[...] = rng.standard_normal(6)
        self.model = LatentModel(DiagonalGaussian(encoder), Observation(Linear(), Gaussian(math.sqrt(S2))), prior)
        self.x, self.z = self.model.sample(200, rng)
        logits = np.zeros(6) if kind == "aggregate" else prior.logits.value
        self.log_p = np.log(sum(
            math.exp(a) * multivariate_normal(m @ W, W.T @ np.diag(np.exp(s)) @ W + S2 * np.eye(D)).pdf(self.x)
            for a, m, s in zip(logits - np.log(np.exp(logits).sum()), *encoder(u), strict=True)))


@pytest.fixture(params=["aggregate", "vamp"])
def world(request):
    return World(request.param)


def mean_is(expected, values, errors=4.5):
    return abs(values.mean() - expected) < errors * values.std(ddof=1) / math.sqrt(len(values))


def test_the_mean_weight_is_p_of_x(world):
    assert mean_is(1, np.exp(importance_weights(world.model, world.x, 3000).bound - world.log_p))
    one, many = (importance_weights(world.model, world.x, k).bound for k in (1, 1000))
    assert one.mean() < many.mean() < world.log_p.mean() + 0.01


def test_a_grid_holds_log_p_exactly(world):
    grid = GridPosterior(world.model, world.x[:3], limit=12)
    np.testing.assert_allclose(grid.log_evidence, world.log_p[:3], rtol=1e-7)


@pytest.mark.parametrize("base", ["prior", "posterior"])
def test_ais_is_unbiased_and_leaves_the_parameters_gradients_alone(world, base):
    before = {name: p.grad.copy() for name, p in world.model.parameters().items()}
    bound, _, _ = annealed_importance(world.model, world.x, temperatures=40, leapfrogs=5, base=base)
    assert mean_is(1, np.exp(bound - world.log_p))
    assert all(np.array_equal(before[name], p.grad) for name, p in world.model.parameters().items())


def test_the_reverse_walk_bounds_from_above(world):
    upper = annealed_upper_bound(world.model, world.x, world.z, chains=4, temperatures=40, leapfrogs=3)
    assert mean_is(1, np.exp(world.log_p - upper))


def test_the_rate_is_information_and_distance_to_the_prior(world):
    terms = rate_distortion(world.model, world.x)
    np.testing.assert_allclose(terms.rate_sampled, terms.mutual_information + terms.marginal_kl, atol=1e-9)
    np.testing.assert_allclose(terms.rate, terms.rate_sampled, rtol=1e-7, atol=1e-9)


def test_the_report_and_the_bound_of_an_iwae(world):
    entries = {e.quantity: e for e in report(world.model, world.x, data="exact", samples=1000, features=lambda x: x)}
    assert abs(entries["-L_1000"].value + world.log_p.mean()) < 0.05
    iwae = evaluate(IWAE(world.model, 100), world.x, data="exact")
    assert iwae.quantity == "-L_100" and abs(iwae.value + world.log_p.mean()) < 0.2
