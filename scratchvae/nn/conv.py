"""Convolution, and transposed convolution: one linear map of images, and its adjoint.

    Conv2d             y = unfold(x) W + b           each patch of x, a row of numbers, times one matrix
    ConvTranspose2d    y = fold(x W') + b            each pixel of x makes a patch; the patches are laid over each other

unfold and fold (patches.py) are adjoint, so <unfold(x) W, y> = <x, fold(y W')>: what is forward for the one is the
backward of the other. `Correlation` computes both products fast (correlation.py), of a few images at a time fastest, as
`MicroBatches` deals them out (microbatches.py).
"""

import math

import numpy as np

from ..core import Module, Parameter, node
from .correlation import Correlation
from .initialization import glorot_uniform


class Conv2d(Module):
    """y[i, j] = b + sum_{a, b} x[s i + a - p, s j + b - p] W[a, b]  =  unfold(x) W + b

    x (B, H, W, c_in) -> y (B, h, w, c_out), h = (H + 2 padding - kernel) // stride + 1; W of shape (k k c_in, c_out).
    If x is data: built with input_grad=False, backward computes no gradient for x and returns None (Linear).
    """

    def __init__(self, c_in, c_out, kernel, rng, *, stride=1, padding=0, init=glorot_uniform, input_grad=True,
                 dtype=np.float32):
        self.map = Correlation(c_in, c_out, kernel, stride, padding)
        fans = kernel**2 * c_in, kernel**2 * c_out / stride**2          # what an output sees, what an input reaches
        self.W = Parameter(init(*fans, rng, shape=(kernel**2 * c_in, c_out)).astype(dtype))
        self.b = Parameter(np.zeros(c_out, dtype))
        self.input_grad = input_grad

    def forward(self, x):
        W, b, of_x = self.W, self.b, self.map
        require_images(x, of_x.c_in)

        def backward(dy):
            dY = of_x.lay_y(dy)
            W.grad += of_x.gradient(of_x.lay_x(x), dY)
            b.grad += sum_of_pixels(dy)
            return of_x.adjoint(dY, W.value, x.shape[1:3]) if self.input_grad else None

        return of_x.value(of_x.lay_x(x), W.value, b.value), backward


class ConvTranspose2d(Module):
    """y = fold(x W') + b:  the backward of a Conv2d(c_out, c_in), used as a forward.     Zeiler et al. 2010

    x (B, h, w, c_in) -> y (B, H, W, c_out), H = stride (h - 1) + kernel - 2 padding + output_padding; W of shape
    (k k c_out, c_in). A Conv2d with stride s takes s sizes H to the same h; output_padding, below s, says which it was.
    """

    def __init__(self, c_in, c_out, kernel, rng, *, stride=1, padding=0, output_padding=0, init=glorot_uniform,
                 dtype=np.float32):
        if not 0 <= output_padding < stride:
            raise ValueError(f"output_padding must be at least 0 and below stride {stride}, but is {output_padding}")
        self.map = Correlation(c_out, c_in, kernel, stride, padding)
        self.grow = kernel - 2 * padding + output_padding - stride
        fans = kernel**2 * c_in / stride**2, kernel**2 * c_out
        self.W = Parameter(init(*fans, rng, shape=(kernel**2 * c_out, c_in)).astype(dtype))
        self.b = Parameter(np.zeros(c_out, dtype))

    def forward(self, x):
        W, b, to_x = self.W, self.b, self.map
        require_images(x, to_x.c_out)
        size = self.size_out(x)

        def backward(dy):
            dX = to_x.lay_x(dy)
            W.grad += to_x.gradient(dX, to_x.lay_y(x))
            b.grad += sum_of_pixels(dy)
            return to_x.value(dX, W.value)

        return to_x.adjoint(to_x.lay_y(x), W.value, size, b.value), backward

    def size_out(self, x):
        """(H, W) of y"""
        return [self.map.stride * n + self.grow for n in x.shape[1:3]]


@node
def flatten(x):
    """All numbers of an example in one row: x (B, ...) -> (B, D)"""

    def backward(dy):
        return dy.reshape(x.shape)

    return x.reshape(len(x), math.prod(x.shape[1:])), backward


class Reshape(Module):
    """Each example in another shape, such as flat pixels as an image: x (B, 784) -> (B, 28, 28, 1)"""

    def __init__(self, *shape):
        self.shape = shape

    def forward(self, x):
        def backward(dy):
            return dy.reshape(x.shape)

        return x.reshape(len(x), *self.shape), backward


def sum_of_pixels(x):
    """x.sum(axis=(0, 1, 2)), for each channel: (B, H, W, C) -> (C,). As a product with ones it is ten times as fast."""
    x = x.reshape(-1, x.shape[3])
    return np.ones_like(x[:, 0]) @ x


def require_images(x, channels):
    """ValueError unless x is of shape (B, height, width, channels)."""
    if x.ndim != 4 or x.shape[3] != channels:
        raise ValueError(f"x must have shape (B, height, width, {channels}), but has {x.shape}")
