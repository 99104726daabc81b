"""Chapter 3, PCA and probabilistic PCA: what a student answers, and the mistakes that are known by name."""

import math

import numpy as np

from ..models import LinearGaussian
from .checking import agree, exercise, require


def require_finite(*values):
    require(all(np.isfinite(np.asarray(v, dtype=np.float64)).all() for v in values),
            "There is an inf or a nan in your answer.")


def posterior_with(M=lambda W, s2: W.T @ W + s2 * np.eye(W.shape[1]),
                   mean=lambda M_inverse, W, d, s2: d @ W @ M_inverse,
                   covariance=lambda M_inverse, s2: s2 * M_inverse):
    """A posterior that may be wrong in its M, its mean or its covariance."""

    def posterior(W, b, s2, x):
        M_inverse = np.linalg.inv(M(W, s2))
        return mean(M_inverse, W, x - b, s2), covariance(M_inverse, s2)

    return posterior


right_posterior = posterior_with()


def no_b(W, b, s2, x):
    return right_posterior(W, np.zeros_like(b), s2, x)


@exercise(mistakes={
    "The data mean b is missing: the mean of z comes from x - b.": no_b,
    "b is added to x; it must be subtracted.": lambda W, b, s2, x: right_posterior(W, -b, s2, x),
    "Your M lacks s2 I: that is the projection on the plane, as if there were no prior.":
        posterior_with(M=lambda W, s2: W.T @ W),
    "Your M has I instead of s2 I. I + W'W / s2 is the precision; M = W'W + s2 I.":
        posterior_with(M=lambda W, s2: W.T @ W + np.eye(W.shape[1])),
    "Your M has sqrt(s2) I: s2 is the variance already.":
        posterior_with(M=lambda W, s2: W.T @ W + math.sqrt(s2) * np.eye(W.shape[1])),
    "Your M has s2^2 I: s2 is the variance already, do not square it.":
        posterior_with(M=lambda W, s2: W.T @ W + s2**2 * np.eye(W.shape[1])),
    "The covariance is s2 M^-1: you forgot the s2.": posterior_with(covariance=lambda M_inverse, s2: M_inverse),
    "That is M / s2, the precision. The covariance is its inverse, s2 M^-1.":
        posterior_with(covariance=lambda M_inverse, s2: np.linalg.inv(M_inverse) / s2),
    "The covariance is s2 M^-1, not s2 M: the inverse is missing.":
        posterior_with(covariance=lambda M_inverse, s2: s2 * np.linalg.inv(M_inverse)),
    "The covariance is s2 M^-1, not M^-1 / s2: more noise makes z less certain.":
        posterior_with(covariance=lambda M_inverse, s2: M_inverse / s2),
    "The covariance is multiplied by sigma instead of s2.":
        posterior_with(covariance=lambda M_inverse, s2: math.sqrt(s2) * M_inverse),
    "The inverse of M is missing in the mean.":
        posterior_with(mean=lambda M_inverse, W, d, s2: d @ W @ np.linalg.inv(M_inverse)),
    "M^-1 is missing in the mean: W'(x - b) alone ignores the prior.":
        posterior_with(mean=lambda M_inverse, W, d, s2: d @ W),
    "The mean has one factor s2 too many: M^-1 W'(x - b) already contains it.":
        posterior_with(mean=lambda M_inverse, W, d, s2: s2 * d @ W @ M_inverse),
    "The mean is divided by s2 once too often: the s2 of W'(x - b) / s2 is cancelled by the s2 of s2 M^-1.":
        posterior_with(mean=lambda M_inverse, W, d, s2: d @ W @ M_inverse / s2),
    "The mean is transposed: one row for each x, shape (B, Z).":
        lambda W, b, s2, x: (right_posterior(W, b, s2, x)[0].T, right_posterior(W, b, s2, x)[1]),
    "Only the diagonal of the covariance: the latents of this posterior are not independent.":
        posterior_with(covariance=lambda M_inverse, s2: np.diag(np.diag(s2 * M_inverse))),
    "The covariance is a vector: its diagonal. The whole matrix (Z, Z) is asked for.":
        posterior_with(covariance=lambda M_inverse, s2: np.diag(s2 * M_inverse)),
    "You exchanged the two: first the mean, then the covariance.":
        lambda W, b, s2, x: right_posterior(W, b, s2, x)[::-1],
})
def posterior(answer, known):
    """(W, b, s2, x) -> the mean (B, Z) and the covariance (Z, Z) of p(z|x)."""
    rng = np.random.default_rng(0)
    W, b, x = rng.standard_normal((5, 3)), rng.standard_normal(5), rng.standard_normal((4, 5))
    result = known(answer, W, b, 0.4, x)
    require(isinstance(result, (tuple, list)) and len(result) == 2,
            "Return two things: the mean and the covariance.")
    mean, covariance = result
    require(np.shape(mean) == (4, 3), f"The mean has one row for each x: shape (4, 3), not {np.shape(mean)}.")
    require(np.shape(covariance) == (3, 3),
            f"The covariance is one matrix for all x: shape (3, 3), not {np.shape(covariance)}.")
    require_finite(mean, covariance)
    require(agree(covariance, covariance.T), "The covariance must be symmetric.")
    require(np.linalg.eigvalsh(covariance)[0] > 0, "The covariance must be positive definite.")
    require(agree(known(answer, 0 * W, b, 0.4, x)[1], np.eye(3)),
            "With W = 0, x says nothing about z, and the posterior must be the prior N(0, I).")
    z = rng.standard_normal((4, 3))
    model, d = LinearGaussian(W, b, 0.4), z - mean
    log_q = -(np.einsum("bi,ij,bj->b", d, np.linalg.inv(covariance), d)
              + np.linalg.slogdet(2 * math.pi * covariance)[1]) / 2
    require(agree(model.log_joint(x, z) - log_q, model.log_evidence(x)),
            "Bayes' rule fails: log p(x, z) - log p(z|x) is not log p(x). Complete the square once more.")
    require(agree(tuple(known(answer, W, b, 2.5, x)), LinearGaussian(W, b, 2.5).posterior(x)),
            "Right at s2 = 0.4, wrong at s2 = 2.5: where does s2 enter?")


