"""Densities and sums of exponentials are those of SciPy, at any logit and any width."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from scratchvae.nn import sigmoid, softplus
from scratchvae.probability import (
    ContinuousBernoulli,
    Gaussian,
    Laplace,
    PixelGaussian,
    SharedGaussian,
    bernoulli_nll,
    categorical_nll,
    continuous_bernoulli_mean,
    continuous_bernoulli_nll,
    discretized_logistic_nll,
    gaussian_logpdf,
    laplace_nll,
    log_mean_exp,
    log_sum_exp,
    multivariate_kl,
    multivariate_logpdf,
    softmax,
)

AVAILABLE = "parity with SciPy needs scipy, one of the packages of the tests"
special = pytest.importorskip("scipy.special", reason=AVAILABLE)
stats = pytest.importorskip("scipy.stats", reason=AVAILABLE)

seeds = st.integers(0, 2**32 - 1)
logits = st.floats(-1000, 1000).map(lambda a: 0.0 if abs(a) < 1e-300 else a)
fractions = st.floats(0, 1)
some_examples = hypothesis.settings(max_examples=200, deadline=None, derandomize=True)


def one(number):
    return np.array([[number]])


def of(nll):
    """The only number of a loss of one example, as a float."""
    return float(nll[0])


@hypothesis.given(logits, st.sampled_from([0.0, 1.0]))
@some_examples
def test_bernoulli_at_any_logit(a, x):
    nll = of(bernoulli_nll(one(a), x=one(x)))
    assert nll == pytest.approx(-special.log_expit((2 * x - 1) * a), rel=1e-15, abs=1e-15)
    assert sigmoid(one(a))[0, 0] == pytest.approx(special.expit(a), rel=1e-15, abs=1e-15)
    assert softplus(one(a))[0, 0] == pytest.approx(-special.log_expit(-a), rel=1e-15)


def cut_exponential(a, x):
    """log p(x), p proportional to exp(a x) on [0, 1]: an exponential cut off at 1, or that one from the other end."""
    t, b = 1 - x if a > 0 else x, abs(a)
    return stats.truncexpon.logpdf(min(t * b, b), b) + np.log(b)


@hypothesis.given(logits, fractions)
@some_examples
def test_continuous_bernoulli_at_any_logit(a, x):
    expected = cut_exponential(a, x) if abs(a) > 1e-3 else a * (x - 0.5) - a * a / 24          # + O(a^4)
    assert of(continuous_bernoulli_nll(one(a), x=one(x))) == pytest.approx(-expected, rel=1e-12, abs=1e-12)
    if abs(a) > 0.01:
        mean = stats.truncexpon.mean(abs(a)) / abs(a)
        assert continuous_bernoulli_mean(one(a))[0, 0] == pytest.approx(1 - mean if a > 0 else mean, rel=1e-9)


@pytest.mark.parametrize(("likelihood", "y", "cdf"), [
    (Gaussian(0.3), [0.2], stats.norm(0.2, 0.3).cdf),
    (SharedGaussian(2.0, dtype=np.float64), [-1.0], stats.norm(-1, 2).cdf),
    (PixelGaussian(1e-6), [0.4, -3.0], stats.norm(0.4, np.exp(-1.5)).cdf),
    (Laplace(0.15, dtype=np.float64), [0.6], stats.laplace(0.6, 0.15).cdf),
    (ContinuousBernoulli(), [-200.0], stats.truncexpon(200, scale=1 / 200).cdf),
    (ContinuousBernoulli(), [-3.0], stats.truncexpon(3, scale=1 / 3).cdf),
    (ContinuousBernoulli(), [1e-9], stats.uniform().cdf),
    (ContinuousBernoulli(), [50.0], lambda x: stats.truncexpon(50, scale=1 / 50).sf(1 - x)),
], ids=lambda thing: type(thing).__name__)
def test_draws_pass_the_test_of_kolmogorov_and_smirnov(likelihood, y, cdf):
    x = likelihood.sample(np.tile(y, (20000, 1)), np.random.default_rng(0))[:, 0]
    assert stats.kstest(x, cdf).pvalue > 1e-4


@hypothesis.given(st.floats(-1e3, 1e3), st.floats(-300, 300))
@some_examples
def test_gaussian_and_laplace_of_any_width(d, log_width):
    """sigma from e^-150 to e^150, b from e^-300 to e^300"""
    sigma, b = np.exp(log_width / 2), np.exp(log_width)
    ours = of(gaussian_logpdf(one(d), one(0.0), one(log_width)))
    assert ours == pytest.approx(stats.norm.logpdf(d, 0, sigma), rel=1e-12, abs=1e-12)
    hypothesis.assume(abs(d) < 700 * b)                    # beyond, SciPy takes the logarithm of a subnormal exp
    ours = of(laplace_nll(one(d), one(log_width), x=one(0.0)))
    assert ours == pytest.approx(-stats.laplace.logpdf(d, 0, b), rel=1e-12, abs=1e-12)


@hypothesis.given(st.integers(0, 255), st.floats(-1, 2), st.floats(-20, 20))
@some_examples
def test_discretized_logistic_of_any_width(k, mu, logscale):
    """The mass of a bin by the tail that is smaller, both of which SciPy knows by their logarithms."""
    bell = stats.logistic(mu, np.exp(logscale))
    lower, upper = (k - 0.5) / 255, (k + 0.5) / 255
    if k == 0:
        log_mass = bell.logcdf(upper)
    elif k == 255:
        log_mass = bell.logsf(lower)
    else:
        larger, smaller = ((bell.logsf(lower), bell.logsf(upper)) if lower > mu else
                           (bell.logcdf(upper), bell.logcdf(lower)))
        log_mass = larger + np.log(-np.expm1(smaller - larger))
    ours = of(discretized_logistic_nll(one(mu), one(logscale), x=one(k / 255)))
    digits_left = np.finfo(float).eps * 255 * np.exp(max(logscale, 0))              # in SciPy's difference
    assert ours == pytest.approx(-log_mass, rel=1e-9, abs=1e-11 + 10 * digits_left)


numbers = st.lists(st.one_of(st.floats(-1000, 1000), st.just(-np.inf)), min_size=1, max_size=8)


@hypothesis.given(numbers)
@some_examples
def test_sums_of_exponentials(a):
    row, best = np.array([a]), max(a)
    assert of(log_sum_exp(row)) == pytest.approx(special.logsumexp(a), rel=1e-14, abs=1e-14)
    assert of(log_mean_exp(row)) == pytest.approx(special.logsumexp(a, b=1 / len(a)), rel=1e-14, abs=1e-14)
    hypothesis.assume(np.isfinite(best))
    np.testing.assert_allclose(softmax(row)[0], special.softmax(a), rtol=1e-12)
    for y in range(len(a)):
        nll = of(categorical_nll(row, y=np.array([y])))
        assert nll == pytest.approx(-special.log_softmax(a)[y], rel=1e-14, abs=1e-14)


@hypothesis.given(seeds, st.integers(1, 8), st.floats(-100, 100))
@some_examples
def test_multivariate_normal_of_any_size(seed, D, log10_scale):
    """SciPy refuses covariances as small as these; in other units the density differs by D log(unit), the KL not."""
    rng, scale = np.random.default_rng(seed), 10.0**log10_scale
    L = np.tril(0.3 * rng.standard_normal((D, D)), -1) + np.diag(0.5 + rng.random(D))
    x, mu = rng.standard_normal((4, D)), rng.standard_normal(D)
    expected = np.atleast_1d(stats.multivariate_normal(mu, L @ L.T).logpdf(x)) - D * np.log(scale)
    np.testing.assert_allclose(multivariate_logpdf(scale * x, scale * mu, scale * L), expected, rtol=1e-10)
    m, M = rng.standard_normal((1, D)), np.eye(D)
    kl = multivariate_kl(scale * m, scale * L, 0 * m, scale * M)
    np.testing.assert_allclose(kl, multivariate_kl(m, L, 0 * m, M), rtol=1e-10)
