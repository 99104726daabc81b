"""Every estimator on models whose posterior is made by a flow, in a linear-Gaussian world: log p(x) is known exactly.

Nothing in evaluation/ or training/ knows what a flow is.
"""

import math

import numpy as np
import pytest

from scratchvae.core import Sequential
from scratchvae.evaluation import (
    GridPosterior,
    active_units,
    annealed_importance,
    annealed_upper_bound,
    evaluate,
    evaluate_bound,
    fit_table,
    importance_weights,
    rate_distortion,
    report,
)
from scratchvae.models import IWAE, DReG, HouseholderVAE, LatentModel, LinearGaussian, exact_vae, flow_posterior

pytestmark = pytest.mark.slow

WIDER = 0.6
KINDS = ["planar", "householder", "iaf", "linear-iaf"]


class World:
    """The best diagonal q(z|x), a little wider, bent by a flow that depends on x; x (200, 4), and z that made it."""

    def __init__(self, kind):
        rng = np.random.default_rng(1)
        self.truth = LinearGaussian(rng.standard_normal((4, 2)), rng.standard_normal(4), 0.5)
        self.x, self.z = self.truth.sample(200, rng)
        self.log_p = self.truth.log_evidence(self.x)
        vae = exact_vae(self.truth)
        vae.encoder.logvar.b.value += WIDER
        q = flow_posterior(kind, Sequential(), vae.encoder, rng, steps=1 if kind == "linear-iaf" else 2)
        for p in q.flow.parameters().values():
            p.value += (0.1 if kind == "planar" else 0.05) * rng.standard_normal(p.value.shape)
        if kind == "iaf":                                  # gates that are almost open, and a little of m
            for last in (step.net.layers[-1] for step in q.flow.steps):
                last.b.value[2:] += 2
                last.W.value *= 0.3
                last.V.value *= 0.3
        if kind == "householder":                          # twice the same turn is none: here, nearly the same
            for a, b in zip(*(step.parameters().values() for step in q.flow.steps), strict=True):
                b.value[...] = a.value + 0.1 * rng.standard_normal(a.value.shape)
        self.model = (HouseholderVAE(q, vae.observation, 2) if kind == "householder"
                      else LatentModel(q, vae.observation, vae.prior))


@pytest.fixture(params=KINDS, scope="module")
def world(request):
    return World(request.param)


def mean_is(expected, values, errors=4.5):
    return abs(values.mean() - expected) < errors * values.std(ddof=1) / math.sqrt(len(values))


def test_the_mean_weight_is_p_of_x(world):
    """And so every L_k is below log p(x), and rises."""
    assert mean_is(1, np.exp(importance_weights(world.model, world.x, 2000).bound - world.log_p))
    one, ten, many = (importance_weights(world.model, world.x, k, seed=k).bound for k in (1, 10, 1000))
    assert (ten - one).mean() > 0 and (many - ten).mean() > 0
    assert abs((many - world.log_p).mean()) < 0.02


def test_the_elbo_is_that_of_the_plane(world):
    """E_q log w by the sum over a grid, q through its inverse; beside it what `evaluate` says of one draw each."""
    few = world.x[:20]
    grid = GridPosterior(world.model, few, limit=10)
    log_q = np.stack([world.model.posterior.log_density(z, x=few[i:i + 1]) for i, z in enumerate(grid.z)])
    np.testing.assert_allclose(grid.log_evidence, world.log_p[:20], rtol=1e-8)
    np.testing.assert_allclose(grid.elbo(log_q) + grid.kl(log_q), world.log_p[:20], atol=1e-6)
    exact = -grid.elbo(log_q)
    many = few.repeat(500, axis=0)
    value = evaluate(world.model, many, data="exact")
    assert abs(value.value - exact.mean()) < 4.5 * value.standard_error and value.quantity == "-ELBO"
    assert (exact > -world.log_p[:20]).all()


def test_the_bound_is_the_bound(world):
    entry = evaluate_bound(world.model, world.x, 500, data="exact")
    assert entry.quantity == "-L_500" and abs(entry.value + world.log_p.mean()) < 0.05


@pytest.mark.parametrize("base", ["prior", "posterior"])
def test_ais_is_unbiased(world, base):
    bound, error, _ = annealed_importance(world.model, world.x, temperatures=30, leapfrogs=5, base=base)
    assert mean_is(1, np.exp(bound - world.log_p))
    assert np.median(np.abs(bound - world.log_p) / error) < 1.2


@pytest.mark.parametrize("base", ["prior", "posterior"])
def test_the_reverse_walk_bounds_from_above(world, base):
    """From the posterior it starts at the eps of a z: the inverse of the flow."""
    upper = annealed_upper_bound(world.model, world.x, world.z, chains=4, temperatures=40, leapfrogs=3, base=base)
    assert mean_is(1, np.exp(world.log_p - upper))


def test_the_rate_is_what_the_prior_says(world):
    terms = rate_distortion(world.model, world.x)
    np.testing.assert_allclose(terms.distortion + terms.rate_sampled,
                               -importance_weights(world.model, world.x, 1).bound, rtol=1e-9)
    assert abs((terms.rate - terms.rate_sampled).mean()) < 4.5 * (
        (terms.rate - terms.rate_sampled).std() / math.sqrt(200) + 1e-12)
    assert terms.marginal_kl is None


def test_the_report_gives_the_exact_values_within_their_errors(world):
    entries = {e.quantity: e for e in report(world.model, world.x, data="exact", samples=500, features=lambda x: x)}
    assert abs(entries["-L_500"].value + world.log_p.mean()) < 0.05
    assert entries["-ELBO"].value > entries["-L_500"].value
    assert entries["active units"].value == 2
    assert active_units(world.model, world.x).count == 2


def test_a_table_in_its_place_is_a_diagonal_gaussian(world):
    local, path = fit_table(world.model, world.x[:5], steps=200, lr=0.1, n=9)
    mean, _ = world.truth.posterior(world.x[:5])
    np.testing.assert_allclose(local.encode(world.x[:5])[0], mean, atol=2e-2)
    assert (path[-1] < world.log_p[:5]).all()


def test_an_iwae_has_its_bound_and_dreg_says_that_it_cannot(world):
    entries = {e.quantity: e.value for e in report(IWAE(world.model, 50), world.x, data="exact", samples=100)}
    assert list(entries)[:3] == ["-ELBO", "-L_50", "-L_100"]
    assert abs(entries["-L_50"] + world.log_p.mean()) < 0.1
    with pytest.raises(ValueError, match="diagonal Gaussian to leave out its score term"):
        DReG(world.model, 5)(x=world.x, eps=np.zeros((200, 5, 2)))
