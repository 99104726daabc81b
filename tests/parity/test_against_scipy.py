"""Angles, areas, distances, quadratures and convolutions are those of SciPy."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from scratchvae.evaluation import auc, frechet_distance, gauss_hermite, principal_angles
from scratchvae.nn import Conv2d

AVAILABLE = "parity with SciPy needs scipy, one of the packages of the tests"
linalg = pytest.importorskip("scipy.linalg", reason=AVAILABLE)
signal = pytest.importorskip("scipy.signal", reason=AVAILABLE)
special = pytest.importorskip("scipy.special", reason=AVAILABLE)
stats = pytest.importorskip("scipy.stats", reason=AVAILABLE)

seeds = st.integers(0, 2**32 - 1)
some_examples = hypothesis.settings(max_examples=200, deadline=None, derandomize=True)


@hypothesis.given(seeds, st.integers(1, 6), st.integers(0, 6))
@some_examples
def test_principal_angles(seed, k, more):
    """Of spaces that share no direction: an angle of 0 beside a large one is 1.5e-8 in SciPy 1.17, and 1e-16 here."""
    A, B = np.random.default_rng(seed).standard_normal((2, 2 * k + more, k))
    np.testing.assert_allclose(principal_angles(A, B), np.sort(linalg.subspace_angles(A, B)), atol=1e-12)


@hypothesis.given(st.lists(st.integers(-5, 5), min_size=1), st.lists(st.integers(-5, 5), min_size=1))
@some_examples
def test_the_area_under_the_roc_curve_is_mann_and_whitneys(scores, odd):
    u = stats.mannwhitneyu(odd, scores).statistic
    assert auc(np.array(scores), np.array(odd)) == pytest.approx(u / (len(scores) * len(odd)), abs=1e-12)


@hypothesis.given(seeds, st.integers(1, 8))
@some_examples
def test_the_frechet_distance_has_the_root_of_a_product(seed, F):
    rng = np.random.default_rng(seed)
    a, b = (rng.standard_normal((50, F)) @ rng.standard_normal((F, F)) + rng.standard_normal(F) for _ in range(2))
    S_a, S_b = (np.atleast_2d(np.cov(x.T)) for x in (a, b))
    root = linalg.sqrtm(S_a @ S_b)
    expected = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum() + np.trace(S_a + S_b - 2 * root.real)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("n", [1, 2, 5, 20])
def test_gauss_hermite(n):
    points, weights = special.roots_hermitenorm(n)
    eps, ours = gauss_hermite(n, 1)
    np.testing.assert_allclose(eps[:, 0], points, atol=1e-12)
    np.testing.assert_allclose(ours, weights / weights.sum(), rtol=1e-10)


def test_a_convolution_is_what_signal_processing_calls_a_correlation():
    rng = np.random.default_rng(0)
    conv = Conv2d(2, 1, 3, rng, padding=1, dtype=np.float64)
    x = rng.standard_normal((1, 7, 9, 2))
    kernel = conv.W.value.reshape(3, 3, 2)
    expected = sum(signal.correlate2d(x[0, :, :, c], kernel[:, :, c], mode="same") for c in range(2))
    np.testing.assert_allclose(conv(x)[0, :, :, 0], expected, atol=1e-13)
