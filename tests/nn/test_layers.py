"""Linear, Conv2d and mlp: the options that change no value; input_grad=False is for a layer that sees data."""

import numpy as np
import pytest

from scratchvae.core import Sequential
from scratchvae.nn import Conv2d, Linear, Reshape, flatten, mlp, tanh

LAYERS = {Linear: ((4, 3), (5, 4)), Conv2d: ((1, 3, 2), (5, 3, 3, 1))}


def seeded(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_value_and_the_gradients_of_the_parameters_are_the_same_and_that_of_x_is_none(layer):
    sizes, shape = LAYERS[layer]
    plain, first = (layer(*sizes, seeded(), input_grad=wanted, dtype=np.float64) for wanted in (True, False))
    x = seeded(1).random(shape)
    (y, backward), (same, first_backward) = plain.forward(x), first.forward(x)
    dy = seeded(2).standard_normal(y.shape)
    assert backward(dy).shape == x.shape
    assert first_backward(dy) is None
    assert np.array_equal(y, same)
    assert np.array_equal(plain.W.grad, first.W.grad) and np.array_equal(plain.b.grad, first.b.grad)


def test_backpropagation_ends_there_even_if_data_are_reshaped_before():
    first = Conv2d(1, 3, 2, seeded(), input_grad=False)
    y, backward = Sequential(Reshape(3, 3, 1), first, flatten).forward(np.ones((5, 9), np.float32))
    assert backward(np.ones_like(y)) is None
    assert np.array_equal(first.b.grad, [20, 20, 20])


def test_an_mlp_hands_it_to_its_first_layer_alone():
    nodes = mlp([4, 3, 3, 2], seeded(), activation=tanh, input_grad=False)
    assert [f.input_grad for f in nodes[::2]] == [False, True, True]
    assert all(f.input_grad for f in mlp([4, 3, 2], seeded())[::2])
    y, backward = Sequential(*nodes).forward(np.ones((5, 4), np.float32))
    assert backward(np.ones_like(y)) is None and all(f.W.grad.any() for f in nodes[::2])


@pytest.mark.parametrize("activation", ["relu", np.tanh, None])
def test_an_activation_that_is_no_node_is_named_at_once(activation):
    with pytest.raises(ValueError, match="^activation must be a node, such as relu of scratchvae.nn, but is "):
        mlp([4, 3], seeded(), activation=activation)


@pytest.mark.parametrize("wrong", [lambda rng: Linear(4, 3, rng, np.float64), lambda rng: mlp([4, 3], rng, tanh)])
def test_what_comes_after_rng_is_given_by_name(wrong):
    with pytest.raises(TypeError, match="positional"):
        wrong(seeded())
