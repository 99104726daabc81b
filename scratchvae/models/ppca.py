"""Probabilistic PCA: the linear-Gaussian model fitted by maximum likelihood, at once or by EM.

Tipping & Bishop 1999, section 3 and appendix B. Both need only the mean b and the covariance S of the data.
"""

import math

import numpy as np

from .linear_gaussian import LinearGaussian
from .pca import PCA


def fit_ppca(pca: PCA, n_latents: int, s2: float | None = None) -> LinearGaussian:
    """W = U_k (L_k - s2 I)^1/2, the maximum of the likelihood, from the eigenvalues L and directions U of a PCA.

    s2 is the mean of the D - k eigenvalues left out, the maximum-likelihood estimate; or it is given, and then a latent
    whose eigenvalue is not larger than s2 has a column of zeros: it collapses. Raises ValueError unless s2 > 0.
    """
    kept, left_out = pca.eigenvalues[:n_latents], pca.eigenvalues[n_latents:]
    s2 = float(left_out.mean()) if s2 is None else s2
    return LinearGaussian(pca.U[:, :n_latents] * np.sqrt(np.maximum(kept - s2, 0)), pca.b, s2)


def em_step(model: LinearGaussian, S: np.ndarray, keep_s2: bool = False) -> LinearGaussian:
    """One iteration of EM on data with mean model.b and covariance S (D, D), -> a new model; keep_s2 keeps the noise.

    E: with m = M^-1 W' (x - b), the averages  A = <(x - b) m'> = S W M^-1  and  <E zz'> = s2 M^-1 + <m m'>
    M: W <- A <E zz'>^-1,  s2 <- (tr S - tr W A') / D
    """
    W, s2, M_inverse = model.W, model.s2, np.linalg.inv(model.M)
    A = S @ W @ M_inverse
    Ezz = s2 * M_inverse + M_inverse @ W.T @ A
    W = np.linalg.solve(Ezz, A.T).T
    return LinearGaussian(W, model.b, s2 if keep_s2 else float((np.trace(S) - (W * A).sum()) / len(S)))


def mean_log_likelihood(model, S):
    """<log p(x)> = -1/2 (D log 2 pi + log|C| + tr C^-1 S),  C = W W' + s2 I: nats per x of data with mean b, cov. S."""
    (D, Z), M = model.W.shape, model.M
    log_determinant = (D - Z) * math.log(model.s2) + np.linalg.slogdet(M)[1]
    trace = (np.trace(S) - np.trace(np.linalg.solve(M, model.W.T @ S @ model.W))) / model.s2
    return float(-(D * math.log(2 * math.pi) + log_determinant + trace) / 2)
