"""The Frechet distance: exact where it is known, blind to how the features are turned, and not 0 for real data."""

import math

import numpy as np
import pytest

from scratchvae.evaluation import frechet_distance, frechet_floor


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def with_moments(n, mean, root, rng):
    """n points whose mean and covariance root' root are exact, not estimates."""
    z = rng.standard_normal((n, len(mean)))
    z -= z.mean(axis=0)
    white = z @ np.linalg.inv(np.linalg.cholesky(np.cov(z.T)).T)
    return white @ root + mean


def test_in_one_dimension_it_is_the_squared_distance_of_mean_and_standard_deviation(rng):
    a, b = rng.standard_normal((2, 60, 1))
    a, b = 1 + 2 * (a - a.mean()) / a.std(ddof=1), -2 + 0.5 * (b - b.mean()) / b.std(ddof=1)
    assert frechet_distance(a, b) == pytest.approx(9 + 1.5**2, rel=1e-13)


def test_covariances_that_commute_differ_by_their_standard_deviations(rng):
    """With one set of axes, tr(...) = sum_i (s_a,i - s_b,i)^2, whatever the axes."""
    axes = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    s_a, s_b = np.array([3.0, 1.0, 0.5, 0.0]), np.array([1.0, 1.0, 2.0, 0.25])
    m_a, m_b = rng.standard_normal((2, 4))
    a, b = with_moments(30, m_a, s_a[:, None] * axes, rng), with_moments(40, m_b, s_b[:, None] * axes, rng)
    expected = ((m_a - m_b) ** 2).sum() + ((s_a - s_b) ** 2).sum()
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-12)


def test_a_shift_is_its_squared_length_and_a_set_has_no_distance_from_itself(rng):
    a, shift = rng.standard_normal((100, 5)) @ rng.standard_normal((5, 5)), rng.standard_normal(5)
    assert frechet_distance(a, a + shift) == pytest.approx((shift**2).sum(), rel=1e-12)
    assert frechet_distance(a, a[::-1]) == pytest.approx(0, abs=1e-12)


def test_it_is_symmetric_and_does_not_see_how_the_features_are_turned(rng):
    a, b = rng.standard_normal((50, 6)) @ rng.standard_normal((6, 6)), 1 + rng.standard_normal((40, 6))
    turn = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    distance = frechet_distance(a, b)
    assert frechet_distance(b, a) == pytest.approx(distance, rel=1e-13)
    assert frechet_distance(a @ turn, b @ turn) == pytest.approx(distance, rel=1e-13)
    assert frechet_distance(3 * a, 3 * b) == pytest.approx(9 * distance, rel=1e-13)


def formula(a, b, root):
    """The definition, with a function for the root of a matrix."""
    S_a, S_b = np.cov(a.T), np.cov(b.T)
    half = root(S_a)
    return ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum() + np.trace(S_a + S_b - 2 * root(half @ S_b @ half))


def symmetric_root(S):
    values, vectors = np.linalg.eigh(S)
    return vectors * np.sqrt(values.clip(0)) @ vectors.T


def test_it_is_the_formula_with_the_root_of_a_matrix(rng):
    a, b = rng.standard_normal((50, 6)) @ rng.standard_normal((6, 6)), 1 + rng.standard_normal((40, 6))
    assert frechet_distance(a, b) == pytest.approx(formula(a, b, symmetric_root), rel=1e-12)
    linalg = pytest.importorskip("scipy.linalg")
    assert frechet_distance(a, b) == pytest.approx(formula(a, b, linalg.sqrtm), rel=1e-12)
    S_a, S_b = np.cov(a.T), np.cov(b.T)                                      # and as it is printed, not symmetric
    trace = np.trace(S_a + S_b - 2 * linalg.sqrtm(S_a @ S_b))
    assert frechet_distance(a, b) == pytest.approx(((a - b.mean(axis=0)).mean(axis=0) ** 2).sum() + trace, rel=1e-11)


@pytest.mark.parametrize(("n", "m"), [(50, 40), (7, 40), (4, 3)])
def test_features_that_never_fire_or_outnumber_the_examples(rng, n, m):
    """Singular covariances. The formula itself then keeps half its digits, in the roots of zeros."""
    a, b = rng.standard_normal((n, 6)) @ rng.standard_normal((6, 6)), 1 + rng.standard_normal((m, 6))
    a[:, 2] = b[:, 2] = 0
    assert frechet_distance(a, b) == pytest.approx(formula(a, b, symmetric_root), rel=1e-6)


def test_features_in_float32_lose_nothing_to_a_large_mean(rng):
    a, b = (100 + rng.standard_normal((2, 500, 8))).astype(np.float32)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(a.astype(float), b.astype(float)), rel=1e-10)


def test_the_floor_is_not_zero_and_falls_like_one_over_n(rng):
    """E|m_a - m_b|^2 = 2F/n, and the covariances of N(0, I) add about |S_a - S_b|^2 / 4, F(F + 1)/2n in the mean."""
    F = 6
    features = rng.standard_normal((40_000, F))
    for n in (500, 2000):
        floors = n * np.array([frechet_floor(features, n, rng) for _ in range(60)])
        expected = 2 * F + F * (F + 1) / 2
        assert abs(floors.mean() - expected) < 4 * floors.std() / math.sqrt(60)


def test_the_floor_compares_two_disjoint_parts(rng):
    features = np.arange(10.0)[:, None] ** 3
    floors = {frechet_floor(features, 5, np.random.default_rng(seed)) for seed in range(200)}
    order = np.random.default_rng(0).permutation(10)
    assert frechet_floor(features, 5, np.random.default_rng(0)) == frechet_distance(features[order[:5]],
                                                                                     features[order[5:]])
    assert min(floors) > 0 and len(floors) > 50


@pytest.mark.parametrize(("a", "b", "said"), [
    (np.zeros((5, 3)), np.zeros((5, 2)), "b must have as many features as a, 3, but has 2"),
    (np.zeros((1, 3)), np.zeros((5, 3)), "a must be features .* of at least 2 examples, but has shape"),
    (np.zeros((5, 3)), np.zeros(5), "b must be features"),
    (np.zeros((5, 3)), np.full((5, 3), np.nan), "b must be finite, but 15 entries are not"),
])
def test_what_cannot_be_compared_is_refused(a, b, said):
    with pytest.raises(ValueError, match=said):
        frechet_distance(a, b)


@pytest.mark.parametrize("n", [1, 6])
def test_a_floor_needs_two_halves(n, rng):
    with pytest.raises(ValueError, match=f"n must be from 2 to 5, half of the features there are, but is {n}"):
        frechet_floor(np.zeros((11, 2)), n, rng)
