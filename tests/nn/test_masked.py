"""A masked network sees what it may see, all of it, and nothing else; so a product of its conditionals sums to 1."""

import itertools

import numpy as np
import pytest

from scratchvae.core import Module
from scratchvae.nn import MADE, MaskedLinear, relu, tanh
from scratchvae.probability import bernoulli_nll
from scratchvae.proof import prove

KINDS = {
    "two layers": {"hidden": [9, 11]},
    "one layer, two outputs": {"hidden": [8], "outputs": 2},
    "narrow and direct": {"hidden": [3], "direct": True},
    "wide and direct": {"hidden": [12, 12], "direct": True, "outputs": 3},
    "linear": {"hidden": []},
    "linear, asked for direct": {"hidden": [], "direct": True},
    "condition": {"hidden": [9, 8], "n_h": 3, "outputs": 2},
    "condition and direct": {"hidden": [4], "n_h": 3, "direct": True},
}


def made(kind, D=6, seed=0, dtype=np.float64, activation=tanh, **options):
    """With all parameters drawn anew: at a first bias of 0 a mistake may hide."""
    rng = np.random.default_rng(seed)
    net = MADE(D, rng=rng, activation=activation, dtype=dtype, **{**KINDS[kind], **options})
    for p in net.parameters().values():
        p.value[...] = rng.standard_normal(p.value.shape)
    return net


def told(net, n, rng):
    """(h,) for a net that is told something, (B, n_h)."""
    V = net.layers[0].V
    return () if V is None else (rng.standard_normal((n, len(V.value))),)


def jacobian(f, x, h=1e-30):
    """dy_i/dx_j, (n_y, D), at one x (D,), by the complex step."""
    steps = x + 1j * h * np.eye(len(x))
    return f(steps).imag.T / h


def orders(D, seed=3):
    rng = np.random.default_rng(seed)
    return [np.arange(D), np.arange(D)[::-1], rng.permutation(D), rng.permutation(D)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("D", [1, 2, 6])
def test_an_output_sees_all_that_comes_before_it_and_nothing_else(kind, which, D):
    order, rng = orders(D)[which], np.random.default_rng(5)
    net = made(kind, D, order=order)
    h = tuple(np.tile(a, (D, 1)) for a in told(net, 1, rng))
    J = jacobian(lambda x: net(x, *h), 0.3 * rng.standard_normal(D)).reshape(-1, D, D)     # tanh keeps its slope
    place = np.argsort(order)
    may = place[:, None] > place                                                           # output d, input e
    assert (J[:, ~may] == 0).all() and (J[:, may] != 0).all()
    assert len(J) == KINDS[kind].get("outputs", 1)


def test_the_condition_reaches_every_output_and_the_first_through_a_hidden_unit():
    net = made("condition", D=4, order=[2, 0, 3, 1])
    x, h = np.full(4, 0.1), np.array([0.2, -0.1, 0.3])
    J = jacobian(lambda h: net(np.tile(x, (3, 1)), h), h)
    assert (J != 0).all()
    net.layers[-1].V.value[...] = 0
    assert (jacobian(lambda h: net(np.tile(x, (3, 1)), h), h) != 0).all()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "outputs" not in KINDS[kind]])
@pytest.mark.parametrize("which", range(4))
def test_the_product_of_its_bernoullis_sums_to_one(kind, which):
    D = 8
    net = made(kind, D, order=orders(D)[which])
    x = np.array(list(itertools.product([0.0, 1.0], repeat=D)))
    h = tuple(np.tile(a, (len(x), 1)) for a in told(net, 1, np.random.default_rng(7)))
    np.testing.assert_allclose(np.exp(-bernoulli_nll(net(x, *h), x=x)).sum(), 1, atol=1e-12)


class Stack(Module):
    """Two networks of one order, one after the other."""

    def __init__(self, first, second):
        self.first, self.second = first, second

    def forward(self, x):
        y, first_backward = self.first.forward(x)
        y, second_backward = self.second.forward(y)
        return y, lambda dy: first_backward(second_backward(dy))


