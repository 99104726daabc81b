"""Gradients from samples: right on average for every f, and as noisy as the formulas of chapter 7 say."""

import math

import numpy as np
import pytest

from scratchvae.core import node
from scratchvae.probability import (
    gaussian_kl,
    gaussian_logpdf,
    leave_one_out,
    monte_carlo_kl,
    reparameterize,
    reparameterized_gradient,
    score_function_gradient,
)

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(16)     # E f(eps) = WEIGHTS @ f(NODES), exact to degree 31
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def seeded(seed=0):
    return np.random.default_rng(seed)


def grid(d):
    """(eps (16^d, d), weights (16^d,)): sums over it are expectations over N(0, I)."""
    eps = np.stack(np.meshgrid(*[NODES] * d), axis=-1).reshape(-1, d)
    return eps, np.prod(np.stack(np.meshgrid(*[WEIGHTS] * d), axis=-1).reshape(-1, d), axis=1)


def rows(values, like):
    return np.broadcast_to(np.asarray(values, float), like.shape).copy()


@node
def cubic(z):
    """A function that mixes the latents: sum z^3 / 3 + z_0 z_1"""
    pair = np.zeros_like(z)
    pair[:, :2] = z[:, 1::-1]
    return (z**3).sum(axis=1) / 3 + z[:, 0] * z[:, 1], lambda dy: dy[:, None] * (z * z + pair)


@node
def hill(z):
    return -((z - 1) ** 2).sum(axis=1) / 2, lambda dy: -dy[:, None] * (z - 1)


def hill_terms(z):
    return -((z - 1) ** 2) / 2


def means(weights, gradients):
    return [weights @ g for g in gradients]


MU, LOGVAR = np.array([0.3, -0.7]), np.array([-1.2, 0.4])


def exact_gradient():
    """Of E cubic(z): E z^3 = mu^3 + 3 mu sigma^2, and z_0, z_1 are independent."""
    var = np.exp(LOGVAR)
    return MU**2 + var + MU[::-1], MU * var


@pytest.mark.parametrize("estimator", [reparameterized_gradient, score_function_gradient])
def test_both_are_unbiased(estimator):
    eps, weights = grid(2)
    found = means(weights, estimator(cubic, rows(MU, eps), rows(LOGVAR, eps), eps=eps))
    np.testing.assert_allclose(found, exact_gradient(), rtol=1e-11)


@pytest.mark.parametrize("baseline", [-5.0, 0.0, 100.0])
def test_a_baseline_keeps_the_mean(baseline):
    eps, weights = grid(2)
    found = score_function_gradient(cubic, rows(MU, eps), rows(LOGVAR, eps), eps=eps,
                                    baseline=np.full(len(eps), baseline))
    np.testing.assert_allclose(means(weights, found), exact_gradient(), rtol=1e-9)


def test_the_score_is_the_gradient_of_the_log_density():
    rng = seeded(1)
    mu, logvar, eps = rng.standard_normal((3, 7, 3))
    z = reparameterize(mu, logvar, eps=eps)
    _, logpdf_backward = gaussian_logpdf.forward(z, mu, logvar)
    f = cubic(z)
    np.testing.assert_allclose(score_function_gradient(cubic, mu, logvar, eps=eps), logpdf_backward(f)[1:], rtol=1e-10)


def test_the_score_needs_no_derivative():
    """d/dmu P(z > 0) is the density at 0, though the step itself is flat."""
    n = 100_000
    eps = seeded(2).standard_normal((n, 1))
    dmu, _ = score_function_gradient(lambda z: (z[:, 0] > 0).astype(float), rows(0.3, eps), rows(math.log(0.25), eps),
                                     eps=eps)
    density = math.exp(-(0.3**2) / 0.5) / math.sqrt(2 * math.pi * 0.25)
    assert abs(dmu.mean() - density) < 4 * dmu.std() / math.sqrt(n)


@pytest.mark.parametrize("sigma", [0.5, 1.3])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_variances_are_those_of_the_chapter(d, sigma):
    """For f = -|z - a|^2 / 2 and d/dmu_j, by Gauss-Hermite and so without any random number."""
    eps, weights = grid(d)
    delta = np.array([-1.0, 0.5, 2.0])[:d]
    mu, logvar = rows(1 + delta, eps), rows(2 * math.log(sigma), eps)
    expected = -(delta @ delta + d * sigma**2) / 2
    with_baseline = delta @ delta + delta**2 + sigma**2 * (d + 4) / 2

    def variance(gradient):
        return weights @ (gradient[0] - weights @ gradient[0]) ** 2

    found = variance(reparameterized_gradient(hill, mu, logvar, eps=eps))
    np.testing.assert_allclose(found, np.full(d, sigma**2), rtol=1e-12)
    found = variance(score_function_gradient(hill, mu, logvar, eps=eps, baseline=np.full(len(eps), expected)))
    np.testing.assert_allclose(found, with_baseline, rtol=1e-12)
    found = variance(score_function_gradient(hill, mu, logvar, eps=eps))
    np.testing.assert_allclose(found, with_baseline + expected**2 / sigma**2 - 2 * expected, rtol=1e-12)


