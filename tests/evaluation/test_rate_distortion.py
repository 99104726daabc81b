"""Rate, distortion and where the KL goes: against integrals done in full, and against each other."""

import math

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

from scratchvae.evaluation import active_units, aggregate, log_aggregate, log_marginals, split_marginal_kl
from scratchvae.evaluation import rate_distortion as measure
from scratchvae.models import VAE, LatentModel, mlp_vae
from scratchvae.nn import GaussianHeads, Linear
from scratchvae.probability import Bernoulli, GaussianMixturePrior
from scratchvae.training import example_terms


def table_vae(mu, logvar):
    """A VAE of one-hot images: image n has the encoder N(mu_n, sigma_n^2), mu and logvar (N, Z)."""
    N, Z = mu.shape
    encoder = GaussianHeads(N, Z, np.random.default_rng(0), dtype=np.float64)
    encoder.mu.W.value[...], encoder.logvar.W.value[...] = mu, logvar
    return VAE(encoder, Linear(Z, N, np.random.default_rng(1), dtype=np.float64), Z, Bernoulli())


def within(expected, values, errors=4):
    return abs(values.mean() - expected) < errors * values.std(ddof=1) / math.sqrt(len(values))


def grid_integrals(mu, logvar, limit=14, points=841):
    """I(x; z), KL(q(z) || p(z)), total correlation, dimension-wise KLs of 2-D Gaussian encoders: sums over a grid."""
    t = np.linspace(-limit, limit, points)
    step = t[1] - t[0]
    each = np.stack([norm.pdf(t, m, s) for m, s in zip(mu.ravel(), np.exp(logvar.ravel() / 2), strict=True)])
    each = each.reshape(*mu.shape, points)                                                   # (N, 2, points)
    q_n = each[:, 0, :, None] * each[:, 1, None, :]
    q, marginals, p = q_n.mean(axis=0), each.mean(axis=0), norm.pdf(t)

    def kl(a, b, cell):
        return (a * np.log(np.maximum(a, 1e-300) / np.maximum(b, 1e-300))).sum() * cell

    return (np.mean([kl(one, q, step**2) for one in q_n]), kl(q, p[:, None] * p, step**2),
            kl(q, marginals[0][:, None] * marginals[1], step**2), np.array([kl(one, p, step) for one in marginals]))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_the_terms_are_the_integrals(seed):
    rng = np.random.default_rng([seed, 41])
    N, copies = int(rng.integers(2, 7)), 1500
    mu, logvar = rng.normal(0, 1.5, (N, 2)), rng.uniform(-2, 0.5, (N, 2))
    information, marginal, correlation, dimensions = grid_integrals(mu, logvar)
    vae, x = table_vae(mu, logvar), np.tile(np.eye(N), (copies, 1))          # each image often: the same q(z)
    terms = measure(vae, x, seed=seed)
    assert math.isclose(terms.rate.mean(), information + marginal, rel_tol=1e-6)
    assert within(information, terms.mutual_information) and within(marginal, terms.marginal_kl)
    total_correlation, dimension_kl = split_marginal_kl(vae, x, seed=seed)
    assert within(correlation, total_correlation)
    assert within(dimensions[0], dimension_kl[:, 0]) and within(dimensions[1], dimension_kl[:, 1])


@pytest.mark.parametrize("Z", [1, 3, 10])
def test_what_the_rate_is_made_of_adds_up_for_every_image(Z):
    """On the same draws to rounding, and the sampled rate to the analytic one within its error."""
    vae = mlp_vae(12, [7], Z, np.random.default_rng(Z))
    for p in vae.encoder.parameters().values():
        p.value *= 3
    x = np.random.default_rng(1).random((900, 12), np.float32)
    terms = measure(vae, x, "dynamic", seed=5)
    np.testing.assert_allclose(terms.mutual_information + terms.marginal_kl, terms.rate_sampled, atol=1e-10)
    total_correlation, dimension_kl = split_marginal_kl(vae, x, "dynamic", seed=5)
    np.testing.assert_allclose(total_correlation + dimension_kl.sum(axis=1), terms.marginal_kl, atol=1e-10)
    assert within(0, terms.rate_sampled - terms.rate)
    assert 0 < terms.mean("mutual_information")[0] < math.log(900)


def test_one_latent_has_no_total_correlation():
    vae = table_vae(np.array([[-1.0], [2.0]]), np.zeros((2, 1)))
    total_correlation, _ = split_marginal_kl(vae, np.eye(2))
    np.testing.assert_allclose(total_correlation, 0, atol=1e-12)


