"""Posterior and prior of two layers: the draws and their densities, layer by layer."""

import math

import numpy as np
import pytest

from scratchvae.core import Sequential
from scratchvae.nn import Columns, GaussianHeads, Joined, mlp, tanh
from scratchvae.probability import (
    DiagonalGaussian,
    Residual,
    StandardNormal,
    TwoLayerPosterior,
    TwoLayerPrior,
    gaussian_logpdf,
)
from scratchvae.proof import ProofError, prove, stop_gradient

D, H, N1, N2 = 4, 5, 3, 2


def gaussian_net(sizes, n, rng):
    return Sequential(*mlp(sizes, rng, activation=tanh, dtype=np.float64),
                      GaussianHeads(sizes[-1], n, rng, dtype=np.float64))


def parts(residual=True):
    rng = np.random.default_rng(0)
    first = gaussian_net([N2, H], N1, rng)
    change = Joined(gaussian_net([H + N2, H], N1, rng))
    posterior = TwoLayerPosterior(DiagonalGaussian(gaussian_net([D, H], N2, rng)),
                                  Sequential(*mlp([D, H], rng, activation=tanh, dtype=np.float64)),
                                  Residual(first, change) if residual else change, N1)
    return posterior, TwoLayerPrior(StandardNormal(N2), first, N1)


def given(k=3, B=6):
    rng = np.random.default_rng(1)
    return rng.standard_normal((B, D)), rng.standard_normal((B, k, N1 + N2))


@pytest.mark.parametrize("residual", [True, False])
def test_the_density_is_that_of_the_draw(residual):
    """log q(z2|x) + log q(z1|x, z2), written here from mu and logvar; z1 of the very z2 that was drawn with it."""
    posterior, prior = parts(residual)
    x, eps = given()
    z, log_q = posterior(x, eps)
    z1, z2, many = z[:, :N1], z[:, N1:], x.repeat(3, axis=0)
    first = posterior.first(posterior.features(many), z2)
    np.testing.assert_allclose(log_q, gaussian_logpdf(z1, *first) + gaussian_logpdf(z2, *posterior.top.encode(many)))
    np.testing.assert_allclose(z1, first[0] + np.exp(first[1] / 2) * eps.reshape(-1, N1 + N2)[:, :N1])
    np.testing.assert_allclose(prior(z), gaussian_logpdf(z1, *prior.first(z2)) + prior.top(z2))


def test_inverted_the_draw_is_its_noise():
    posterior, _ = parts()
    x, eps = given()
    np.testing.assert_allclose(posterior.invert(posterior(x, eps)[0], x=x), eps, rtol=1e-10, atol=1e-12)


def test_k_draws_are_k_times_one():
    posterior, _ = parts()
    x, eps = given()
    together = posterior(x, eps)
    for i in range(3):
        for a, b in zip(together, posterior(x, eps[:, i:i + 1]), strict=True):
            np.testing.assert_allclose(a.reshape(6, 3, *a.shape[1:])[:, i], b, rtol=1e-12)


def test_the_kl_of_a_change_is_that_of_the_two_gaussians():
    """1/2 sum (dmu^2 / sigma_p^2 + exp(dlogvar) - 1 - dlogvar), against the KL written with both; 0 where it says 0."""
    posterior, prior = parts()
    x, eps = given()
    h, z2 = posterior.features(x), eps[:, 0, N1:]
    (mu, logvar), (prior_mu, prior_logvar) = posterior.first(h, z2), prior.first(z2)
    dmu, dlogvar = posterior.first.change(h, z2)
    residual = (dmu**2 / np.exp(prior_logvar) + np.exp(dlogvar) - 1 - dlogvar).sum(axis=1) / 2
    direct = (np.log(np.exp(prior_logvar) / np.exp(logvar)) - 1
              + (np.exp(logvar) + (mu - prior_mu) ** 2) / np.exp(prior_logvar)).sum(axis=1) / 2
    np.testing.assert_allclose(residual, direct, rtol=1e-12)
    for p in posterior.first.change.parameters().values():
        p.value[...] = 0
    _, log_q1, _ = posterior.layers(x, eps)[0]
    np.testing.assert_allclose(log_q1, prior.layers(posterior(x, eps)[0])[0][0], rtol=1e-13)


def test_the_mean_of_each_layers_log_ratio_is_its_kl():
    """Of one x, over many draws: KL(q(z2|x) || p(z2)), and the mean over z2 of KL(q(z1|x, z2) || p(z1|z2))."""
    posterior, prior = parts()
    x, n = given()[0][:1], 50_000
    eps = np.random.default_rng(2).standard_normal((1, n, N1 + N2))
    (z, log_q1, log_q2), _ = posterior.layers(x, eps)
    (log_p1, log_p2), _ = prior.layers(z)
    mu, logvar = posterior.top.encode(x)
    second = (mu**2 + np.exp(logvar) - 1 - logvar).sum() / 2
    dmu, dlogvar = posterior.first.change(posterior.features(x).repeat(n, axis=0), z[:, N1:])
    prior_logvar = prior.first(z[:, N1:])[1]
    first = (dmu**2 / np.exp(prior_logvar) + np.exp(dlogvar) - 1 - dlogvar).sum(axis=1) / 2
    for sampled, exact in ((log_q1 - log_p1, first), (log_q2 - log_p2, second)):
        difference = sampled - exact
        assert abs(difference.mean()) < 4.5 * difference.std() / math.sqrt(n)


def path_only(posterior):
    """z as ever; log q of a density whose parameters, and whose x, are held fixed, at a z that moves."""
    def surrogate(x, eps, score):
        fixed, fixed_x = stop_gradient(posterior), stop_gradient(x)
        z, _ = posterior(x, eps)
        z1, z2, many = z[:, :N1], z[:, N1:], fixed_x.repeat(eps.shape[1], axis=0)
        return z, gaussian_logpdf(z1, *fixed.first(fixed.features(many), z2)) \
            + gaussian_logpdf(z2, *fixed.top.encode(many))

    return surrogate


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("k", [1, 4])
def test_without_the_score_term_the_path_is_left_and_all_of_it(residual, k):
    posterior, _ = parts(residual)
    prove(posterior, *given(k), score=False, as_if=path_only(posterior))
    with pytest.raises(ProofError):
        prove(posterior, *given(k), score=True, as_if=path_only(posterior))


def test_columns_that_are_not_read_learn_nothing():
    y, backward = Columns(1, 3).forward(np.arange(8.0).reshape(2, 4))
    assert np.array_equal(y, [[1, 2], [5, 6]])
    assert np.array_equal(backward(np.ones((2, 2))), [[0, 1, 1, 0]] * 2)
