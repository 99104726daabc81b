"""prove accepts what is right and refuses, with the right sentence, each way of being wrong."""

import numpy as np
import pytest

from scratchvae import core
from scratchvae.core import node
from scratchvae.nn import Linear, relu
from scratchvae.proof import ProofError, prove


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

    with pytest.raises(ProofError, match=r"^product: the gradient is wrong for input 1 \(relative error \d"):
        prove(product, x(3, 2), x(3, 2))


def test_a_factor_wrong_in_the_tenth_digit_is_found():
    """What central differences cannot see, and the complex step does."""
    @node
    def double(a):
        return 2 * a, lambda dy: dy * (2 + 1e-9)

    with pytest.raises(ProofError, match=r"double: the gradient is wrong for input 0 \(by the complex step alone"):
        prove(double, x(3, 2))


def test_a_wrong_parameter_gradient_is_found_and_the_parameter_named():
    def backward(self, x, dy):
        self.W.grad += x.T @ dy
        self.b.grad += dy.mean(axis=0)
        return dy @ self.W.value.T

    with pytest.raises(ProofError, match=r"wrong for b \(relative error"):
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
    (lambda dy: (None,), r"one gradient per positional input, of shapes \[\(3, 2\)\], but returned \[None\]"),
    (lambda dy: None, r"backward returns nothing \(None\), where the gradient of input 0 is due: is its `return` miss"),
])
def test_a_broken_law_is_named(backward, sentence):
    @node
    def double(x):
        return 2 * x, backward

    with pytest.raises(ProofError, match=sentence):
        prove(double, x(3, 2))


@pytest.mark.parametrize(("result", "what"), [
    (None, "nothing"), ((None, lambda dy: dy), "no value"), (np.ones((3, 2)), "something else"),
    ((np.ones((3, 2)), None), "something else"), ((1.0, 2.0, lambda dy: dy), "something else"),
])
def test_a_forward_that_does_not_return_a_value_and_its_backward_is_told_what_to_return(result, what):
    @node
    def forgetful(x):
        return result

    sentence = f"^forgetful: forward must end with `return y, backward`, but returns {what}$"
    with pytest.raises(ProofError, match=sentence):
        prove(forgetful, x(3, 2))


def test_a_layer_without_a_gradient_of_its_data_is_proven_of_data_alone():
    layer = Linear(3, 2, np.random.default_rng(0), input_grad=False)
    assert prove(layer, x=x(4, 3)).complex_step <= 1e-12
    with pytest.raises(ProofError, match=r"of which no gradient is computed \(input_grad=False\), are given by name"):
        prove(layer, x(4, 3))


def test_there_must_be_something_to_differentiate_and_a_place_to_do_it():
    @node
    def product(a, b):
        return a * b, lambda dy: (dy * b, dy * a)

    with pytest.raises(ValueError, match="^relu has nothing to be differentiated: what is given by position is an inp"):
        prove(relu, x=x(3, 2))
    with pytest.raises(ValueError, match="^input 1 of product must be finite"):
        prove(product, x(2, 2), np.array([[1.0, np.nan], [0.0, 1.0]]))


def test_the_sentence_explains_its_numbers():
    @node
    def tripled(a):
        return 3 * a, lambda dy: dy

    with pytest.raises(ProofError) as refused:
        prove(tripled, x(1, 1))
    assert str(refused.value) == (
        "tripled: the gradient is wrong for input 0 (relative error 5.0e-01). Along a random direction v of all of "
        "them, <backward(dout), v> and <dout, J v> should be one number; divided by the sum of the absolute values of "
        "their terms, they differ by 5.0e-01 where J v is the complex step (allowed: 1e-12), by 5.0e-01 where it is "
        "the central difference (1e-06)")


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



def test_a_backward_that_uses_up_what_it_remembers_is_found():
    @node
    def double(x):
        factors = [2.0, 3.0, 2.0, 2.0]
        return 2 * x, lambda dy: dy * factors.pop(0)

    with pytest.raises(ProofError, match="double: backward called twice gives two different gradients of input 0"):
        prove(double, x(3, 2))
