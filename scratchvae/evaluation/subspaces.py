"""How far two subspaces are apart."""

import numpy as np


def principal_angles(A, B):
    """The k angles between the spaces spanned by the columns of A and of B, the smallest first, in radians.

    A and B of shape (D, k) -> (k,). Equal spaces have angles 0, whatever their bases.     Bjorck & Golub 1973
    With orthonormal bases P and Q the singular values of P'Q are the cosines, those of Q - P P'Q the sines; each angle
    is computed from the one of the two that keeps its digits.
    """
    P, Q = np.linalg.qr(A)[0], np.linalg.qr(B)[0]
    cosines = np.linalg.svd(P.T @ Q, compute_uv=False)                        # falling
    sines = np.linalg.svd(Q - P @ (P.T @ Q), compute_uv=False)[::-1]          # rising
    return np.where(cosines**2 > 0.5, np.arcsin(np.minimum(sines, 1)), np.arccos(np.minimum(cosines, 1)))
