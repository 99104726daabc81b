"""The five laws, on the smallest examples."""

import numpy as np
import pytest

from scratchvae.checks import require_same_shape
from scratchvae.core import Module, Parameter, Sequential, gradients_kept, node
from scratchvae.microbatches import MicroBatches, in_micro_batches
from scratchvae.nn import GaussianHeads, Linear, relu
from scratchvae.probability import Bernoulli, bernoulli_nll
from scratchvae.probability.likelihoods.bernoulli import ROWS
from scratchvae.training import SGD
from scratchvae.training.flat import pack


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_calling_gives_the_value_and_forward_the_way_back_too(rng):
    x = rng.standard_normal((3, 2))
    y, backward = relu.forward(x)
    assert np.array_equal(relu(x), y)
    assert np.array_equal(backward(np.ones_like(x)), (x > 0).astype(float))


def test_a_node_keeps_its_name_and_docstring():
    @node
    def double(x):
        """y = 2 x"""
        return 2 * x, lambda dy: 2 * dy

    assert (double.__name__, double.__doc__) == ("double", "y = 2 x")


def test_a_layer_used_twice_before_going_back_has_the_sum_of_both_gradients(rng):
    layer = Linear(3, 2, rng, dtype=np.float64)
    a, b, da, db = rng.standard_normal((4, 5, 3))
    _, backward_a = layer.forward(a)
    _, backward_b = layer.forward(b)
    backward_a(da[:, :2])
    backward_b(db[:, :2])
    assert np.allclose(layer.W.grad, a.T @ da[:, :2] + b.T @ db[:, :2], rtol=1e-14)


def test_parameters_are_named_by_their_place_each_once(rng):
    class Tied(Module):
        def __init__(self):
            self.first = Linear(2, 2, rng)
            self.rest = Sequential(relu, self.first, Linear(2, 2, rng))

    assert list(Tied().parameters()) == ["first.W", "first.b", "rest.nodes.2.W", "rest.nodes.2.b"]


def test_pack_makes_one_vector_of_all_parameters_and_keeps_values_and_gradients(rng):
    net = Sequential(Linear(3, 4, rng), relu, Linear(4, 2, rng))
    before = {name: p.value.copy() for name, p in net.parameters().items()}
    net.nodes[0].W.grad += 7
    theta = pack(net)
    assert theta.value.size == 3 * 4 + 4 + 4 * 2 + 2
    assert theta.value.dtype == np.float32
    assert all(np.array_equal(p.value, before[name]) for name, p in net.parameters().items())
    assert theta.grad.sum() == 7 * 12
    theta.value += 1
    assert all(np.array_equal(p.value, before[name] + 1) for name, p in net.parameters().items())
    x = rng.standard_normal((5, 3)).astype(np.float32)
    y, backward = net.forward(x)
    backward(np.ones_like(y))
    assert np.array_equal(theta.grad[-2:], [5, 5])


def test_sequential_is_its_nodes_one_after_the_other(rng):
    first, second = Linear(3, 4, rng), Linear(4, 2, rng)
    x = rng.standard_normal((5, 3)).astype(np.float32)
    assert np.array_equal(Sequential(first, relu, second)(x), second(relu(first(x))))


def test_gradients_start_at_zero():
    assert not Parameter(np.ones(3)).grad.any()


def test_shapes_that_would_broadcast_silently_are_refused():
    with pytest.raises(ValueError, match=r"logvar must have the shape of mu, \(3, 2\), but has \(1, 2\)"):
        require_same_shape(mu=np.zeros((3, 2)), logvar=np.zeros((1, 2)))


def test_micro_batches_are_the_same_function_with_the_same_gradients(rng):
    nodes = Linear(3, 4, rng, input_grad=False, dtype=np.float64), relu, GaussianHeads(4, 2, rng, dtype=np.float64)
    x, dmu, dlogvar = rng.standard_normal((7, 3)), *rng.standard_normal((2, 7, 2))
    whole = Sequential(*nodes)
    theta = pack(whole)
    y, backward = whole.forward(x)
    backward(dmu, dlogvar)
    g = theta.grad.copy()
    for size in (1, 3, 7, 100):
        parts = MicroBatches(*nodes, size=size)
        assert list(parts.parameters()) == list(whole.parameters())
        theta.grad[:] = 0
        found, backward = parts.forward(x)
        assert np.allclose(found, y, rtol=1e-14)
        assert backward(dmu, dlogvar) is None
        assert np.allclose(theta.grad, g, rtol=1e-13, atol=1e-14)


