"""Networks in which an output sees only a part of the input: masked weights, and the order that MADE makes of them.

Germain, Gregor, Murray & Larochelle 2015, "MADE: masked autoencoder for distribution estimation".
"""

import numpy as np

from ..core import Buffer, Module, Parameter
from .activations import relu
from .initialization import glorot_uniform


class MaskedLinear(Module):
    """y = x (M * W) + h V + b,  M a fixed mask of zeros and ones

    x (B, n_in), M (n_in, n_out), h (B, n_h) -> y (B, n_out). The condition h reaches every output; with n_h = 0 there
    is none: forward(x). Where M is 0, W takes no part and its gradient is 0.

        dx = dy (M * W)',  dW = M * (x' dy),  dh = dy V',  dV = h' dy,  db = the sum of dy over the batch

    With input_grad=False, for an x that is data, backward returns None for dx.
    """

    def __init__(self, mask, rng, *, n_h=0, init=glorot_uniform, input_grad=True, dtype=np.float32):
        n_in, n_out = mask.shape
        self.mask = Buffer(mask != 0)
        self.W = Parameter(init(n_in, n_out, rng).astype(dtype))
        self.b = Parameter(np.zeros(n_out, dtype))
        self.V = Parameter(init(n_h, n_out, rng).astype(dtype)) if n_h else None
        self.input_grad = input_grad

    def forward(self, x, h=None):
        self.check(x, h)
        mask, W, V, b = self.mask.value, self.W, self.V, self.b
        MW = mask * W.value

        def backward(dy):
            W.grad += mask * (x.T @ dy)
            b.grad += dy.sum(axis=0)
            dx = dy @ MW.T if self.input_grad else None
            if V is None:
                return dx
            V.grad += h.T @ dy
            return dx, dy @ V.value.T

        y = x @ MW + b.value
        return (y if V is None else y + h @ V.value), backward

    def check(self, x, h):
        """ValueError, in one sentence, for an x or an h of the wrong width, and for an h where there should be none."""
        n_in, n_h = len(self.W.value), 0 if self.V is None else len(self.V.value)
        if x.ndim != 2 or x.shape[1] != n_in:
            raise ValueError(f"x must have shape (B, {n_in}), but has {x.shape}")
        if (None if h is None else h.shape) != ((len(x), n_h) if n_h else None):
            raise ValueError(f"h must {f'have shape {(len(x), n_h)}' if n_h else 'be left out, for n_h is 0'}, but "
                             f"{'is left out' if h is None else f'has {h.shape}'}")


class MADE(Module):
    """y_d = f_d(x_e of all e that come before d, h): row d of dy/dx is 0 for d itself and whatever comes after it.

    x (B, D) and the condition h (B, n_h), with n_h = 0 none: forward(x) -> y (B, outputs D): first one number for each
    dimension, then the second for each, and so on; y.reshape(B, outputs, D)[:, i] is the i-th.

    `order` names the dimensions, the first first: a permutation of range(D), by default that itself. An input has its
    place in it, 1 ... D, as its degree; a hidden unit has one of 1 ... D - 1 (or 0, it sees h alone), spread evenly. A
    hidden unit sees what has a degree up to its own, an output only what has a lower one. h goes to every layer,
    unmasked; with `direct`, x goes to the outputs too, under the strict mask.

    ValueError for a layer that is narrower than the degrees are many: some x_e would never reach the next dimension.
    With `direct` it does, and any width is allowed.
    """

    def __init__(self, n_x, hidden, rng, *, outputs=1, n_h=0, order=None, direct=False, activation=relu,
                 input_grad=True, dtype=np.float32):
        self.order = checked_order(order, n_x)
        self.activation, self.direct = activation, direct and bool(hidden)
        seen = place = np.argsort(self.order) + 1
        self.layers = []
        options = {"n_h": n_h, "dtype": dtype}
        for width in hidden:
            units = degrees(width, 0 if n_h else 1, n_x - 1, direct)
            self.layers.append(MaskedLinear(units >= seen[:, None], rng, **options,
                                            input_grad=input_grad or bool(self.layers)))
            seen = units
        if self.direct:
            seen = np.concatenate([seen, place])
        self.layers.append(MaskedLinear(np.tile(place, outputs) > seen[:, None], rng, **options,
                                        input_grad=input_grad or bool(hidden)))
        self.input_grad = input_grad

    def forward(self, x, h=None):
        a, backwards = x, []
        for layer in self.layers[:-1]:
            a, layer_backward = layer.forward(a, h)
            a, activation_backward = self.activation.forward(a)
            backwards.append((layer_backward, activation_backward))
        width = a.shape[1]
        y, last_backward = self.layers[-1].forward(np.concatenate([a, x], axis=1) if self.direct else a, h)

        def backward(dy):
            da, dh = pair(last_backward(dy))
            da, direct_dx = (da[:, :width], da[:, width:]) if self.direct else (da, 0)
            for layer_backward, activation_backward in reversed(backwards):
                da, more = pair(layer_backward(activation_backward(da)))
                dh = dh + more
            dx = da + direct_dx if self.input_grad else None
            return dx if h is None else (dx, dh)

        return y, backward


def pair(gradient):
    """(dx, dh) of a layer, with 0 for the dh of one that has no condition."""
    return gradient if isinstance(gradient, tuple) else (gradient, 0)


def degrees(width, low, high, direct=False):
    """The degrees low ... high of the units of a hidden layer, (width,), each of them as often as any other."""
    n = high - low + 1
    if width < n and not direct:
        raise ValueError(f"a hidden layer must be at least {n} wide, a unit for each degree, but is {width}: "
                         "with direct=True any width will do")
    return low + np.arange(width) * n // width


def checked_order(order, n_x):
    """The order as an array (D,), by default 0 ... D - 1; ValueError unless it is a permutation of that."""
    order = np.arange(n_x) if order is None else np.asarray(order)
    if not np.array_equal(np.sort(order), np.arange(n_x)):
        raise ValueError(f"order must name each of the dimensions 0 ... {n_x - 1} once, but is {order.tolist()}")
    return order
