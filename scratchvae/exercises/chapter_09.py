"""Chapter 9, likelihoods: what a student answers, and the mistakes that are known by name."""

import math

import numpy as np

from ..nn import sigmoid
from ..probability import discretized_logistic_nll, laplace_nll
from .checking import agree, exercise, require

__all__ = ["best_variance", "bits", "implied_beta", "laplace", "logistic_bins"]


# ---- 9.1 the best variance


@exercise(mistakes={
    "That is sigma; sigma^2 is asked for.": lambda x, y: np.sqrt(((x - y) ** 2).mean()),
    "That is log sigma^2; sigma^2 is asked for.": lambda x, y: np.log(((x - y) ** 2).mean()),
    "That is the sum of the squared errors; each pixel has the same sigma^2, so it is their mean.":
        lambda x, y: ((x - y) ** 2).sum(),
    "You summed over the pixels and averaged over the images: divide by the number of pixels too.":
        lambda x, y: ((x - y) ** 2).sum(axis=1).mean(),
    "You summed over the images and averaged over the pixels: divide by the number of images too.":
        lambda x, y: ((x - y) ** 2).sum(axis=0).mean(),
    "The 1/2 cancels: it stands before log sigma^2 too.": lambda x, y: ((x - y) ** 2).mean() / 2,
    "There is a factor 2 too many: both terms have the same 1/2.": lambda x, y: 2 * ((x - y) ** 2).mean(),
    "That is the variance of x. It is the spread around y that counts, not around the mean.": lambda x, y: x.var(),
    "You subtracted the mean error first. It is an error too: no mean is subtracted.": lambda x, y: (x - y).var(),
    "You divided by n - 1. Maximum likelihood divides by n.": lambda x, y: ((x - y) ** 2).sum() / (x.size - 1),
    "That is one variance for each pixel; one for all is asked for.": lambda x, y: ((x - y) ** 2).mean(axis=0),
    "That is one variance for each image; one for all is asked for.": lambda x, y: ((x - y) ** 2).mean(axis=1),
    "That is the mean absolute error, the best width of a Laplace.": lambda x, y: np.abs(x - y).mean(),
    "You squared the mean error; take the mean of the squared errors.": lambda x, y: (x - y).mean() ** 2,
    "That is the precision 1 / sigma^2.": lambda x, y: 1 / ((x - y) ** 2).mean(),
})
def best_variance(answer, known):
    """(x, y), each (B, D) -> the one sigma^2 under which N(y, sigma^2 I) gives all x the highest density."""
    rng = np.random.default_rng(90)
    x, y = rng.random((4, 6)), rng.random((4, 6)) + 0.3
    variance = known(answer, x, y)
    require(np.shape(variance) == (), f"One number for all pixels of all images, not an array of shape "
                                      f"{np.shape(variance)}.")
    require(variance > 0, "A variance is positive.")

    def nll(s2):
        return x.size / 2 * math.log(2 * math.pi * s2) + ((x - y) ** 2).sum() / (2 * s2)

    for other in (0.99 * variance, 1.01 * variance):
        require(nll(variance) < nll(other), f"With sigma^2 = {float(other):.4g} instead of your "
                                            f"{float(variance):.4g} the data are more probable.")
    require(agree(variance, ((x - y) ** 2).mean()), "Near the best sigma^2, but not at it.")
    require(agree(known(answer, 3 * x, 3 * y), 9 * variance), "Pixels three times as large: sigma^2 nine times.")
    require(agree(known(answer, x[:1, :1], y[:1, :1]), (x[0, 0] - y[0, 0]) ** 2), "Right here, wrong for one pixel.")


# ---- 9.2 beta and sigma


