"""Principal component analysis: the directions in which the data vary most.     Pearson 1901; Hotelling 1933"""

import numpy as np


def mean_and_covariance(x, block=5000):
    """b = 1/N sum_n x_n,  S = 1/N sum_n (x_n - b)(x_n - b)';  x of shape (N, D) -> (D,) and (D, D), float64.

    Divided by N, so that both are the maximum-likelihood estimates. The rows are taken in blocks, to save memory.
    """
    b = x.mean(axis=0, dtype=np.float64)
    S = np.zeros((len(b), len(b)))
    for start in range(0, len(x), block):
        d = x[start:start + block] - b
        S += d.T @ d
    return b, S / len(x)


class PCA:
    """S = U diag(eigenvalues) U', the largest first: column j of U is the direction of the j-th largest variance.

    z = U_k' (x - b) are the k numbers that describe x best, and b + U_k z is the best reconstruction from them: of all
    linear maps to k numbers and back, this one has the smallest mean squared error.     Pearson 1901
    """

    def __init__(self, x: np.ndarray):
        self.b, self.covariance = mean_and_covariance(x)
        eigenvalues, U = np.linalg.eigh(self.covariance)
        self.eigenvalues, self.U = eigenvalues[::-1], U[:, ::-1]        # eigh gives the smallest first

    def encode(self, x, k):
        """z = U_k' (x - b): (B, D) -> (B, k)"""
        return (x - self.b) @ self.U[:, :k]

    def decode(self, z):
        """b + U_k z: (B, k) -> (B, D)"""
        return self.b + z @ self.U[:, :z.shape[1]].T

    def reconstruct(self, x, k):
        """b + U_k U_k' (x - b), x from its first k components: (B, D) -> (B, D)"""
        return self.decode(self.encode(x, k))
