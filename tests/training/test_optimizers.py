"""The optimizers against their papers, against each other, and at the edges."""

import math

import numpy as np
import pytest

from scratchvae.core import Module, Parameter
from scratchvae.models import mlp_vae
from scratchvae.training import SGD, Adam, TextbookAdam, clip_by_norm
from scratchvae.training.optimizers import BLOCK, flush_subnormal


class Vector(Module):
    """A model that is one parameter."""

    def __init__(self, value):
        self.p = Parameter(np.asarray(value))


def run(optimizer_class, gradients, start=None, **options):
    model = Vector(np.zeros_like(gradients[0]) if start is None else start)
    optimizer = optimizer_class(model, **options)
    path = []
    for g in gradients:
        model.p.grad += g
        optimizer.step()
        assert not model.p.grad.any()
        path.append(model.p.value.copy())
    return np.array(path)


@pytest.mark.slow
def test_the_fast_adam_is_the_textbook_adam():
    gradients = np.random.default_rng(0).standard_normal((200, 3 * BLOCK + 17))
    gradients[:, ::7] *= 1e-6
    fast, textbook = (run(adam, gradients[:60], lr=0.01) for adam in (Adam, TextbookAdam))
    assert np.allclose(fast, textbook, rtol=1e-11, atol=1e-13)


def test_adam_past_many_steps_and_flushes_is_still_the_textbook_adam():
    gradients = np.random.default_rng(1).standard_normal((700, 5)) * [1, 1e-3, 1e3, 1e-8, 1]
    assert np.allclose(run(Adam, gradients), run(TextbookAdam, gradients), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("adam", [Adam, TextbookAdam])
def test_the_first_step_of_adam_is_lr_whatever_the_gradient(adam):
    """With bias correction mhat = g and vhat = g^2, so the first step is lr g / (|g| + eps)."""
    step = run(adam, np.array([[3.0, -0.002, 70.0]]), lr=0.1)[0]
    assert np.allclose(step, [-0.1, 0.1, -0.1], rtol=1e-5)


@pytest.mark.parametrize("adam", [Adam, TextbookAdam])
def test_two_steps_of_adam_by_hand(adam):
    m = 0.9 * 0.1 * 2 + 0.1 * -1
    v = 0.999 * 0.001 * 4 + 0.001 * 1
    second = 0.5 * (m / (1 - 0.9**2)) / (math.sqrt(v / (1 - 0.999**2)) + 1e-8)
    path = run(adam, np.array([[2.0], [-1.0]]), lr=0.5)[:, 0]
    assert np.allclose(path, [-0.5, -0.5 - second], rtol=1e-8)


def test_adam_keeps_float32():
    model = Vector(np.zeros(3, np.float32))
    adam = Adam(model)
    model.p.grad += 1
    adam.step()
    assert model.p.value.dtype == adam.M.dtype == adam.V.dtype == np.float32


def test_moments_that_fade_do_not_become_subnormal():
    model = Vector(np.zeros(4, np.float32))
    adam = Adam(model)
    model.p.grad += 1e-3
    for _ in range(1000):
        adam.step()
    tiny = np.finfo(np.float32).tiny
    assert np.all((adam.M == 0) | (np.abs(adam.M) >= tiny))


def test_flush_leaves_normal_numbers_alone():
    v = np.array([1e-30, -1e-30, 1e-36, -1e-40, 2.0], np.float32)
    flush_subnormal(v)
    assert np.array_equal(v, np.array([1e-30, -1e-30, 0, 0, 2.0], np.float32))


def test_sgd_goes_down_the_gradient():
    assert np.allclose(run(SGD, np.array([[1.0, -2.0], [1.0, 0.0]]), lr=0.1), [[-0.1, 0.2], [-0.2, 0.2]])


def test_sgd_with_momentum_by_hand():
    assert np.allclose(run(SGD, np.array([[1.0], [1.0], [0.0]]), lr=1.0, momentum=0.5)[:, 0], [-1, -2.5, -3.25])


def test_clipping_keeps_the_direction_and_bounds_the_norm():
    theta = Parameter(np.zeros(2))
    theta.grad += [3.0, 4.0]
    assert clip_by_norm(theta, 10) == 5 and np.array_equal(theta.grad, [3, 4])
    assert clip_by_norm(theta, 1) == 5 and np.allclose(theta.grad, [0.6, 0.8])


@pytest.mark.parametrize("lr", [0, -1, math.nan, math.inf])
@pytest.mark.parametrize("optimizer", [SGD, Adam, TextbookAdam])
def test_a_step_size_that_is_no_positive_number_is_refused(optimizer, lr):
    with pytest.raises(ValueError, match="lr must be positive, but is"):
        optimizer(Vector(np.zeros(2)), lr=lr)


def test_the_model_learns_through_the_packed_vector():
    rng = np.random.default_rng(0)
    vae = mlp_vae(6, [5], 2, rng)
    adam = Adam(vae, lr=0.01)
    x = (rng.random((32, 6)) < [0.9, 0.9, 0.1, 0.1, 0.5, 0.5]).astype(np.float32)
    losses = []
    for _ in range(300):
        loss, backward = vae.negative_elbo(x=x, **vae.noise(x, rng))
        backward(np.full(32, 1 / 32, np.float32))
        adam.step()
        losses.append(loss.mean())
    assert np.mean(losses[-20:]) < np.mean(losses[:5]) - 0.5
