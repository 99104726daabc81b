"""Mixtures are densities, their bound is a bound, EM never goes down; held against scikit-learn where it is there."""

import itertools
import math

import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats

from scratchvae.datasets import load
from scratchvae.probability import BernoulliMixture, CollapseError, GaussianMixture, em
from scratchvae.proof.proofs import Draw


def seeded(seed=0):
    return np.random.default_rng(seed)


def gaussian_mixture(rng, K=3, D=2):
    draw = Draw(rng)
    draw.D = D
    triangles = [draw.triangle() for _ in range(K)]
    return GaussianMixture(rng.dirichlet(np.ones(K)), 2 * rng.standard_normal((K, D)),
                           np.array([L @ L.T for L in triangles]))


def bernoulli_mixture(rng, K=3, D=6, smoothing=1.0):
    return BernoulliMixture(rng.dirichlet(np.ones(K)), 0.05 + 0.9 * rng.random((K, D)), smoothing)


def either(name, rng):
    """A mixture and 40 examples drawn from another one of its kind."""
    make = {"gaussian": gaussian_mixture, "bernoulli": bernoulli_mixture}[name]
    return make(rng), make(rng).sample(40, rng)[0]


BOTH = pytest.mark.parametrize("name", ["gaussian", "bernoulli"])


@pytest.fixture(scope="module")
def faithful():
    return load("old-faithful").x_train


@pytest.fixture(scope="module")
def fit(faithful):
    """Old Faithful, two components, to convergence."""
    return list(em(GaussianMixture.start(faithful, 2, seeded()), faithful, steps=100))


def test_old_faithful(fit):
    last = fit[-1]
    order = last.mixture.weights.argsort()
    assert last.log_likelihood == pytest.approx(-1130.264, abs=5e-4)
    np.testing.assert_allclose(last.mixture.weights[order], [0.356, 0.644], atol=5e-4)
    np.testing.assert_allclose(last.mixture.means[order], [[2.036, 54.479], [4.290, 79.968]], atol=1e-3)


@pytest.mark.slow
def test_old_faithful_from_twenty_starts(faithful):
    for seed in range(20):
        *_, last = em(GaussianMixture.start(faithful, 2, seeded(seed)), faithful, steps=200)
        assert last.log_likelihood == pytest.approx(-1130.264, abs=5e-4)


def test_the_log_likelihood_never_falls(fit):
    assert np.diff([step.log_likelihood for step in fit]).min() > -1e-9


def test_after_the_e_step_the_bound_is_tight(fit, faithful):
    for step in fit:
        np.testing.assert_allclose(step.mixture.bound(faithful, step.q), step.mixture.log_likelihood(faithful),
                                   rtol=1e-12)


def test_each_m_step_raises_the_bound_and_the_likelihood_above_it(fit, faithful):
    for before, after in itertools.pairwise(fit):
        bound = after.mixture.bound(faithful, before.q).sum()
        assert before.log_likelihood - 1e-9 <= bound <= after.log_likelihood + 1e-9


