"""Chapter 12, evaluation and the IWAE: what a student answers, and the mistakes that are known by name."""

import math

import numpy as np

from ..evaluation import frechet_distance
from ..probability import log_mean_exp, log_sum_exp, softmax
from .checking import agree, exercise, require

LEVELS = np.array([[-2e4], [0.0], [-3000.0], [300.0], [0.0]])     # added to five rows: rows of very different scale
ONE_FOR_ALL = ("You subtracted one largest log weight for all rows: in rows far below it every weight is rounded to 0. "
               "Each row needs its own: max(axis=1, keepdims=True).")
NOT_THE_LARGEST = ("You subtracted another number than the largest of the row (its mean, or one of its draws): a "
                   "weight far above it overflows. Only with the largest subtracted is every term at most 1.")


def minus_one_for_all(log_w):
    return np.exp(log_w - log_w.max())


def minus_the_mean(log_w):
    return np.exp(log_w - log_w.mean(axis=1, keepdims=True))


# ---- 12.1 the bound


@exercise(mistakes={
    "You took the mean of the logs: that is the ELBO, for every k. First average the weights, then take the logarithm.":
        lambda log_w: log_w.mean(axis=1),
    "The 1/k is missing: that is the log of the sum, log k too high.": lambda log_w: log_sum_exp(log_w),
    "You multiplied by k; the mean divides: - log k.":
        lambda log_w: log_sum_exp(log_w) + math.log(log_w.shape[1]),
    "1/k belongs inside the logarithm: subtract log k, do not divide by k.":
        lambda log_w: log_sum_exp(log_w) / log_w.shape[1],
    "exp(-2000) is 0 and its logarithm -inf, and exp(1000) is infinite: subtract the largest log weight first.":
        lambda log_w: np.log(np.exp(log_w).mean(axis=1)),
    "You subtracted the largest log weight but did not add it back.":
        lambda log_w: log_mean_exp(log_w - log_w.max(axis=1, keepdims=True)),
    "That is the log-mean-exp of the losses -log w: the worst draw dominates.":
        lambda log_w: log_mean_exp(-log_w),
    "That is the loss, -L_k; the bound itself is asked for.": lambda log_w: -log_mean_exp(log_w),
    "That is minus the log-mean-exp of the losses -log w: the worst draw decides.":
        lambda log_w: -log_mean_exp(-log_w),
    "That is the surrogate, sum of v log w: its gradient is right, its value is no bound.":
        lambda log_w: (softmax(log_w) * log_w).sum(axis=1),
    "That is the largest log weight alone; all draws take part.": lambda log_w: log_w.max(axis=1),
    "That is the mean weight itself; take its logarithm.": lambda log_w: np.exp(log_w).mean(axis=1),
    "You averaged over the examples (axis 0); the draws are axis 1.": lambda log_w: log_mean_exp(log_w.T),
    "You averaged over the examples too: one number per example, please.": lambda log_w: log_mean_exp(log_w).mean(),
    "You averaged over all weights of all examples at once: each example has its own mean.":
        lambda log_w: log_mean_exp(log_w.reshape(1, -1))[0],
    ONE_FOR_ALL: lambda log_w: log_w.max() + np.log(minus_one_for_all(log_w).mean(axis=1)),
    NOT_THE_LARGEST: lambda log_w: log_w.mean(axis=1) + np.log(minus_the_mean(log_w).mean(axis=1)),
})
def bound(answer, known):
    """log_w (B, k) -> log 1/k sum_i exp(log_w_i), (B,)."""
    log_w = np.random.default_rng(121).standard_normal((5, 4))
    value = known(answer, log_w)
    require(np.shape(value) == (5,), f"One number per example: shape (5,), not {np.shape(value)}.")
    require(agree(known(answer, log_w[:, :1]), log_w[:, 0]), "With one draw, the bound of an example is its log w.")
    require(agree(known(answer, np.full((2, 6), -3.0)), np.full(2, -3.0)),
            "If all weights are equal, their mean is each of them: here log w = -3 and L = -3.")
    require(agree(known(answer, np.log(np.array([[1.0, 3.0]]))), np.array([math.log(2)])),
            "The weights 1 and 3 have the mean 2: the answer must be log 2.")
    for shift in (-2000.0, 1000.0):
        require(agree(known(answer, log_w + shift), log_mean_exp(log_w) + shift),
                f"All log weights {shift:+.0f}: the answer must move by exactly {shift:+.0f}, and stay finite.")
    require(agree(known(answer, np.array([[-2000.0, 0.0, -2500.0]])), np.array([-math.log(3)])),
            "The log weights -2000, 0 and -2500: the mean weight is 1/3, so the answer is -log 3.")
    require(agree(known(answer, log_w + LEVELS), log_mean_exp(log_w) + LEVELS[:, 0]),
            "Rows of very different scale, one near -20000 and another near 0: each row must move with its own log "
            "weights. Subtract the largest of each row, not one for all rows.")
    require(agree(value, log_mean_exp(log_w)), "It is not the logarithm of the mean weight.")


