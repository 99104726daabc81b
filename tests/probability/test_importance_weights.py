"""repeat and log_mean_exp: the rows of many draws, and weights that are too small to matter."""

import numpy as np
import pytest

from scratchvae.probability import log_mean_exp, repeat

LOG_W = np.array([[0.0, -20.0, -26.0, -29.0, -60.0, -200.0]])


def test_a_row_stands_k_times_side_by_side():
    assert np.array_equal(repeat(np.array([[1.0, 2.0], [3.0, 4.0]]), k=2), [[1, 2], [1, 2], [3, 4], [3, 4]])


def test_float64_keeps_every_weight():
    _, backward = log_mean_exp.forward(LOG_W)
    w = np.exp(LOG_W) / np.exp(LOG_W).sum()
    np.testing.assert_allclose(backward(np.array([-3.0])), -3 * w, rtol=1e-14)


@pytest.mark.parametrize("dy", [1.0, -3.0, 1e-6])
def test_float32_drops_weights_below_a_millionth_of_a_millionth(dy):
    """exp(-27.6) = 1e-12: -26 is kept, -29 is not."""
    _, backward = log_mean_exp.forward(LOG_W.astype(np.float32))
    gradient = backward(np.array([dy], np.float32))
    assert gradient.dtype == np.float32
    assert np.array_equal(gradient[0] != 0, [True, True, True, False, False, False])