def test_a_stack_of_two_reaches_two_places_back():
    """And two of opposite orders see all of x: each of them is strict, their composition is no longer triangular."""
    D, x = 5, 0.3 * np.random.default_rng(1).standard_normal(5)
    same = Stack(made("two layers", D, 1), made("two layers", D, 2))
    J = jacobian(same, x)
    d, e = np.indices((D, D))
    assert (J[d - e < 2] == 0).all() and (J[d - e >= 2] != 0).all()
    opposite = Stack(made("two layers", D, 1), made("two layers", D, 2, order=np.arange(D)[::-1]))
    assert (np.diag(jacobian(opposite, x))[1:-1] != 0).all()
    for stack in (same, opposite):
        prove(stack, np.random.default_rng(2).standard_normal((4, D)))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_proven(kind):
    rng = np.random.default_rng(0)
    for D, B, activation in ((1, 3, tanh), (4, 1, tanh), (6, 5, relu)):
        net = made(kind, D, dtype=np.float32, activation=activation, order=rng.permutation(D))
        prove(net, rng.standard_normal((B, D)), *told(net, B, rng))


@pytest.mark.parametrize("kind", KINDS)
def test_of_data_no_gradient_is_computed_and_the_others_stay(kind):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 6))
    gradients = []
    for input_grad in (True, False):
        net = made(kind, input_grad=input_grad)
        h = told(net, 4, np.random.default_rng(1))
        y, backward = net.forward(x, *h)
        dx, *dh = d if isinstance(d := backward(np.ones_like(y)), tuple) else (d,)
        assert (dx is None) == (not input_grad)
        gradients.append([*dh, *(p.grad for p in net.parameters().values())])
    for with_dx, without in zip(*gradients, strict=True):
        assert np.array_equal(with_dx, without)


def test_what_is_masked_takes_no_part_and_learns_nothing():
    rng = np.random.default_rng(0)
    mask = rng.random((4, 3)) < 0.5
    layer = MaskedLinear(mask, rng, dtype=np.float64)
    x = rng.standard_normal((5, 4))
    y, backward = layer.forward(x)
    np.testing.assert_allclose(y, x @ np.where(mask, layer.W.value, 0), rtol=1e-13)
    backward(np.ones_like(y))
    assert (layer.W.grad[~mask] == 0).all() and (layer.W.grad[mask] != 0).all()
    layer.W.value[~mask] = 1e6
    assert np.array_equal(layer(x), y)


def test_the_masks_are_no_parameters_but_are_kept_with_the_model():
    net = made("two layers")
    assert list(net.buffers()) == ["layers.0.mask", "layers.1.mask", "layers.2.mask"]
    assert list(net.parameters())[:2] == ["layers.0.W", "layers.0.b"]


@pytest.mark.parametrize(("build", "sentence"), [
    (lambda rng: MADE(6, [4], rng), r"at least 5 wide, a unit for each degree, but is 4: with direct=True"),
    (lambda rng: MADE(6, [5], rng, n_h=2), r"at least 6 wide"),
    (lambda rng: MADE(3, [4], rng, order=[0, 1, 1]), r"each of the dimensions 0 \.\.\. 2 once, but is \[0, 1, 1\]"),
    (lambda rng: MADE(3, [4], rng)(np.zeros((2, 4))), r"x must have shape \(B, 3\), but has \(2, 4\)"),
    (lambda rng: MADE(3, [4], rng)(np.zeros((2, 3)), np.zeros((2, 1))), r"h must be left out, .*but has \(2, 1\)"),
    (lambda rng: MADE(3, [4], rng, n_h=1)(np.zeros((2, 3))), r"h must have shape \(2, 1\), but is left out"),
    (lambda rng: MADE(3, [4], rng, n_h=1)(np.zeros((2, 3)), np.zeros((1, 1))), r"shape \(2, 1\), but has \(1, 1\)"),
])
def test_a_wrong_shape_is_one_sentence(build, sentence):
    with pytest.raises(ValueError, match=sentence):
        build(np.random.default_rng(0))
