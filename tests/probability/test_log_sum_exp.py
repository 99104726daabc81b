"""log-sum-exp: right where the naive formula overflows, and its gradient is a probability."""

import math

import numpy as np
import pytest
import scipy.special

from scratchvae.core import node
from scratchvae.probability import log_sum_exp
from scratchvae.proof import ProofError, prove


def seeded(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("shape", [(5, 3), (1, 1), (2, 4, 6), (7,)])
@pytest.mark.parametrize("scale", [1e-8, 1.0, 300.0, 1e5])
def test_it_is_what_scipy_says(shape, scale):
    a = scale * seeded().standard_normal(shape)
    np.testing.assert_allclose(log_sum_exp(a), scipy.special.logsumexp(a, axis=-1), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("shift", [-1e4, -745.0, 0.0, 709.0, 1e4])
def test_a_common_shift_comes_out_as_it_went_in(shift):
    a = seeded(1).standard_normal((6, 4))
    np.testing.assert_allclose(log_sum_exp(a + shift), log_sum_exp(a) + shift, rtol=1e-13)


def test_the_gradient_is_the_softmax_even_far_away():
    a = seeded(2).standard_normal((6, 4)) + 1e4
    dy = seeded(3).standard_normal(6)
    _, backward = log_sum_exp.forward(a)
    np.testing.assert_allclose(backward(dy), dy[:, None] * scipy.special.softmax(a, axis=1), rtol=1e-11)
    np.testing.assert_allclose(backward(np.ones(6)).sum(axis=1), 1, atol=1e-15)


def test_terms_that_are_zero():
    a = np.array([[-math.inf, 0.0], [-math.inf, -math.inf], [-800.0, -math.inf]])
    value, backward = log_sum_exp.forward(a)
    np.testing.assert_array_equal(value, [0, -math.inf, -800])
    np.testing.assert_array_equal(backward(np.ones(3)), [[0, 1], [0, 0], [1, 0]])


def test_float32_stays_float32_and_accurate():
    a = (200 * seeded(4).standard_normal((50, 8))).astype(np.float32)
    value = log_sum_exp(a)
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, scipy.special.logsumexp(a.astype(np.float64), axis=1), rtol=1e-6)


def test_a_gradient_through_the_largest_term_only_is_refused():
    """The mistake of those who forget that m, taken out, is put back."""
    @node
    def wrong(a):
        y, backward = log_sum_exp.forward(a)
        return y, lambda dy: backward(dy) - dy[:, None] * (a == a.max(axis=1, keepdims=True))

    with pytest.raises(ProofError, match="wrong for input 0"):
        prove(wrong, seeded(5).standard_normal((4, 3)))
