"""No digit is lost at large logits, where what is large in A(a) and in a x cancels."""

import math

import numpy as np
import pytest

from scratchvae.probability import continuous_bernoulli_nll


def exact(m):
    """log (1 - e^-m) / m, in float64"""
    return math.log(-math.expm1(-m) / m)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("m", [1e-6, 0.1, 0.9, 0.9999, 1.0001, 1.1, 5.0, 30.0, 1000.0, 1e5, 1e7, 1e30])
def test_a_white_pixel_of_a_white_logit_and_a_black_of_a_black_keep_their_digits(m, dtype):
    for a, x in ((m, 1), (-m, 0)):
        a = np.array([[a]], dtype)
        nll = continuous_bernoulli_nll(a, x=np.array([[x]], dtype))
        assert nll.dtype == dtype
        assert nll[0] == pytest.approx(exact(abs(float(a[0, 0]))), rel=4 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("a", [0.0, 0.5, -0.5, 3.0, -3.0, 40.0, -40.0])
def test_the_complex_step_is_the_mean_minus_x(a):
    """Analytic at 0 too, where the branch of |a| turns."""
    logits, x = np.array([[a]]), np.array([[0.3]])
    _, backward = continuous_bernoulli_nll.forward(logits, x=x)
    for direction in (1e-30, -1e-30):
        step = continuous_bernoulli_nll(logits + 1j * direction, x=x).imag / direction
        assert step[0] == pytest.approx(backward(np.ones(1))[0, 0], abs=1e-15)
