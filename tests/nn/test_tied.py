"""The tied layer owns no weights: what is done to the other layer's W happens to it, gradients too."""

import numpy as np
import pytest

from scratchvae.core import Sequential
from scratchvae.nn import Linear, TiedLinear, tanh
from scratchvae.proof import prove
from scratchvae.training import SGD
from scratchvae.training.flat import pack


def there_and_back(rng, n_in=5, n_out=3, dtype=np.float64):
    linear = Linear(n_in, n_out, rng, dtype=dtype)
    return linear, TiedLinear(linear)


def test_it_is_the_transpose():
    rng = np.random.default_rng(0)
    linear, tied = there_and_back(rng)
    x, h = rng.standard_normal((4, 5)), rng.standard_normal((4, 3))
    left = ((linear(x)) * h).sum()                                   # <x W, h> = <x, h W'>; both biases are 0
    np.testing.assert_allclose(left, (x * tied(h)).sum(), rtol=1e-13)


def test_there_is_one_w_in_the_model():
    linear, tied = there_and_back(np.random.default_rng(0))
    model = Sequential(linear, tanh, tied)
    assert [p.value.shape for p in model.parameters().values()] == [(5, 3), (3,), (5,)]
    theta = pack(model)
    theta.value[:] = 2
    assert (tied.W.value == 2).all() and tied.W is linear.W
    assert theta.value.size == 5 * 3 + 3 + 5


def test_there_and_back_is_proven():
    rng = np.random.default_rng(1)
    linear, tied = there_and_back(rng)
    prove(Sequential(linear, tanh, tied), rng.standard_normal((4, 5)))


def test_the_gradients_of_both_ways_add():
    rng = np.random.default_rng(2)
    linear, tied = there_and_back(rng)
    x, dy = rng.standard_normal((2, 4, 5))
    h, linear_backward = linear.forward(x)
    _, tied_backward = tied.forward(h)
    dh = tied_backward(dy)
    back_alone = linear.W.grad.copy()
    linear_backward(dh)
    np.testing.assert_allclose(back_alone, dy.T @ h, rtol=1e-13)
    np.testing.assert_allclose(linear.W.grad, dy.T @ h + x.T @ dh, rtol=1e-13)


def test_a_step_moves_both():
    rng = np.random.default_rng(3)
    linear, tied = there_and_back(rng)
    model = Sequential(linear, tied)
    optimizer = SGD(model, lr=0.1)
    _, backward = model.forward(rng.standard_normal((4, 5)))
    backward(np.ones((4, 5)))
    before = linear.W.value.copy()
    optimizer.step()
    assert not np.allclose(linear.W.value, before)
    assert np.shares_memory(linear.W.value, tied.W.value)


def test_a_wrong_shape_is_one_sentence():
    _, tied = there_and_back(np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"h must have shape \(B, 3\), but has \(4, 5\)"):
        tied(np.zeros((4, 5)))
