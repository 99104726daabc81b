"""Chapter 2, mixtures and EM: what a student answers, and the mistakes that are known by name."""

import math
import sys

import numpy as np

from ..datasets import load
from ..probability import CollapseError, GaussianMixture, log_sum_exp
from .checking import agree, exercise, require

LOG_2_PI = math.log(2 * math.pi)


def diagonal_log_joint(x, weights, means, variances, constant=LOG_2_PI, half=0.5, divide=lambda v: v):
    """log pi_k + log N(x; mu_k, diag(v_k)), (B, K), which may be wrong."""
    d = x[:, None] - means
    logs = (constant + np.log(variances) + d * d / divide(variances)).sum(axis=2)
    return np.log(weights) - half * logs


def softmax(a, axis=1):
    a = np.exp(a - a.max(axis=axis, keepdims=True))
    return a / a.sum(axis=axis, keepdims=True)


def posterior(x, weights, means, variances):
    return softmax(diagonal_log_joint(x, weights, means, variances))


def without_variances(x, weights, means, variances):
    return np.log(weights) - (((x[:, None] - means) ** 2) / variances).sum(axis=2) / 2


@exercise(mistakes={
    "Those are the logarithms of the responsibilities; take exp at the end.":
        lambda *m: np.log(posterior(*m)),
    "The shape is transposed: one row for each point, one column for each component, (B, K).":
        lambda *m: posterior(*m).T,
    "You divided by the sum over the points. Each point is divided among the components: every row sums to 1.":
        lambda *m: softmax(diagonal_log_joint(*m), axis=0),
    "You divided by the sum of the whole table; every row must sum to 1.":
        lambda *m: np.exp(diagonal_log_joint(*m)) / np.exp(diagonal_log_joint(*m)).sum(),
    "The division is missing: p(x, k) is not p(k|x). Each row must sum to 1.":
        lambda *m: np.exp(diagonal_log_joint(*m)),
    "The weights pi_k are missing: p(x, k) = pi_k p(x|k).":
        lambda x, w, m, v: posterior(x, np.ones_like(w), m, v),
    "The weights enter as pi_k inside the logarithm; it must be log pi_k.":
        lambda x, w, m, v: softmax(diagonal_log_joint(x, np.exp(w), m, v)),
    "The term log sigma^2 is missing. It differs between the components, so it does not cancel.":
        lambda x, w, m, v: softmax(without_variances(x, w, m, v)),
    "The square is not divided by the variance.":
        lambda x, w, m, v: softmax(diagonal_log_joint(x, w, m, v, divide=np.ones_like)),
    "You divided by sigma; the square is divided by the variance.":
        lambda x, w, m, v: softmax(diagonal_log_joint(x, w, m, v, divide=np.sqrt)),
    "You squared the variance: `variances` holds sigma^2 already.":
        lambda x, w, m, v: softmax(diagonal_log_joint(x, w, m, v, divide=np.square)),
    "The 1/2 is missing.":
        lambda x, w, m, v: softmax(diagonal_log_joint(x, w, m, v, half=1)),
    "The sign is wrong: the nearest component gets the smallest responsibility.":
        lambda x, w, m, v: softmax(diagonal_log_joint(x, w, m, v, half=-0.5)),
    "That assigns each point to one component, the hard choice of k-means; Bayes' rule divides it among all.":
        lambda *m: np.eye(len(m[1]))[diagonal_log_joint(*m).argmax(axis=1)],
    "You averaged over the dimensions; logarithms of independent dimensions add.":
        lambda x, w, m, v: softmax(np.log(w) + (diagonal_log_joint(x, np.ones_like(w), m, v)) / x.shape[1]),
    "You treated each dimension alone. One k is drawn for the whole of x: add the dimensions first.":
        lambda x, w, m, v: np.mean([posterior(x[:, [d]], w, m[:, [d]], v[:, [d]]) for d in range(x.shape[1])], axis=0),
})
def vectorized_e_step(answer, known):
    """(x (B, D), weights (K,), means (K, D), variances (K, D)) -> responsibilities (B, K), without a Python loop."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((7, 3)), np.array([0.2, 0.5, 0.2, 0.1])
    means, variances = rng.standard_normal((4, 3)), 0.3 + rng.random((4, 3))
    q = known(answer, x, w, means, variances)
    require(np.shape(q) == (7, 4), f"7 points and 4 components: shape (7, 4), not {np.shape(q)}.")
    require(agree(np.sum(q, axis=1), np.ones(7)), "Each row must sum to 1: a point is divided among the components.")
    require(agree(q, posterior(x, w, means, variances)), "The rows sum to 1, but they are not what the loops give.")
    far = np.array([[200.0, 0, 0], [-1e4, 0, 0]])
    with np.errstate(all="ignore"):
        shares = np.asarray(known(answer, far, w, means, variances))
    require(np.isfinite(shares).all(), "Points far away give nan: every p(x, k) is rounded to 0 there, and 0 / 0 has "
                                       "no value. Stay in the logarithm: subtract log_sum_exp, then take exp.")
    require(agree(shares, posterior(far, w, means, variances)), "Far away from all components your shares are wrong.")
    few, many = (python_steps(answer, rng.standard_normal((B, D)), np.full(K, 1 / K), rng.standard_normal((K, D)),
                              np.ones((K, D))) for B, K, D in ((3, 2, 2), (30, 5, 6)))
    require(many <= few + 10, f"Right, but there is still a loop in it: with more points, components or dimensions "
                              f"Python takes {many} steps instead of {few}. Give an array a new axis, x[:, None], and "
                              "let NumPy loop.")


def python_steps(f, *inputs):
    """How many Python instructions f(*inputs) executes in f and in functions of the same module (not in libraries)."""
    home, steps, before = getattr(f, "__globals__", None), [0], sys.gettrace()

    def trace(frame, event, argument):
        if frame.f_globals is not home:
            return None
        frame.f_trace_opcodes = True
        steps[0] += event == "opcode"
        return trace

    sys.settrace(trace)
    try:
        f(*inputs)
    finally:
        sys.settrace(before)
    return steps[0]


def entropy_term(q):
    return -q * np.log(np.where(q > 0, q, 1))


def energy_term(log_joint, q):
    return q * np.where(q > 0, log_joint, 0)


def evidence(log_joint):
    return log_sum_exp(log_joint)


def right_bound(log_joint, q):
    return (energy_term(log_joint, q) + entropy_term(q)).sum(axis=1)


@exercise(mistakes={
    "The term -q log q is missing. Without it the bound is not tight at q = p(k|x).":
        lambda a, q: energy_term(a, q).sum(axis=1),
    "The sign of the entropy is wrong: it is - log q.":
        lambda a, q: (energy_term(a, q) - entropy_term(q)).sum(axis=1),
    "The sign is wrong: that is -L.": lambda a, q: -right_bound(a, q),
    "That is the KL, log p(x) - L.": lambda a, q: evidence(a) - right_bound(a, q),
    "That is log p(x) itself, whatever q is. The bound must depend on q.": lambda a, q: evidence(a),
    "The logarithm is outside of the sum: log sum_k q_k p(x, k) / q_k is log p(x) itself, not a bound.":
        lambda a, q: np.log((q * np.exp(a)).sum(axis=1)) + entropy_term(q).sum(axis=1),
    "The logarithm is outside of the sum: the bound is a mean of logarithms, not the logarithm of a mean.":
        lambda a, q: np.log((q * np.exp(a)).sum(axis=1)),
    "The weight q is missing in front of log p(x, k).":
        lambda a, q: (a + entropy_term(q)).sum(axis=1),
    "The weight q is missing in front of both logarithms.":
        lambda a, q: (a - np.log(q)).sum(axis=1),
    "The weight q is missing in front of log q.":
        lambda a, q: (energy_term(a, q) - np.log(q)).sum(axis=1),
    "You averaged over the components. q are the weights of the mean already: sum.":
        lambda a, q: right_bound(a, q) / a.shape[1],
    "You summed over the examples. One number for each example: sum over the components (axis 1).":
        lambda a, q: (energy_term(a, q) + entropy_term(q)).sum(axis=0),
    "You added up everything. One number for each example: sum over the components (axis 1).":
        lambda a, q: right_bound(a, q).sum(),
    "You averaged over the examples. One number for each example.": lambda a, q: right_bound(a, q).mean(),
    "The logarithm of p(x, k) is missing.":
        lambda a, q: (q * np.exp(a) + entropy_term(q)).sum(axis=1),
    "Right for most q, but where q = 0 you get nan: 0 log 0 is 0, the limit of t log t.":
        lambda a, q: (q * (a - np.log(q))).sum(axis=1),
})
def bound_for_any_q(answer, known):
    """(log_joint (B, K), q (B, K)) -> L = sum_k q_k (log p(x, k) - log q_k) of shape (B,), in nats."""
    rng = np.random.default_rng(1)
    log_joint, q = 2 * rng.standard_normal((6, 4)) - 3, rng.dirichlet(np.ones(4), size=6)
    value = known(answer, log_joint, q)
    require(np.shape(value) == (6,), f"One number for each of the 6 examples: shape (6,), not {np.shape(value)}.")
    tight = known(answer, log_joint, softmax(log_joint))
    require(agree(tight, evidence(log_joint)), "At q = p(k|x) the bound must touch log p(x). Yours does not.")
    require((np.asarray(value) < evidence(log_joint)).all(), "With some random q your bound is above log p(x).")
    divergence = (q * np.log(q / softmax(log_joint))).sum(axis=1)
    require(agree(value + divergence, evidence(log_joint)), "L + KL(q || p(k|x)) must be log p(x) for any q.")
    hard = np.eye(4)[[0, 1, 2, 3, 0, 1]]
    with np.errstate(all="ignore"):
        sure = known(answer, log_joint, hard)
    require(agree(sure, log_joint[np.arange(6), hard.argmax(axis=1)]),
            "If q is 1 at one k, L is log p(x, k) of that k; the others, with q = 0, add nothing (0 log 0 = 0).")
    with np.errstate(all="ignore"):
        far = known(answer, log_joint - 2000, q)
    require(agree(far, np.asarray(value) - 2000, 1e-7), "With all log p(x, k) lower by 2000, as for an image, L must "
                                                        "be lower by 2000. Do not take exp of log_joint.")


def scatter(x, q, center=None):
    d = x - (q @ x / q.sum() if center is None else center)
    return (q[:, None] * d).T @ d


def right_covariance(x, q, ridge):
    return (scatter(x, q) + ridge * np.eye(x.shape[1])) / q.sum()


@exercise(mistakes={
    "The ridge must be divided by n_k too: the prior counts once, whatever the number of points.":
        lambda x, q, ridge: scatter(x, q) / q.sum() + ridge * np.eye(x.shape[1]),
    "The ridge is missing.": lambda x, q, ridge: scatter(x, q) / q.sum(),
    "You divided by the number of all points. The component has n_k = sum of q of them.":
        lambda x, q, ridge: (scatter(x, q) + ridge * np.eye(x.shape[1])) / len(x),
    "The division by n_k is missing.": lambda x, q, ridge: scatter(x, q) + ridge * np.eye(x.shape[1]),
    "You divided by n_k - 1; the maximum has n_k.":
        lambda x, q, ridge: (scatter(x, q) + ridge * np.eye(x.shape[1])) / (q.sum() - 1),
    "The center must be the mean of the component, weighted by q; you took the mean of all points.":
        lambda x, q, ridge: (scatter(x, q, x.mean(axis=0)) + ridge * np.eye(x.shape[1])) / q.sum(),
    "Subtract the mean of the component before you multiply.":
        lambda x, q, ridge: (scatter(x, q, 0) + ridge * np.eye(x.shape[1])) / q.sum(),
    "The weights q are missing in the sum of products.":
        lambda x, q, ridge: (scatter(x, np.ones_like(q), q @ x / q.sum()) + ridge * np.eye(x.shape[1])) / q.sum(),
    "The weights q enter squared; weight only one of the two factors.":
        lambda x, q, ridge: ((q[:, None] * (x - q @ x / q.sum())).T @ (q[:, None] * (x - q @ x / q.sum()))
                             + ridge * np.eye(x.shape[1])) / q.sum(),
    "The ridge is added to every entry. It stands on the diagonal only: ridge * I.":
        lambda x, q, ridge: (scatter(x, q) + ridge) / q.sum(),
    "Only the diagonal is left. The covariance is the full matrix.":
        lambda x, q, ridge: np.diag(np.diag(right_covariance(x, q, ridge))),
    "The 1/2 of the prior and the 1/2 of the Gaussian cancel: ridge, not ridge / 2.":
        lambda x, q, ridge: (scatter(x, q) + ridge / 2 * np.eye(x.shape[1])) / q.sum(),
    "The ridge enters squared.": lambda x, q, ridge: (scatter(x, q) + ridge**2 * np.eye(x.shape[1])) / q.sum(),
    "The sign of the ridge is wrong: it must make the covariance wider.":
        lambda x, q, ridge: (scatter(x, q) - ridge * np.eye(x.shape[1])) / q.sum(),
    "That is the inverse of the covariance.": lambda x, q, ridge: np.linalg.inv(right_covariance(x, q, ridge)),
})
def covariance_with_prior(answer, known):
    """(x (B, D), q (B,) of one component, ridge) -> the S (D, D) that maximizes the bound plus -ridge/2 tr S^-1."""
    rng = np.random.default_rng(2)
    x, q = np.array([3.0, -1.0]) + rng.standard_normal((9, 2)), rng.random(9)
    S = np.asarray(known(answer, x, q, 0.7))
    require(S.shape == (2, 2), f"Two dimensions: shape (2, 2), not {S.shape}.")
    require(agree(S, S.T), "A covariance is symmetric; yours is not.")
    without = known(answer, x, q, 0.0)
    require(agree(without, right_covariance(x, q, 0.0)), "With ridge = 0 it must be the M step of the chapter.")
    alone = known(answer, x, np.eye(9)[4], 0.7)
    require(agree(alone, 0.7 * np.eye(2)), "A component with a single point must keep the covariance ridge * I.")
    require(np.linalg.eigvalsh(S)[0] > 0, "The covariance must be positive definite.")
    require_maximum(S, scatter(x, q) + 0.7 * np.eye(2), q.sum())
    require(agree(S, right_covariance(x, q, 0.7)), "Near the maximum, but not on it.")


def require_maximum(S, products, n):
    """No covariance near S has a larger -n/2 log|S| - 1/2 tr(S^-1 products)."""

    def goal(S):
        return -(n * np.linalg.slogdet(S)[1] + np.trace(np.linalg.solve(S, products))) / 2

    best = max((goal(factor * S), factor) for factor in (0.95, 1, 1 / 0.95))
    require(best[1] == 1, f"Your covariance times {best[1]:.2f} is better: the bound plus the log-prior rises by "
                          f"{best[0] - goal(S):.3g} nats. Set the derivative for S to zero again.")


def free_parameters(K, D):
    return (K - 1) + K * D + K * D * (D + 1) // 2


def bic_with(count=free_parameters, fit=-2.0, log=np.log, price=1.0):
    return lambda log_likelihood, n, K, D: fit * log_likelihood + price * count(K, D) * log(n)


@exercise(mistakes={
    "The weights sum to 1, so only K - 1 of them are free.":
        bic_with(lambda K, D: K + K * D + K * D * (D + 1) // 2),
    "The K - 1 free weights are not counted.": bic_with(lambda K, D: K * D + K * D * (D + 1) // 2),
    "A covariance is symmetric: D (D + 1) / 2 free numbers, not D^2.":
        bic_with(lambda K, D: (K - 1) + K * D + K * D * D),
    "The covariances are full: D (D + 1) / 2 numbers each, not D.":
        bic_with(lambda K, D: (K - 1) + K * D + K * D),
    "K times D parameters are not counted: those of the means, or the diagonals of the covariances, which have "
    "D (D + 1) / 2 free numbers each.": bic_with(lambda K, D: (K - 1) + K * D * (D + 1) // 2),
    "Every component has its own covariance.": bic_with(lambda K, D: (K - 1) + K * D + D * (D + 1) // 2),
    "The covariances are not counted.": bic_with(lambda K, D: (K - 1) + K * D),
    "You counted the components, not the parameters.": bic_with(lambda K, D: K),
    "That is AIC: a price of 2 for each parameter. BIC asks log n.": bic_with(log=lambda n: 2.0),
    "The sign of the log-likelihood is wrong: a better fit must give a smaller BIC.": bic_with(fit=2.0),
    "The sign of the price is wrong: each parameter must make BIC larger.": bic_with(price=-1.0),
    "The factor 2 of the log-likelihood is missing.": bic_with(fit=-1.0),
    "That is half of BIC: -log-likelihood + 1/2 P log n. The chapter's is twice that.": bic_with(fit=-1.0, price=0.5),
    "That is -BIC / 2, which is to be maximized; the chapter's is to be minimized.": bic_with(fit=1.0, price=-0.5),
    "That is -BIC, which is to be maximized; the chapter's is to be minimized.": bic_with(fit=2.0, price=-1.0),
    "The log-likelihood is the total already; do not divide it by n, nor multiply it.":
        lambda log_likelihood, n, K, D: -2 * log_likelihood / n + free_parameters(K, D) * np.log(n),
    "np.log2 is not the natural logarithm; use np.log.": bic_with(log=np.log2),
    "np.log10 is not the natural logarithm; use np.log.": bic_with(log=np.log10),
    "The price is n for each parameter; it must be log n.": bic_with(log=float),
    "The logarithm of the log-likelihood? It is a logarithm already.":
        lambda log_likelihood, n, K, D: -2 * np.log(abs(log_likelihood)) + free_parameters(K, D) * np.log(n),
})
def bic(answer, known):
    """(total log-likelihood, n examples, K components, D dimensions) -> BIC = -2 log-likelihood + P log n."""
    value = known(answer, -1130.264, 272, 2, 2)
    require(np.shape(value) == (), f"One number is asked for, not an array of shape {np.shape(value)}.")
    known(answer, -500.0, 100, 3, 4)
    require(agree(known(answer, 0.0, 1, 5, 3), 0.0), "With log-likelihood 0 and n = 1, log n = 0: BIC must be 0.")
    slope = known(answer, -499.0, 100, 3, 4) - known(answer, -500.0, 100, 3, 4)
    require(agree(slope, -2.0), f"One nat more of log-likelihood must change BIC by -2; yours changes by {slope:.4g}.")
    for K, D in ((1, 1), (2, 2), (3, 4), (5, 10)):
        price = known(answer, 0.0, 272, K, D) / math.log(272)
        require(agree(price, float(free_parameters(K, D))),
                f"K = {K}, D = {D}: the mixture has {free_parameters(K, D)} free parameters; you count {price:.4g}.")


def hard_choice(mixture, x):
    return np.eye(len(mixture.weights))[mixture.log_joint(x).argmax(axis=1)]


@exercise(mistakes={
    "That is the right E step. Break it.": lambda mixture, x: mixture.posterior(x)[0],
    "You swapped the two names, 1 and 2. A mixture does not care what its components are called: still a right E step.":
        lambda mixture, x: mixture.posterior(x)[0][:, ::-1],
    "The hard choice is a wrong E step, but the likelihood did not fall here: k-means maximizes "
    "another quantity, with a similar result. Break it more.": hard_choice,
    "1/2 and 1/2 for every point: after one M step the two components are the same, and nothing changes any more. "
    "The likelihood does not fall either.": lambda mixture, x: np.full((len(x), 2), 0.5),
})
def broken_e_step(answer, known):
    """(mixture, x) -> q (B, K), a distribution in each row, with which EM's log-likelihood falls at some step."""
    x, mixture = load("old-faithful").x_train, faithful_start()
    totals = [mixture.log_likelihood(x).sum()]
    for _ in range(60):
        q = np.asarray(known(answer, mixture, x), float)
        require(q.shape == (len(x), 2), f"272 eruptions and 2 components: shape (272, 2), not {q.shape}.")
        require((q >= 0).all() and agree(q.sum(axis=1), np.ones(len(x)), 1e-6),
                "Your q is no distribution: in each row the numbers must be >= 0 and sum to 1. Then the M step has no "
                "meaning. Break it in a subtler way: a proper q, but the wrong one.")
        try:
            mixture = mixture.maximize(x, q)
        except CollapseError as error:
            require(False, f"EM stopped before the log-likelihood fell: {error}.")
        totals.append(mixture.log_likelihood(x).sum())
        if totals[-1] < totals[-2] - 1e-6:
            return
    require(False, f"In 60 steps the log-likelihood never fell; it ended at {totals[-1]:.3f} nats. A wrong q does not "
                   "have to go wrong at once. Make q softer, or give the points each other's responsibilities.")


def faithful_start():
    """The chapter's start on Old Faithful: two axis-parallel components, neither of them at one of the two clusters."""
    return GaussianMixture(np.array([0.5, 0.5]), np.array([[2.0, 90.0], [4.5, 50.0]]),
                           np.array([np.diag([1.0, 100.0])] * 2))
