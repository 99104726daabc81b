"""The planar flow: z is pushed along one direction, by how far it lies along another.

Rezende & Mohamed 2015, "Variational inference with normalizing flows", eq. (10)-(12) and appendix A.1.
"""

import numpy as np

from ...core import node
from ...functions import sigmoid, softplus
from .step import FlowStep

BISECTIONS = 60      # each halves the interval: 2^-60 of it is below what float64 can tell


@node
def planar(z, u, w, b):
    """z' = z + v t,  t = tanh(w'z + b),  log|det| = log(1 + m (1 - t^2)),  v = u + (m - w'u) w / |w|^2

    With m = softplus(w'u) - 1: v is u, moved along w until w'v = m > -1. Without that, w'z' = w'z + m t might not rise
    with w'z: two z would have one z', and log|det| would not be that of a density. So the determinant 1 + w'v (1 - t^2)
    needs no v, and is positive.

    z, u, w (M, Z), b (M, 1) -> z' (M, Z), log|det| (M,), in nats. w must not be 0.
    """
    p, n = (u * w).sum(axis=1, keepdims=True), (w * w).sum(axis=1, keepdims=True)
    m = softplus(p) - 1
    c = (m - p) / n
    v = u + c * w
    t = np.tanh((z * w).sum(axis=1, keepdims=True) + b)
    slope = 1 - t * t                                                                     # all but z, u, w, v: (M, 1)

    def backward(dz, dlog_det):
        dJ = dlog_det[:, None] / (1 + m * slope)
        db = ((dz * v).sum(axis=1, keepdims=True) - 2 * t * m * dJ) * slope
        dv = dz * t
        dc = (dv * w).sum(axis=1, keepdims=True)
        dp = (slope * dJ + dc / n) * sigmoid(p) - dc / n
        dn = -dc * c / n
        return dz + db * w, dv + dp * w, c * dv + dp * u + 2 * dn * w + db * z, db

    return (z + v * t, np.log1p(m * slope)[:, 0]), backward


class Planar(FlowStep):
    """A planar step whose u, w and b are (u, w, b) = net(h), (M, 2 Z + 1)."""

    def __init__(self, net):
        self.net = net

    def forward(self, z, h):
        Z = z.shape[1]
        y, net_backward = self.net.forward(h)
        z_and_log_det, planar_backward = planar.forward(z, y[:, :Z], y[:, Z:2 * Z], y[:, 2 * Z:])

        def backward(dz, dlog_det):
            dz, *dy = planar_backward(dz, dlog_det)
            return dz, net_backward(np.concatenate(dy, axis=1))

        return z_and_log_det, backward

    def inverse(self, z, h):
        """a = w'z is the root of a + m tanh(a + b) = w'z', which rises with a and lies within |m| of w'z'."""
        Z, y = z.shape[1], self.net(h)
        u, w, b = y[:, :Z], y[:, Z:2 * Z], y[:, 2 * Z:]
        p = (u * w).sum(axis=1, keepdims=True)
        m, n = softplus(p) - 1, (w * w).sum(axis=1, keepdims=True)
        image = (z * w).sum(axis=1, keepdims=True)
        low, high = image - np.maximum(m, -m), image + np.maximum(m, -m)
        for _ in range(BISECTIONS):
            a = (low + high) / 2
            below = a + m * np.tanh(a + b) < image
            low, high = np.where(below, a, low), np.where(below, high, a)
        return z - (u + (m - p) / n * w) * np.tanh(a + b)