# ---- 12.2 the gradient


def weighted(v, dlog_w):
    return (v[:, :, None] * dlog_w).sum(axis=1)


def normalized(w):
    return w / w.sum(axis=1, keepdims=True)


@exercise(mistakes={
    "All draws have the same weight 1/k in your answer: that is the gradient of the ELBO.":
        lambda log_w, dlog_w: dlog_w.mean(axis=1),
    "You summed over the draws with weight 1 each: the weights are missing.": lambda log_w, dlog_w: dlog_w.sum(axis=1),
    "You took the softmax of the losses -log w: the worst draw has the largest weight.":
        lambda log_w, dlog_w: weighted(softmax(-log_w), dlog_w),
    "You squared the weights: that is DReG, right only for the part that goes through z, on average.":
        lambda log_w, dlog_w: weighted(softmax(log_w)**2, dlog_w),
    "Your weights are not normalized: divide by their sum over the draws.":
        lambda log_w, dlog_w: weighted(np.exp(log_w), dlog_w),
    "You divided by k once more: the normalized weights already sum to 1.":
        lambda log_w, dlog_w: weighted(softmax(log_w), dlog_w) / log_w.shape[1],
    "The weights are normalized over the examples (axis 0); the draws are axis 1.":
        lambda log_w, dlog_w: weighted(softmax(log_w.T).T, dlog_w),
    "The sign is wrong: that is the gradient of the loss -L_k.":
        lambda log_w, dlog_w: -weighted(softmax(log_w), dlog_w),
    "You let the gradient flow through the weights v: they are held fixed.":
        lambda log_w, dlog_w: weighted(
            softmax(log_w) * (1 + log_w - (softmax(log_w) * log_w).sum(axis=1, keepdims=True)), dlog_w),
    "You used log w itself as the weight; the weights are softmax(log w).":
        lambda log_w, dlog_w: weighted(log_w, dlog_w),
    "The weights underflow to 0 / 0: subtract the largest log weight first.":
        lambda log_w, dlog_w: weighted(np.exp(log_w) / np.exp(log_w).sum(axis=1, keepdims=True), dlog_w),
    "Only the best draw counts in your answer: that is the limit of very different weights.":
        lambda log_w, dlog_w: dlog_w[np.arange(len(log_w)), log_w.argmax(axis=1)],
    "You averaged over the examples: one gradient per example, please.":
        lambda log_w, dlog_w: weighted(softmax(log_w), dlog_w).mean(axis=0),
    "You summed over the examples: one gradient per example, please.":
        lambda log_w, dlog_w: weighted(softmax(log_w), dlog_w).sum(axis=0),
    "The sum over the draws is missing.": lambda log_w, dlog_w: softmax(log_w)[:, :, None] * dlog_w,
    "You normalized over all draws of all examples: the weights of each example sum to 1.":
        lambda log_w, dlog_w: weighted(softmax(log_w.reshape(1, -1)).reshape(log_w.shape), dlog_w),
    ONE_FOR_ALL: lambda log_w, dlog_w: weighted(normalized(minus_one_for_all(log_w)), dlog_w),
    NOT_THE_LARGEST: lambda log_w, dlog_w: weighted(normalized(minus_the_mean(log_w)), dlog_w),
})
def iwae_gradient(answer, known):
    """(log_w (B, k), dlog_w (B, k, P)) -> the gradient of log 1/k sum_i w_i, (B, P)."""
    rng = np.random.default_rng(122)
    log_w, dlog_w = rng.standard_normal((5, 4)), rng.standard_normal((5, 4, 3))
    value = known(answer, log_w, dlog_w)
    require(np.shape(value) == (5, 3), f"One gradient per example: shape (5, 3), not {np.shape(value)}.")
    require(agree(known(answer, log_w[:, :1], dlog_w[:, :1]), dlog_w[:, 0]),
            "With one draw, the gradient of the bound is that of its log w.")
    require(agree(known(answer, np.full((5, 4), -3.0), dlog_w), dlog_w.mean(axis=1)),
            "If all weights are equal, all draws count the same: it is the mean of their gradients.")
    lonely = np.where(np.arange(4) == 2, 0.0, -3000.0) + np.zeros((5, 1))
    require(agree(known(answer, lonely, dlog_w), dlog_w[:, 2]),
            "If one weight is far larger than all others, its gradient is the answer.")
    require(agree(known(answer, log_w - 2000, dlog_w), value),
            "If all weights are multiplied by one number, the gradient must not change, and must stay finite.")
    require(agree(known(answer, log_w + LEVELS, dlog_w), value),
            "Rows of very different scale, one near -20000 and another near 0: no row's gradient may change. "
            "Subtract the largest log weight of each row, not one for all rows.")
    h = 1e-30
    slope = np.stack([log_of_mean(log_w + 1j * h * dlog_w[:, :, p]).imag / h for p in range(3)], axis=1)
    require(agree(value, slope), "It is not the slope of the bound (by the complex step).")


