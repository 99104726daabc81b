"""Chapter 1, Gaussians, likelihood, KL: what a student answers, and the mistakes that are known by name."""

import math

import numpy as np

from ..probability import cholesky, gaussian_logpdf, log_sum_exp, multivariate_kl
from .checking import Mistake, agree, exercise, require

LOG_2_PI = math.log(2 * math.pi)


def normal_with(constant=LOG_2_PI, half=0.5, sign=-1, log_term=1, variance=np.exp):
    """A log N that may be wrong: sign * half * sum_d (constant + log_term * logvar + (x - mu)^2 / variance)."""
    return lambda x, mu, logvar: sign * half * (
        constant + log_term * logvar + (x - mu) ** 2 / variance(logvar)).sum(axis=1)


def terms(x, mu, logvar):
    return -(LOG_2_PI + logvar + (x - mu) ** 2 * np.exp(-logvar)) / 2


@exercise(mistakes={
    "The sign is wrong: that is -log N, the negative log-likelihood.": normal_with(sign=1),
    "The 1/2 is missing. It stands before all three terms.": normal_with(half=1),
    "The 1/2 is missing before log 2 pi: it stands before all three terms.": normal_with(constant=2 * LOG_2_PI),
    "The 1/2 is missing before log sigma^2. (log sigma would have none.)": normal_with(log_term=2),
    "The 1/2 is missing before the square.": normal_with(variance=lambda logvar: np.exp(logvar) / 2),
    "The constant log 2 pi is missing, once for each dimension. Without it this is no density.":
        normal_with(constant=0),
    "log 2 pi is counted once; it belongs to each dimension, so put it inside the sum.":
        lambda x, mu, logvar: normal_with(constant=LOG_2_PI / x.shape[1])(x, mu, logvar),
    "You divided by sigma. The square is divided by the variance, exp(logvar).":
        normal_with(variance=lambda logvar: np.exp(logvar / 2)),
    "You used exp(logvar) as sigma and squared it. It is sigma^2 already.":
        normal_with(variance=lambda logvar: np.exp(2 * logvar)),
    "You used logvar as the variance. The variance is exp(logvar).": normal_with(variance=lambda logvar: logvar),
    "You used logvar as sigma. sigma = exp(logvar / 2).": normal_with(variance=np.square),
    "The square is multiplied by the variance; it must be divided.":
        normal_with(variance=lambda logvar: np.exp(-logvar)),
    "The term log sigma^2 is missing. Without it a wide Gaussian is as high as a narrow one.": normal_with(log_term=0),
    "The sign of log sigma^2 is wrong: a wide Gaussian must be low.": normal_with(log_term=-1),
    "That is the density; its logarithm is asked for.": lambda x, mu, logvar: np.exp(terms(x, mu, logvar).sum(axis=1)),
    "You averaged over the dimensions. The log of a product is a sum: independent dimensions add.":
        lambda x, mu, logvar: terms(x, mu, logvar).mean(axis=1),
    "You added up everything. One number for each example: sum over axis 1 only.":
        lambda x, mu, logvar: terms(x, mu, logvar).sum(),
    "You averaged over the examples. One number for each example: sum over axis 1 only.":
        lambda x, mu, logvar: terms(x, mu, logvar).sum(axis=1).mean(),
    "You summed over the examples (axis 0). Sum over the dimensions (axis 1).":
        lambda x, mu, logvar: terms(x, mu, logvar).sum(axis=0),
    "One number for each dimension: the sum over the dimensions (axis 1) is missing.": terms,
})
def log_normal(answer, known):
    """(x, mu, logvar), each (B, D) -> log N(x; mu, exp(logvar)) of shape (B,), in nats."""
    x, mu, logvar = np.random.default_rng(0).standard_normal((3, 5, 3))
    value = known(answer, x, mu, logvar)
    require(np.shape(value) == (5,), f"One number for each of the 5 examples: shape (5,), not {np.shape(value)}.")
    zero = np.zeros((1, 2))
    require(agree(known(answer, zero, zero, zero), np.array([-LOG_2_PI])),
            "At x = mu with sigma = 1 in two dimensions, log N = -log 2 pi: what is left of the formula there?")
    t = np.linspace(-60, 60, 12001)[:, None]
    total = np.trapezoid(np.exp(known(answer, t, np.full_like(t, 1.0), np.full_like(t, 3.0))), t[:, 0])
    require(abs(total - 1) < 1e-9, f"The density integrates to {total:.4g} (mu = 1, sigma^2 = exp(3)), not to 1.")
    require(agree(value, gaussian_logpdf(x, mu, logvar)), "At random points this is not the logarithm of the formula.")


