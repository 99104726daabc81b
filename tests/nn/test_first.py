"""The layer that sees data."""

import numpy as np
import pytest

from scratchvae.gradcheck import ProofError, prove
from scratchvae.nn import FirstLinear, Linear

X, DY = np.random.default_rng(1).random((5, 4)), np.random.default_rng(2).standard_normal((5, 3))


def test_a_first_layer_is_a_linear_whose_x_is_a_constant():
    linear, first = (layer(4, 3, np.random.default_rng(0), dtype=np.float64) for layer in (Linear, FirstLinear))
    (y, backward), (same, first_backward) = linear.forward(X), first.forward(x=X)
    backward(DY)
    assert first_backward(DY) is None
    assert np.array_equal(y, same)
    assert np.array_equal(linear.W.grad, first.W.grad) and np.array_equal(linear.b.grad, first.b.grad)


def test_a_first_layer_whose_x_is_asked_for_a_gradient_is_found_out():
    with pytest.raises(ProofError, match="one gradient per positional input"):
        prove(FirstLinear(4, 3, np.random.default_rng(0)), X)
