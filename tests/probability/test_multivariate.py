"""The full-covariance Gaussian: a density, a divergence, and the diagonal one when the covariance is diagonal."""

import math

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from scratchvae.probability import cholesky, gaussian_kl, gaussian_logpdf, multivariate_kl, multivariate_logpdf


def seeded(seed=0):
    return np.random.default_rng(seed)


def covariance(D, rng, smallest=0.1):
    A = rng.standard_normal((D, D))
    return A @ A.T / D + smallest * np.eye(D)


def one_kl(mu, S, prior_mu, prior_S):
    return float(multivariate_kl(mu[None], cholesky(S), prior_mu[None], cholesky(prior_S))[0])


@pytest.mark.parametrize("D", [1, 2, 5, 30])
def test_the_log_density_is_what_scipy_says(D):
    rng = seeded(D)
    S, mu, x = covariance(D, rng), rng.standard_normal(D), rng.standard_normal((20, D))
    expected = np.atleast_1d(scipy.stats.multivariate_normal(mu, S).logpdf(x))
    np.testing.assert_allclose(multivariate_logpdf(x, mu, cholesky(S)), expected, rtol=1e-11)


def test_the_density_integrates_to_one():
    rng = seeded(1)
    L, mu = cholesky(covariance(2, rng)), rng.standard_normal(2)
    t = np.linspace(-12, 12, 601)
    x = np.stack(np.meshgrid(t, t), axis=-1).reshape(-1, 2)
    density = np.exp(multivariate_logpdf(x, mu, L)).reshape(601, 601)
    total = scipy.integrate.trapezoid(scipy.integrate.trapezoid(density, t), t)
    assert abs(total - 1) < 1e-10


def test_a_diagonal_covariance_is_the_diagonal_gaussian():
    rng = seeded(2)
    mu, logvar, x = rng.standard_normal(4), rng.standard_normal(4), rng.standard_normal((9, 4))
    L = np.diag(np.exp(logvar / 2))
    rows = np.ones((9, 1))
    np.testing.assert_allclose(multivariate_logpdf(x, mu, L), gaussian_logpdf(x, rows * mu, rows * logvar), rtol=1e-13)
    means = rng.standard_normal((9, 4))
    np.testing.assert_allclose(multivariate_kl(means, L, np.zeros((9, 4)), np.eye(4)),
                               gaussian_kl(means, rows * logvar), rtol=1e-13)


def test_the_kl_is_the_mean_log_ratio_under_its_first_gaussian():
    rng = seeded(3)
    S, T, mu, m = covariance(3, rng), covariance(3, rng), rng.standard_normal(3), rng.standard_normal(3)
    L, M = cholesky(S), cholesky(T)
    x = mu + rng.standard_normal((200_000, 3)) @ L.T
    ratio = multivariate_logpdf(x, mu, L) - multivariate_logpdf(x, m, M)
    error = ratio.std(ddof=1) / math.sqrt(len(x))
    assert abs(ratio.mean() - one_kl(mu, S, m, T)) < 5 * error


def test_the_kl_is_the_formula_with_inverses_and_determinants():
    rng = seeded(4)
    S, T, mu, m = covariance(5, rng), covariance(5, rng), rng.standard_normal(5), rng.standard_normal(5)
    inverse, d = np.linalg.inv(T), m - mu
    expected = (np.trace(inverse @ S) + d @ inverse @ d - 5 + np.linalg.slogdet(T)[1] - np.linalg.slogdet(S)[1]) / 2
    assert one_kl(mu, S, m, T) == pytest.approx(expected, rel=1e-12)


def test_the_kl_is_zero_for_equals_positive_for_others_and_the_same_in_any_units():
    rng = seeded(5)
    A, b = rng.standard_normal((4, 4)), rng.standard_normal(4)
    for _ in range(50):
        S, T, mu, m = covariance(4, rng), covariance(4, rng), rng.standard_normal(4), rng.standard_normal(4)
        assert abs(one_kl(mu, S, mu, S)) < 1e-13
        kl = one_kl(mu, S, m, T)
        assert kl > 0
        elsewhere = one_kl(A @ mu + b, A @ S @ A.T, A @ m + b, A @ T @ A.T)
        assert elsewhere == pytest.approx(kl, rel=1e-6)


def test_the_upper_triangle_is_not_read():
    rng = seeded(6)
    L, mu, x = cholesky(covariance(3, rng)), rng.standard_normal(3), rng.standard_normal((5, 3))
    np.testing.assert_array_equal(multivariate_logpdf(x, mu, L + np.triu(np.ones((3, 3)), 1)),
                                  multivariate_logpdf(x, mu, L))


@pytest.mark.parametrize(("S", "sentence"), [
    ([[1.0, 2.0], [2.0, 1.0]], "positive definite, but its smallest eigenvalue is -1.0e"),
    ([[1.0, 1.0], [1.0, 1.0]], "positive definite"),
    ([[1.0, 0.5], [0.0, 1.0]], "symmetric, but differs from its transpose by 5.0e-01"),
])
def test_what_is_no_covariance_is_refused(S, sentence):
    with pytest.raises(ValueError, match=sentence):
        cholesky(np.array(S))


@pytest.mark.parametrize("L", [np.zeros((2, 3)), np.diag([1.0, 0.0]), np.diag([1.0, -1.0])])
def test_what_is_no_triangle_is_refused(L):
    with pytest.raises(ValueError, match="L must be square with a positive diagonal"):
        multivariate_logpdf(np.zeros((1, 2)), np.zeros(2), L)