def kl_with(trace=1, square=1, log_det=1, D=1, half=0.5, swap=False):
    """A KL between full Gaussians that may be wrong by the factors of its terms or by its direction."""

    def kl(mu, S, prior_mu, prior_S):
        if swap:
            mu, S, prior_mu, prior_S = prior_mu, prior_S, mu, S
        inverse, d = np.linalg.inv(prior_S), mu - prior_mu
        logs = np.linalg.slogdet(prior_S)[1] - np.linalg.slogdet(S)[1]
        return half * (trace * np.trace(inverse @ S) + square * d @ inverse @ d + log_det * logs - D * len(mu))

    return kl


def kl_of_parts(trace=None, square=None, log_det=None, constant=len):
    """The same, with parts (mu, S, prior_mu, prior_S) -> number replaced."""

    def kl(mu, S, prior_mu, prior_S):
        inverse, d = np.linalg.inv(prior_S), mu - prior_mu
        t = trace(S, prior_S) if trace else np.trace(inverse @ S)
        s = square(d, S, prior_S) if square else d @ inverse @ d
        logs = log_det(prior_S) - log_det(S) if log_det else np.linalg.slogdet(prior_S)[1] - np.linalg.slogdet(S)[1]
        return (t + s + logs - constant(mu)) / 2

    return kl


def only_the_diagonals(mu, S, prior_mu, prior_S):
    return kl_with()(mu, np.diag(np.diag(S)), prior_mu, np.diag(np.diag(prior_S)))


@exercise(mistakes={
    "That is the other direction, KL(p || q). The expectation is taken under q, the first Gaussian.":
        kl_with(swap=True),
    "The 1/2 is missing.": kl_with(half=1),
    "The sign is wrong.": kl_with(half=-0.5),
    "The sign of the log-determinants is wrong: log |S_p| - log |S_q|.": kl_with(log_det=-1),
    "The log-determinants are missing.": kl_with(log_det=0),
    "The -D is missing: of two equal Gaussians the KL would not be 0.": kl_with(D=0),
    "Subtract D, the number of dimensions, not 1.": kl_of_parts(constant=lambda mu: 1),
    "The trace is missing.": kl_with(trace=0),
    "The distance of the means is missing.": kl_with(square=0),
    "The distance of the means must be measured by S_p: (mu_q - mu_p)' S_p^-1 (mu_q - mu_p).":
        kl_of_parts(square=lambda d, S, prior_S: d @ d),
    "The distance of the means is measured by S_q; it must be S_p, the second covariance.":
        kl_of_parts(square=lambda d, S, prior_S: d @ np.linalg.solve(S, d)),
    "The distance of the means is multiplied by S_p; it must be S_p^-1.":
        kl_of_parts(square=lambda d, S, prior_S: d @ prior_S @ d),
    "In the trace it must be S_p^-1 S_q, not S_q^-1 S_p.":
        kl_of_parts(trace=lambda S, prior_S: np.trace(np.linalg.solve(S, prior_S))),
    "In the trace it must be S_p^-1 S_q; you multiplied by S_p itself.":
        kl_of_parts(trace=lambda S, prior_S: np.trace(prior_S @ S)),
    "The trace adds the diagonal of the matrix product S_p^-1 S_q; you added all its entries.":
        kl_of_parts(trace=lambda S, prior_S: np.linalg.solve(prior_S, S).sum()),
    "The trace is of the matrix product S_p^-1 S_q; you divided entry by entry.":
        kl_of_parts(trace=lambda S, prior_S: np.trace(S / prior_S)),
    "The trace is of the matrix product (@); you multiplied entry by entry (*).":
        kl_of_parts(trace=lambda S, prior_S: np.trace(np.linalg.inv(prior_S) * S)),
    "Only the diagonals of the two covariances enter your answer. The other entries are missing.": only_the_diagonals,
    "log |S| is not the sum of the logs of its diagonal; that is so for triangles. log |S| = 2 sum_i log L_ii.":
        kl_of_parts(log_det=lambda S: np.log(np.diag(S)).sum()),
    "With Cholesky, log |S| = 2 sum_i log L_ii; the 2 is missing.":
        kl_of_parts(log_det=lambda S: np.linalg.slogdet(S)[1] / 2),
    "The logarithm of the determinants is missing.": kl_of_parts(log_det=np.linalg.det),
    "The logarithm to the base 2 gives bits; nats are asked for, with np.log.":
        kl_of_parts(log_det=lambda S: np.linalg.slogdet(S)[1] / math.log(2)),
    "np.log10 is not the natural logarithm; use np.log.":
        kl_of_parts(log_det=lambda S: np.linalg.slogdet(S)[1] / math.log(10)),
    "You divided by D. Nats add over the dimensions.":
        lambda mu, S, prior_mu, prior_S: kl_with()(mu, S, prior_mu, prior_S) / len(mu),
})
def full_covariance_kl(answer, known):
    """(mu_q (D,), S_q (D, D), mu_p, S_p) -> KL(N(mu_q, S_q) || N(mu_p, S_p)), a number in nats."""
    rng = np.random.default_rng(1)
    mu, m = rng.standard_normal((2, 3))
    S, T = (A @ A.T + 0.3 * np.eye(3) for A in rng.standard_normal((2, 3, 3)))
    value = known(answer, mu, S, m, T)
    require(np.shape(value) == (), f"One number is asked for, not an array of shape {np.shape(value)}.")
    require(agree(known(answer, mu, S, mu, S), 0.0), "Of two equal Gaussians the KL must be 0.")
    require(agree(known(answer, np.array([2.0]), np.eye(1), np.zeros(1), np.eye(1)), 2.0),
            "KL(N(2, 1) || N(0, 1)) must be 2^2 / 2 = 2, as in the formula of one dimension.")
    diagonal = known(answer, mu, np.diag([1.0, 2, 3]), m, np.eye(3))
    require(agree(diagonal, ((mu - m) @ (mu - m) + 6 - 3 - math.log(6)) / 2),
            "With a diagonal S_q and S_p = I the KL must be the sum over the dimensions of the formula you know.")
    A = rng.standard_normal((3, 3))
    require(agree(known(answer, A @ mu, A @ S @ A.T, A @ m, A @ T @ A.T), value, 1e-7),
            "The KL must not change when both Gaussians are measured in other units, x -> A x. Yours does.")
    right = multivariate_kl(mu[None], cholesky(S), m[None], cholesky(T))[0]
    require(agree(value, right), f"At a random point this is {float(value):.6g}; E_q[log q - log p] is {right:.6g}.")


