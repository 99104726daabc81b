"""The five laws. Everything in this library follows from them.

1. A node is called for its value and asked to `forward` for the way back.
   `y = node(x)` is the value; `y, backward = node.forward(x)` is the value and a closure that carries
   the gradient home. What the way back needs to remember, the closure remembers: no tape, no autograd.
2. Positional arguments are differentiated, keyword arguments are constants.
3. `backward` takes one gradient per output and returns one per positional input. A fork adds.
4. Only `Parameter.grad` is ever changed in place, and it is added to, never overwritten. So a layer may
   be used twice before going back, in any order. To stop a gradient, do not call that backward.
5. Nodes never average and never draw random numbers. A loss is a vector of shape (B,), in nats, one per
   example; noise is an argument.
"""

import functools
import math

import numpy as np


class Parameter:
    """A value that learns, and `grad`, the sum of the gradients that have come home to it."""

    def __init__(self, value):
        self.value = value
        self.grad = np.zeros_like(value)


class Module:
    """A node that owns parameters. A subclass writes `forward`; calling it gives the value alone."""

    def __call__(self, *inputs, **constants):
        return self.forward(*inputs, **constants)[0]

    def parameters(self):
        """{name: Parameter}, each parameter once, in the order in which the attributes were set."""
        found = {}

        def visit(name, thing):
            if isinstance(thing, Parameter) and all(thing is not known for known in found.values()):
                found[name] = thing
            elif isinstance(thing, Module):
                for key, child in vars(thing).items():
                    visit(f"{name}.{key}" if name else key, child)
            elif isinstance(thing, (list, tuple)):
                for i, child in enumerate(thing):
                    visit(f"{name}.{i}", child)

        visit("", self)
        return found

    @property
    def dtype(self):
        """Of the parameters; inputs should have the same."""
        return next(iter(self.parameters().values())).value.dtype


class node(Module):
    """A function with `forward`'s contract, made a node: `@node def relu(x): ... return y, backward`."""

    def __init__(self, forward):
        self.forward = forward
        functools.update_wrapper(self, forward)


class Sequential(Module):
    """y = f_n(... f_2(f_1(x))): forward through the nodes in order, home through them in reverse.

    A node that sends nothing home, one that sees data, ends the way.
    """

    def __init__(self, *nodes):
        self.nodes = nodes

    def forward(self, x):
        backwards = []
        for f in self.nodes:
            x, backward = f.forward(x)
            backwards.append(backward)

        def backward(*dy):
            for f_backward in reversed(backwards):
                dy = (f_backward(*dy),)
                if dy[0] is None:
                    break
            return dy[0]

        return x, backward


class MicroBatches(Sequential):
    """The same function as Sequential, of `size` examples at a time: what they are made into stays in the cache."""

    def __init__(self, *nodes, size):
        super().__init__(*nodes)
        self.size = size

    def forward(self, x):
        return in_micro_batches(super().forward, x, size=self.size)


def in_micro_batches(forward, x, /, *, size, **constants):
    """forward(x, **constants), of `size` examples at a time; on a GPU of all. Each constant has a row for each example.

    No example sees another (law 5), and what comes home to the parameters adds up (law 4): the numbers are the same.
    """
    if len(x) <= size or not isinstance(x, np.ndarray):
        return forward(x, **constants)
    rows = [slice(start, start + size) for start in range(0, len(x), size)]
    ys, backwards = zip(*(forward(x[few], **{name: c[few] for name, c in constants.items()}) for few in rows),
                        strict=True)

    def backward(*dy):
        dxs = [few_backward(*(d[few] for d in dy)) for few, few_backward in zip(rows, backwards, strict=True)]
        return None if dxs[0] is None else np.concatenate(dxs)

    if isinstance(ys[0], tuple):
        return tuple(np.concatenate(y) for y in zip(*ys, strict=True)), backward
    return np.concatenate(ys), backward


def pack(module, zeros=None):
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


def require_same_shape(**arrays):
    """ValueError, in one sentence, unless all arrays have the shape of the first (broadcasting would be silent)."""
    (first, a), *others = arrays.items()
    for name, b in others:
        if b.shape != a.shape:
            raise ValueError(f"{name} must have the shape of {first}, {a.shape}, but has {b.shape}")


def require_positive(**named):
    """The value, or a ValueError in one sentence if it is not a positive number: require_positive(sigma=sigma)."""
    ((name, value),) = named.items()
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} must be positive, but is {value}")
    return value
