"""PCA and probabilistic PCA, against each other, against SciPy, and on MNIST."""

import math

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from scipy.stats import multivariate_normal

from scratchvae.datasets import load, pixels
from scratchvae.models import PCA, LinearGaussian, em_step, fit_ppca, mean_and_covariance, mean_log_likelihood


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(0)
    return rng.standard_normal((500, 8)) @ rng.standard_normal((8, 8)) + rng.standard_normal(8)


@pytest.fixture(scope="module")
def mnist():
    data = load("mnist")
    return pixels(data.x_train), pixels(data.x_test)


def test_mean_and_covariance_do_not_depend_on_the_blocks(x):
    b, S = mean_and_covariance(x, block=7)
    np.testing.assert_allclose(b, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(S, np.cov(x.T, bias=True), rtol=1e-12, atol=1e-12)


def test_float32_data_give_a_float64_covariance(x):
    b, S = mean_and_covariance(x.astype(np.float32))
    assert b.dtype == S.dtype == np.float64
    np.testing.assert_allclose(S, np.cov(x.T, bias=True), rtol=1e-5, atol=1e-5)


def test_pca_diagonalizes_the_covariance(x):
    pca = PCA(x)
    assert (np.diff(pca.eigenvalues) <= 0).all()
    np.testing.assert_allclose(pca.U.T @ pca.U, np.eye(8), atol=1e-12)
    np.testing.assert_allclose((pca.U * pca.eigenvalues) @ pca.U.T, pca.covariance, atol=1e-12)
    np.testing.assert_allclose(pca.encode(x, 3).var(axis=0), pca.eigenvalues[:3], rtol=1e-10)


@pytest.mark.parametrize("k", [0, 1, 3, 8])
def test_the_error_is_the_sum_of_the_eigenvalues_left_out(x, k):
    pca = PCA(x)
    error = ((pca.reconstruct(x, k) - x) ** 2).sum(axis=1).mean()
    np.testing.assert_allclose(error, pca.eigenvalues[k:].sum(), atol=1e-11)


@pytest.mark.slow
def test_pca_30_on_mnist(mnist):
    x_train, x_test = mnist
    error = ((PCA(x_train).reconstruct(x_test, 30) - x_test) ** 2).sum(axis=1, dtype=np.float64).mean()
    assert round(error, 2) == 13.87


def test_the_mean_log_likelihood_is_the_mean_of_the_log_likelihoods(x):
    model = fit_ppca(PCA(x), 3)
    covariance = model.W @ model.W.T + model.s2 * np.eye(8)
    scipys = multivariate_normal(model.b, covariance).logpdf(x).mean()
    np.testing.assert_allclose(mean_log_likelihood(model, PCA(x).covariance), scipys, rtol=1e-12)
    np.testing.assert_allclose(model.log_evidence(x).mean(), scipys, rtol=1e-12)


def test_nothing_near_the_maximum_is_likelier(x):
    pca, rng = PCA(x), np.random.default_rng(1)
    best = fit_ppca(pca, 3)
    top = mean_log_likelihood(best, pca.covariance)
    for _ in range(200):
        near = LinearGaussian(best.W + 0.01 * rng.standard_normal(best.W.shape), best.b,
                              best.s2 * math.exp(0.01 * rng.standard_normal()))
        assert mean_log_likelihood(near, pca.covariance) < top


def test_em_climbs_to_the_eigenvectors(x):
    pca, rng = PCA(x), np.random.default_rng(2)
    model = LinearGaussian(rng.standard_normal((8, 3)), pca.b, 1.0)
    heights = []
    for _ in range(2000):
        heights.append(mean_log_likelihood(model, pca.covariance))
        model = em_step(model, pca.covariance)
    best = fit_ppca(pca, 3)
    assert np.diff(heights).min() > -1e-10
    assert subspace_angles(model.W, pca.U[:, :3]).max() < 1e-6
    np.testing.assert_allclose(model.W @ model.W.T, best.W @ best.W.T, atol=1e-8)
    np.testing.assert_allclose(model.s2, best.s2, rtol=1e-10)


def test_an_em_step_is_the_textbooks_sum_over_the_examples(x):
    """Tipping & Bishop 1999, appendix B, with the sums written out."""
    rng = np.random.default_rng(3)
    b, S = mean_and_covariance(x)
    model = LinearGaussian(rng.standard_normal((8, 3)), b, 0.7)
    m, V = model.posterior(x)
    W = ((x - b).T @ m) @ np.linalg.inv(len(x) * V + m.T @ m)
    s2 = np.mean([d @ d - 2 * e @ W.T @ d + np.trace((V + np.outer(e, e)) @ W.T @ W)
                  for d, e in zip(x - b, m, strict=True)]) / 8
    after = em_step(model, S)
    np.testing.assert_allclose(after.W, W, rtol=1e-10)
    np.testing.assert_allclose(after.s2, s2, rtol=1e-10)
    assert em_step(model, S, keep_s2=True).s2 == 0.7


@pytest.mark.parametrize("s2", [0.3, 1.0, 2.5])
def test_a_latent_survives_iff_its_eigenvalue_is_larger_than_the_noise(x, s2):
    pca, rng = PCA(x), np.random.default_rng(4)
    model = LinearGaussian(rng.standard_normal((8, 8)), pca.b, s2)
    for _ in range(5000):
        model = em_step(model, pca.covariance, keep_s2=True)
    found = np.linalg.eigvalsh(model.W @ model.W.T)[::-1]
    assert np.abs(pca.eigenvalues - s2).min() > 0.02                # so that 5000 steps are enough
    np.testing.assert_allclose(found, np.maximum(pca.eigenvalues - s2, 0), atol=1e-6)
    fitted = fit_ppca(pca, 8, s2)
    np.testing.assert_allclose((fitted.W**2).sum(axis=0), np.maximum(pca.eigenvalues - s2, 0), atol=1e-12)
