"""The exact laboratory: everything about it is known, and everything known about it is tested."""

import math

import numpy as np
import pytest

from scratchvae.core import Sequential
from scratchvae.evaluation import exact_elbo, gauss_hermite
from scratchvae.models import VAE, LinearGaussian, TableEncoder
from scratchvae.nn import GaussianHeads
from scratchvae.probability import Gaussian
from scratchvae.probability.multivariate import cholesky, multivariate_logpdf


def random_model(rng):
    D, Z = rng.integers(1, 20), rng.integers(1, 6)
    return LinearGaussian(rng.standard_normal((D, Z)), rng.standard_normal(D), float(np.exp(rng.normal())))


def random_gaussian(rng, Z):
    A = rng.standard_normal((Z, Z))
    return rng.standard_normal((1, Z)), A @ A.T + 0.1 * np.eye(Z)


def joint_moments(model):
    """The mean and covariance of the vector (z, x)."""
    W, Z = model.W, model.W.shape[1]
    C = W @ W.T + model.s2 * np.eye(len(W))
    return np.concatenate([np.zeros(Z), model.b]), np.block([[np.eye(Z), W.T], [W, C]])


@pytest.mark.parametrize("seed", range(20))
def test_log_evidence_is_the_density_of_a_full_gaussian(seed):
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    x, _ = model.sample(4, rng)
    covariance = model.W @ model.W.T + model.s2 * np.eye(len(model.W))
    direct = multivariate_logpdf(x, model.b, cholesky(covariance))
    np.testing.assert_allclose(model.log_evidence(x), direct, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("seed", range(20))
def test_bayes_holds_at_every_z(seed):
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    x, z = model.sample(5, rng)
    mean, covariance = model.posterior(x)
    log_posterior = [multivariate_logpdf(row[None], m, cholesky(covariance))[0] for row, m in zip(z, mean, strict=True)]
    np.testing.assert_allclose(model.log_joint(x, z) - log_posterior, model.log_evidence(x), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("seed", range(10))
def test_the_posterior_is_the_joint_gaussian_conditioned_on_x(seed):
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    Z = model.W.shape[1]
    x, _ = model.sample(3, rng)
    mean, covariance = joint_moments(model)
    gain = covariance[:Z, Z:] @ np.linalg.inv(covariance[Z:, Z:])
    np.testing.assert_allclose(model.posterior(x)[0], (x - mean[Z:]) @ gain.T, atol=1e-9)
    np.testing.assert_allclose(model.posterior(x)[1], covariance[:Z, :Z] - gain @ covariance[Z:, :Z], atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_elbo_and_kl_sum_to_log_evidence_for_1000_random_q(seed):
    rng = np.random.default_rng(seed)
    for _ in range(1000):
        D, Z = rng.integers(10, 31), rng.integers(1, 6)
        model = LinearGaussian(rng.standard_normal((D, Z)), rng.standard_normal(D), rng.uniform(0.5, 2))
        x, _ = model.sample(1, rng)
        mean, covariance = random_gaussian(rng, model.W.shape[1])
        if rng.random() < 0.5:
            covariance = np.diag(np.diag(covariance))
        elbo, kl = model.elbo(x, mean, covariance), model.kl_to_posterior(x, mean, covariance)
        assert kl >= 0
        np.testing.assert_allclose(elbo + kl, model.log_evidence(x), rtol=1e-12)


def test_elbo_and_kl_sum_to_log_evidence_for_extreme_models_and_q():
    """A KL of 10^5 nats costs its digits: to rounding of the largest of the three."""
    rng = np.random.default_rng(1)
    for _ in range(1000):
        model = random_model(rng)
        x, _ = model.sample(1, rng)
        mean, covariance = random_gaussian(rng, model.W.shape[1])
        elbo, kl = model.elbo(x, 10 * mean, covariance), model.kl_to_posterior(x, 10 * mean, covariance)
        assert abs(elbo + kl - model.log_evidence(x)) < 1e-13 * (abs(elbo) + kl + 1)


def test_the_posterior_is_the_best_q():
    rng = np.random.default_rng(1)
    model = random_model(rng)
    x, _ = model.sample(3, rng)
    np.testing.assert_allclose(model.elbo(x, *model.posterior(x)), model.log_evidence(x), rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_elbo_is_the_average_of_log_joint_minus_log_q(seed):
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    x, _ = model.sample(1, rng)
    mean, covariance = random_gaussian(rng, model.W.shape[1])
    L, n = cholesky(covariance), 100_000
    z = mean + rng.standard_normal((n, len(L))) @ L.T
    log_w = model.log_joint(np.broadcast_to(x, (n, x.shape[1])), z) - multivariate_logpdf(z, mean[0], L)
    assert abs(log_w.mean() - model.elbo(x, mean, covariance)[0]) < 4.5 * log_w.std() / math.sqrt(n)


def test_samples_have_the_moments_of_the_joint():
    rng, n = np.random.default_rng(2), 200_000
    model = LinearGaussian(rng.standard_normal((4, 2)), rng.standard_normal(4), 0.3)
    x, z = model.sample(n, rng)
    joint, (mean, C) = np.hstack([z, x]), joint_moments(model)
    assert (np.abs(joint.mean(axis=0) - mean) < 4.5 * np.sqrt(np.diag(C) / n)).all()
    standard_error = np.sqrt((np.outer(np.diag(C), np.diag(C)) + C * C) / n)
    assert (np.abs(np.cov(joint.T) - C) < 4.5 * standard_error).all()


def test_it_is_a_vae_with_a_linear_decoder():
    """The nodes of the VAE, with fixed points in place of draws, give the exact ELBO of a diagonal q."""
    rng = np.random.default_rng(3)
    model = LinearGaussian(rng.standard_normal((6, 2)), rng.standard_normal(6), 0.4)
    x, _ = model.sample(5, rng)
    vae = VAE(Sequential(GaussianHeads(6, 2, rng, dtype=np.float64)), model.decoder(), 2, Gaussian(math.sqrt(0.4)))
    mu, logvar = vae.encode(x)
    exact = [model.elbo(x[i:i + 1], mu[i:i + 1], np.diag(np.exp(logvar[i])))[0] for i in range(5)]
    np.testing.assert_allclose(exact_elbo(vae, x, mu, logvar, n=3), exact, rtol=1e-12)


def test_what_is_wrong_is_said():
    W = np.ones((3, 2))
    with pytest.raises(ValueError, match="s2 must be positive, but is 0"):
        LinearGaussian(W, np.zeros(3), 0)
    with pytest.raises(ValueError, match=r"W must have shape \(D, Z\) and b \(D,\)"):
        LinearGaussian(W, np.zeros(2), 1.0)
    with pytest.raises(ValueError, match="positive definite"):
        LinearGaussian(W, np.zeros(3), 1.0).elbo(np.zeros((1, 3)), np.zeros((1, 2)), -np.eye(2))


def test_gauss_hermite_has_the_moments_of_the_normal():
    eps, weights = gauss_hermite(4, 2)
    assert eps.shape == (16, 2) and math.isclose(weights.sum(), 1)
    np.testing.assert_allclose(weights @ eps, 0, atol=1e-14)
    np.testing.assert_allclose((weights * eps.T) @ eps, np.eye(2), atol=1e-14)
    np.testing.assert_allclose(weights @ eps**4, 3)
    np.testing.assert_allclose(weights @ eps**6, 15)
    np.testing.assert_allclose(weights @ (eps[:, 0] ** 2 * eps[:, 1] ** 4), 3)


def test_a_table_belongs_to_its_examples():
    table = TableEncoder(3, 2)
    mu, logvar = table(np.zeros((6, 5)))
    assert mu.shape == logvar.shape == (6, 2)
    with pytest.raises(ValueError, match="must hold the 3 examples"):
        table(np.zeros((4, 5)))
