"""The grid against the exact laboratory, and against Gauss-Hermite points on a neural decoder."""

import math

import numpy as np
import pytest

from scratchvae.evaluation import GridPosterior, exact_elbo, fit_table
from scratchvae.models import VAE, LinearGaussian, TableEncoder, mlp_vae
from scratchvae.nn import tanh
from scratchvae.probability import Gaussian


@pytest.fixture
def linear():
    """A linear-Gaussian model, the same as a VAE, and five x."""
    rng = np.random.default_rng(0)
    model = LinearGaussian(rng.standard_normal((6, 2)), rng.standard_normal(6), 0.4)
    x, _ = model.sample(5, rng)
    return model, VAE(TableEncoder(5, 2), model.decoder(), 2, Gaussian(math.sqrt(0.4))), x


@pytest.fixture
def neural():
    rng = np.random.default_rng(1)
    vae = mlp_vae(20, [16], 2, rng, activation=tanh, dtype=np.float64)
    for p in vae.decoder.parameters().values():
        p.value *= 2
    return vae, vae.sample(6, rng)[0]


def test_the_grid_finds_what_the_formulas_say(linear):
    model, vae, x = linear
    grid = GridPosterior(vae, x)
    mean, covariance = grid.moments()
    np.testing.assert_allclose(grid.log_evidence, model.log_evidence(x), rtol=1e-12)
    np.testing.assert_allclose(mean, model.posterior(x)[0], atol=1e-10)
    np.testing.assert_allclose(covariance, np.broadcast_to(model.posterior(x)[1], (5, 2, 2)), atol=1e-10)


def test_elbo_and_kl_on_the_grid_are_those_of_the_formulas(linear):
    model, vae, x = linear
    grid, (mean, covariance) = GridPosterior(vae, x), model.posterior(x)
    mu, logvar = mean + 0.05, np.log(np.broadcast_to(np.diag(covariance), (5, 2)))
    log_q = grid.log_q(mu, logvar)
    np.testing.assert_allclose(grid.elbo(log_q), model.elbo(x, mu, np.diag(np.diag(covariance))), rtol=1e-9)
    np.testing.assert_allclose(grid.kl(log_q), model.kl_to_posterior(x, mu, np.diag(np.diag(covariance))), rtol=1e-6)


def test_log_evidence_is_elbo_and_kl_for_a_neural_decoder(neural):
    vae, x = neural
    grid = GridPosterior(vae, x)
    local, _ = fit_table(vae, x, steps=200)
    mu, logvar = local.encode(x)
    identity = exact_elbo(vae, x, mu, logvar, n=24) + grid.kl(grid.log_q(mu, logvar)) - grid.log_evidence
    assert np.abs(identity).max() < 1e-6


def test_a_finer_grid_says_the_same(neural):
    vae, x = neural
    np.testing.assert_allclose(GridPosterior(vae, x).log_evidence,
                               GridPosterior(vae, x, points=161, coarse_points=91).log_evidence, atol=1e-9)


def test_the_table_finds_the_best_diagonal_gaussian(linear):
    """Its variances are 1 / diag(precision), which are smaller than the variances of the posterior."""
    model, vae, x = linear
    local, path = fit_table(vae, x, steps=400, lr=0.1)
    mu, logvar = local.encode(x)
    mean, covariance = model.posterior(x)
    best = 1 / np.diag(np.linalg.inv(covariance))
    np.testing.assert_allclose(mu, mean, atol=1e-5)
    np.testing.assert_allclose(np.exp(logvar), np.broadcast_to(best, (5, 2)), rtol=1e-4)
    assert (best < np.diag(covariance)).all()
    np.testing.assert_allclose(path[-1], model.elbo(x, mean, np.diag(best)), rtol=1e-8)


def test_the_gaps_are_in_order(neural):
    vae, x = neural
    mu, logvar = vae.encode(x)
    local, path = fit_table(vae, x, start=(mu, logvar), steps=200)
    encoder, best = exact_elbo(vae, x, mu, logvar), exact_elbo(vae, x, *local.encode(x))
    np.testing.assert_allclose(path[0], exact_elbo(vae, x, mu, logvar, n=5), rtol=1e-12)
    assert (encoder < best).all() and (best < GridPosterior(vae, x).log_evidence).all()


def test_fitting_a_table_leaves_the_model_alone(neural):
    vae, x = neural
    before = [(p.value.copy(), p.grad.copy()) for p in vae.parameters().values()]
    fit_table(vae, x, steps=3)
    for (value, grad), p in zip(before, vae.parameters().values(), strict=True):
        assert np.array_equal(value, p.value) and np.array_equal(grad, p.grad)


def test_what_is_wrong_is_said(linear):
    _, vae, x = linear
    with pytest.raises(ValueError, match="limit must be larger"):
        GridPosterior(vae, x + 100)
    with pytest.raises(ValueError, match="points must be more"):
        GridPosterior(vae, x, points=7)
    with pytest.raises(ValueError, match="must have 2 latents"):
        GridPosterior(mlp_vae(4, [], 3, np.random.default_rng(0)), x)
    with pytest.raises(ValueError, match="q 0 must lie on the grid"):
        GridPosterior(vae, x).log_q(np.full((5, 2), 50.0), np.zeros((5, 2)))
    with pytest.raises(ValueError, match="points must be more: the sigma of q 0"):
        GridPosterior(vae, x).log_q(np.zeros((5, 2)), np.full((5, 2), -20.0))
