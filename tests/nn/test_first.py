"""The layers that see data."""

import numpy as np
import pytest

from scratchvae.core import Sequential
from scratchvae.gradcheck import ProofError, prove
from scratchvae.nn import Conv2d, FirstConv2d, FirstLinear, Linear, Reshape, flatten

SIZES = {Linear: (4, 3), Conv2d: (1, 3, 2)}
X = {Linear: (5, 4), Conv2d: (5, 3, 3, 1)}


@pytest.mark.parametrize(("layer", "first_layer"), [(Linear, FirstLinear), (Conv2d, FirstConv2d)])
def test_a_first_layer_is_the_layer_whose_x_is_a_constant(layer, first_layer):
    plain, first = (kind(*SIZES[layer], rng=np.random.default_rng(0), dtype=np.float64)
                    for kind in (layer, first_layer))
    rng = np.random.default_rng(1)
    x = rng.random(X[layer])
    (y, backward), (same, first_backward) = plain.forward(x), first.forward(x=x)
    dy = rng.standard_normal(y.shape)
    backward(dy)
    assert first_backward(dy) is None
    assert np.array_equal(y, same)
    assert np.array_equal(plain.W.grad, first.W.grad) and np.array_equal(plain.b.grad, first.b.grad)


def test_a_first_layer_whose_x_is_asked_for_a_gradient_is_found_out():
    with pytest.raises(ProofError, match="one gradient per positional input"):
        prove(FirstLinear(4, 3, np.random.default_rng(0)), np.ones((5, 4)))


def test_the_way_home_ends_at_a_first_layer_even_if_data_are_reshaped_before():
    first = FirstConv2d(1, 3, 2, np.random.default_rng(0))
    y, backward = Sequential(Reshape(3, 3, 1), first, flatten).forward(np.ones((5, 9), np.float32))
    assert backward(np.ones_like(y)) is None
    assert np.array_equal(first.b.grad, [20, 20, 20])
