"""The scalar functions: SciPy's at any x, in both precisions, and analytic."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.special

from scratchvae.functions import magnitude, sigmoid, softplus

LIMITS = {np.float32: 3e38, np.float64: 1e308}
DERIVATIVES = {softplus: sigmoid, sigmoid: lambda x: sigmoid(x) * sigmoid(-x), magnitude: np.sign}


@pytest.mark.parametrize("dtype", LIMITS)
def test_nothing_overflows_and_the_precision_is_kept(dtype):
    x = np.array([-LIMITS[dtype], -1000, -88, -1, -1e-8, 0, 1e-8, 1, 88, 1000, LIMITS[dtype]], dtype)
    for f, exact in ((softplus, lambda x: -scipy.special.log_expit(-x)), (sigmoid, scipy.special.expit),
                     (magnitude, np.abs)):
        y, expected = f(x), exact(x.astype(np.float64))
        assert y.dtype == dtype and np.isfinite(y).all()
        np.testing.assert_allclose(y, expected, rtol=4 * np.finfo(dtype).eps,
                                   atol=np.finfo(dtype).eps if f is sigmoid else np.finfo(dtype).tiny)


@hypothesis.given(st.floats(-700, 700))
@hypothesis.settings(max_examples=200, deadline=None, derandomize=True)
def test_softplus_keeps_every_digit_in_both_tails(x):
    x = np.array([x])
    assert softplus(x)[0] == pytest.approx(-scipy.special.log_expit(-x[0]), rel=1e-15)
    assert np.allclose(softplus(x) - softplus(-x), x, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("f", DERIVATIVES)
@hypothesis.given(st.floats(-30, 30).filter(lambda x: abs(x) > 1e-20))
@hypothesis.settings(max_examples=100, deadline=None, derandomize=True)
def test_the_complex_step_passes_through(f, x):
    step = f(np.array([x + 1e-30j])).imag / 1e-30
    assert step[0] == pytest.approx(DERIVATIVES[f](np.array([x]))[0], rel=1e-12, abs=1e-15)