@exercise(mistakes={
    "The 2 is missing: the Gaussian has |x - y|^2 / (2 sigma^2).": lambda sigma: sigma**2,
    "That is 1 / beta: multiply -ELBO by 2 sigma^2, and the KL has the factor 2 sigma^2.":
        lambda sigma: 1 / (2 * sigma**2),
    "That is 1 / sigma^2. Multiply -ELBO by what makes the weight of |x - y|^2 one, and see what the KL gets.":
        lambda sigma: 1 / sigma**2,
    "sigma is not squared.": lambda sigma: 2 * sigma,
    "The 2 is on the wrong side: 1 / (2 sigma^2) is the weight of the error, so the KL's is 2 sigma^2.":
        lambda sigma: sigma**2 / 2,
    "That is sigma itself.": lambda sigma: sigma,
    "That is the root of beta. beta = 2 sigma^2.": lambda sigma: math.sqrt(2) * sigma,
    "That is 2 / sigma^2: multiply by 2 sigma^2, do not divide.": lambda sigma: 2 / sigma**2,
    "That is (2 sigma)^2: the 2 is not squared.": lambda sigma: 4 * sigma**2,
    "That is the constant of the Gaussian; it has no gradient.":
        lambda sigma: 0.5 * math.log(2 * math.pi * sigma**2),
})
def implied_beta(answer, known):
    """sigma -> the beta with which sum_d (x_d - y_d)^2 + beta KL has the minimum of -ELBO with N(y, sigma^2 I)."""
    for sigma in (0.3, 1.0, math.sqrt(2.5), 0.01):
        beta = known(answer, sigma)
        require(np.shape(beta) == (), f"One number, not an array of shape {np.shape(beta)}.")
        require(beta > 0, "beta is the weight of a KL: it must be positive here.")
        price = 1 / beta                                        # nats of KL that one squared pixel is worth
        require(agree(price, 1 / (2 * sigma**2)),
                f"With sigma = {sigma:.4g} one unit of squared error costs {1 / (2 * sigma**2):.4g} nats of KL in "
                f"-ELBO, but {price:.4g} in a loss with your beta = {float(beta):.4g}.")


# ---- 9.3 the Laplace density


def laplace_by(total):
    """The answer made from |x - mu| / b and b: total(u, b) -> (B, D), summed over the pixels."""
    return lambda x, mu, b: total(np.abs(x - mu) / b, b + 0 * x).sum(axis=1)


@exercise(mistakes={
    "The constant is missing: log 2 b for each pixel.": laplace_by(lambda u, b: u),
    "The 2 is missing: the integral of exp(-|x - mu| / b) is 2 b, one b for each side.":
        laplace_by(lambda u, b: np.log(b) + u),
    "The b is missing in the constant: it is log 2 b.": laplace_by(lambda u, b: math.log(2) + u),
    "The constant is counted once; every pixel has its own log 2 b.":
        lambda x, mu, b: math.log(2 * b) + (np.abs(x - mu) / b).sum(axis=1),
    "The sign of the constant is wrong: -log (1 / 2b) = + log 2 b.": laplace_by(lambda u, b: u - np.log(2 * b)),
    "That is log p; -log p is asked for.": laplace_by(lambda u, b: -np.log(2 * b) - u),
    "You squared the error: that is a Gaussian's.": laplace_by(lambda u, b: np.log(2 * b) + u * u),
    "The absolute value is missing: a negative error now makes x more probable.":
        lambda x, mu, b: (math.log(2 * b) + (x - mu) / b).sum(axis=1),
    "The error is not divided by b.": lambda x, mu, b: (math.log(2 * b) + np.abs(x - mu)).sum(axis=1),
    "You multiplied the error by b; divide.": lambda x, mu, b: (math.log(2 * b) + np.abs(x - mu) * b).sum(axis=1),
    "|x - mu| / 2b: the 2 belongs to the constant alone.": laplace_by(lambda u, b: np.log(2 * b) + u / 2),
    "You took b for a variance: b is a width, in the unit of x.":
        lambda x, mu, b: (math.log(2 * math.sqrt(b)) + np.abs(x - mu) / math.sqrt(b)).sum(axis=1),
    "You took the mean over the pixels; the log-densities of independent pixels add.":
        lambda x, mu, b: laplace_by(lambda u, b: np.log(2 * b) + u)(x, mu, b) / x.shape[1],
    "You averaged over the batch: one number per image, please.":
        lambda x, mu, b: laplace_by(lambda u, b: np.log(2 * b) + u)(x, mu, b).mean(),
    "You summed over the batch too: one number per image, please.":
        lambda x, mu, b: laplace_by(lambda u, b: np.log(2 * b) + u)(x, mu, b).sum(),
    "You summed over the wrong axis: axis 0 holds the images, axis 1 the pixels.":
        lambda x, mu, b: (math.log(2 * b) + np.abs(x - mu) / b).sum(axis=0),
    "The sum over the pixels is missing.": lambda x, mu, b: math.log(2 * b) + np.abs(x - mu) / b,
    "That is a Gaussian's constant.": laplace_by(lambda u, b: 0.5 * np.log(2 * math.pi * b * b) + u),
})
def laplace(answer, known):
    """(x (B, D), mu (B, D), b) -> -log p(x), (B,), in nats, of a Laplace of width b per pixel."""
    rng = np.random.default_rng(93)
    x, mu = rng.standard_normal((2, 5, 3))
    nll = known(answer, x, mu, 0.3)
    require(np.shape(nll) == (5,), f"One number per image: shape (5,), not {np.shape(nll)}.")
    require(agree(known(answer, mu, mu, 0.3), np.full(5, 3 * math.log(0.6))),
            "At x = mu the density of a pixel is 1 / 2b, so 3 pixels cost 3 log 2b.")
    t = np.linspace(-12, 12, 24001)[:, None]
    total = np.trapezoid(np.exp(-np.asarray(known(answer, t, 0 * t + 0.5, 0.4), float)), t[:, 0])
    require(abs(total - 1) < 1e-5, f"The density of one pixel should integrate to 1, and yours gives {total:.4f}.")
    require(agree(known(answer, 2 * mu - x, mu, 0.3), nll), "Above and below mu the density must be the same.")
    require(agree(nll, laplace_nll(mu, np.full_like(mu, math.log(0.3)), x=x)), "It is not the Laplace density.")


