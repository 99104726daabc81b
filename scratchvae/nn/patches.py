"""Cut an image into the patches that a kernel sees, and lay patches over each other: two maps, each other's adjoint.

Images are of shape (B, height, width, channels): the numbers of one pixel stand side by side in memory.
"""

import itertools

import numpy as np

from ..core import node


@node
def unfold(x, *, kernel, stride=1, padding=0):
    """Every patch of kernel x kernel pixels as one row of numbers: x (B, H, W, C) -> patches (B, h, w, k k C)

    patches[i, j, (a, b)] = x[stride i + a - padding, stride j + b - padding], zero outside of x;
    h = (H + 2 padding - kernel) // stride + 1, and w likewise. Also called im2col.     Chellapilla et al. 2006
    """
    (H, W), k, s, p = x.shape[1:3], kernel, stride, padding
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0))) if p else x
    h, w = ((n + 2 * p - k) // s + 1 for n in (H, W))
    patches = np.empty((len(x), h, w, k, k, x.shape[3]), x.dtype, like=x)
    for a, b in itertools.product(range(k), repeat=2):
        patches[:, :, :, a, b] = padded[:, a:a + s * h:s, b:b + s * w:s]

    def backward(dpatches):
        return fold(dpatches, size=(H, W), kernel=k, stride=s, padding=p)

    return patches.reshape(len(x), h, w, k * k * x.shape[3]), backward


@node
def fold(patches, *, size, kernel, stride=1, padding=0):
    """The patches put back in their places, and added where they overlap: (B, h, w, k k C) -> x (B, *size, C)

    The same loop as in unfold, with the two sides of the line exchanged: so it is unfold's adjoint (col2im).
    """
    (B, h, w, _), (H, W), k, s, p = patches.shape, size, kernel, stride, padding
    patches = patches.reshape(B, h, w, k, k, patches.shape[3] // k**2)
    padded = np.zeros((B, H + 2 * p, W + 2 * p, patches.shape[5]), patches.dtype, like=patches)
    for a, b in itertools.product(range(k), repeat=2):
        padded[:, a:a + s * h:s, b:b + s * w:s] += patches[:, :, :, a, b]

    def backward(dx):
        return unfold(dx, kernel=k, stride=s, padding=p)

    return padded[:, p:p + H, p:p + W], backward
