"""Every likelihood of pixels: its total is 1, its draws have its own density, its edges are sound.

Tolerances are 5 standard errors of the very estimate, or machine precision.
"""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from scratchvae.functions import sigmoid, softplus
from scratchvae.models import mlp_vae
from scratchvae.probability import (
    Bernoulli,
    CategoricalPixels,
    ContinuousBernoulli,
    DiscretizedLogistic,
    Gaussian,
    Laplace,
    PixelGaussian,
    SharedGaussian,
    bernoulli_nll,
    bounded_below,
    continuous_bernoulli_mean,
    continuous_bernoulli_nll,
    discretized_logistic_nll,
    gaussian_nll,
    laplace_nll,
)
from scratchvae.probability.likelihoods.bernoulli import sum_of_logs
from scratchvae.training import Adam, fit

N = 100_000
DENSITIES = {
    "gaussian": (Gaussian(0.3), [0.2]),
    "shared gaussian": (SharedGaussian(0.2, dtype=np.float64), [0.7]),
    "pixel gaussian": (PixelGaussian(0.05), [0.4, -3.0]),
    "laplace": (Laplace(0.15, dtype=np.float64), [0.6]),
    "continuous bernoulli at 0": (ContinuousBernoulli(), [0.0]),
    "continuous bernoulli near 0": (ContinuousBernoulli(), [1e-9]),
    "continuous bernoulli, series": (ContinuousBernoulli(), [-0.9]),
    "continuous bernoulli, white": (ContinuousBernoulli(), [4.0]),
    "continuous bernoulli, black": (ContinuousBernoulli(), [-30.0]),
}
MASSES = {
    "bernoulli": (Bernoulli(), 2, [0.7]),
    "logistic": (DiscretizedLogistic(256), 256, [0.3, -3.0]),
    "logistic, narrow": (DiscretizedLogistic(256), 256, [0.3001, -7.0]),
    "logistic, tiny": (DiscretizedLogistic(256), 256, [0.3001, -300.0]),
    "logistic, wide": (DiscretizedLogistic(256), 256, [0.3, 2.0]),
    "logistic, far below": (DiscretizedLogistic(256), 256, [-1.0, -2.0]),
    "logistic, far above": (DiscretizedLogistic(256), 256, [1.7, -2.0]),
    "logistic, 17 levels": (DiscretizedLogistic(17), 17, [0.9, -1.5]),
    "categorical": (CategoricalPixels(256), 256, np.random.default_rng(0).standard_normal(256)),
    "categorical, 17 levels": (CategoricalPixels(17), 17, 3 * np.random.default_rng(0).standard_normal(17)),
}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def tiled(y, n):
    return np.tile(np.asarray(y, float), (n, 1))


def assert_mean(samples, expected, standard_errors=5):
    """The mean of samples (n,) is `expected`, within standard errors of that mean."""
    error = samples.std(ddof=1) / math.sqrt(len(samples))
    assert abs(samples.mean() - expected) <= standard_errors * error + 1e-12


def density(likelihood, y):
    return lambda x: math.exp(-likelihood(tiled(y, 1), x=np.array([[x]]))[0])


def masses(likelihood, levels, y):
    x = np.arange(levels)[:, None] / (levels - 1)
    return x[:, 0], np.exp(-likelihood(tiled(y, levels), x=x))


@pytest.mark.parametrize("name", DENSITIES)
def test_a_density_integrates_to_one_and_has_its_mean(name):
    likelihood, y = DENSITIES[name]
    p = density(likelihood, y)
    low, high = (0, 1) if "bernoulli" in name else (-8, 8)
    places = sorted({low, float(likelihood.mean(tiled(y, 1))[0, 0]), high})
    pieces = list(itertools.pairwise(places))
    assert abs(sum(integrate.quad(p, a, b, epsabs=1e-12)[0] for a, b in pieces) - 1) < 1e-10
    mean = sum(integrate.quad(lambda x: x * p(x), a, b, epsabs=1e-12)[0] for a, b in pieces)
    assert abs(mean - likelihood.mean(tiled(y, 1))[0, 0]) < 1e-10


@pytest.mark.parametrize("name", MASSES)
def test_the_masses_of_all_levels_sum_to_one_and_have_their_mean(name):
    x, p = masses(*MASSES[name])
    assert abs(p.sum() - 1) < 1e-12
    likelihood, _, y = MASSES[name]
    assert abs((x * p).sum() - likelihood.mean(tiled(y, 1))[0, 0]) < 1e-12


