"""prove accepts what is right and refuses, with the right sentence, each way of being wrong."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from scratchvae import core
from scratchvae.core import node
from scratchvae.gradcheck import ProofError, prove
from scratchvae.nn import Linear
from scratchvae.proofs import PROOFS, Draw, prove_all


@pytest.mark.parametrize("thing", PROOFS, ids=lambda thing: thing.__qualname__)
@hypothesis.given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-3, 0.3, 1.0, 3.0]))
@hypothesis.settings(max_examples=25, deadline=None, derandomize=True)
def test_every_backward_is_proven(thing, seed, scale):
    PROOFS[thing](Draw(np.random.default_rng(seed), scale))


def test_the_table_says_what_was_proven():
    rows = list(prove_all())
    assert len(rows) == len(PROOFS)
    assert all(complex_step <= 1e-12 and error is None for _, complex_step, _, error in rows)


def x(*shape):
    return np.random.default_rng(1).standard_normal(shape)


def linear(rng=0):
    return Linear(3, 2, np.random.default_rng(rng))


def layer_with(backward):
    """A Linear whose backward is replaced by backward(self, x, dy)."""
    class Wrong(Linear):
        def forward(self, x):
            return super().forward(x)[0], lambda dy: backward(self, x, dy)

    return Wrong(3, 2, np.random.default_rng(0))


def test_a_wrong_factor_is_found_and_the_input_named():
    @node
    def product(a, b):
        return a * b, lambda dy: (dy * b, dy * a / 2)

    with pytest.raises(ProofError, match=r"product: the gradient is wrong for input 1 \(off by"):
        prove(product, x(3, 2), x(3, 2))


def test_a_factor_wrong_in_the_tenth_digit_is_found():
    """What central differences cannot see, and the complex step does."""
    @node
    def double(a):
        return 2 * a, lambda dy: dy * (2 + 1e-9)

    with pytest.raises(ProofError, match=r"double: the gradient is wrong for input 0 \(says the complex step alone"):
        prove(double, x(3, 2))


def test_a_wrong_parameter_gradient_is_found_and_the_parameter_named():
    def backward(self, x, dy):
        self.W.grad += x.T @ dy
        self.b.grad += dy.mean(axis=0)
        return dy @ self.W.value.T

    with pytest.raises(ProofError, match=r"wrong for b \(off by"):
        prove(layer_with(backward), x(4, 3))


def test_overwriting_a_gradient_is_found():
    def backward(self, x, dy):
        self.W.grad[...] = x.T @ dy
        self.b.grad += dy.sum(axis=0)
        return dy @ self.W.value.T

    with pytest.raises(ProofError, match="must add to the gradient of W, not overwrite"):
        prove(layer_with(backward), x(4, 3))


def test_a_cache_on_self_is_found():
    class Stateful(Linear):
        def forward(self, x):
            self.x = x

            def backward(dy):
                self.W.grad += self.x.T @ dy
                self.b.grad += dy.sum(axis=0)
                return dy @ self.W.value.T

            return x @ self.W.value + self.b.value, backward

    layer = Stateful(3, 2, np.random.default_rng(0))
    with pytest.raises(ProofError, match="the gradient is wrong for W"):
        prove(layer, x(4, 3))
    with pytest.raises(ProofError, match="the gradient is wrong for layer.W"):
        prove_used_elsewhere(layer)


def prove_used_elsewhere(layer):
    """One layer at two places of one node, as in a Siamese network: a cache on self is overwritten."""
    class Twice(core.Module):
        def __init__(self):
            self.layer = layer

        def forward(self, a, b):
            y, y_backward = self.layer.forward(a)
            z, z_backward = self.layer.forward(b)
            return y + z, lambda d: (y_backward(d), z_backward(d))

    return prove(Twice(), x(4, 3), 2 * x(4, 3))


def test_a_layer_that_keeps_its_input_in_the_closure_may_be_used_twice():
    assert prove_used_elsewhere(linear()).complex_step <= 1e-12


@pytest.mark.parametrize(("backward", "sentence"), [
    (lambda dy: np.multiply(dy, 2, out=dy), "changes the gradient that it is given"),
    (lambda dy: 2 * dy + 1, "not linear"),
    (lambda dy: (2 * dy, dy), "one gradient per positional input"),
    (lambda dy: (2 * dy).sum(axis=0), "one gradient per positional input"),
    (lambda dy: None, "one gradient per positional input"),
])
def test_a_broken_law_is_named(backward, sentence):
    @node
    def double(x):
        return 2 * x, backward

    with pytest.raises(ProofError, match=sentence):
        prove(double, x(3, 2))


def test_a_forward_that_changes_its_input_is_found():
    @node
    def double(x):
        x *= 2
        return x, lambda dy: 2 * dy

    with pytest.raises(ProofError, match="changes an array that it is given"):
        prove(double, x(3, 2))


def test_a_float64_constant_is_found():
    @node
    def scale(x):
        return np.sqrt(2) * x, lambda dy: np.sqrt(2) * dy

    with pytest.raises(ProofError, match="with float32 inputs, an output became float64"):
        prove(scale, x(3, 2))


def test_a_backward_that_leaks_float64_is_found():
    @node
    def scale(x):
        return 2 * x, lambda dy: np.float64(2) * dy

    with pytest.raises(ProofError, match="with float32 inputs, input 0 became float64"):
        prove(scale, x(3, 2))


def test_an_overflow_in_float32_alone_is_found():
    @node
    def scale(x):
        return 1e30 * (1e30 * x), lambda dy: 1e30 * (1e30 * dy)

    with pytest.raises(ProofError, match="with float32 inputs, an output is not finite"), np.errstate(over="ignore"):
        prove(scale, x(3, 2))


def test_a_forward_that_is_not_analytic_is_told_so():
    @node
    def size(x):
        return np.abs(x), lambda dy: dy * np.sign(x)

    with pytest.raises(ProofError, match="not analytic, look for abs"):
        prove(size, x(3, 2))


def test_proving_leaves_the_model_as_it_was():
    layer = linear()
    layer.W.grad += 3
    W, grad = layer.W.value.copy(), layer.W.grad.copy()
    prove(layer, x(4, 3))
    assert layer.W.value.dtype == np.float32
    assert np.array_equal(layer.W.value, W) and np.array_equal(layer.W.grad, grad)