def test_micro_batches_send_a_gradient_home_and_take_constants_along(rng):
    logits, x = rng.standard_normal((2, 2 * ROWS + 1, 5))
    nll, backward = bernoulli_nll.forward(logits, x=x)
    for found, found_backward in (in_micro_batches(bernoulli_nll.forward, logits, x=x, size=2),
                                  Bernoulli().forward(logits, x=x)):
        assert np.array_equal(found, nll)
        assert np.array_equal(found_backward(nll), backward(nll))


def test_micro_batches_take_no_more_examples_at_a_time_than_they_say(rng):
    seen = []

    @node
    def look(x):
        seen.append(len(x))
        return x, lambda dy: dy

    MicroBatches(look, size=3)(np.zeros((8, 2)))
    MicroBatches(look, size=3)(np.zeros((0, 2)))
    assert seen == [3, 3, 2, 0]


# ---- a gradient that is written where it is zero, and added to where it is not


@pytest.fixture
def products(rng):
    return rng.standard_normal((2, 4, 3)), rng.standard_normal((2, 3, 5))


def test_accumulate_adds_a_product_to_the_gradient_whether_it_is_zero_or_not(products):
    (a, c), (b, d) = products
    p = Parameter(np.ones((4, 5)))
    p.grad += 7
    p.accumulate(a, b)
    assert np.allclose(p.grad, 7 + a @ b, rtol=1e-14)
    p.zero_grad()
    p.accumulate(a, b)
    assert np.array_equal(p.grad, a @ b)
    p.accumulate(c, d)
    assert np.array_equal(p.grad, a @ b + c @ d)


@pytest.mark.parametrize("change", ["read", "add", "set", "in place"])
def test_after_zero_grad_the_gradient_is_zero_for_whoever_comes_first(products, change):
    (a, _), (b, _) = products
    p = Parameter(np.ones((4, 5)))
    p.accumulate(a, b)
    p.zero_grad()
    if change == "read":
        assert not p.grad.any()
    elif change == "add":
        p.grad += 2
        assert (p.grad == 2).all()
    elif change == "set":
        p.grad = np.full((4, 5), 3.0)
        assert (p.grad == 3).all()
    else:
        p.grad[0] += 1
        assert p.grad.sum() == 5
    before = p.grad.copy()
    p.accumulate(a, b)
    assert np.allclose(p.grad, before + a @ b, rtol=1e-14)


def test_of_a_packed_model_what_nothing_has_reached_is_zero_in_the_vector(rng):
    net = Sequential(Linear(3, 4, rng), relu, Linear(4, 2, rng))
    theta = pack(net)
    theta.grad += 7
    theta.zero_grad()
    net.nodes[2].W.accumulate(np.ones((4, 1), np.float32), np.ones((1, 2), np.float32))
    assert np.array_equal(theta.grad, [0] * (3 * 4 + 4) + [1] * 8 + [0] * 2)
    theta.zero_grad()
    assert not theta.grad.any() and not any(p.grad.any() for p in net.parameters().values())


def test_kept_gradients_are_kept_when_they_are_zeros_that_nobody_has_written(products):
    (a, c), (b, d) = products
    layer = Module()
    layer.p = Parameter(np.ones((4, 5)))
    layer.p.accumulate(a, b)
    layer.p.zero_grad()
    with gradients_kept(layer):
        layer.p.accumulate(c, d)
    assert not layer.p.grad.any()
    layer.p.accumulate(c, d)
    assert np.array_equal(layer.p.grad, c @ d)


def test_a_layer_has_the_same_gradient_after_a_step_as_before_the_first(rng):
    x, dy = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    layer = Linear(3, 2, rng, dtype=np.float64)
    optimizer = SGD(layer, lr=1e-9)
    layer.forward(x)[1](dy)
    first = optimizer.theta.grad.copy()
    optimizer.step()
    layer.forward(x)[1](dy)
    assert np.array_equal(optimizer.theta.grad, first)
