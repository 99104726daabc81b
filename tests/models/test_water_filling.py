"""A linear VAE, trained by gradients, drowns the latents that the eigenvalues say, and no others."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from scratchvae.evaluation import active_units, exact_elbo, gauss_hermite, rate_distortion
from scratchvae.models import PCA, VAE, LinearGaussian, best_linear_vae, fit_ppca, mean_log_likelihood, water_filling
from scratchvae.nn import GaussianHeads, Linear
from scratchvae.probability import Gaussian, gaussian_kl_per_latent
from scratchvae.training.flat import pack

EIGENVALUES, S2, Z, N = np.array([9.0, 3.0, 1.2, 0.4, 0.1]), 0.5, 3, 20
ALIVE = {0.5: 3, 1: 3, 4: 2, 10: 1, 20: 0}                # {beta: how many of the three latents live}


def data(eigenvalues=EIGENVALUES, n=N, seed=0):
    """x (N, D) whose covariance has exactly these eigenvalues, in directions of chance, around a mean of chance."""
    rng, D = np.random.default_rng(seed), len(eigenvalues)
    x = rng.standard_normal((n, D))
    x = np.linalg.qr(x - x.mean(axis=0))[0] * math.sqrt(n)
    rotation = np.linalg.qr(rng.standard_normal((D, D)))[0]
    return x * np.sqrt(eigenvalues) @ rotation + rng.standard_normal(D)


def trained(x, beta, seed=1):
    """A linear VAE, down nll + beta KL by its gradients; 2^Z points of eps give the expectation of a square exactly."""
    rng, D = np.random.default_rng(seed), x.shape[1]
    vae = VAE(GaussianHeads(D, Z, rng, dtype=np.float64), Linear(Z, D, rng, dtype=np.float64), Z,
              Gaussian(math.sqrt(S2)))
    theta, (eps, weights) = pack(vae), gauss_hermite(2, Z)
    constants = {"x": np.tile(x, (len(eps), 1)), "eps": eps.repeat(len(x), axis=0)}
    weights = weights.repeat(len(x)) / len(x)

    def loss(value):
        theta.value[...], theta.grad[...] = value, 0
        (nll, kl), backward = vae.forward(**constants)
        backward(weights, beta * weights)
        return weights @ (nll + beta * kl), theta.grad.copy()

    theta.value[...] = minimize(loss, theta.value.copy(), jac=True, options={"gtol": 1e-8, "maxiter": 3000}).x
    return vae


@pytest.fixture(scope="module")
def vaes():
    x = data()
    return x, {beta: trained(x, beta) for beta in ALIVE}


@pytest.mark.parametrize("beta", ALIVE)
def test_the_trained_rates_are_the_predicted_ones_latent_by_latent(vaes, beta):
    x, vae = vaes[0], vaes[1][beta]
    predicted = water_filling(PCA(x).eigenvalues, Z, S2, beta)
    rates = gaussian_kl_per_latent(*vae.encode(x)).mean(axis=0)
    np.testing.assert_allclose(np.sort(rates)[::-1], predicted.rates, atol=1e-3)
    assert active_units(vae, x).count == predicted.alive == ALIVE[beta]
    assert exact_elbo(vae, x, *vae.encode(x), n=3).mean() == pytest.approx(predicted.elbo, abs=1e-3)


def test_the_best_beta_of_the_bound_is_1(vaes):
    x, trained_vaes = vaes
    elbos = {beta: exact_elbo(vae, x, *vae.encode(x), n=3).mean() for beta, vae in trained_vaes.items()}
    assert max(elbos, key=elbos.get) == 1


def test_a_larger_beta_lets_fewer_latents_live(vaes):
    """And not more, as is said in public: beta > 1 does not cure collapse, it makes it."""
    counts = [active_units(vae, vaes[0]).count for vae in vaes[1].values()]
    assert counts == sorted(counts, reverse=True) and counts == list(ALIVE.values())


def test_the_count_is_a_step_function_of_beta_that_steps_at_the_eigenvalues():
    edges = EIGENVALUES / S2
    for i, edge in enumerate(edges):
        below, at, above = (water_filling(EIGENVALUES, 5, S2, edge * f).alive for f in (1 - 1e-9, 1, 1 + 1e-9))
        assert (below, at, above) == (i + 1, i, i)
    sweep = [water_filling(EIGENVALUES, 5, S2, beta).alive for beta in np.geomspace(0.1, 30, 500)]
    assert sorted(set(sweep)) == [0, 1, 2, 3, 4, 5] and sweep == sorted(sweep, reverse=True)


@pytest.mark.parametrize("beta", [0.3, 1, 2.5])
def test_the_best_vae_has_these_numbers(beta):
    x = data()
    pca = PCA(x)
    best, said = best_linear_vae(pca, Z, S2, beta), water_filling(pca.eigenvalues, Z, S2, beta)
    mu, logvar = best.encode(x)
    np.testing.assert_allclose(gaussian_kl_per_latent(mu, logvar).mean(axis=0), said.rates, atol=1e-12)
    assert exact_elbo(best, x, mu, logvar, n=3).mean() == pytest.approx(said.elbo, rel=1e-12)
    assert rate_distortion(best, x).rate.mean() == pytest.approx(said.rate, rel=1e-10)


@pytest.mark.parametrize("beta", [0.3, 1, 2.5])
def test_no_vae_beside_it_has_a_lower_loss(beta):
    """The loss is at its minimum: a step in any direction, of any parameter, makes it larger."""
    x, rng = data(), np.random.default_rng(3)
    best, said = best_linear_vae(PCA(x), Z, S2, beta), water_filling(EIGENVALUES, Z, S2, beta)

    def loss():
        mu, logvar = best.encode(x)
        rate = gaussian_kl_per_latent(mu, logvar).sum(axis=1).mean()
        return -exact_elbo(best, x, mu, logvar, n=3).mean() + (beta - 1) * rate

    lowest = loss()
    assert lowest == pytest.approx(said.distortion + beta * said.rate, rel=1e-12)
    for p in best.parameters().values():
        kept = p.value.copy()
        for _ in range(5):
            p.value[...] = kept + 0.03 * rng.standard_normal(kept.shape)
            assert loss() > lowest
        p.value[...] = kept


def test_at_beta_1_the_bound_is_the_likelihood_of_probabilistic_pca():
    x = data()
    pca = PCA(x)
    for s2 in (0.3, 1.0, 4.0):
        model = fit_ppca(pca, Z, s2=s2)
        assert isinstance(model, LinearGaussian)
        assert water_filling(pca.eigenvalues, Z, s2).elbo == pytest.approx(mean_log_likelihood(model, pca.covariance))


def test_the_error_along_an_eigenvector_is_the_level_or_the_eigenvalue():
    said = water_filling(EIGENVALUES, 4, 1.0, 0.9)
    np.testing.assert_allclose(said.errors, [0.9, 0.9, 0.9, 0.4, 0.1])
    x = data()
    pca = PCA(x)
    best, rng = best_linear_vae(pca, 4, 1.0, 0.9), np.random.default_rng(0)
    z = best.posterior(x, rng.standard_normal((N, 4000, 4)))[0]
    error = (x.repeat(4000, axis=0) - best.decode(z)) @ pca.U
    np.testing.assert_allclose((error**2).mean(axis=0), said.errors, rtol=0.03)


@pytest.mark.parametrize("wrong", [{"s2": 0}, {"beta": -1.0}, {"beta": math.nan}])
def test_what_is_no_variance_or_weight_is_one_clear_sentence(wrong):
    with pytest.raises(ValueError, match="must be positive"):
        water_filling(EIGENVALUES, Z, **{"s2": S2, **wrong})
