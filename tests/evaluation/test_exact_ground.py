"""Every estimator on the model where log p(x) is known: random sizes, random seeds, errors of a few standard errors."""

import math

import numpy as np
import pytest

from scratchvae.evaluation import (
    annealed_importance,
    annealed_upper_bound,
    evaluate,
    importance_weights,
    rate_distortion,
)
from scratchvae.models import LinearGaussian, exact_vae

pytestmark = pytest.mark.slow

SEEDS = range(6)


def random_model(seed, orthogonal=False, least=1):
    """A LinearGaussian of random size, from 3 to 14 dimensions and from `least` to 4 latents."""
    rng = np.random.default_rng([seed, 40])
    D, Z = int(rng.integers(5, 15)), int(rng.integers(least, 5))
    W = rng.standard_normal((D, Z))
    W = np.linalg.qr(W)[0] * rng.uniform(0.5, 3, Z) if orthogonal else W
    return LinearGaussian(W, rng.standard_normal(D), rng.uniform(0.2, 1.5))


def wider(vae, by):
    """The same VAE, log sigma^2 of its encoder greater by so much: q is not the posterior, and w has a variance."""
    vae.encoder.logvar.b.value += by
    return vae


def mean_is_positive(values, errors=4):
    return values.mean() > errors * values.std(ddof=1) / math.sqrt(len(values))