@BOTH
def test_the_bound_and_the_divergence_sum_to_the_log_likelihood(name):
    for seed in range(20):
        rng = seeded(seed)
        mixture, x = either(name, rng)
        q, (p, log_p) = rng.dirichlet(np.ones(3), size=40), mixture.posterior(x)
        divergence = (q * (np.log(q) - np.log(p))).sum(axis=1)
        assert (divergence > 0).all()
        np.testing.assert_allclose(mixture.bound(x, q) + divergence, log_p, rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(log_p, mixture.log_likelihood(x))


@BOTH
def test_a_q_of_zeros_and_ones_has_a_bound(name):
    mixture, x = either(name, seeded())
    hard = np.eye(3)[np.arange(40) % 3]
    np.testing.assert_allclose(mixture.bound(x, hard), mixture.log_joint(x)[np.arange(40), np.arange(40) % 3])


@BOTH
def test_a_component_of_weight_zero_does_no_harm(name):
    mixture, x = either(name, seeded())
    mixture.weights[:] = [0.3, 0.7, 0]
    q, log_p = mixture.posterior(x)
    assert (q[:, 2] == 0).all() and np.isfinite(log_p).all()
    np.testing.assert_allclose(mixture.bound(x, q), log_p, rtol=1e-12)


@BOTH
def test_the_m_step_is_a_maximum_of_the_bound(name):
    """Nudged in any direction, the bound plus the log-prior falls."""
    rng = seeded(1)
    mixture, x = either(name, rng)
    q = rng.dirichlet(np.ones(3), size=40)
    best = mixture.maximize(x, q)
    top = best.bound(x, q).sum() + best.log_prior()
    for _ in range(50):
        other = nudged(best, rng)
        assert other.bound(x, q).sum() + other.log_prior() < top


def nudged(mixture, rng, h=1e-3):
    weights = mixture.weights * np.exp(h * rng.standard_normal(len(mixture.weights)))
    weights, noise = weights / weights.sum(), h * rng.standard_normal(mixture.means.shape)
    if isinstance(mixture, BernoulliMixture):
        odds = np.exp(scipy.special.logit(mixture.means) + noise)
        return BernoulliMixture(weights, odds / (1 + odds), mixture.smoothing)
    A = np.eye(noise.shape[1]) + h * rng.standard_normal(mixture.covariances.shape)
    return GaussianMixture(weights, mixture.means + noise, A @ mixture.covariances @ A.swapaxes(1, 2), mixture.ridge)


def test_the_gaussian_mixture_integrates_to_one():
    mixture = gaussian_mixture(seeded(2))
    t = np.linspace(-15, 15, 801)
    x = np.stack(np.meshgrid(t, t), axis=-1).reshape(-1, 2)
    density = np.exp(mixture.log_likelihood(x)).reshape(801, 801)
    assert scipy.integrate.trapezoid(scipy.integrate.trapezoid(density, t), t) == pytest.approx(1, abs=1e-9)


def test_the_bernoulli_mixture_sums_to_one():
    mixture = bernoulli_mixture(seeded(3))
    everything = np.array(list(itertools.product([0.0, 1.0], repeat=6)))
    assert np.exp(mixture.log_likelihood(everything)).sum() == pytest.approx(1, abs=1e-14)


def test_a_mixture_is_joint_and_no_product_of_one_dimensional_mixtures():
    mixture = GaussianMixture(np.array([0.5, 0.5]), np.array([[-5.0, -5.0], [5.0, 5.0]]), np.array([np.eye(2)] * 2))
    ghost = mixture.log_likelihood(np.array([[-5.0, 5.0], [5.0, 5.0]]))
    assert ghost[1] - ghost[0] == pytest.approx(50 - math.log(2), abs=1e-9)       # 0, if it were a product


@BOTH
def test_samples_have_the_moments_of_the_mixture(name):
    mixture, _ = either(name, seeded(4))
    x, k = mixture.sample(200_000, seeded(5))
    assert x.shape == (200_000, mixture.means.shape[1]) and k.shape == (200_000,)
    error = x.std(axis=0, ddof=1) / math.sqrt(len(x))
    assert (np.abs(x.mean(axis=0) - mixture.weights @ mixture.means) < 5 * error).all()
    entropy = -mixture.log_likelihood(x)
    again = -mixture.log_likelihood(mixture.sample(200_000, seeded(6))[0])
    assert abs(entropy.mean() - again.mean()) < 5 * math.hypot(entropy.std(), again.std()) / math.sqrt(len(x))
    if name == "gaussian":
        covariance = np.cov(x[k == 1].T)
        np.testing.assert_allclose(covariance, mixture.covariances[1], atol=0.05)


def test_the_densities_are_scipys():
    rng = seeded(7)
    mixture, x = gaussian_mixture(rng, D=4), rng.standard_normal((10, 4))
    parts = [math.log(w) + scipy.stats.multivariate_normal(m, S).logpdf(x)
             for w, m, S in zip(mixture.weights, mixture.means, mixture.covariances, strict=True)]
    np.testing.assert_allclose(mixture.log_likelihood(x), scipy.special.logsumexp(parts, axis=0), rtol=1e-11)
    mixture = bernoulli_mixture(rng)
    x, _ = mixture.sample(10, rng)
    parts = [math.log(w) + scipy.stats.bernoulli(m).logpmf(x).sum(axis=1)
             for w, m in zip(mixture.weights, mixture.means, strict=True)]
    np.testing.assert_allclose(mixture.log_likelihood(x), scipy.special.logsumexp(parts, axis=0), rtol=1e-12)


@pytest.mark.parametrize("smoothing", [0.5, 1.0])
def test_the_bernoulli_em_never_goes_down(smoothing):
    rng = seeded(9)
    x, _ = bernoulli_mixture(rng, K=4, D=20).sample(500, rng)
    steps = list(em(BernoulliMixture.start(x, 6, rng, smoothing), x, steps=60))
    objective = [step.log_likelihood + step.mixture.log_prior() for step in steps]
    assert np.diff(objective).min() > -1e-9
    assert objective[-1] > objective[0] + 10


def test_bernoulli_em_without_smoothing_is_maximum_likelihood():
    rng = seeded(10)
    x, _ = bernoulli_mixture(rng, K=2, D=5).sample(2000, rng)
    steps = list(em(BernoulliMixture.start(x, 2, rng, smoothing=0), x, steps=100))
    assert np.diff([step.log_likelihood for step in steps]).min() > -1e-9
    *_, one = em(BernoulliMixture.start(x, 1, rng, smoothing=0), x, steps=1)
    np.testing.assert_allclose(one.mixture.means[0], x.mean(axis=0), rtol=1e-14)


def test_a_singular_covariance_is_refused_in_a_sentence(faithful):
    q = np.zeros((272, 2))
    q[:, 0] = 1
    q[7] = [0, 1]                                               # the second component answers for one point
    mixture = GaussianMixture.start(faithful, 2, seeded())
    with pytest.raises(CollapseError, match=r"component 1 answers for 1.0 of 272 examples and has collapsed"):
        mixture.maximize(faithful, q)
    q[8] = [0, 1]                                               # two points: a line, singular as well
    with pytest.raises(CollapseError, match="set ridge > 0"):
        mixture.maximize(faithful, q)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_a_constant_column_is_refused_and_a_far_away_one_is_not(offset):
    x = seeded(11).standard_normal((50, 2)) + offset
    *_, last = em(GaussianMixture.start(x, 1, seeded()), x, steps=1)
    np.testing.assert_allclose(last.mixture.covariances[0], np.cov(x.T, bias=True), rtol=1e-6)
    x[:, 1] = 0.1 + offset
    good = GaussianMixture(np.ones(1), x[:1], np.eye(2)[None])
    with pytest.raises(CollapseError, match="singular"):
        good.maximize(x, np.ones((50, 1)))


def test_with_a_ridge_em_goes_up_and_survives_what_kills_it_without():
    rng = seeded(12)
    x = rng.standard_normal((12, 3))
    with pytest.raises(CollapseError):
        for _ in em(GaussianMixture.start(x, 5, seeded(1)), x, steps=300):
            pass
    steps = list(em(GaussianMixture.start(x, 5, seeded(1), ridge=0.1), x, steps=300))
    objective = [step.log_likelihood + step.mixture.log_prior() for step in steps]
    assert np.diff(objective).min() > -1e-9
    assert all(np.linalg.eigvalsh(S)[0] >= 0.1 / 12 - 1e-12 for S in steps[-1].mixture.covariances)


def test_an_abandoned_component_is_refused_in_a_sentence(faithful):
    q = np.tile([1.0, 0.0], (272, 1))
    with pytest.raises(CollapseError, match="component 1 answers for no example any more"):
        GaussianMixture.start(faithful, 2, seeded()).maximize(faithful, q)


@pytest.mark.parametrize(("make", "sentence"), [
    (lambda: GaussianMixture(np.array([0.5, 0.6]), np.zeros((2, 1)), np.ones((2, 1, 1))), "with sum 1"),
    (lambda: GaussianMixture(np.array([1.5, -0.5]), np.zeros((2, 1)), np.ones((2, 1, 1))), ">= 0"),
    (lambda: GaussianMixture(np.ones(1), np.zeros((2, 1)), np.ones((2, 1, 1))), "must be 2 numbers"),
    (lambda: GaussianMixture(np.ones(1), np.zeros((1, 2)), np.ones((1, 2, 2))), "positive definite"),
    (lambda: BernoulliMixture(np.ones(1), np.array([[0.5, 1.0]])), "strictly between 0 and 1"),
    (lambda: bernoulli_mixture(seeded()).log_likelihood(np.full((1, 6), 0.5)), "x must be 0 or 1"),
    (lambda: bernoulli_mixture(seeded()).log_likelihood(np.ones((1, 5))), r"shape \(B, 6\), but has \(1, 5\)"),
])
def test_nonsense_is_refused_in_a_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_nothing_given_is_changed(faithful):
    x, start = faithful.copy(), GaussianMixture.start(faithful, 2, seeded())
    kept = start.weights.copy(), start.means.copy(), start.covariances.copy()
    list(em(start, x, steps=3))
    for a, b in zip((x, *kept), (faithful, start.weights, start.means, start.covariances), strict=True):
        np.testing.assert_array_equal(a, b)
