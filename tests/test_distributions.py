"""What gradient checks cannot see: whether a forward is the mathematics it is named after.

A wrong forward with a consistent backward passes every gradient check. So here samples are held against moments and
densities, densities against sums and integrals, closed forms against Monte Carlo. Tolerances are standard errors of
the very estimate (5 of them: a correct library fails one such test in a million), or machine precision.
"""

import itertools
import math

import numpy as np
import pytest

from scratchvae.models import gaussian_noise, mask_noise, mlp_autoencoder, mlp_vae
from scratchvae.nn import Linear, glorot_uniform, he_normal, mlp
from scratchvae.probability import (
    Bernoulli,
    Gaussian,
    SquaredError,
    bernoulli_nll,
    gaussian_kl,
    gaussian_logpdf,
    gaussian_nll,
    reparameterize,
    squared_error,
)

N = 200_000


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def assert_mean(samples, expected, standard_errors=5):
    """The mean of samples (n, ...) is `expected`, within standard errors of that mean."""
    error = samples.std(axis=0, ddof=1) / math.sqrt(len(samples))
    assert np.all(np.abs(samples.mean(axis=0) - expected) <= standard_errors * error)


def rows(values):
    return np.tile(np.asarray(values, float), (N, 1))


def test_reparameterized_samples_have_the_mean_and_variance_they_are_named_after(rng):
    mu, logvar = np.array([-1.0, 0.5, 2.0]), np.array([-2.0, 0.0, 1.5])
    z = reparameterize(rows(mu), rows(logvar), eps=rng.standard_normal((N, 3)))
    assert_mean(z, mu)
    assert_mean((z - mu) ** 2, np.exp(logvar))           # z = mu + exp(logvar) eps fails here, by a factor


def test_samples_have_the_density_that_gaussian_logpdf_gives(rng):
    mu, logvar = np.array([0.3, -1.0]), np.array([-1.0, 0.7])
    z = reparameterize(rows(mu), rows(logvar), eps=rng.standard_normal((N, 2)))
    logp = gaussian_logpdf(z, rows(mu), rows(logvar))
    entropy = (np.log(2 * math.pi) + 1 + logvar).sum() / 2
    assert_mean(-logp, entropy)


def test_gaussian_density_integrates_to_one_and_has_its_moments():
    x = np.linspace(-30, 30, 200_001)[:, None]
    for mu, logvar in itertools.product([-2.0, 0.0, 1.3], [-3.0, 0.0, 2.0]):
        p = np.exp(gaussian_logpdf(x, np.full_like(x, mu), np.full_like(x, logvar)))
        step = 60 / 200_000
        assert abs(p.sum() * step - 1) < 1e-12
        assert abs((p * x[:, 0]).sum() * step - mu) < 1e-12
        assert abs((p * (x[:, 0] - mu) ** 2).sum() * step - math.exp(logvar)) < 1e-11


def test_the_density_of_several_dimensions_is_the_sum_of_their_logs(rng):
    x, mu, logvar = rng.standard_normal((3, 4, 6))
    each = sum(gaussian_logpdf(x[:, [j]], mu[:, [j]], logvar[:, [j]]) for j in range(6))
    assert np.allclose(gaussian_logpdf(x, mu, logvar), each, rtol=1e-14)


@pytest.mark.parametrize("d", [1, 20])
def test_the_analytic_kl_is_the_mean_of_log_q_minus_log_p(rng, d):
    mu, logvar = rng.standard_normal((2, 1, d))
    n = N // 10
    mu_n, logvar_n = np.repeat(mu, n, axis=0), np.repeat(logvar, n, axis=0)
    z = reparameterize(mu_n, logvar_n, eps=rng.standard_normal((n, d)))
    zero = np.zeros_like(z)
    assert_mean(gaussian_logpdf(z, mu_n, logvar_n) - gaussian_logpdf(z, zero, zero), gaussian_kl(mu, logvar)[0])


def test_kl_is_zero_where_q_is_the_prior_and_positive_elsewhere(rng):
    assert gaussian_kl(np.zeros((1, 5)), np.zeros((1, 5)))[0] == 0
    assert np.all(gaussian_kl(*rng.standard_normal((2, 1000, 3))) > 0)