@pytest.mark.parametrize("name", DENSITIES)
def test_draws_have_the_mean_the_spread_and_the_entropy_of_their_density(name, rng):
    likelihood, y = DENSITIES[name]
    p = density(likelihood, y)
    mean = float(likelihood.mean(tiled(y, 1))[0, 0])
    low, high = (0, 1) if "bernoulli" in name else (-8, 8)
    places = sorted({low, mean, high})
    x = likelihood.sample(tiled(y, N), rng)
    assert x.shape == (N, 1) and low <= x.min() and x.max() <= high
    assert_mean(x[:, 0], mean)
    moments = [sum(integrate.quad(f, a, b)[0] for a, b in itertools.pairwise(places))
               for f in (lambda t: (t - mean) ** 2 * p(t), lambda t: -p(t) * math.log(p(t)) if p(t) > 0 else 0.0)]
    assert_mean((x[:, 0] - mean) ** 2, moments[0])
    assert_mean(likelihood(tiled(y, N), x=x), moments[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", MASSES)
def test_draws_have_the_frequencies_the_mean_and_the_entropy_of_their_masses(name, rng):
    likelihood, levels, y = MASSES[name]
    grid, p = masses(likelihood, levels, y)
    x = likelihood.sample(tiled(y, N), rng)[:, 0]
    k = np.rint(x * (levels - 1)).astype(int)
    assert np.array_equal(x, grid[k])
    count = np.bincount(k, minlength=levels)
    assert (np.abs(count - N * p) <= 6 * np.sqrt(N * p * (1 - p)) + 4).all()       # + 4: of rare levels
    assert_mean(x, (grid * p).sum())
    assert_mean(likelihood(tiled(y, N), x=x[:, None]), -(p * np.log(np.maximum(p, 1e-300))).sum())


@pytest.mark.parametrize("likelihood", [Bernoulli(), Gaussian(0.3), SharedGaussian(), PixelGaussian(), Laplace(),
                                        ContinuousBernoulli(), DiscretizedLogistic(5), CategoricalPixels(5)],
                         ids=lambda thing: type(thing).__name__)
def test_all_have_one_face_and_stay_in_float32(likelihood, rng):
    vae = mlp_vae(6, [5], 2, rng, likelihood=likelihood)
    x = (rng.integers(0, 2, (20, 6))).astype(np.float32)
    vae.check(x, "x")
    y = vae.decoder(np.zeros((20, 2), np.float32))
    assert y.shape == (20, 6 * likelihood.outputs)
    mean, draw, nll = likelihood.mean(y), likelihood.sample(y, rng), likelihood(y, x=x)
    assert mean.shape == draw.shape == (20, 6) and nll.shape == (20,)
    assert mean.dtype == draw.dtype == nll.dtype == np.float32 and likelihood.unit == "nats"
    first, second = list(fit(vae, x, optimizer=Adam(vae, 1e-2), epochs=30, progress=False))[::29]
    assert second["train"]["reconstruction"] < first["train"]["reconstruction"]
    assert vae.reconstruct(x).shape == (20, 6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("likelihood", "y"), [
    (ContinuousBernoulli(), [1000, -1000, 0, 1e-6]),
    (DiscretizedLogistic(256), [1000, -1000, 0, 1, 1000, -1000, 0, -1000]),
    (PixelGaussian(), [1000, -1000, 0, 1, 60, -1000, 0, -1000]),
    (Laplace(1e-6), [1000, -1000, 0, 1]),
    (CategoricalPixels(256), np.concatenate([[1000] * 256, [-1000] * 255 + [1000], [0] * 256, [1000] + [-1000] * 255])),
], ids=lambda thing: type(thing).__name__)
def test_extreme_outputs_give_finite_nats_and_gradients_on_the_edges(likelihood, y, dtype, rng):
    y = np.tile(np.asarray(y, dtype), (3, 1))
    x = np.array([[0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 128 / 255, 1]], dtype)
    nll, backward = likelihood.forward(y, x=x)
    assert np.isfinite(nll).all() and np.isfinite(backward(np.ones(3, dtype))).all()
    assert np.isfinite(likelihood.mean(y)).all()
    if not isinstance(likelihood, PixelGaussian | DiscretizedLogistic):
        assert np.isfinite(likelihood.sample(y, rng)).all()


def test_the_bound_is_above_low_and_is_left_alone_far_above_it():
    a = np.array([-1000.0, -5.0, 0.0, 30.0, 1000.0])
    y, backward = bounded_below.forward(a, low=-5.0)
    assert (y >= -5).all() and y[1] == -5 + math.log(2)
    assert np.allclose(y[3:], a[3:], rtol=1e-14)
    assert np.allclose(backward(np.ones(5)), 1 / (1 + np.exp(-np.clip(a + 5, -700, 700))))


@pytest.mark.parametrize(("dtype", "a"), [(np.float32, 1e30), (np.float64, 1e300)])
def test_a_vast_logit_of_the_continuous_bernoulli_overflows_nowhere(dtype, a):
    a = np.array([[a], [-a]], dtype)
    nll, backward = continuous_bernoulli_nll.forward(a, x=np.zeros_like(a))
    assert nll[0] == a[0, 0] and np.isfinite(nll[1]) and np.allclose(backward(np.ones(2)), [[1], [0]])


def test_laplace_is_that_of_scipy_and_its_best_scale_is_the_mean_absolute_error(rng):
    x, mu, logscale = rng.standard_normal((3, 4, 5))
    expected = -stats.laplace.logpdf(x, mu, np.exp(logscale)).sum(axis=1)
    assert np.allclose(laplace_nll(mu, logscale, x=x), expected, rtol=1e-13)
    likelihood = Laplace(np.abs(x - mu).mean(), dtype=np.float64)
    _, backward = likelihood.forward(mu, x=x)
    backward(np.ones(4))
    assert abs(likelihood.logscale.grad[0]) < 1e-13


def test_the_best_shared_variance_is_the_mean_squared_error(rng):
    x, mu = rng.standard_normal((2, 4, 5))
    likelihood = SharedGaussian(math.sqrt(((x - mu) ** 2).mean()), dtype=np.float64)
    nll, backward = likelihood.forward(mu, x=x)
    backward(np.ones(4))
    assert abs(likelihood.logvar.grad[0]) < 1e-12
    assert math.isclose(nll.sum(), 20 / 2 * (math.log(2 * math.pi * likelihood.sigma**2) + 1), rel_tol=1e-13)
    assert np.allclose(nll, Gaussian(likelihood.sigma)(mu, x=x), rtol=1e-13)


def test_the_pixel_gaussian_is_a_gaussian_with_its_sigma(rng):
    likelihood, y, x = PixelGaussian(0.1), rng.standard_normal((3, 8)), rng.random((3, 4))
    logvar = 2 * np.log(likelihood.sigma(y))
    assert np.allclose(likelihood(y, x=x), gaussian_nll(y[:, :4], logvar, x=x), rtol=1e-12)
    assert np.allclose(likelihood.sigma(np.full((1, 8), -500.0)), 0.1, rtol=1e-14)        # the floor itself


def test_the_bell_of_the_discretized_logistic_is_never_narrower_than_its_floor():
    """Its mean on the edge between two bins: half of the mass in each, but for what the floor lets out of them."""
    y = np.array([[0.625, -500.0]])
    p = np.exp(-DiscretizedLogistic(5, 0.02)(np.tile(y, (5, 1)), x=np.arange(5)[:, None] / 4))
    F = 1 / (1 + np.exp(-(np.arange(6) / 4 - 0.125 - 0.625) / 0.02))
    F[0], F[-1] = 0, 1
    assert np.allclose(p, np.diff(F), rtol=1e-9)


def test_the_continuous_bernoulli_is_the_cross_entropy_and_a_constant(rng):
    """Loaiza-Ganem & Cunningham 2019, eq. (6): C = 2 artanh(1 - 2 l) / (1 - 2 l), and 2 at l = 1/2."""
    a, x = 3 * rng.standard_normal((2, 200, 1))
    x = rng.random((200, 1))
    lam = 1 / (1 + np.exp(-a))
    log_C = np.log(2 * np.arctanh(1 - 2 * lam) / (1 - 2 * lam))[:, 0]
    assert np.allclose(continuous_bernoulli_nll(a, x=x), bernoulli_nll(a, x=x) - log_C, rtol=1e-11, atol=1e-11)
    assert math.isclose(bernoulli_nll(0 * a, x=x)[0] - continuous_bernoulli_nll(0 * a, x=x)[0], math.log(2))


def test_the_continuous_bernoulli_is_smooth_where_the_series_ends():
    a = np.linspace(0.9, 1.1, 2001)[:, None]
    A = continuous_bernoulli_nll(a, x=0 * a)
    assert np.allclose(np.diff(A) / 1e-4, continuous_bernoulli_mean((a[1:] + a[:-1]) / 2)[:, 0], atol=1e-10)
    assert np.abs(np.diff(A, 2)).max() < 1.0e-9
    mean = continuous_bernoulli_mean(np.array([-1e8, -1.0, -1e-9, 0.0, 1e-9, 1.0, 1e8]))
    assert np.allclose(mean + mean[::-1], 1, rtol=1e-15) and mean[3] == 0.5 and (np.diff(mean) >= 0).all()


def test_the_discretized_logistic_is_a_difference_of_two_sigmoids(rng):
    mu, logscale = rng.random((2, 6, 1))
    logscale = 4 * logscale - 5
    k = np.array([[0], [1], [100], [200], [254], [255]])
    upper, lower = ((k + s) / 255 for s in (0.5, -0.5))
    cdf = [stats.logistic.cdf(edge, mu, np.exp(logscale)) for edge in (upper, lower)]
    P = np.where(k == 255, 1, cdf[0]) - np.where(k == 0, 0, cdf[1])
    assert np.allclose(discretized_logistic_nll(mu, logscale, x=k / 255), -np.log(P)[:, 0], rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_discretized_logistic_loses_no_digit_in_a_tail(dtype):
    """100 scales away sigmoid - sigmoid is 0 - 0; the mass is sigmoid'(t) w = e^(-100 - ...) (e^w - 1)."""
    mu, logscale = np.array([[0.2]], dtype), np.array([[math.log(1e-3)]], dtype)
    x = np.array([[77 / 255]], dtype)
    lower, upper = (76.5 / 255 - 0.2) / 1e-3, (77.5 / 255 - 0.2) / 1e-3
    expected = lower - math.log1p(-math.exp(lower - upper))
    assert np.allclose(discretized_logistic_nll(mu, logscale, x=x), expected, rtol=20 * np.finfo(dtype).eps * 100)
    wide = discretized_logistic_nll(mu, np.array([[200.0]], dtype), x=x)
    assert np.allclose(wide, 200 + math.log(4 * 255), rtol=1e-6)


@pytest.mark.parametrize(("likelihood", "x", "sentence"), [
    (ContinuousBernoulli(), [[0.0, 1.2]], "x must lie in .0, 1. for a continuous Bernoulli, but runs from 0.0 to 1.2"),
    (DiscretizedLogistic(256), [[0.0, 0.501]], "x must lie on 256 levels k / 255, but an entry is 0.245 of a step"),
    (CategoricalPixels(17), [[-1.0, 0.5]], "x must lie in .0, 1., but runs from -1.0 to 0.5"),
    (CategoricalPixels(17), [[np.nan, 0.5]], "x must be finite, but 1 entries are nan and 0 inf"),
    (Laplace(), [[np.inf, 0.5]], "x must be finite, but 0 entries are nan and 1 inf"),
    (PixelGaussian(), [[np.nan, 0.5]], "x must be finite, but 1 entries are nan and 0 inf"),
    (SharedGaussian(), [[np.nan, 0.5]], "x must be finite"),
])
def test_pixels_that_have_no_density_are_refused_in_a_sentence(likelihood, x, sentence):
    with pytest.raises(ValueError, match=sentence):
        likelihood.check(np.array(x), "x")


@pytest.mark.parametrize(("make", "sentence"), [
    (lambda: SharedGaussian(0), "sigma must be positive, but is 0"),
    (lambda: PixelGaussian(-1), "min_sigma must be positive"),
    (lambda: Laplace(math.nan), "scale must be positive"),
    (lambda: DiscretizedLogistic(1), "levels must be a whole number from 2 on, but is 1"),
    (lambda: DiscretizedLogistic(5, 0), "min_scale must be positive"),
    (lambda: CategoricalPixels(2.5), "levels must be a whole number"),
    (lambda: PixelGaussian()(np.zeros((2, 3)), x=np.zeros((2, 3))), "two outputs for each pixel"),
    (lambda: PixelGaussian()(np.zeros((2, 6)), x=np.zeros((2, 4))), "x must have the shape of mu"),
    (lambda: CategoricalPixels(3)(np.zeros((2, 6)), x=np.zeros((2, 3))), "logits must hold 3 for each pixel"),
])
def test_what_cannot_be_is_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


@pytest.mark.parametrize("D", [0, 1, 16, 17, 30, 62, 784])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-13), (np.float32, 1e-5)])
def test_one_logarithm_for_many_factors_is_the_sum_of_their_logarithms(D, dtype, rtol, rng):
    p = (0.5 + 0.5 * rng.random((3, D))).astype(dtype)
    p[0], p[1] = 0.5, 1
    found = sum_of_logs(p)
    assert found.dtype == dtype and found[1] == 0
    np.testing.assert_allclose(found, np.log(p.astype(np.float64)).sum(axis=1), rtol=rtol, atol=1e-30)


@pytest.mark.parametrize("D", [16, 17, 784])
def test_the_bernoulli_is_softplus_and_a_product_pixel_by_pixel(D, rng):
    a, x = 5 * rng.standard_normal((4, D)), rng.random((4, D))
    nll, backward = bernoulli_nll.forward(a, x=x)
    np.testing.assert_allclose(nll, (softplus(a) - a * x).sum(axis=1), rtol=1e-13)
    np.testing.assert_allclose(backward(np.ones(4)), sigmoid(a) - x, rtol=1e-15)