def precision(W, s2):
    return np.eye(W.shape[1]) + W.T @ W / s2


def gap_with(half=0.5, sign=1, precision=precision):
    """1/2 (sum log diag - log det) of a matrix, which may be the wrong one."""

    def gap(W, s2):
        matrix = precision(W, s2)
        return sign * half * (np.log(np.diag(matrix)).sum() - np.linalg.slogdet(matrix)[1])

    return gap


def gap_of_marginals(W, s2):
    """KL(N(m, diag of the covariance) || posterior)"""
    matrix = precision(W, s2)
    variances = np.diag(np.linalg.inv(matrix))
    return ((np.diag(matrix) * variances).sum() - len(matrix) - np.linalg.slogdet(matrix)[1]
            - np.log(variances).sum()) / 2


@exercise(mistakes={
    "The 1/2 is missing.": gap_with(half=1),
    "The sign is wrong: a KL is never negative.": gap_with(sign=-1),
    "Both at once: the 1/2 is missing and the sign is wrong.": gap_with(half=1, sign=-1),
    "You took the variances of the posterior, diag(covariance), for q. The best are 1 / diag(precision).":
        gap_of_marginals,
    "You took the logarithms of the covariance's diagonal. That is KL(posterior || q), the other direction, for "
    "another q.": gap_with(precision=lambda W, s2: np.linalg.inv(precision(W, s2))),
    "The prior's I is missing in the precision: it is I + W'W / s2.": gap_with(precision=lambda W, s2: W.T @ W / s2),
    "You used W'W + I: s2 is missing.": gap_with(precision=lambda W, s2: W.T @ W + np.eye(W.shape[1])),
    "You multiplied by s2 where you should divide: the precision is I + W'W / s2.":
        gap_with(precision=lambda W, s2: np.eye(W.shape[1]) + W.T @ W * s2),
    "You divided by sigma; s2 is the variance.":
        gap_with(precision=lambda W, s2: np.eye(W.shape[1]) + W.T @ W / math.sqrt(s2)),
    "The logarithm of the determinant is missing.":
        lambda W, s2: np.log(np.diag(precision(W, s2))).sum() / 2,
    "That is only log|precision|; what is the diagonal's part?":
        lambda W, s2: np.linalg.slogdet(precision(W, s2))[1] / 2,
    "You took the determinant of M and the diagonal of M / s2; take both of the same matrix.":
        lambda W, s2: gap_with()(W, s2) - W.shape[1] * math.log(s2) / 2,
    "You averaged over the latents; a KL is summed over them.": lambda W, s2: gap_with()(W, s2) / W.shape[1],
    "You used W W' (D x D) where W'W (Z x Z) belongs.": lambda W, s2: gap_with()(W.T, s2),
})
def mean_field_gap(answer, known):
    """(W, s2) -> the smallest KL of a diagonal Gaussian to the posterior, in nats."""
    rng = np.random.default_rng(1)
    W = rng.standard_normal((6, 3))
    value = known(answer, W, 0.3)
    require(np.shape(value) == (), f"The gap is one number, not an array of shape {np.shape(value)}.")
    require_finite(value)
    require(value > -1e-12, f"A KL is never negative, but this is {value:.4g}.")
    Q = np.linalg.qr(W)[0] * [1.0, 2.0, 0.5]
    require(abs(known(answer, Q, 0.3)) < 1e-9,
            "Where the columns of W are orthogonal the posterior is diagonal, and the gap must be 0.")
    model = LinearGaussian(W, np.zeros(6), 0.3)
    x = rng.standard_normal((1, 6))
    mean, covariance = model.posterior(x)
    best = np.diag(1 / np.diag(np.linalg.inv(covariance)))
    require(agree(value, model.kl_to_posterior(x, mean, best)[0]),
            "This is not the KL of N(m, diag(1 / Lambda_jj)) to the posterior.")
    require(agree(known(answer, 2 * W, 4 * 0.3), value),
            "The gap depends on W and s2 only through W'W / s2: doubling W and taking 4 s2 must not change it.")


