"""The linear inverse autoregressive flow: every Gaussian, of any covariance.     Kingma et al. 2016, appendix A"""

import numpy as np

from ...core import node
from .step import FlowStep


@node
def shear(z, l):
    """z' = L z,  L lower-triangular with ones on its diagonal:  log|det| = 0

    z (M, Z), l (M, Z (Z - 1) / 2), the numbers below the diagonal of each L, row by row -> z' (M, Z). Where z has a
    diagonal covariance D, that of z' is L D L', which any covariance is (its LDL' decomposition).
    """
    rows, columns = below_diagonal(z.shape[1])
    L = lower(z, l)

    def backward(dz):
        dL = dz[:, :, None] * z[:, None, :]
        return dz + (dz[:, None, :] @ L)[:, 0], dL[:, rows, columns]

    return z + (L @ z[:, :, None])[:, :, 0], backward


def below_diagonal(Z):
    """The rows and the columns of the places below the diagonal of a Z x Z matrix, row by row."""
    return [i for i in range(Z) for _ in range(i)], [j for i in range(Z) for j in range(i)]


def lower(z, l):
    """L - I, (M, Z, Z)"""
    L = np.zeros((*z.shape, z.shape[1]), l.dtype, like=l)
    rows, columns = below_diagonal(z.shape[1])
    L[:, rows, columns] = l
    return L


class LinearIAF(FlowStep):
    """A shear whose L is net(h), (M, Z (Z - 1) / 2). One is enough: a product of such matrices is such a matrix."""

    def __init__(self, net):
        self.net = net

    def forward(self, z, h):
        l, net_backward = self.net.forward(h)
        z, shear_backward = shear.forward(z, l)

        def backward(dz, dlog_det):
            dz, dl = shear_backward(dz)
            return dz, net_backward(dl)

        return (z, np.zeros_like(z[:, 0])), backward

    def inverse(self, z, h):
        """z_i = z'_i - sum_j<i L_ij z_j, the first latent first."""
        L, before = lower(z, self.net(h)), np.zeros_like(z)
        for i in range(z.shape[1]):
            before[:, i] = z[:, i] - (L[:, i] * before).sum(axis=1)
        return before
