"""The laws. Everything in this library follows from them.

1. A node is called for its value and asked to `forward` for its backward.
   `y = node(x)` is the value; `y, backward = node.forward(x)` is the value and a closure, the vector-Jacobian product
   that backpropagation (誤差逆伝播法) is made of. What backward needs of forward, the closure remembers: no tape.
2. Positional arguments are differentiated, keyword arguments are constants.
3. `backward` takes one gradient per output and returns one per positional input. A fork adds. A layer that sees data
   and is built with `input_grad=False` returns None for it, and backpropagation ends there.
4. Only `Parameter.grad` is ever changed in place, and it is added to, never overwritten (gradient accumulation). So a
   layer may be used twice before its backwards are called, in any order. To stop a gradient, do not call that backward,
   or call it `with gradients_kept(D)`: the gradient passes through D, and D's own parameters learn nothing of it.
5. Nodes never average and never draw random numbers. A loss is a vector of shape (B,), in nats, one per example; noise
   is an argument.
6. Examples are independent: row b of an output depends on row b of the inputs and on parameters, on no other row.
   Micro-batches, threads and workers rest on this; a model of which it is not true says `coupled = True`.
"""

import contextlib
import functools

import numpy as np


class Parameter:
    """A value that learns, and `grad`, the sum of the gradients that have reached it since `zero_grad`.

    `zero_grad` writes no zeros: they are written for whoever asks for `grad` next, and the first `accumulate` writes
    its product in their place. An array that `grad` was before `zero_grad` means nothing after it.
    """

    def __init__(self, value):
        self.value = value
        self.grad = np.zeros_like(value)

    @property
    def grad(self):
        self.write_zeros()
        return self._grad

    @grad.setter
    def grad(self, array):
        self._grad, self.is_zero = array, False

    def zero_grad(self):
        """grad <- 0"""
        self.is_zero = True

    def write_zeros(self):
        """Write the zeros that zero_grad left to be written."""
        if self.is_zero:
            self._grad[...] = 0
            self.is_zero = False

    def accumulate(self, a, b):
        """grad += a @ b; where grad is zero, neither are zeros written nor is anything added to them."""
        if self.is_zero:
            np.matmul(a, b, out=self._grad)
            self.is_zero = False
        else:
            self.grad += a @ b


class Buffer:
    """A value that its model changes, and no gradient, such as a running mean: saved and moved like a Parameter."""

    def __init__(self, value):
        self.value = value


class Module:
    """A node that owns parameters. A subclass writes `forward`; calling it gives the value alone."""

    def __call__(self, *inputs, **constants):
        return self.forward(*inputs, **constants)[0]

    def parameters(self):
        """{name: Parameter}, each parameter once, in the order in which the attributes were set."""
        return {name: part for name, part in walk(self) if isinstance(part, Parameter)}

    def buffers(self):
        """{name: Buffer}, named as parameters are."""
        return {name: part for name, part in walk(self) if isinstance(part, Buffer)}

    @property
    def dtype(self):
        """Of the parameters, float32 if there are none; inputs should have the same."""
        return next((p.value.dtype for p in self.parameters().values()), np.dtype(np.float32))


def walk(thing, name="", seen=None):
    """(name, part) of a Module and of all Modules, Parameters and Buffers in it, in lists and dicts too, each once."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return
    if isinstance(thing, (Module, Parameter, Buffer)):
        seen.add(id(thing))
        yield name, thing
    if isinstance(thing, (list, tuple)):
        thing = dict(enumerate(thing))
    children = vars(thing) if isinstance(thing, Module) else thing if isinstance(thing, dict) else {}
    for key, child in children.items():
        yield from walk(child, f"{name}.{key}" if name else str(key), seen)


class node(Module):
    """A function with `forward`'s contract, made a node: `@node def relu(x): ... return y, backward`."""

    def __init__(self, forward):
        self.forward = forward
        functools.update_wrapper(self, forward)


class Sequential(Module):
    """y = f_n(... f_2(f_1(x))): forward through the nodes in order, backward through them in reverse."""

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
                if dy[0] is None:                      # law 3: the layer before which there is only data
                    break
            return dy[0]

        return x, backward


@contextlib.contextmanager
def gradients_kept(module):
    """Inside, gradients pass through the module; afterwards those of its parameters are what they were."""
    kept = [(p, p.grad) for p in module.parameters().values()]
    for p, grad in kept:
        p.grad = np.zeros_like(grad)
    try:
        yield
    finally:
        for p, grad in kept:
            p.grad = grad