def moments(weights, means, variances):
    """Mean and variance of a mixture in one dimension."""
    m = weights @ means
    return m, weights @ (variances + means**2) - m**2


def fit_with(mean=None, variance=None):
    """The moments of a mixture, one of the two replaced."""

    def fit(weights, means, variances):
        m, s2 = moments(weights, means, variances)
        mixture = weights, means, variances
        return (mean(*mixture) if mean else m), (variance(*mixture) if variance else s2)

    return fit


@exercise(mistakes={
    "That is the component with the largest weight: an answer to the other direction, KL(N || p), which chooses one "
    "mode. KL(p || N) must cover them all.":
        lambda w, m, v: (m[w.argmax()], v[w.argmax()]),
    "The second number is the standard deviation; the variance is asked for.":
        fit_with(variance=lambda w, m, v: math.sqrt(moments(w, m, v)[1])),
    "The second number is the log-variance; the variance is asked for.":
        fit_with(variance=lambda w, m, v: math.log(moments(w, m, v)[1])),
    "The variance is only that inside the components. The distances between their means add to it.":
        fit_with(variance=lambda w, m, v: w @ v),
    "The variance is only that between the means. The variances inside the components add to it.":
        fit_with(variance=lambda w, m, v: w @ m**2 - (w @ m) ** 2),
    "That is E x^2. The variance is E x^2 - (E x)^2.": fit_with(variance=lambda w, m, v: w @ (v + m**2)),
    "You gave all components the same weight, in the mean and in the variance.":
        lambda w, m, v: moments(np.full_like(w, 1 / len(w)), m, v),
    "You gave all components the same weight in the mean.": fit_with(mean=lambda w, m, v: m.mean()),
    "The means are averaged without the weights: in the variance, the squared distances of the means need them "
    "too.": fit_with(variance=lambda w, m, v: w @ v + m.var()),
    "That is the variance of a sum of independent draws, sum_k w_k^2 s_k^2. A mixture is not a sum: it is one draw, "
    "from one of its components.": fit_with(variance=lambda w, m, v: w**2 @ v),
    "That is the product of the Gaussians, precisions added: another density.":
        lambda w, m, v: ((w / v) @ m / (w / v).sum(), 1 / (w / v).sum()),
    "The two numbers are in the wrong order: first the mean, then the variance.":
        lambda w, m, v: moments(w, m, v)[::-1],
})
def closest_gaussian(answer, known):
    """(weights, means, variances), each (K,), of a mixture p -> (m, s2), which minimize KL(p || N(m, s2))."""
    w, m, v = np.array([0.2, 0.5, 0.3]), np.array([-2.0, 0.5, 3.0]), np.array([0.5, 1.5, 0.25])
    found = known(answer, w, m, v)
    require(isinstance(found, tuple | list) and len(found) == 2, "Return two numbers: (m, s2).")
    require(all(np.shape(number) == () for number in found), "m and s2 are two numbers, not arrays.")
    require(found[1] > 0, f"A variance is positive, but s2 is {float(found[1]):.4g}.")
    one = known(answer, np.ones(1), np.array([1.5]), np.array([4.0]))
    require(agree(tuple(one), (1.5, 4.0), 1e-6), "If p is one Gaussian, N(1.5, 4), the closest Gaussian is p itself.")
    require_no_better_neighbour(found, *moments(w, m, v))
    require(agree(tuple(found), moments(w, m, v), 1e-6), f"Close, but KL(p || N) can still fall: ({found[0]:.8g}, "
                                                         f"{found[1]:.8g}) is not yet the minimum.")