def projection(W, b, x):
    return b + (x - b) @ W @ np.linalg.inv(W.T @ W) @ W.T


@exercise(mistakes={
    "(W'W)^-1 is missing: W W'(x - b) is right only for orthonormal columns.":
        lambda W, b, x: b + (x - b) @ W @ W.T,
    "You multiplied by W'W; it must be its inverse.": lambda W, b, x: b + (x - b) @ W @ (W.T @ W) @ W.T,
    "b is not added back: the picture is W m + b.": lambda W, b, x: projection(W, b, x) - b,
    "b is not subtracted from x before the projection.":
        lambda W, b, x: projection(W, np.zeros_like(b), x) + b,
    "b is missing twice: subtract it before, add it after.": lambda W, b, x: projection(W, np.zeros_like(b), x),
    "That is m, the code. The reconstruction is W m + b, of shape (B, D).":
        lambda W, b, x: (x - b) @ W @ np.linalg.inv(W.T @ W),
    "Your matrix still contains the I of the prior: it must vanish with s2.":
        lambda W, b, x: b + (x - b) @ W @ np.linalg.inv(W.T @ W + np.eye(W.shape[1])) @ W.T,
    "You only scaled the columns of W to length 1; they are not orthogonal either.":
        lambda W, b, x: b + (x - b) @ (W / np.linalg.norm(W, axis=0)) @ (W / np.linalg.norm(W, axis=0)).T,
    "Without noise the limit is not x itself: W m + b lies in the plane, x need not.": lambda W, b, x: x.copy(),
    "That is what is left out, x minus the reconstruction.": lambda W, b, x: x - projection(W, b, x),
    "The reconstruction is transposed: one row for each x.": lambda W, b, x: projection(W, b, x).T,
})
def reconstruction_without_noise(answer, known):
    """(W, b, x) -> the limit of W m + b for s2 -> 0, (B, D)."""
    rng = np.random.default_rng(2)
    W, b, x = rng.standard_normal((6, 2)), rng.standard_normal(6), rng.standard_normal((4, 6))
    y = known(answer, W, b, x)
    require(np.shape(y) == (4, 6), f"One reconstruction for each x: shape (4, 6), not {np.shape(y)}.")
    require_finite(y)
    require(agree(known(answer, W, b, np.array(y)), y, 1e-8),
            "Reconstructing a reconstruction must change nothing: it lies in the plane already.")
    require(agree((x - y) @ W, np.zeros((4, 2)), 1e-8), "What is left out, x - xhat, must be orthogonal to the plane.")
    R = rng.standard_normal((2, 2))
    require(agree(known(answer, W @ R, b, x), y, 1e-7), "Only the plane counts: W R, R invertible, must give the same.")
    model = LinearGaussian(W, b, 1e-9)
    require(agree(y, model.posterior(x)[0] @ W.T + b, 1e-6), "At s2 = 1e-9 the model's W m + b is something else.")