def test_kl_of_known_gaussians():
    assert gaussian_kl(np.array([[3.0]]), np.array([[0.0]]))[0] == 4.5
    assert math.isclose(gaussian_kl(np.array([[0.0]]), np.array([[math.log(4)]]))[0], (3 - math.log(4)) / 2)


def test_kl_sums_over_latents_and_keeps_the_examples_apart():
    kl = gaussian_kl(np.ones((4, 7)), np.zeros((4, 7)))
    assert np.array_equal(kl, np.full(4, 3.5))


def test_bernoulli_probabilities_of_all_images_sum_to_one(rng):
    images = np.array(list(itertools.product([0.0, 1.0], repeat=8)))
    logits = np.repeat(3 * rng.standard_normal((1, 8)), len(images), axis=0)
    assert math.isclose(np.exp(-bernoulli_nll(logits, x=images)).sum(), 1, rel_tol=1e-13)


def test_bernoulli_draws_have_the_frequencies_their_density_gives(rng):
    likelihood = Bernoulli()
    logits = rows([-2.0, 0.0, 1.0])
    x = likelihood.sample(logits, rng)
    assert set(np.unique(x)) == {0.0, 1.0}
    assert_mean(x, likelihood.mean(logits[:1])[0])
    p = likelihood.mean(logits[0])
    entropy = -(p * np.log(p) + (1 - p) * np.log1p(-p)).sum()
    assert_mean(likelihood(logits, x=x), entropy)


def test_bernoulli_at_extreme_logits_is_exact():
    logits, x = np.array([[1000.0, -1000.0, 1000.0, -1000.0]]), np.array([[1.0, 0.0, 0.0, 1.0]])
    nll, backward = bernoulli_nll.forward(logits, x=x)
    assert nll[0] == 2000
    assert np.array_equal(backward(np.ones(1)), [[0, 0, 1, -1]])
    nll32 = bernoulli_nll(logits.astype(np.float32), x=x.astype(np.float32))
    assert nll32.dtype == np.float32 and nll32[0] == 2000


def test_bernoulli_is_the_textbook_cross_entropy(rng):
    logits, x = 2 * rng.standard_normal((5, 9)), rng.random((5, 9))
    p = 1 / (1 + np.exp(-logits))
    assert np.allclose(bernoulli_nll(logits, x=x), -(x * np.log(p) + (1 - x) * np.log1p(-p)).sum(axis=1), rtol=1e-13)


def test_gaussian_likelihood_is_its_density_with_every_constant(rng):
    mu, x = rng.standard_normal((2, 4, 6))
    expected = 6 / 2 * math.log(2 * math.pi * 0.09) + ((x - mu) ** 2).sum(axis=1) / (2 * 0.09)
    assert np.allclose(Gaussian(0.3)(mu, x=x), expected, rtol=1e-13)
    logvar = np.full_like(mu, math.log(0.09))
    assert np.allclose(gaussian_nll(mu, logvar, x=x), expected, rtol=1e-13)


def test_gaussian_draws_have_the_density_of_the_likelihood(rng):
    likelihood, mu = Gaussian(0.3), rows([0.2, 0.9])
    x = likelihood.sample(mu, rng)
    assert_mean(x, [0.2, 0.9])
    assert_mean((x - mu) ** 2, 0.09)
    assert_mean(likelihood(mu, x=x), 2 * (math.log(2 * math.pi * 0.09) + 1) / 2)


def test_squared_error_sums_over_pixels():
    assert np.array_equal(squared_error(np.zeros((2, 3)), x=np.full((2, 3), 2.0)), [12, 12])
    assert np.array_equal(SquaredError()(np.zeros((2, 3)), x=np.full((2, 3), 2.0)), [12, 12])


def zeroed(model):
    for p in model.parameters().values():
        p.value[...] = 0
    return model


def test_a_vae_of_zeros_costs_784_log_2_and_no_kl(rng):
    vae = zeroed(mlp_vae(784, [400], 20, rng, dtype=np.float64))
    x = (rng.random((6, 784)) < 0.3).astype(float)
    nll, kl = vae(x=x, **vae.noise(x, rng))
    assert np.allclose(nll, 784 * math.log(2), rtol=1e-15) and not kl.any()
    assert abs(784 * math.log(2) - 543.4) < 0.05


