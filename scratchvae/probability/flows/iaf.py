"""The inverse autoregressive flow: each latent is moved by what the latents before it say.

Kingma, Salimans, Jozefowicz, Chen, Sutskever & Welling 2016, "Improving variational inference with inverse
autoregressive flow".
"""

import numpy as np

from ...core import node
from ...functions import sigmoid, softplus
from .step import FlowStep


@node
def gate(z, m, a):
    """z' = s z + (1 - s) m,  s = sigmoid(a),  sum_j log s_j = -sum_j softplus(-a_j)

    Kingma et al. 2016, eq. (13)-(14): a mean of z and m, which cannot run away. z, m, a (M, Z) -> z' (M, Z) and the sum
    (M,), in nats: log|det dz'/dz| where m_j and a_j depend on z_1 ... z_j-1 alone, so that dz'/dz is triangular.
    """
    s, kept = sigmoid(a), sigmoid(-a)

    def backward(dz, dlog_det):
        return dz * s, dz * kept, (dz * (z - m) * s + dlog_det[:, None]) * kept

    return (s * z + kept * m, -softplus(-a).sum(axis=1)), backward


class IAF(FlowStep):
    """(m, a) = net(z, h), then the gate.

    net is autoregressive in z, a MADE with two outputs: (M, Z), (M, H) -> (M, 2 Z), m and then a. From step to step the
    order should be reversed, or the latent that is first is never moved by another. a should start near +1 ... +2, so
    that z' starts near z.     Kingma et al. 2016, section 4 and algorithm 1
    """

    def __init__(self, net):
        self.net = net

    def forward(self, z, h):
        Z = z.shape[1]
        y, net_backward = self.net.forward(z, h)
        z_and_log_det, gate_backward = gate.forward(z, y[:, :Z], y[:, Z:])

        def backward(dz, dlog_det):
            dz, dm, da = gate_backward(dz, dlog_det)
            through_net, dh = net_backward(np.concatenate([dm, da], axis=1))
            return dz + through_net, dh

        return z_and_log_det, backward

    def inverse(self, z, h):
        """One latent a pass, the first in the order first: z_j = (z'_j - (1 - s_j) m_j) / s_j"""
        Z, before = z.shape[1], np.zeros_like(z)
        for j in self.net.order:
            y = self.net(before, h)
            m, a = y[:, j], y[:, Z + j]
            before[:, j] = (z[:, j] - sigmoid(-a) * m) / sigmoid(a)
        return before