def log_of_mean(log_w):
    """The logarithm of the mean weight, for complex numbers of size 1 too."""
    return np.log(np.exp(log_w).mean(axis=1))


# ---- 12.3 effective sample size


def normalized_ess(log_w):
    return 1 / (softmax(log_w)**2).sum(axis=1)


def ess(w):
    return w.sum(axis=1)**2 / (w**2).sum(axis=1)


@exercise(mistakes={
    "That is 1 / ESS: the sum of the squared normalized weights.": lambda log_w: (softmax(log_w)**2).sum(axis=1),
    "That is the share ESS / k; a number of draws is asked for, between 1 and k.":
        lambda log_w: normalized_ess(log_w) / log_w.shape[1],
    "The weights are not normalized before they are squared: (sum w)^2 / sum w^2 has a square in the numerator too.":
        lambda log_w: 1 / (np.exp(log_w)**2).sum(axis=1),
    "The square of the sum is missing: (sum w)^2 / sum w^2.":
        lambda log_w: np.exp(log_w).sum(axis=1) / (np.exp(log_w)**2).sum(axis=1),
    "That is sum w^2 / (sum w)^2 turned into a number of draws by k: it is k times the reciprocal of the ESS.":
        lambda log_w: log_w.shape[1] * (softmax(log_w)**2).sum(axis=1),
    "That is the exponential of the entropy, another count of draws; the ESS is 1 / sum v^2.":
        lambda log_w: np.exp(-(softmax(log_w) * np.log(np.maximum(softmax(log_w), 1e-300))).sum(axis=1)),
    "That is 1 / the largest normalized weight, a lower limit of the ESS.":
        lambda log_w: 1 / softmax(log_w).max(axis=1),
    "You used log w where w belongs.": lambda log_w: log_w.sum(axis=1)**2 / (log_w**2).sum(axis=1),
    "You counted with the softmax of the losses -log w.": lambda log_w: normalized_ess(-log_w),
    "exp underflows to 0 / 0, or overflows: subtract the largest log weight first. The ESS does not change when all "
    "weights are divided by the largest.": lambda log_w: ess(np.exp(log_w)),
    "You summed over the examples (axis 0); the draws are axis 1.": lambda log_w: normalized_ess(log_w.T),
    "You averaged over the examples: one number per example, please.": lambda log_w: normalized_ess(log_w).mean(),
    "That is k: the number of draws, whatever their weights.": lambda log_w: np.full(len(log_w), float(log_w.shape[1])),
    ONE_FOR_ALL: lambda log_w: ess(minus_one_for_all(log_w)),
    NOT_THE_LARGEST: lambda log_w: ess(minus_the_mean(log_w)),
})
def effective_sample_size(answer, known):
    """log_w (B, k) -> (sum w)^2 / sum w^2, (B,)."""
    log_w = np.random.default_rng(123).standard_normal((5, 4))
    value = known(answer, log_w)
    require(np.shape(value) == (5,), f"One number per example: shape (5,), not {np.shape(value)}.")
    require(agree(known(answer, np.full((3, 7), -2.0)), np.full(3, 7.0)), "Seven equal weights: all 7 draws count.")
    lonely = np.array([[-2000.0, 0.0, -2500.0]])
    require(agree(known(answer, lonely), np.ones(1)), "One weight far above all others: 1 draw counts.")
    require(agree(known(answer, np.log(np.array([[1.0, 3.0]]))), np.array([1.6])),
            "The weights 1 and 3: (1 + 3)^2 / (1 + 9) = 1.6.")
    for shift in (-2000.0, 1000.0):
        require(agree(known(answer, log_w + shift), value),
                "If all weights are multiplied by one number, the ESS must not change, and must stay finite.")
    require(agree(known(answer, log_w + LEVELS), value),
            "Rows of very different scale, one near -20000 and another near 0: no row's ESS may change. Subtract "
            "the largest log weight of each row, not one for all rows.")
    require(agree(value, normalized_ess(log_w)), "It is not (sum w)^2 / sum w^2.")