def require_no_better_neighbour(found, mean, variance):
    """No N(m, s2) near the one found has a smaller KL(p || N), of which only E_p x and E_p x^2 matter."""

    def cost(m, s2):
        return (LOG_2_PI + math.log(s2) + (variance + (mean - m) ** 2) / s2) / 2

    m, s2 = map(float, found)
    steps = [(0.05, 1), (-0.05, 1), (0, 1.05), (0, 1 / 1.05)]
    best = min(steps, key=lambda step: cost(m + step[0], s2 * step[1]))
    better, worse = cost(m + best[0], s2 * best[1]), cost(m, s2)
    require(better > worse - 1e-12, f"N({m + best[0]:.3f}, {s2 * best[1]:.3f}) is closer to p than your N({m:.3f}, "
                                    f"{s2:.3f}): its KL(p || N) is {worse - better:.4f} nats smaller.")


def gap_with(gap=None, estimate=None):
    """(log E w - E log w, Var(w / E w) / 2), one of the two replaced."""

    def jensen(log_w):
        log_mean = log_sum_exp(log_w) - math.log(len(log_w))
        w = np.exp(log_w - log_mean)
        return (gap(log_w) if gap else log_mean - log_w.mean()), (estimate(log_w) if estimate else w.var() / 2)

    return jensen


def normalized(log_w):
    w = np.exp(log_w - log_w.max())
    return w / w.mean()


@exercise(mistakes={
    "The sign of the gap is wrong. The log is concave: log E w is the larger one.":
        gap_with(gap=lambda a: a.mean() - np.log(np.exp(a).mean())),
    "The gap takes the log of the sum; it must be the log of the mean: subtract log S.":
        gap_with(gap=lambda a: log_sum_exp(a) - a.mean()),
    "The gap lacks E log w: it is log E w - E log w.": gap_with(gap=lambda a: np.log(np.exp(a).mean())),
    "The 1/2 is missing in Var(w) / 2.": gap_with(estimate=lambda a: normalized(a).var()),
    "Var(w) / 2 is right when E w = 1. Divide w by its mean first.": gap_with(estimate=lambda a: np.exp(a).var() / 2),
    "Divide by (E w)^2, not by E w: the variance has the units of w^2.":
        gap_with(estimate=lambda a: np.exp(a).var() / np.exp(a).mean() / 2),
    "That is the standard deviation of w, halved; the variance is asked for.":
        gap_with(estimate=lambda a: normalized(a).std() / 2),
    "That is the variance of log w. It is near, but asked for is the variance of w / E w.":
        gap_with(estimate=lambda a: a.var() / 2),
    "The weights are divided by their sum; they must be divided by their mean, so that E w = 1.":
        gap_with(estimate=lambda a: (normalized(a) / len(a)).var() / 2),
    "The two numbers are in the wrong order: first the gap, then Var(w) / 2.": lambda a: gap_with()(a)[::-1],
})
def jensen_gap(answer, known):
    """log_w (S,) -> (log E w - E log w, Var(w / E w) / 2), two numbers; E is the mean over the S weights."""
    log_w = 0.7 + 0.3 * np.random.default_rng(2).standard_normal(500)
    found = known(answer, log_w)
    require(isinstance(found, tuple | list) and len(found) == 2, "Return two numbers: (gap, half the variance).")
    require(all(np.shape(number) == () for number in found), "The gap and Var(w) / 2 are two numbers, not arrays.")
    constant = known(answer, np.full(10, 0.7))
    require(agree(tuple(constant), (0.0, 0.0)), "Equal weights have no gap and no variance: both numbers must be 0.")
    gap, half = map(float, found)
    right_gap, right_half = map(float, gap_with()(log_w))
    require(abs(gap - right_gap) < 1e-9, f"The gap of random weights is {right_gap:.6f}; yours is {gap:.6f}.")
    require(abs(half - right_half) < 0.0021 * right_half,                  # one may divide by S or by S - 1
            f"Var(w / E w) / 2 of random weights is {right_half:.6f}; yours is {half:.6f}.")
    for shift in (-2000.0, 2000.0):
        try:
            with np.errstate(all="ignore"):
                far = tuple(map(float, known(answer, log_w + shift)))
        except Mistake as mistake:
            far = str(mistake)
        require(isinstance(far, tuple) and agree(far, (gap, half), 1e-7),
                f"With all log-weights moved by {shift:+.0f} nothing may change. You gave: {far}. Subtract "
                "the largest log-weight before exp.")


