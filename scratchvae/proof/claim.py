"""A node seen as one function of one list of arrays, its inputs and parameters: that is what prove.py proves."""

import contextlib

import numpy as np

from ..core import Module
from .surrogate import Surrogate, has_contract_of_forward


class ProofError(AssertionError):
    """A backward that is not the derivative of its forward, or that breaks a law of core.py."""


class Claim:
    """The backward of f, a node, a Module or a method of a Module, is the derivative of `as_if`, by default of f.

    At given inputs and constants and near the present parameters; with respect to the inputs and to the parameters of
    `of`, by default all. All other parameters of f's module learn nothing.
    """

    def __init__(self, f, inputs, constants, rng, as_if=None, of=None):
        owner = f if isinstance(f, Module) else getattr(f, "__self__", None)
        owned = owner.parameters() if isinstance(owner, Module) else {}
        self.name = getattr(f, "__qualname__", type(f).__name__).rpartition("<locals>.")[2]
        self.forward = f.forward if isinstance(f, Module) else f
        self.surrogate = Surrogate(f if as_if is None else as_if)
        self.inputs = [np.array(x, np.float64) for x in inputs]
        self.constants = constants
        self.parameters = owned | (parameters_beside(owned, of) if of else {})
        self.names = [f"input {i}" for i in range(len(inputs))] + list(self.parameters)
        learning = {id(p) for p in (of.parameters() if of else owned).values()}
        self.learns = [True] * len(inputs) + [id(p) in learning for p in self.parameters.values()]
        self.rng = rng
        for name, x in zip(self.names, self.inputs, strict=False):
            if not np.isfinite(x).all():
                raise ValueError(f"{name} of {self.name} must be finite, for a derivative is to be taken there")
        if not any(self.learns):
            raise ValueError(f"{self.name} has nothing to be differentiated: what is given by position is an input, "
                             "what is given by name is a constant")

    @contextlib.contextmanager
    def parameters_as(self, dtype):
        """For a while, the parameters in this precision, and moved a little: at 0 many mistakes cannot be seen."""
        saved = [(p, p.value, p.grad) for p in self.parameters.values()]
        for p in self.parameters.values():
            p.value = (p.value + 0.1 * self.rng.standard_normal(p.value.shape)).astype(dtype)
            p.grad = np.zeros_like(p.value)
        try:
            yield
        finally:
            for p, value, grad in saved:
                p.value, p.grad = value, grad

    def point(self):
        """Where the claim is made: the inputs, then the parameters."""
        return [*self.inputs, *(p.value for p in self.parameters.values())]

    @contextlib.contextmanager
    def moved_to(self, point):
        """For a while, the parameters at another point, complex or real; gives the inputs of that point."""
        here = [p.value for p in self.parameters.values()]
        n = len(self.inputs)
        for p, value in zip(self.parameters.values(), point[n:], strict=True):
            p.value = value
        try:
            yield point[:n]
        finally:
            for p, value in zip(self.parameters.values(), here, strict=True):
                p.value = value

    def draw_like(self, arrays):
        """Standard normal arrays of the same shapes."""
        return [self.rng.standard_normal(a.shape) for a in arrays]

    def direction(self):
        """A random direction from the point, along all that learns."""
        return [d if learns else 0 * d for d, learns in zip(self.draw_like(self.point()), self.learns, strict=True)]

    def constants_as(self, dtype):
        """The constants, arrays of floats in this precision."""
        return {name: c.astype(dtype) if isinstance(c, np.ndarray) and c.dtype.kind == "f" else c
                for name, c in self.constants.items()}

    def run(self, inputs, dtype=np.float64):
        """forward at these inputs: ([outputs], backward)."""
        result = self.forward(*inputs, **self.constants_as(dtype))
        if not has_contract_of_forward(result) or result[0] is None:
            what = "nothing" if result is None else "no value" if has_contract_of_forward(result) else "something else"
            raise ProofError(f"{self.name}: forward must end with `return y, backward`, but returns {what}")
        y, backward = result
        return list(y) if isinstance(y, tuple) else [y], backward

    def value_at(self, point):
        """The outputs of the surrogate at a point, complex or real."""
        with self.moved_to(point) as inputs:
            return self.surrogate(*inputs, **self.constants_as(np.float64))

    def pull(self, backward, dout):
        """backward(dout): the gradients of all inputs and parameters."""
        for p in self.parameters.values():
            p.zero_grad()
        dx = backward(*dout)
        if dx is None and self.inputs:
            raise ProofError(f"{self.name}: backward returns nothing (None), where the gradient of {self.names[0]} is "
                             "due: is its `return` missing? Data, of which no gradient is computed (input_grad=False), "
                             "are given by name: x=x")
        dx = () if dx is None else dx if isinstance(dx, tuple) else (dx,)
        expected, returned = [x.shape for x in self.inputs], [None if d is None else np.shape(d) for d in dx]
        if returned != expected:
            raise ProofError(f"{self.name}: backward must return one gradient per positional input, of shapes "
                             f"{expected}, but returned {returned}")
        return [*dx, *(p.grad.copy() for p in self.parameters.values())]


def parameters_beside(owned, module):
    """{name: Parameter} of a module, without those that are in `owned` already, and under names of their own."""
    known = {id(p) for p in owned.values()}
    return {f"{type(module).__name__}.{name}": p for name, p in module.parameters().items() if id(p) not in known}
