"""A network with a condition beside its input."""

import numpy as np

from ..core import Module


class Conditioned(Module):
    """y = net([x, c]): the condition c, one-hot labels or half an image, stands beside x.     Sohn et al. 2015

    x (B, D), c (B, C) -> what net makes of (B, D + C). c is data and gets no gradient.
    """

    def __init__(self, net):
        self.net = net

    def forward(self, x, *, c):
        y, net_backward = self.net.forward(np.concatenate([x, c.astype(x.dtype)], axis=1))

        def backward(*dy):
            dxc = net_backward(*dy)
            return None if dxc is None else dxc[:, :x.shape[1]]

        return y, backward
