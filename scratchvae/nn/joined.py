"""Networks that read two arrays as one, and one array in part."""

import numpy as np

from ..core import Module


class Joined(Module):
    """y = net([a, b]): two inputs, side by side, a (B, A) and b (B, C) -> what net makes of (B, A + C).

    Both get a gradient; Conditioned is for a b that is data.
    """

    def __init__(self, net):
        self.net = net

    def forward(self, a, b):
        y, net_backward = self.net.forward(np.concatenate([a, b], axis=1))

        def backward(*dy):
            dab = net_backward(*dy)
            return dab[:, :a.shape[1]], dab[:, a.shape[1]:]

        return y, backward


class Columns(Module):
    """y = x[:, start:stop], the columns that are read; of the others the gradient is 0."""

    def __init__(self, start, stop):
        self.start, self.stop = start, stop

    def forward(self, x):
        read = slice(self.start, self.stop)

        def backward(dy):
            dx = np.zeros_like(x)
            dx[:, read] = dy
            return dx

        return x[:, read], backward
