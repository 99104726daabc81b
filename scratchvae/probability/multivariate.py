"""The Gaussian with a full covariance S = L L', known by its lower triangle L (Cholesky), which is never inverted.

Rasmussen & Williams 2006, "Gaussian Processes for Machine Learning", appendix A.
"""

import math

import numpy as np

from ..core import node


def cholesky(covariance):
    """L, lower triangular with a positive diagonal, such that L L' = covariance; both of shape (D, D).

    ValueError unless the covariance is symmetric and positive definite.
    """
    asymmetry = np.abs(covariance - covariance.T).max()
    if asymmetry > 1e-6 * np.abs(covariance).max():
        raise ValueError(f"covariance must be symmetric, but differs from its transpose by {asymmetry:.1e}")
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        smallest = np.linalg.eigvalsh(covariance)[0]
        raise ValueError("covariance must be positive definite, but its smallest eigenvalue is "
                         f"{smallest:.1e}") from None


@node
def multivariate_logpdf(x, mu, L):
    """log N(x; mu, L L') = -1/2 (D log 2 pi + |w|^2) - sum_i log L_ii,  w = L^-1 (x - mu)

    x of shape (B, D), mu (D,), L (D, D), of which the lower triangle is read -> (B,), in nats, every constant included.
    """
    L = lower_triangle(L)
    w = solve(L, x - mu)

    def backward(dlogp):
        dmu = solve(L.T, dlogp[:, None] * w)
        dL = np.tril(dmu.T @ w) - np.diag(dlogp.sum() / np.diag(L))
        return -dmu, dmu.sum(axis=0), dL

    return -((w * w).sum(axis=1) + len(L) * math.log(2 * math.pi)) / 2 - np.log(np.diag(L)).sum(), backward


@node
def multivariate_kl(mu, L, prior_mu, prior_L):
    """KL(N(mu, L L') || N(m, M M')) = 1/2 (|A|^2 + |w|^2 - D) + sum_i log (M_ii / L_ii)

    A = M^-1 L,  w = M^-1 (mu - m),  m = prior_mu,  M = prior_L,  |A|^2 the sum of the squares of all entries.
    mu and m of shape (B, D), L and M (D, D), of which the lower triangles are read, one for all B -> (B,), in nats.
    """
    L, M = lower_triangle(L), lower_triangle(prior_L)
    A, w = np.linalg.solve(M, L), solve(M, mu - prior_mu)
    log_ratio = np.log(np.diag(M)).sum() - np.log(np.diag(L)).sum()

    def backward(dkl):
        n, v = dkl.sum(), dkl[:, None] * w
        dmu, dA = solve(M.T, v), n * np.linalg.solve(M.T, A)
        dM = np.diag(n / np.diag(M)) - np.tril(dA @ A.T + dmu.T @ w)
        return dmu, np.tril(dA) - np.diag(n / np.diag(L)), -dmu, dM

    return ((A * A).sum() + (w * w).sum(axis=1) - len(L)) / 2 + log_ratio, backward


def lower_triangle(L):
    """The lower triangle of L, the rest 0; ValueError unless it is square with a positive diagonal."""
    if L.ndim != 2 or L.shape[0] != L.shape[1] or not (np.diag(L).real > 0).all():
        raise ValueError(f"L must be square with a positive diagonal, but has shape {L.shape}, diagonal {np.diag(L)}")
    return np.tril(L)


def solve(L, x):
    """L^-1 x for each row x of (B, D)."""
    return np.linalg.solve(L, x.T).T
