"""All parameters of a model as one flat vector, and back."""

import functools
from collections.abc import Callable

import numpy as np

from ..core import Module, Parameter


class FlatParameter(Parameter):
    """The parameters of a module as one: its value and grad are vectors, and theirs are views of them."""

    def __init__(self, module, value, grad):
        self.parts = list(module.parameters().values())
        self.value, self.grad = value, grad
        stops = np.cumsum([p.value.size for p in self.parts]).tolist()
        for p, start, stop in zip(self.parts, [0, *stops], stops, strict=False):
            shape = p.value.shape
            p.value, p.grad = value[start:stop].reshape(shape), grad[start:stop].reshape(shape)

    def zero_grad(self):
        for p in self.parts:
            p.zero_grad()

    def write_zeros(self):
        for p in self.parts:
            p.write_zeros()


def pack(module: Module, zeros: Callable | None = None) -> FlatParameter:
    """All parameters of `module` as one FlatParameter; their values and gradients become views of it.

    Whoever changes the flat vector in place (an optimizer, a checkpoint) changes the model. Pack a model once:
    packing it again moves its parameters to a new vector and leaves the old one behind. `zeros(size, dtype)` makes
    the vectors; unless told otherwise they lie where the parameters do, on a GPU too.
    """
    parameters = module.parameters().values()
    zeros = zeros or functools.partial(np.zeros, like=next(iter(parameters)).value)
    vectors = []
    for name in ("value", "grad"):
        vector = zeros(sum(p.value.size for p in parameters), module.dtype)
        vector[:] = np.concatenate([getattr(p, name).ravel() for p in parameters])
        vectors.append(vector)
    return FlatParameter(module, *vectors)