# ---- 9.4 bits per pixel


@exercise(mistakes={
    "The bins are missing: a density on [0, 1] must be multiplied by the width 1/256 of a bin to be a mass.":
        lambda nats, n_dims, levels: nats / n_dims / math.log(2),
    "The sign of log 256 is wrong: a mass is smaller than its density, so it costs more.":
        lambda nats, n_dims, levels: (nats / n_dims - math.log(levels)) / math.log(2),
    "The bins are counted once; every pixel has its own log 256.":
        lambda nats, n_dims, levels: (nats + math.log(levels)) / n_dims / math.log(2),
    "You have nats per pixel; a bit is log 2 nats.": lambda nats, n_dims, levels: nats / n_dims + math.log(levels),
    "You multiplied by log 2; a nat is more than a bit, so divide.":
        lambda nats, n_dims, levels: (nats / n_dims + math.log(levels)) * math.log(2),
    "You have bits per image; divide by the number of pixels.":
        lambda nats, n_dims, levels: nats / math.log(2) + n_dims * math.log2(levels),
    "The nats are not divided by the number of pixels.":
        lambda nats, n_dims, levels: (nats + math.log(levels)) / math.log(2),
    "You added nats and bits: divide nats / D by log 2 too.":
        lambda nats, n_dims, levels: nats / n_dims + math.log2(levels),
    "You took log 255; there are 256 values, and as many bins.":
        lambda nats, n_dims, levels: (nats / n_dims + math.log(levels - 1)) / math.log(2),
    "You added 256 itself; add its logarithm.":
        lambda nats, n_dims, levels: (nats / n_dims + levels) / math.log(2),
    "You divided by 8 bits: that is a share of the uncompressed size.":
        lambda nats, n_dims, levels: (nats / n_dims + math.log(levels)) / math.log(2) / 8,
    "The sign is wrong: nats is -log p already.":
        lambda nats, n_dims, levels: -(nats / n_dims + math.log(levels)) / math.log(2),
    "The sign of the nats is wrong: nats is -log p already.":
        lambda nats, n_dims, levels: (math.log(levels) - nats / n_dims) / math.log(2),
})
def bits(answer, known):
    """(nats, n_dims, levels) -> bits per pixel; nats = -log density on [0, 1] of an image of n_dims noisy pixels."""
    for nats, n_dims, levels in ((-900.0, 784, 256), (50.0, 64, 17), (0.0, 10, 256)):
        value = known(answer, nats, n_dims, levels)
        require(np.shape(value) == (), f"One number, not an array of shape {np.shape(value)}.")
    require(agree(value, 8), "The uniform density on [0, 1] costs 0 nats, and a mass of 1/256 costs 8 bits.")
    one = known(answer, 784 * math.log(2), 784, 256)
    require(agree(one, 9), "Half of the uniform density costs one bit more: 9.")
    require(agree(known(answer, -784 * math.log(256), 784, 256), 0),
            "A density that is 256 on the bin of the right level, and 0 elsewhere, costs 0 bits.")
    require(agree(known(answer, -900.0, 784, 256), (-900 / 784 + math.log(256)) / math.log(2)), "Not bits per pixel.")
    require(agree(known(answer, 50.0, 64, 17), (50 / 64 + math.log(17)) / math.log(2)), "Wrong for 17 levels.")


