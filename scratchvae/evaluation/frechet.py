"""How far apart two sets of images are, measured on the features of a classifier."""

import math

import numpy as np


def frechet_distance(a, b):
    """|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)),  m and S the mean and covariance of features (N, F), (M, F)

    The square of the Frechet (2-Wasserstein) distance of two Gaussians, in squared units of the features; 0 for equal
    moments, whatever else differs.     Dowson & Landau 1982
    With S = R'R, R triangular from the centered features, S_a S_b = R_a' (R_a R_b') R_b has the eigenvalues of C C',
    C = R_a R_b'; so the trace of its root is the sum of the singular values of C, and no root of a matrix is taken.

    Not the FID: that is this formula on 2048 features of an Inception network trained on ImageNet, usually of 50000
    draws (Heusel et al. 2017). On other features the number has another scale and compares with no paper's. The
    estimate is too high by about a constant / N: compare only at one N and M, and beside the `frechet_floor` of that N.
    Raises ValueError unless both are finite, have F columns and at least two rows.
    """
    check(a, b)
    (m_a, R_a), (m_b, R_b) = moments(a), moments(b)
    root = np.linalg.svd(R_a @ R_b.T, compute_uv=False).sum()
    return float(((m_a - m_b) ** 2).sum() + (R_a * R_a).sum() + (R_b * R_b).sum() - 2 * root)


def frechet_floor(features, n, rng):
    """The distance of n rows of real features (N, F) from n other rows: what a perfect model would score, not 0.

    Raises ValueError unless 2 <= n <= N / 2.
    """
    if not 2 <= n <= len(features) // 2:
        raise ValueError(f"n must be from 2 to {len(features) // 2}, half of the features there are, but is {n}")
    order = rng.permutation(len(features))
    return frechet_distance(features[order[:n]], features[order[n:2 * n]])


def moments(features):
    """The mean (F,) and a factor R, at most (F, F), of the covariance R'R with its 1 / (N - 1), in float64."""
    mean = features.mean(axis=0, dtype=np.float64)
    return mean, np.linalg.qr(features - mean, mode="r") / math.sqrt(len(features) - 1)


def check(a, b):
    """ValueError unless a (N, F) and b (M, F) are finite and have at least two rows each."""
    for name, features in (("a", a), ("b", b)):
        if features.ndim != 2 or len(features) < 2:
            raise ValueError(f"{name} must be features (N, F) of at least 2 examples, but has shape {features.shape}")
        if not np.isfinite(features).all():
            raise ValueError(f"{name} must be finite, but {np.count_nonzero(~np.isfinite(features))} entries are not")
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"b must have as many features as a, {a.shape[1]}, but has {b.shape[1]}")
