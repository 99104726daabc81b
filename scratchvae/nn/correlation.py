"""The linear map of a convolution, as one matrix product for a few images at a time: its value, adjoint and gradient.

Three moves make `unfold(x) @ W` (conv.py) fast, and change nothing in what is computed:

1. A block of stride x stride pixels is seen as one pixel with stride^2 times the channels. Then the stride is 1, and
   the kernel is q = ceil(kernel / stride) blocks wide: 2 instead of 4 for the k4 s2 of the convolutional VAE.
2. At stride 1 a convolution is also a transposed one, with the kernel turned round: fold(x @ W~) instead of
   unfold(x) @ W. So the side with fewer channels is the one that is spread out q^2 times.
3. A few images at a time: what is spread out stays in the core's cache.
"""

import itertools

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .patches import fold

MOST = 1 << 17          # numbers that are spread out at a time: half a megabyte in float32


class Correlation:
    """y[i, j] = sum_{a, b} x[s i + a - p, s j + b - p] W[a, b]:  x (B, H, W, C) -> y (B, h, w, D), W (k k C, D)

    Outside of x there are zeros. `value`, `adjoint` and `gradient` are unfold(x) W, fold(y W') and unfold(x)' y.
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

    def value(self, x, W, b=None):
        """unfold(x) W + b"""
        size, V = [self.size_out(n) for n in x.shape[1:3]], self.for_blocks(W)
        y = np.empty((len(x), *size, self.c_out), np.result_type(x, W), like=x)
        for few in self.few(x, size):
            S = self.to_blocks(x[few], size)
            if self.spread_x:
                y[few] = pixelwise(neighbours(S, self.q), V)
            else:
                gather(pixelwise(S, V), self.q, y[few])
            if b is not None:
                add_to_pixels(y[few], b)
        return y

    def adjoint(self, y, W, size, b=None):
        """fold(y W') + b, of `size` (H, W)"""
        if min(size) < 1 or [self.size_out(n) for n in size] != list(y.shape[1:3]):
            raise ValueError(f"no image of {size[0]} x {size[1]} pixels becomes one of {y.shape[1]} x {y.shape[2]} by "
                             f"a kernel of {self.kernel}, stride {self.stride} and padding {self.padding}")
        V = self.for_blocks(W).T
        x = np.empty((len(y), *size, self.c_in), np.result_type(y, W), like=y)
        blocks = [n + self.q - 1 for n in y.shape[1:3]]
        for few in self.few(y, y.shape[1:3]):
            S = (fold(pixelwise(y[few], V), size=blocks, kernel=self.q) if self.spread_x else
                 pixelwise(neighbours(framed(y[few], self.q - 1), self.q), V))
            self.from_blocks(S, x[few])
            if b is not None:
                add_to_pixels(x[few], b)
        return x

    def gradient(self, x, y):
        """unfold(x)' y: what W gets, when y is the gradient that comes home to value(x, W)."""
        total = self.for_blocks(np.zeros((self.kernel**2 * self.c_in, self.c_out), np.result_type(x, y), like=x))
        for few in self.few(x, y.shape[1:3]):
            S, d = self.to_blocks(x[few], y.shape[1:3]), y[few]
            if self.spread_x:
                S = neighbours(S, self.q)
            else:
                d = neighbours(framed(d, self.q - 1), self.q)
            total += S.reshape(-1, S.shape[-1]).T @ d.reshape(-1, d.shape[-1])
        return self.from_matrix_for_blocks(total)

    def few(self, images, size):
        """Slices of images, as many as may be spread out at a time: on a GPU, all."""
        if not isinstance(images, np.ndarray):
            return [slice(None)]
        spread = self.q**2 * (self.stride**2 * self.c_in if self.spread_x else self.c_out)
        n = max(1, MOST // (spread * (size[0] + self.q - 1) * (size[1] + self.q - 1)))
        return (slice(start, start + n) for start in range(0, len(images), n))

    def to_blocks(self, x, size):
        """x, padded, as (B, n, m, s s C): each block of s x s pixels one pixel."""
        s, p, (n, m) = self.stride, self.padding, (size[0] + self.q - 1, size[1] + self.q - 1)
        padded = np.zeros((len(x), n * s, m * s, self.c_in), x.dtype, like=x)
        inside = x[:, :n * s - p, :m * s - p]                   # what no kernel reaches is left out
        padded[:, p:p + inside.shape[1], p:p + inside.shape[2]] = inside
        return padded.reshape(-1, n, s, m, s, self.c_in).swapaxes(2, 3).reshape(-1, n, m, s * s * self.c_in)

    def from_blocks(self, S, x):
        """The adjoint of to_blocks, written into x."""
        s, p, (n, m) = self.stride, self.padding, S.shape[1:3]
        padded = S.reshape(-1, n, m, s, s, self.c_in).swapaxes(2, 3).reshape(-1, n * s, m * s, self.c_in)
        inside = padded[:, p:p + x.shape[1], p:p + x.shape[2]]
        x[:, inside.shape[1]:] = 0
        x[:, :, inside.shape[2]:] = 0
        x[:, :inside.shape[1], :inside.shape[2]] = inside

    def for_blocks(self, W):
        """W (k k C, D) for blocks: (q q s s C, D) if x is spread out; if y is, turned round, (s s C, q q D)."""
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
        return patches.transpose(2, 3, 4, 0, 1).reshape(B, h, w, -1)
    runs = sliding_window_view(x.reshape(B, n, -1), q * C, axis=2)[:, :, ::C]
    patches = np.empty((B, h, w, q, q * C), x.dtype, like=x)
    for a in range(q):
        patches[:, :, :, a] = runs[:, a:a + h]
    return patches.reshape(B, h, w, -1)


def gather(patches, q, y):
    """y = fold(patches, kernel=q) without its frame: each pixel the sum of what the q x q patches around it hold."""
    h, w = y.shape[1:3]
    patches = patches.reshape(*patches.shape[:3], q, q, -1)
    for i, j in itertools.product(range(q), repeat=2):
        part = patches[:, i:i + h, j:j + w, q - 1 - i, q - 1 - j]
        if i == j == 0:
            y[:] = part
        else:
            y += part


def framed(x, p):
    """x with p pixels of zeros around it."""
    B, n, m, C = x.shape
    y = np.zeros((B, n + 2 * p, m + 2 * p, C), x.dtype, like=x)
    y[:, p:p + n, p:p + m] = x
    return y


def add_to_pixels(y, b):
    """y += b, a number for each channel, a row of pixels at a time."""
    rows = y.reshape(len(y), y.shape[1], -1)
    rows += np.tile(b, y.shape[2])


def pixelwise(x, V):
    """x V, the channels of every pixel times V: one product of matrices (x @ V would be one for each row of x)."""
    return (x.reshape(-1, x.shape[-1]) @ V).reshape(*x.shape[:-1], V.shape[1])
