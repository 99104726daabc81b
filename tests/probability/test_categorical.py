"""A label's cost in nats: stable at any logit, a density over the classes, and the sigmoid's when there are two."""

import math

import numpy as np
import pytest

from scratchvae.probability import bernoulli_nll, categorical_nll, softmax
from scratchvae.proof import prove


def seeded(seed=0):
    return np.random.default_rng(seed)


def test_the_probabilities_of_all_classes_sum_to_one():
    logits = 5 * seeded().standard_normal((20, 7))
    total = sum(np.exp(-categorical_nll(logits, y=np.full(20, k))) for k in range(7))
    np.testing.assert_allclose(total, 1, atol=1e-14)
    np.testing.assert_allclose(softmax(logits).sum(axis=1), 1, atol=1e-14)


def test_the_cost_is_minus_the_log_of_the_probability():
    rng = seeded(1)
    logits, y = rng.standard_normal((20, 7)), rng.integers(0, 7, 20)
    np.testing.assert_allclose(categorical_nll(logits, y=y), -np.log(softmax(logits)[np.arange(20), y]), atol=1e-14)


@pytest.mark.parametrize("n_classes", [1, 2, 10])
def test_equal_logits_cost_log_k(n_classes):
    nll = categorical_nll(np.full((3, n_classes), 0.7), y=np.zeros(3, int))
    np.testing.assert_allclose(nll, math.log(n_classes), atol=1e-15)


def test_two_classes_are_a_bernoulli_of_the_difference():
    rng = seeded(2)
    logits, y = 4 * rng.standard_normal((50, 2)), rng.integers(0, 2, 50)
    bernoulli = bernoulli_nll(logits[:, 1:] - logits[:, :1], x=y[:, None].astype(float))
    np.testing.assert_allclose(categorical_nll(logits, y=y), bernoulli, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_of_a_thousand_are_exact(dtype):
    logits = np.array([[1000, -1000, 0], [1000, -1000, 0], [-1000, -1000, -1000], [1000, 1000, 1000]], dtype)
    y = np.array([0, 1, 2, 2])
    nll, backward = categorical_nll.forward(logits, y=y)
    np.testing.assert_allclose(nll, [0, 2000, math.log(3), math.log(3)], rtol=1e-6)
    expected = [[0, 0, 0], [1, -1, 0], [1 / 3, 1 / 3, -2 / 3], [1 / 3, 1 / 3, -2 / 3]]
    np.testing.assert_allclose(backward(np.ones_like(nll)), expected, atol=1e-6)
    assert nll.dtype == dtype and np.isfinite(softmax(logits)).all()


def test_a_constant_added_to_all_logits_changes_nothing():
    rng = seeded(3)
    logits, y = rng.standard_normal((5, 4)), rng.integers(0, 4, 5)
    np.testing.assert_allclose(categorical_nll(logits + 3, y=y), categorical_nll(logits, y=y), atol=1e-14)
    np.testing.assert_allclose(softmax(logits + 3), softmax(logits), atol=1e-14)


@pytest.mark.parametrize("scale", [1e-3, 1, 30])
def test_proven_far_from_the_origin_too(scale):
    rng = seeded(4)
    logits = scale * rng.standard_normal((6, 5))
    prove(categorical_nll, logits, y=rng.integers(0, 5, 6))
    prove(softmax, logits)


def test_equal_largest_logits_are_no_kink():
    """The maximum is taken out of all alike, so where two logits are largest nothing folds."""
    prove(categorical_nll, np.array([[2.0, 2.0, 1.0]]), y=np.array([1]))


@pytest.mark.parametrize(("y", "sentence"), [
    (np.array([0, 1]), "y must hold 3 whole numbers, but is int64 of shape (2,)"),
    (np.array([0.0, 1.0, 2.0]), "y must hold 3 whole numbers, but is float64"),
    (np.eye(3, dtype=int), "y must hold 3 whole numbers, but is int64 of shape (3, 3)"),
    (np.array([0, 1, 3]), "y must lie in 0..2, but runs from 0 to 3"),
    (np.array([-1, 1, 2]), "y must lie in 0..2, but runs from -1 to 2"),
])
def test_labels_that_are_no_classes_are_refused(y, sentence):
    with pytest.raises(ValueError) as error:
        categorical_nll(np.zeros((3, 3)), y=y)
    assert sentence in str(error.value)
