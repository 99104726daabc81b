"""The linear map of a convolution, as one matrix product: its value, adjoint and gradient.

Two moves make `unfold(x) @ W` (conv.py) fast, and change nothing in what is computed:

1. A block of stride x stride pixels is seen as one pixel with stride^2 times the channels. Then the stride is 1, and
   the kernel is q = ceil(kernel / stride) blocks wide: 2 instead of 4 for the k4 s2 of the convolutional VAE.
2. At stride 1 a convolution is also a transposed one, with the kernel flipped: fold(x @ W~) instead of
   unfold(x) @ W. So the side with fewer channels is the one that is spread out q^2 times.

What is spread out should stay in the core's cache: give it a few images at a time (microbatches.py).
"""

import itertools

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .patches import fold


class Correlation:
    """y[i, j] = sum_{a, b} x[s i + a - p, s j + b - p] W[a, b]:  x (B, H, W, C) -> y (B, h, w, D), W (k k C, D)

    Outside of x there are zeros. First x and y are laid out, X = lay_x(x) and Y = lay_y(y), of which one is spread out;
    then `value`, `adjoint` and `gradient` are unfold(x) W, fold(y W') and unfold(x)' y.
    """

    def __init__(self, c_in, c_out, kernel, stride, padding):
        for name, value, least in (("kernel", kernel, 1), ("stride", stride, 1), ("padding", padding, 0)):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, but is {value}")
        self.c_in, self.c_out, self.kernel, self.stride, self.padding = c_in, c_out, kernel, stride, padding
        self.q = -(-kernel // stride)
        self.spread_x = stride * stride * c_in <= c_out

    def size_out(self, n):
        """How many places the kernel has along a side of n pixels."""
        if n + 2 * self.padding < self.kernel:
            raise ValueError(f"x must be at least {self.kernel - 2 * self.padding} pixels a side for a kernel of "
                             f"{self.kernel} with padding {self.padding}, but has {n}")
        return (n + 2 * self.padding - self.kernel) // self.stride + 1

    def lay_x(self, x):
        """x in blocks; if it is x that is spread out, the q x q blocks under each place of the kernel."""
        S = self.to_blocks(x)
        return neighbours(S, self.q) if self.spread_x else S

    def lay_y(self, y):
        """y; if it is y that is spread out, the q x q places of the kernel over each block."""
        return y if self.spread_x else neighbours(framed(y, self.q - 1), self.q)

    def value(self, X, W, b=None):
        """unfold(x) W + b"""
        y = pixelwise(X, self.for_blocks(W))
        if not self.spread_x:
            y = gather(y, self.q)
        if b is not None:
            add_to_pixels(y, b)
        return y

    def adjoint(self, Y, W, size, b=None):
        """fold(y W') + b, of `size` (H, W)"""
        if min(size) < 1:
            raise ValueError(f"x must become an image, but of its pixels a kernel of {self.kernel} with stride "
                             f"{self.stride} and padding {self.padding} makes {size[0]} x {size[1]}")
        blocks = [self.size_out(n) + self.q - 1 for n in size]
        S = pixelwise(Y, self.for_blocks(W).T)
        if self.spread_x:
            S = fold(S, size=blocks, kernel=self.q)
        x = self.from_blocks(S, size)
        if b is not None:
            add_to_pixels(x, b)
        return x

    def gradient(self, X, Y):
        """unfold(x)' y: the gradient of W, when y is the gradient of unfold(x) W."""
        return self.from_matrix_for_blocks(X.reshape(-1, X.shape[-1]).T @ Y.reshape(-1, Y.shape[-1]))

    def to_blocks(self, x):
        """x, padded, as (B, n, m, s s C): each block of s x s pixels one pixel."""
        s, p, (n, m) = self.stride, self.padding, (self.size_out(side) + self.q - 1 for side in x.shape[1:3])
        padded = np.zeros((len(x), n * s, m * s, self.c_in), x.dtype, like=x)
        inside = x[:, :n * s - p, :m * s - p]                   # what no kernel reaches is left out
        padded[:, p:p + inside.shape[1], p:p + inside.shape[2]] = inside
        return padded.reshape(-1, n, s, m, s, self.c_in).swapaxes(2, 3).reshape(len(x), n, m, s * s * self.c_in)

    def from_blocks(self, S, size):
        """The adjoint of to_blocks: x of `size` (H, W)."""
        s, p, (n, m) = self.stride, self.padding, S.shape[1:3]
        padded = S.reshape(-1, n, m, s, s, self.c_in).swapaxes(2, 3).reshape(len(S), n * s, m * s, self.c_in)
        inside = padded[:, p:p + size[0], p:p + size[1]]
        x = np.zeros((len(S), *size, self.c_in), S.dtype, like=S)
        x[:, :inside.shape[1], :inside.shape[2]] = inside
        return x

    def for_blocks(self, W):
        """W (k k C, D) for blocks: (q q s s C, D) if x is spread out; if y is, flipped, (s s C, q q D)."""
        k, s, q = self.kernel, self.stride, self.q
        V = np.zeros((q * s, q * s, self.c_in, self.c_out), W.dtype, like=W)
        V[:k, :k] = W.reshape(k, k, self.c_in, self.c_out)
        V = V.reshape(q, s, q, s, self.c_in, self.c_out).swapaxes(1, 2)              # (q, q, s, s, C, D)
        if self.spread_x:
            return V.reshape(-1, self.c_out)
        return V[::-1, ::-1].transpose(2, 3, 4, 0, 1, 5).reshape(-1, q * q * self.c_out)

    def from_matrix_for_blocks(self, V):
        """for_blocks taken back."""
        k, s, q = self.kernel, self.stride, self.q
        if not self.spread_x:
            V = V.reshape(s, s, self.c_in, q, q, self.c_out).transpose(3, 4, 0, 1, 2, 5)[::-1, ::-1]
        V = V.reshape(q, q, s, s, self.c_in, self.c_out).swapaxes(1, 2)
        return V.reshape(q * s, q * s, self.c_in, self.c_out)[:k, :k].reshape(-1, self.c_out)


def neighbours(x, q):
    """unfold(x, kernel=q): for each pixel the q x q pixels from there on, x (B, n, m, C) -> (B, h, w, q q C)

    It copies the longest runs there are in memory: the q pixels of a row, or, of one channel, a row of the image.
    """
    B, n, m, C = x.shape
    h, w = n - q + 1, m - q + 1
    if C == 1:
        patches = np.empty((q, q, B, h, w), x.dtype, like=x)
        for a, b in itertools.product(range(q), repeat=2):
            patches[a, b] = x[:, a:a + h, b:b + w, 0]
        return patches.transpose(2, 3, 4, 0, 1).reshape(B, h, w, q * q)
    runs = sliding_window_view(x.reshape(B, n, m * C), q * C, axis=2)[:, :, ::C]
    patches = np.empty((B, h, w, q, q * C), x.dtype, like=x)
    for a in range(q):
        patches[:, :, :, a] = runs[:, a:a + h]
    return patches.reshape(B, h, w, q * q * C)


def gather(patches, q):
    """fold(patches, kernel=q) without its frame: each pixel the sum of what the q x q patches around it hold."""
    h, w = (n - q + 1 for n in patches.shape[1:3])
    patches = patches.reshape(*patches.shape[:3], q, q, patches.shape[3] // q**2)
    parts = [patches[:, i:i + h, j:j + w, q - 1 - i, q - 1 - j] for i, j in itertools.product(range(q), repeat=2)]
    y = parts[0].copy()
    for part in parts[1:]:
        y += part
    return y


def framed(x, p):
    """x with p pixels of zeros around it."""
    B, n, m, C = x.shape
    y = np.zeros((B, n + 2 * p, m + 2 * p, C), x.dtype, like=x)
    y[:, p:p + n, p:p + m] = x
    return y


def add_to_pixels(y, b):
    """y += b, a number for each channel, a row of pixels at a time."""
    rows = y.reshape(*y.shape[:2], y.shape[2] * y.shape[3])
    rows += np.tile(b, y.shape[2])


def pixelwise(x, V):
    """x V, the channels of every pixel times V: one product of matrices (x @ V would be one for each row of x)."""
    return (x.reshape(-1, x.shape[-1]) @ V).reshape(*x.shape[:-1], V.shape[1])