def test_fifty_dimensions_thousands_tens_and_a_quarter():
    n, d, sigma = 20_000, 50, 0.5
    eps = seeded(3).standard_normal((n, d))
    mu, logvar = np.zeros_like(eps), rows(2 * math.log(sigma), eps)
    expected = np.full(n, -(d + d * sigma**2) / 2)
    found = {"score": score_function_gradient(hill, mu, logvar, eps=eps),
             "baseline": score_function_gradient(hill, mu, logvar, eps=eps, baseline=expected),
             "reparameterized": reparameterized_gradient(hill, mu, logvar, eps=eps)}
    for name, exact in {"score": 4026.5, "baseline": 57.75, "reparameterized": 0.25}.items():
        dmu = found[name][0].mean(axis=1)                           # the true gradient is 1 in every coordinate
        squares = ((found[name][0] - 1) ** 2).mean(axis=1)
        assert abs(dmu.mean() - 1) < 4 * dmu.std() / math.sqrt(n)
        assert abs(squares.mean() - exact) < 4 * squares.std() / math.sqrt(n)


def test_given_a_term_a_latent_the_other_latents_do_not_disturb():
    """Rao-Blackwell: unbiased, and in three dimensions the variance of one."""
    eps, weights = grid(3)
    mu, logvar = np.zeros_like(eps), rows(math.log(0.25), eps)
    dmu, dlogvar = score_function_gradient(hill_terms, mu, logvar, eps=eps)
    np.testing.assert_allclose(weights @ dmu, np.ones(3), rtol=1e-12)
    np.testing.assert_allclose(weights @ dlogvar, np.full(3, -0.125), rtol=1e-12)
    one, w = grid(1)
    alone, _ = score_function_gradient(hill, np.zeros_like(one), rows(math.log(0.25), one), eps=one)
    np.testing.assert_allclose(weights @ (dmu - 1) ** 2, np.full(3, w @ (alone[:, 0] - 1) ** 2), rtol=1e-11)


def test_leave_one_out_does_not_see_its_own_sample():
    values = seeded(4).standard_normal((5, 3))
    baseline = leave_one_out(values)
    np.testing.assert_allclose(baseline[2], values[[0, 1, 3, 4]].mean(axis=0), rtol=1e-12)
    changed = values.copy()
    changed[2] += 100
    np.testing.assert_allclose(leave_one_out(changed)[2], baseline[2], rtol=1e-9)
    with pytest.raises(ValueError, match="at least 2"):
        leave_one_out(values[:1])


def test_leave_one_out_is_unbiased_where_the_mean_of_all_is_too_short():
    """Exactly, on the grid of all pairs of eps: K = 2 samples of one example."""
    pairs, weights = grid(2)
    eps = np.stack([pairs[:, :1], pairs[:, 1:]])                     # (K, n, 1)
    mu, logvar = rows(0.3, eps[0]), rows(math.log(0.25), eps[0])
    f = np.stack([hill(reparameterize(mu, logvar, eps=e)) for e in eps])

    def gradient(baselines):
        return np.mean([weights @ score_function_gradient(hill, mu, logvar, eps=e, baseline=b)[0][:, 0]
                        for e, b in zip(eps, baselines, strict=True)])

    assert abs(gradient(leave_one_out(f)) - 0.7) < 1e-12
    assert abs(gradient([f.mean(axis=0)] * 2) - 0.35) < 1e-12


def test_a_baseline_of_another_shape_is_one_sentence():
    eps = np.zeros((4, 2))
    with pytest.raises(ValueError, match="baseline must have the shape of f"):
        score_function_gradient(hill, eps, eps, eps=eps, baseline=np.zeros((4, 1)))


def test_the_sampled_kl_is_the_difference_of_the_log_densities():
    rng = seeded(5)
    mu, logvar, eps = rng.standard_normal((3, 6, 4))
    z, zero = reparameterize(mu, logvar, eps=eps), np.zeros((6, 4))
    np.testing.assert_allclose(monte_carlo_kl(mu, logvar, eps=eps),
                               gaussian_logpdf(z, mu, logvar) - gaussian_logpdf(z, zero, zero), rtol=1e-11)


def test_the_sampled_kl_has_the_mean_the_variance_and_the_gradient_of_the_kl():
    eps, weights = grid(2)
    mu, logvar, var = rows(MU, eps), rows(LOGVAR, eps), np.exp(LOGVAR)
    sampled, kl_backward = monte_carlo_kl.forward(mu, logvar, eps=eps)
    exact, exact_backward = gaussian_kl.forward(MU[None], LOGVAR[None])
    assert abs(weights @ sampled - exact[0]) < 1e-12
    variance = (MU**2 * var + (var - 1) ** 2 / 2).sum()
    assert abs(weights @ (sampled - exact[0]) ** 2 - variance) < 1e-12
    for found, right in zip(kl_backward(np.ones(len(eps))), exact_backward(np.ones(1)), strict=True):
        np.testing.assert_allclose(weights @ found, right[0], rtol=1e-11)


def test_where_q_is_the_prior_every_sample_of_the_kl_is_zero():
    eps = seeded(6).standard_normal((5, 3))
    np.testing.assert_array_equal(monte_carlo_kl(np.zeros_like(eps), np.zeros_like(eps), eps=eps), np.zeros(5))


@pytest.mark.parametrize("estimator", [reparameterized_gradient, score_function_gradient])
def test_float32_stays_float32(estimator):
    mu, logvar, eps = seeded(7).standard_normal((3, 4, 2)).astype(np.float32)
    assert [g.dtype for g in estimator(hill, mu, logvar, eps=eps)] == [np.float32] * 2