# ---- 12.4 active units


@exercise(mistakes={
    "You compared the standard deviation of mu with 0.01; the threshold is one for the variance.":
        lambda mu, logvar: int((mu.std(axis=0) > 0.01).sum()),
    "You looked at E mu^2, not at the variance: a constant mu of any size says nothing about x.":
        lambda mu, logvar: int(((mu**2).mean(axis=0) > 0.01).sum()),
    "You looked at the mean of mu; its variance over x is asked for.":
        lambda mu, logvar: int((np.abs(mu.mean(axis=0)) > 0.01).sum()),
    "You looked at sigma^2, the variance inside one q(z|x): that is large exactly where a latent is dead.":
        lambda mu, logvar: int((np.exp(logvar).mean(axis=0) > 0.01).sum()),
    "You added sigma^2: that is the variance of z over all x, near 1 for a dead latent too.":
        lambda mu, logvar: int((mu.var(axis=0) + np.exp(logvar).mean(axis=0) > 0.01).sum()),
    "You looked at the variance of log sigma^2; that of mu is asked for.":
        lambda mu, logvar: int((logvar.var(axis=0) > 0.01).sum()),
    "You took the variance over the latents (axis 1); it goes over the images, axis 0.":
        lambda mu, logvar: int((mu.var(axis=1) > 0.01).sum()),
    "You counted the dead ones.": lambda mu, logvar: int((mu.var(axis=0) <= 0.01).sum()),
    "You looked at the KL of each latent; a constant mu costs nats and says nothing about x.":
        lambda mu, logvar: int(((mu**2 + np.exp(logvar) - 1 - logvar).mean(axis=0) / 2 > 0.01).sum()),
    "That is True or False for each latent; their number is asked for.": lambda mu, logvar: mu.var(axis=0) > 0.01,
    "Those are the variances; the number of those above 0.01 is asked for.": lambda mu, logvar: mu.var(axis=0),
    "That is the share of active latents; their number is asked for.":
        lambda mu, logvar: (mu.var(axis=0) > 0.01).mean(),
    "The threshold is 0.01, not 0.1.": lambda mu, logvar: int((mu.var(axis=0) > 0.1).sum()),
    "That is the sum of the variances.": lambda mu, logvar: mu.var(axis=0).sum(),
    "You took one variance over all latents and images.": lambda mu, logvar: int(mu.var() > 0.01),
})
def active_count(answer, known):
    """(mu, logvar), each (N, Z) -> how many latents have Var_x E[z_j|x] > 0.01."""
    rng = np.random.default_rng(124)

    def ask(scales, offsets, sigmas, jitters):
        """Latents whose means have exactly these standard deviations, and lie around these offsets, over 40 images."""
        wave, columns = np.where(np.arange(40) % 2 == 0, 1.0, -1.0), (scales, offsets, sigmas, jitters)
        mu = np.stack([rng.permutation(wave) * s + o for s, o, *_ in zip(*columns, strict=True)], axis=1)
        logvar = 2 * np.log(np.array(sigmas)) + jitters * rng.standard_normal(mu.shape)
        value = known(answer, mu, logvar)
        require(np.shape(value) == (), f"One number, not an array of shape {np.shape(value)}.")
        return value

    mixed = ask((1.0, 0.05, 0.5, 0.001, 0.2, 0.02, 0.12, 0.03, 0.007), (0, 2, 0, -1, 0.5, 0, 0, 0, 0),
                (0.1, 1, 0.3, 0.05, 0.9, 0.05, 0.02, 1, 1), (0.3, 0, 0.3, 0, 0.3, 0.3, 0, 0, 0.3))
    dead = ask((0.0, 0.0, 0.0), (0, 3, -2), (1, 1, 0.01), (0, 0.3, 0.3))
    alive = ask((0.5, 0.7), (0, 0), (0.001, 1), (0, 0))
    close = ask((0.09, 0.11, 0.05), (0, 0, 0), (1, 1, 1), (0, 0.1, 0.2))
    require(agree(dead, 0), "Means that are the same for every x: no latent is active.")
    require(agree(alive, 2), "Standard deviations 0.5 and 0.7 of mu: both are active.")
    require(agree(close, 1), "Variances 0.0081, 0.0121 and 0.0025 of mu: exactly one is above 0.01.")
    require(agree(mixed, 4), "Standard deviations 1, 0.05, 0.5, 0.001, 0.2, 0.02, 0.12, 0.03, 0.007: four are active.")