def test_encoders_far_apart_tell_everything_and_equal_ones_nothing():
    N = 50
    far = measure(table_vae(100.0 * np.arange(N)[:, None], np.zeros((N, 1))), np.eye(N))
    np.testing.assert_allclose(far.mutual_information, math.log(N), rtol=1e-9)
    same = measure(table_vae(np.full((N, 1), 3.0), np.zeros((N, 1))), np.eye(N))
    np.testing.assert_allclose(same.mutual_information, 0, atol=1e-12)


def test_rate_and_distortion_are_the_two_terms_of_the_elbo():
    """Of the same draws, bits and all."""
    vae, x = mlp_vae(12, [7], 3, np.random.default_rng(0)), np.random.default_rng(1).random((1203, 12), np.float32)
    for binarization in ("none", "dynamic"):
        terms, elbo = measure(vae, x, binarization, seed=3), example_terms(vae, x, binarization, seed=3)
        np.testing.assert_allclose(terms.distortion, elbo["reconstruction"], rtol=1e-5)
        np.testing.assert_allclose(terms.rate, elbo["kl"], rtol=1e-4)


def test_the_aggregate_posterior_is_the_mixture_however_it_is_cut(monkeypatch):
    rng = np.random.default_rng(0)
    z, mu, logvar = rng.normal(0, 2, (23, 4)), rng.normal(5, 2, (17, 4)), rng.uniform(-6, 1, (17, 4))
    each = norm.logpdf(z[:, None], mu, np.exp(logvar / 2))                                   # (23, 17, 4)
    for size in (1, 5 * 17, 10**6):
        monkeypatch.setattr(aggregate, "BLOCK", size)
        np.testing.assert_allclose(log_aggregate(z, mu, logvar), logsumexp(each.sum(axis=2), axis=1) - math.log(17),
                                   rtol=1e-11)
        np.testing.assert_allclose(log_marginals(z, mu, logvar), logsumexp(each, axis=1) - math.log(17), rtol=1e-11)


def test_memory_is_bounded(monkeypatch):
    seen, whole = [], aggregate.log_sum_exp
    monkeypatch.setattr(aggregate, "log_sum_exp", lambda a: seen.append(a.size) or whole(a))
    z = np.zeros((2000, 3))
    log_aggregate(z, z, z), log_marginals(z[:300], z, z)
    assert max(seen) <= aggregate.BLOCK


def test_active_units_are_those_whose_mean_moves():
    """Variances 0, 0.04 and 0.0025 of the means over the images, the variance of z itself being no matter."""
    mu = np.array([[3.0, 0.2, 0.05], [3.0, -0.2, -0.05]])
    units = active_units(table_vae(mu, np.full((2, 3), 1.0)), np.tile(np.eye(2), (700, 1)))
    np.testing.assert_allclose(units.variances, [0, 0.04, 0.0025], atol=1e-15)
    assert units.count == 1
    assert active_units(table_vae(mu, mu), np.eye(2), threshold=0.001).count == 2


def test_active_units_see_the_bits_that_the_model_sees():
    grey = np.full((4000, 2), 0.5)
    units = active_units(table_vae(np.array([[1.0], [-1.0]]), np.zeros((2, 1))), grey, binarization="dynamic")
    assert math.isclose(units.variances[0], 0.5, rel_tol=0.1)               # of a bit minus a bit
    assert active_units(table_vae(np.array([[1.0], [-1.0]]), np.zeros((2, 1))), grey).count == 0


def test_a_prior_that_is_no_product_is_refused_where_one_is_needed():
    vae = mlp_vae(3, [4], 2, np.random.default_rng(0))
    model = LatentModel(vae.posterior, vae.observation, GaussianMixturePrior(3, 2, np.random.default_rng(0)))
    with pytest.raises(ValueError, match="must be a product over the latents, but is a GaussianMixturePrior"):
        split_marginal_kl(model, np.zeros((4, 3), np.float32))


def test_the_identities_hold_for_each_image_of_a_float32_model_too():
    """What log q loses in float32 would let an image say more than log N."""
    vae, x = mlp_vae(30, [8], 4, np.random.default_rng(0)), np.random.default_rng(1).random((700, 30), np.float32)
    heads = vae.encoder.nodes[-1]
    heads.mu.W.value *= 20                                      # posteriors that are far apart, and narrow
    heads.logvar.b.value -= 4
    terms = measure(vae, x, "dynamic")
    np.testing.assert_allclose(terms.rate_sampled, terms.mutual_information + terms.marginal_kl, atol=1e-9)
    assert math.log(700) - 0.1 < terms.mutual_information.max() <= math.log(700) + 1e-9