def mean_is(expected, values, errors=4):
    return abs(values.mean() - expected) < errors * values.std(ddof=1) / math.sqrt(len(values))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_elbo_is_below_every_bound_and_these_below_log_p_and_rise_with_k(seed):
    model = random_model(seed)
    vae, x = wider(exact_vae(model), 1.0), model.sample(10000, np.random.default_rng(seed))[0]
    log_p = model.log_evidence(x)
    mu, logvar = vae.encode(x)
    elbo = model.elbo(x, mu, np.diag(np.exp(logvar[0])))
    bounds = [importance_weights(vae, x, k, seed=k).bound for k in (1, 2, 5, 20)]
    assert mean_is(0, bounds[0] - elbo)
    for looser, tighter in zip([elbo, *bounds[1:]], [*bounds[1:], log_p], strict=True):
        assert mean_is_positive(tighter - looser)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_elbo_of_every_name_is_the_exact_one(seed):
    """By its formula, by `evaluate` and by `rate_distortion`: within their errors."""
    model = random_model(seed)
    vae, x = wider(exact_vae(model), 0.5), model.sample(1000, np.random.default_rng(seed))[0]
    mu, logvar = vae.encode(x)
    exact = model.elbo(x, mu, np.diag(np.exp(logvar[0])))
    np.testing.assert_allclose(exact, model.log_evidence(x) - model.kl_to_posterior(x, mu, np.diag(np.exp(logvar[0]))),
                               rtol=1e-10)
    terms = rate_distortion(vae, x)
    assert mean_is(0, terms.distortion + terms.rate + exact)
    assert mean_is(0, terms.distortion + terms.rate_sampled + exact)
    entry = evaluate(vae, x, data="exact")
    assert math.isclose(entry.value, (terms.distortion + terms.rate).mean(), rel_tol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_l_1_is_the_elbo_of_the_same_draw(seed):
    """log w = log p(x|z) + log p(z) - log q(z|x): minus distortion and sampled rate, example by example."""
    model = random_model(seed)
    vae, x = wider(exact_vae(model), 0.5), model.sample(700, np.random.default_rng(seed))[0]
    terms = rate_distortion(vae, x, seed=seed)
    np.testing.assert_allclose(importance_weights(vae, x, 1, seed=seed).bound,
                               -terms.distortion - terms.rate_sampled, rtol=1e-11)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_diagonal_encoder_is_better_than_that_of_the_exact_vae(seed):
    """-ELBO is quadratic in eps: its mean over eps = +-sqrt(Z) e_j is that over N(0, I), and there its slope is 0."""
    model = random_model(seed, least=2)
    vae, x, Z = exact_vae(model), model.sample(20, np.random.default_rng(seed))[0], model.W.shape[1]
    points = math.sqrt(Z) * np.concatenate([np.eye(Z), -np.eye(Z)])
    nats, backward = vae.forward(x=x.repeat(2 * Z, axis=0), eps=np.tile(points, (len(x), 1)))
    backward(*np.ones_like(nats))
    for name, p in vae.encoder.parameters().items():
        np.testing.assert_allclose(p.grad, 0, atol=1e-10 * len(nats[0]), err_msg=name)


@pytest.mark.parametrize("seed", SEEDS)
def test_where_q_is_the_posterior_nothing_varies(seed):
    """Every w is p(x): every L_k is log p(x), all k draws count, and AIS from q has nothing to add."""
    model = random_model(seed, orthogonal=True)
    vae, x = exact_vae(model), model.sample(20, np.random.default_rng(seed))[0]
    log_p = model.log_evidence(x)
    for k in (1, 2, 7, 300):
        bound, ess = importance_weights(vae, x, k, seed=seed)
        np.testing.assert_allclose(bound, log_p, atol=1e-10)
        np.testing.assert_allclose(ess, k, rtol=1e-10)
    annealed = annealed_importance(vae, x, chains=2, temperatures=3, base="posterior", seed=seed)
    np.testing.assert_allclose(annealed.bound, log_p, atol=1e-10)
    np.testing.assert_allclose(annealed.standard_error, 0, atol=1e-10)


def variance_of_weights(model, covariance):
    """Var(w / p(x)) = integral p(z|x)^2 / q(z) dz - 1, for q of the posterior's mean and this covariance."""
    S = model.s2 * np.linalg.inv(model.M)
    rest = 2 * np.linalg.inv(S) - np.linalg.inv(covariance)
    return math.sqrt(np.linalg.det(covariance) / np.linalg.det(rest)) / np.linalg.det(S) - 1


@pytest.mark.parametrize("seed", SEEDS)
def test_the_gap_is_the_variance_of_the_weights_over_2k(seed):
    """Of large k. E w = p(x) is known, so w / p(x) - 1, whose mean is 0, takes most of the noise out of -log w.

    q is the posterior made wider, so that no weight is large and k = 400 is large.
    """
    model, k = random_model(seed, orthogonal=True), 400
    vae, x = wider(exact_vae(model), 0.7), model.sample(1000, np.random.default_rng(seed))[0]
    variance = variance_of_weights(model, np.diag(np.exp(vae.encode(x)[1][0])))
    w, ess = importance_weights(vae, x, k, seed=seed)
    w = np.exp(w - model.log_evidence(x))
    assert mean_is(1, w)
    assert mean_is(variance / (2 * k), w - 1 - np.log(w))
    assert math.isclose((k / ess).mean() - 1, variance, rel_tol=0.05)             # k / ESS ~ 1 + Var(w) / p(x)^2


def test_ten_dimensions_and_three_latents_fall_as_they_should():
    """A random model: the gap of the best diagonal q, from k = 1, where it is KL(q || p(z|x)), to k = 50."""
    rng = np.random.default_rng(1)
    model = LinearGaussian(rng.standard_normal((10, 3)), rng.standard_normal(10), 1.0)
    vae, x = exact_vae(model), model.sample(3000, rng)[0]
    mu, logvar = vae.encode(x)
    gaps = [model.log_evidence(x) - importance_weights(vae, x, k).bound for k in (1, 5, 50)]
    assert mean_is(model.kl_to_posterior(x[:1], mu[:1], np.diag(np.exp(logvar[0])))[0], gaps[0])
    assert gaps[0].mean() > 2 * gaps[1].mean() > 4 * gaps[2].mean() > 0


@pytest.mark.parametrize("base", ["prior", "posterior"])
@pytest.mark.parametrize("seed", SEEDS)
def test_ais_is_within_its_error_and_unbiased(seed, base):
    """The bound and its standard error, image by image; and E w = p(x), which no bound says."""
    model = random_model(seed, least=2)
    vae, x = wider(exact_vae(model), 0.5), model.sample(150, np.random.default_rng(seed))[0]
    log_p = model.log_evidence(x)
    bound, error, acceptance = annealed_importance(vae, x, temperatures=30, leapfrogs=5, base=base, seed=seed)
    assert mean_is(1, np.exp(bound - log_p))
    assert 0.6 < np.median(np.abs(bound - log_p) / error) / 0.6745 < 1.7          # that of a normal variable is 0.6745
    assert (bound - log_p).mean() < 4 * error.mean() / math.sqrt(len(x))
    assert 0.5 < acceptance.mean() <= 1


@pytest.mark.parametrize(("base", "chains", "temperatures", "images"),
                         [("prior", 1, 60, 600), ("posterior", 1, 12, 2000), ("posterior", 4, 3, 4000)])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_way_back_bounds_from_above(seed, base, chains, temperatures, images):
    """From the z that x was made of, E w = 1 / p(x); between the two bounds lies log p(x)."""
    model = random_model(seed, least=2)
    vae, (x, z) = wider(exact_vae(model), 1.0), model.sample(images, np.random.default_rng(seed))
    log_p = model.log_evidence(x)
    options = {"chains": chains, "temperatures": temperatures, "leapfrogs": 3, "base": base}
    upper = annealed_upper_bound(vae, x, z, seed=seed, **options)
    assert mean_is(1, np.exp(log_p - upper))
    assert mean_is_positive(upper - log_p)
    assert mean_is_positive(log_p - annealed_importance(vae, x, seed=seed, **options).bound)