# ---- 9.5 the bins of a logistic


def bins_by(edges, mass):
    """An answer from the edges (upper, lower) of bin k and the mass between, with its outer bins open."""

    def answer(k, mu, s, levels):
        upper, lower = edges(k, levels)
        above = np.where(k == levels - 1, 1.0, sigmoid((upper - mu) / s))
        below = np.where(k == 0, 0.0, sigmoid((lower - mu) / s))
        return mass(above, below)

    return answer


def halves_of(k, levels):
    return (k + 0.5) / (levels - 1), (k - 0.5) / (levels - 1)


def closed(k, mu, s, levels):
    upper, lower = halves_of(k, levels)
    return np.log(sigmoid((upper - mu) / s) - sigmoid((lower - mu) / s))


def log_difference(above, below):
    return np.log(above - below)


def bell_times_width(k, mu, s, levels):
    t = (k / (levels - 1) - mu) / s
    return -t - 2 * np.log1p(np.exp(-t)) - math.log(s) - math.log(levels - 1)


def right_bins(k, mu, s, levels):
    k = np.asarray(k, float)[:, None]
    return -discretized_logistic_nll(0 * k + mu, 0 * k + math.log(s), x=k / (levels - 1), levels=levels)


@exercise(mistakes={
    "The first and the last bin are open: all mass below 0 and above 1 belongs to them. Yours do not sum to 1.": closed,
    "That is the density times the width of a bin. For a small s it varies within a bin: take a difference.":
        bell_times_width,
    "That is P; log P is asked for.": bins_by(halves_of, lambda above, below: above - below),
    "That is -log P; log P is asked for.": bins_by(halves_of, lambda above, below: -np.log(above - below)),
    "The bins overlap: the edges are half a step away from k, not a whole one.":
        bins_by(lambda k, levels: ((k + 1) / (levels - 1), (k - 1) / (levels - 1)), log_difference),
    "Your pixels are k / K; they are k / (K - 1), so that the last is white.":
        bins_by(lambda k, levels: ((k + 0.5) / levels, (k - 0.5) / levels), log_difference),
    "Your bins begin at k: x lies in the middle of its bin, from k - 1/2 to k + 1/2.":
        bins_by(lambda k, levels: ((k + 1) / (levels - 1), k / (levels - 1)), log_difference),
    "You multiplied by s; the density is narrow where s is small: divide.":
        lambda k, mu, s, levels: bins_by(halves_of, log_difference)(k, mu, 1 / s, levels),
    "The sign is wrong inside: (k - mu) / s, not (mu - k) / s.":
        lambda k, mu, s, levels: np.log(np.maximum(sigmoid((mu - (k + 0.5) / (levels - 1)) / s), 1e-300)),
    "Right in the middle, but far from mu your two sigmoids round to the same number, and log 0 is -inf. "
    "Write the difference as a product.": bins_by(halves_of, log_difference),
})
def logistic_bins(answer, known):
    """(k (n,), mu, s, levels) -> log P(k), (n,), of a logistic density cut into the bins of k = 0..levels-1."""
    k = np.arange(17)
    for mu, s in ((0.4, 0.1), (0.9, 0.3)):
        log_p = known(answer, k, mu, s, 17)
        require(np.shape(log_p) == (17,), f"One number for each k: shape (17,), not {np.shape(log_p)}.")
        require(np.all(np.asarray(log_p) <= 0), "A mass is at most 1: no log P above 0.")
        total = float(np.exp(log_p).sum())
        require(abs(total - 1) < 1e-9, f"The masses of all 17 levels must sum to 1, and yours sum to {total:.6f}.")
        require(agree(log_p, right_bins(k, mu, s, 17)), "They sum to 1, but they are not the bins of a logistic.")
    far = known(answer, np.array([0, 10, 128, 250, 255]), 0.02, 1e-3, 256)
    right = right_bins([0, 10, 128, 250, 255], 0.02, 1e-3, 256)
    require(np.isfinite(far).all(), "For a small s, far from mu, your answer is not finite, but the masses are not 0.")
    require(agree(far, right, 1e-6), "For a small s, far from mu, the logarithms are wrong.")