def count_with(threshold=np.square, limit=True, transform=np.asarray):
    def count(eigenvalues, sigma, n_latents):
        n = int((transform(eigenvalues) > threshold(sigma)).sum())
        return min(n, n_latents) if limit else n

    return count


@exercise(mistakes={
    "You compared the eigenvalues with sigma. An eigenvalue is a variance: compare it with s2 = sigma^2.":
        count_with(threshold=lambda sigma: sigma),
    "A model cannot use more latents than it has: n_latents is the limit.": count_with(limit=False),
    "Two mistakes: compare with sigma^2, and a model cannot use more latents than it has.":
        count_with(threshold=lambda sigma: sigma, limit=False),
    "You counted the latents that collapse.":
        lambda eigenvalues, sigma, n_latents: int(n_latents - count_with()(eigenvalues, sigma, n_latents)),
    "You counted the eigenvalues that are smaller than the noise.":
        lambda eigenvalues, sigma, n_latents: int((np.asarray(eigenvalues) < sigma**2).sum()),
    "You took the square root of the eigenvalues and compared it with s2. Both must be variances.":
        count_with(transform=np.sqrt),
    "You took the first n_latents eigenvalues as they stand. They come in any order: the largest ones count.":
        lambda eigenvalues, sigma, n_latents: int((np.asarray(eigenvalues)[:n_latents] > sigma**2).sum()),
    "All n_latents are counted; some have eigenvalues below the noise.":
        lambda eigenvalues, sigma, n_latents: n_latents,
    "An eigenvalue that equals the noise leaves |w|^2 = 0: it does not survive. Compare with >, not >=.":
        lambda eigenvalues, sigma, n_latents: min(int((np.asarray(eigenvalues) >= sigma**2).sum()), n_latents),
})
def survivors(answer, known):
    """(eigenvalues, sigma, n_latents) -> how many latents survive."""
    eigenvalues = np.array([0.2, 3.0, 0.6, 0.5, 0.3, 1.5, 0.01])
    cases = [(eigenvalues, 0.5, 7, 5), (eigenvalues, 0.5, 3, 3), (eigenvalues, 2.0, 7, 0), (eigenvalues, 1.0, 7, 2),
             (eigenvalues, 1.0, 1, 1), (eigenvalues, 0.1, 4, 4), (eigenvalues, 0.05, 7, 7),
             (np.array([4.0, 1.0]), 2.0, 2, 0), (np.array([1.0, 4.0]), 1.0, 2, 1), (np.array([0.5, 9.0]), 0.6, 2, 2)]
    found = [known(answer, *given) for *given, _ in cases]          # all first, so that a mistake is recognized
    for n, (given, sigma, n_latents, right) in zip(found, cases, strict=True):
        require(np.shape(n) == (), f"The answer is one number, not an array of shape {np.shape(n)}.")
        require(n == right, f"With eigenvalues {given.tolist()}, sigma = {sigma} and {n_latents} latents, the number "
                            f"of survivors is {right}, not {n}.")