# ---- 12.5 the Frechet distance


@exercise(mistakes={
    "The difference of the means is not squared.":
        lambda m_a, var_a, m_b, var_b: np.sqrt(((m_a - m_b)**2).sum()) + ((var_a**0.5 - var_b**0.5)**2).sum(),
    "You took the variances as standard deviations: (s_a - s_b)^2 needs their roots.":
        lambda m_a, var_a, m_b, var_b: ((m_a - m_b)**2).sum() + ((var_a - var_b)**2).sum(),
    "The 2 before the root is missing.":
        lambda m_a, var_a, m_b, var_b: ((m_a - m_b)**2 + var_a + var_b - np.sqrt(var_a * var_b)).sum(),
    "The root is missing: (S_a S_b)^(1/2).":
        lambda m_a, var_a, m_b, var_b: ((m_a - m_b)**2 + var_a + var_b - 2 * var_a * var_b).sum(),
    "You added the root; it is subtracted.":
        lambda m_a, var_a, m_b, var_b: ((m_a - m_b)**2 + var_a + var_b + 2 * np.sqrt(var_a * var_b)).sum(),
    "The means are missing.": lambda m_a, var_a, m_b, var_b: ((var_a**0.5 - var_b**0.5)**2).sum(),
    "The covariances are missing: two clouds of different width are not the same.":
        lambda m_a, var_a, m_b, var_b: ((m_a - m_b)**2).sum(),
    "You took the mean over the features; norm and trace are sums.":
        lambda m_a, var_a, m_b, var_b: ((m_a - m_b)**2 + (var_a**0.5 - var_b**0.5)**2).mean(),
    "That is the root of it; the square of the distance is asked for, as in section 12.12.":
        lambda m_a, var_a, m_b, var_b: np.sqrt(((m_a - m_b)**2 + (var_a**0.5 - var_b**0.5)**2).sum()),
    "The sum over the features is missing: one number is asked for.":
        lambda m_a, var_a, m_b, var_b: (m_a - m_b)**2 + (var_a**0.5 - var_b**0.5)**2,
    "You took the root of each variance away, not of their product: tr(S_a + S_b) - 2 tr(S_a S_b)^(1/2).":
        lambda m_a, var_a, m_b, var_b: ((m_a - m_b)**2).sum() + (var_a + var_b).sum()
        - 2 * np.sqrt((var_a * var_b).sum()),
    "That is the difference of the traces; each variance is compared with that of the same feature.":
        lambda m_a, var_a, m_b, var_b: ((m_a - m_b)**2).sum() + abs((var_a - var_b).sum()),
    "That is KL(a || b), another distance, and not a symmetric one.":
        lambda m_a, var_a, m_b, var_b: (((m_a - m_b)**2 + var_a) / var_b - 1 - np.log(var_a / var_b)).sum() / 2,
})
def diagonal_frechet(answer, known):
    """(m_a, var_a, m_b, var_b), each (F,) -> the squared Frechet distance of two diagonal Gaussians, a number."""
    rng = np.random.default_rng(125)
    m_a, m_b, var_a, var_b = *rng.standard_normal((2, 4)), *rng.uniform(0.5, 3, (2, 4))
    value = known(answer, m_a, var_a, m_b, var_b)
    require(np.shape(value) == (), f"One number, not an array of shape {np.shape(value)}.")
    require(agree(known(answer, m_a, var_a, m_a, var_a), 0.0), "A Gaussian has the distance 0 from itself.")
    require(agree(known(answer, m_a, var_a, m_b, var_a), ((m_a - m_b)**2).sum()),
            "With equal covariances only the means count: |m_a - m_b|^2.")
    zero, one = np.zeros(1), np.ones(1)
    require(agree(known(answer, zero, one, zero, 9 * one), 4.0),
            "N(0, 1) and N(0, 9): the standard deviations are 1 and 3, so the answer is (3 - 1)^2 = 4.")
    require(agree(known(answer, m_b, var_b, m_a, var_a), value), "The distance must be the same from both sides.")
    require(agree(value, of_clouds(m_a, var_a, m_b, var_b)), "It is not what the library's frechet_distance says.")


def of_clouds(m_a, var_a, m_b, var_b):
    """The library's distance of two clouds of 2 F points that have exactly these means and diagonal covariances."""
    F = len(m_a)
    cross = np.concatenate([np.eye(F), -np.eye(F)]) * np.sqrt((2 * F - 1) / 2)
    return frechet_distance(m_a + cross * np.sqrt(var_a), m_b + cross * np.sqrt(var_b))
