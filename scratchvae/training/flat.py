"""All parameters of a model as one flat vector, and back."""

import functools
from collections.abc import Callable

import numpy as np

from ..core import Module, Parameter


def pack(module: Module, zeros: Callable | None = None) -> Parameter:
    """All parameters of `module` as one flat Parameter; their values and gradients become views of it.

    Whoever changes the flat vector in place (an optimizer, a checkpoint) changes the model. Pack a model once:
    packing it again moves its parameters to a new vector and leaves the old one behind. `zeros(size, dtype)` makes
    the vectors; unless told otherwise they lie where the parameters do, on a GPU too.
    """
    parameters = module.parameters().values()
    zeros = zeros or functools.partial(np.zeros, like=next(iter(parameters)).value)
    theta = Parameter(zeros(sum(p.value.size for p in parameters), module.dtype))
    theta.grad = zeros(theta.value.size, module.dtype)
    for name in ("value", "grad"):
        flat = getattr(theta, name)
        flat[:] = np.concatenate([getattr(p, name).ravel() for p in parameters])
        lay_out(parameters, name, flat)
    return theta


def lay_out(parameters, name, flat):
    """Make the `name` ("value" or "grad") of the parameters, one after the other, views of the flat vector."""
    start = 0
    for p in parameters:
        stop = start + p.value.size
        setattr(p, name, flat[start:stop].reshape(p.value.shape))
        start = stop