def test_new_images_of_a_vae_have_the_means_of_their_density(rng):
    vae = zeroed(mlp_vae(3, [], 1, rng, dtype=np.float64))
    vae.decoder.nodes[-1].W.value[:] = [[1.0, -2.0, 0.0]]
    draws, z = vae.sample(N, rng)
    means = vae.decode(z)
    assert means.shape == draws.shape == (N, 3)
    assert_mean(draws - means, 0)
    logits = np.log(means / (1 - means))
    assert_mean(logits[:, 0], 0)                           # z ~ N(0, 1), seen through weights 1 and -2
    assert_mean(logits[:, 0] ** 2, 1)
    assert_mean(logits[:, 1] ** 2, 4)


def test_the_elbo_of_a_linear_gaussian_model_is_below_log_p_and_equals_it_at_the_posterior(rng):
    """z ~ N(0, 1), x|z ~ N(a z, s2): p(x) = N(0, a^2 + s2), p(z|x) = N(a x / (a^2 + s2), s2 / (a^2 + s2))."""
    a, s2, x = 1.5, 0.25, np.array([[0.7]])
    vae = zeroed(mlp_vae(1, [], 1, rng, likelihood=Gaussian(math.sqrt(s2)), dtype=np.float64))
    vae.decoder.nodes[0].W.value[:] = a
    heads = vae.encoder.nodes[0]
    heads.mu.W.value[:] = a / (a * a + s2)
    heads.logvar.b.value[:] = math.log(s2 / (a * a + s2))
    logp = -(math.log(2 * math.pi * (a * a + s2)) + 0.7**2 / (a * a + s2)) / 2
    many = np.repeat(x, N, axis=0)
    exact = vae.negative_elbo(x=many, **vae.noise(many, rng))[0]
    assert_mean(-exact, logp)
    heads.mu.W.value[:] = 0
    worse = vae.negative_elbo(x=many, **vae.noise(many, rng))[0]
    kl_to_posterior = (a * 0.7 / (a * a + s2)) ** 2 / (2 * s2 / (a * a + s2))
    assert_mean(-worse, logp - kl_to_posterior)


def test_the_draws_of_a_vae_are_standard_normal(rng):
    vae = mlp_vae(3, [2], 4, rng)
    eps = vae.noise(np.zeros((N, 3), np.float32), rng)["eps"]
    assert eps.shape == (N, 4) and eps.dtype == np.float32
    eps = eps.astype(np.float64)
    assert_mean(eps, 0)
    assert_mean(eps**2, 1)


def test_corruptions_are_what_they_say(rng):
    x = rows([0.2, 1.0])
    noisy = gaussian_noise(x, rng)
    assert_mean(noisy, [0.2, 1.0])
    assert_mean((noisy - x) ** 2, 0.04)
    masked = mask_noise(x, rng, dropped=0.3)
    assert set(np.unique(masked)) == {0.0, 0.2, 1.0}
    assert_mean(masked == 0, 0.3)


def test_a_denoising_autoencoder_sees_noise_and_is_compared_with_the_clean_image(rng):
    dae = mlp_autoencoder(4, [], 3, rng, distance=SquaredError(), corrupt=mask_noise, dtype=np.float64)
    x = rng.random((5, 4))
    noise = dae.noise(x, rng)
    (error,) = dae(x=x, **noise)
    assert np.allclose(error, ((dae.decoder(dae.encoder(noise["corrupted"])) - x) ** 2).sum(axis=1))


@pytest.mark.parametrize(("init", "variance"), [(he_normal, 2 / 300), (glorot_uniform, 2 / 500)])
def test_initial_weights_have_the_variance_of_the_paper(rng, init, variance):
    W = init(300, 200, rng).ravel()
    assert_mean(W, 0)
    assert_mean(W**2, variance)


def test_he_keeps_the_second_moment_through_relu_layers(rng):
    x = rng.standard_normal((400, 500))
    for layer in mlp([500, 500, 500, 500], rng, dtype=np.float64, init=he_normal):
        x = layer(x)
    assert 0.8 < (x**2).mean() < 1.2                       # 0.5 a layer, 1/8 here, if the 2 were missing


def test_the_same_seed_gives_the_same_weights_in_both_precisions():
    single, double = (Linear(5, 4, np.random.default_rng(3), dtype=dtype) for dtype in (np.float32, np.float64))
    assert np.array_equal(single.W.value, double.W.value.astype(np.float32))