def discrete(q, p):
    """sum_i q_i log (q_i / p_i) with 0 log 0 = 0, and inf where p_i = 0 < q_i."""
    if ((q > 0) & (p == 0)).any():
        return math.inf
    on = q > 0
    return float((q[on] * np.log(q[on] / p[on])).sum())


def with_small_number(q, p):
    return (q * np.log((q + 1e-10) / (p + 1e-10))).sum()


def only_where_both(q, p):
    both = (q > 0) & (p > 0)
    return (q[both] * np.log(q[both] / p[both])).sum()


@exercise(mistakes={
    "That is the other direction, KL(p || q): the mean is taken under q, the first one.": lambda q, p: discrete(p, q),
    "The sign is wrong: log (q / p), not log (p / q).": lambda q, p: -discrete(q, p),
    "The logarithm to the base 2 gives bits; nats are asked for, with np.log.":
        lambda q, p: discrete(q, p) / math.log(2),
    "You averaged over the states. The weights of the mean are q itself: sum.": lambda q, p: discrete(q, p) / len(q),
    "That is the symmetric mean of the two directions; KL has a direction.":
        lambda q, p: (discrete(q, p) + discrete(p, q)) / 2,
    "The weight q in front of the logarithm is missing.": lambda q, p: float(np.log(q / p).sum()),
    "You added the absolute values. Single terms of a KL may be negative; their sum is not.":
        lambda q, p: float(np.abs(q * np.log(q / p)).sum()),
    "That is E_q log q, without the p.": lambda q, p: float((q * np.log(q)).sum()),
    "That is the cross-entropy -E_q log p. Of two equal distributions it is the entropy, not 0.":
        lambda q, p: float(-(q * np.log(p)).sum()),
    "The difference q log q - p log p is the difference of two entropies. Both logarithms have the weight q.":
        lambda q, p: float((q * np.log(q) - p * np.log(p)).sum()),
    "Where p = 0 and q > 0 you left the state out. Then two different distributions have KL 0 or less. It is infinite.":
        only_where_both,
    "A small number added inside the logarithm makes the infinite finite, and KL >= 0 is lost. Treat zeros by their "
    "rules.": with_small_number,
})
def kl_is_zero_only_for_equals(answer, known):
    """(q, p), two probability vectors (n,) -> KL(q || p) in nats, a number; it may be infinite."""
    rng = np.random.default_rng(3)
    q, p = rng.dirichlet(np.ones(5), size=2)
    with np.errstate(all="ignore"):
        value = known(answer, q, p)
        require(np.shape(value) == (), f"One number is asked for, not an array of shape {np.shape(value)}.")
        require(agree(known(answer, q, q), 0.0), "KL(q || q) must be 0.")
        require(agree(value, discrete(q, p)), f"sum_i q_i log (q_i / p_i) is {discrete(q, p):.6g} here; yours is "
                                              f"{float(value):.6g}.")
        holes = known(answer, np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.25, 0.5]))
        require(agree(holes, math.log(2)), "q = (1/2, 1/2, 0), p = (1/4, 1/4, 1/2): the KL is log 2, because "
                                           f"0 log 0 = 0; yours is {float(holes):.6g}.")
        infinite = known(answer, np.array([0.25, 0.25, 0.5]), np.array([0.5, 0.5, 0.0]))
        require(np.isposinf(infinite), "p = 0 where q > 0: q says 'possible', p says 'never'. Then "
                                       f"the KL is infinite, but yours is {float(infinite):.6g}.")
        both = known(answer, np.array([1.0, 0.0]), np.array([1.0, 0.0]))
        require(agree(both, 0.0), f"Between (1, 0) and itself the KL is 0; yours is {float(both):.6g}.")
