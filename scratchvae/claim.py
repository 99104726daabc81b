"""A node seen as one function of one list of arrays, its inputs and parameters: that is what gradcheck.py proves."""

import contextlib

import numpy as np

from .core import Module


class ProofError(AssertionError):
    """A backward that is not the derivative of its forward, or that breaks a law of core.py."""


class Claim:
    """f, a node, a Module or a method of a Module, at given inputs and constants and near its present parameters."""

    def __init__(self, f, inputs, constants, rng):
        owner = f if isinstance(f, Module) else getattr(f, "__self__", None)
        self.name = getattr(f, "__qualname__", type(f).__name__)
        self.forward = f.forward if isinstance(f, Module) else f
        self.inputs = [np.array(x, np.float64) for x in inputs]
        self.constants = constants
        self.parameters = owner.parameters() if isinstance(owner, Module) else {}
        self.names = [f"input {i}" for i in range(len(inputs))] + list(self.parameters)
        self.rng = rng

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

    def draw_like(self, arrays):
        """Standard normal arrays of the same shapes."""
        return [self.rng.standard_normal(a.shape) for a in arrays]

    def run(self, inputs, dtype=np.float64):
        """forward at these inputs: ([outputs], backward)."""
        constants = {name: c.astype(dtype) if isinstance(c, np.ndarray) and c.dtype.kind == "f" else c
                     for name, c in self.constants.items()}
        y, backward = self.forward(*inputs, **constants)
        return list(y) if isinstance(y, tuple) else [y], backward

    def value_at(self, point):
        """The outputs at another point, complex or real."""
        here = self.point()
        self.move_parameters(point)
        try:
            return self.run(point[:len(self.inputs)])[0]
        finally:
            self.move_parameters(here)

    def move_parameters(self, point):
        for p, value in zip(self.parameters.values(), point[len(self.inputs):], strict=True):
            p.value = value

    def pull(self, backward, dout):
        """backward(dout): the gradients of all inputs and parameters."""
        for p in self.parameters.values():
            p.grad[...] = 0
        dx = backward(*dout)
        dx = () if dx is None else dx if isinstance(dx, tuple) else (dx,)
        expected, returned = [x.shape for x in self.inputs], [np.shape(d) for d in dx]
        if returned != expected:
            raise ProofError(f"{self.name}: backward must return one gradient per positional input, of shapes "
                             f"{expected}, but returned {returned}")
        return [*dx, *(p.grad.copy() for p in self.parameters.values())]
