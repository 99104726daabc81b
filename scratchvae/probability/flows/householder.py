"""The Householder flow: reflections, which turn a diagonal covariance into a full one.

Tomczak & Welling 2016, "Improving variational auto-encoders using Householder flow".
"""

import numpy as np

from ...core import node
from .step import FlowStep


@node
def householder(z, v):
    """z' = z - 2 v (v'z) / |v|^2, the mirror image of z in the plane that is orthogonal to v.

    z, v (M, Z) -> z' (M, Z). Lengths stay, |z'| = |z|; volumes too, log|det| = 0; and twice is the identity. With
    a = v'z / |v|^2 and q = v'dz' / |v|^2:  dz = dz' - 2 q v,  dv = -2 (a dz' + q z - 2 a q v). v must not be 0.
    """
    n = (v * v).sum(axis=1, keepdims=True)
    a = (v * z).sum(axis=1, keepdims=True) / n

    def backward(dz):
        q = (v * dz).sum(axis=1, keepdims=True) / n
        return dz - 2 * q * v, -2 * (a * dz + q * z - 2 * a * q * v)

    return z - 2 * a * v, backward


class Householder(FlowStep):
    """A reflection whose v is net(h), (M, Z).

    Each step has a net of its own for v; in the paper v_t is a linear function of v_t-1, and so of h as well.
    """

    def __init__(self, net):
        self.net = net

    def forward(self, z, h):
        v, net_backward = self.net.forward(h)
        z, reflection_backward = householder.forward(z, v)

        def backward(dz, dlog_det):
            dz, dv = reflection_backward(dz)
            return dz, net_backward(dv)

        return (z, np.zeros_like(z[:, 0])), backward

    def inverse(self, z, h):
        """The same reflection."""
        return householder(z, self.net(h))
