"""Chapter 7, gradient through a sample: what a student answers, and the mistakes that are known by name."""

import math

import numpy as np

from ..nn import sigmoid
from ..probability import gaussian_kl, monte_carlo_kl, reparameterize
from .checking import agree, exercise, require


def both_paths(dz, mu, logvar, eps):
    """(dmu, dlogvar), the gradients of the two heads of the encoder: dz through the sample, plus that of the KL."""
    dmu_z, dlogvar_z = reparameterize.forward(mu, logvar, eps=eps)[1](dz)
    dmu_kl, dlogvar_kl = gaussian_kl.forward(mu, logvar)[1](np.ones(len(mu)))
    return dmu_z + dmu_kl, dlogvar_z + dlogvar_kl


@exercise(mistakes={
    "You took only the path through the sample: the gradient of the KL is missing. A fork adds both.":
        lambda dz, mu, logvar, eps: (dz, dz * eps * np.exp(logvar / 2) / 2),
    "You took only the KL: the gradient through the sample, from dz, is missing.":
        lambda dz, mu, logvar, eps: (mu, (np.exp(logvar) - 1) / 2),
    "The 1/2 is missing in the path through the sample: sigma = exp(logvar / 2), so dsigma/dlogvar = sigma / 2.":
        lambda dz, mu, logvar, eps: (dz + mu, dz * eps * np.exp(logvar / 2) + (np.exp(logvar) - 1) / 2),
    "You used exp(logvar) as sigma; it is sigma^2. sigma = exp(logvar / 2).":
        lambda dz, mu, logvar, eps: (dz + mu, dz * eps * np.exp(logvar) + (np.exp(logvar) - 1) / 2),
    "You used exp(logvar) as sigma; it is sigma^2, and sigma = exp(logvar / 2).":
        lambda dz, mu, logvar, eps: (dz + mu, dz * eps * np.exp(logvar) / 2 + (np.exp(logvar) - 1) / 2),
    "That is the gradient of sigma. The network outputs logvar: one more step of the chain rule, dsigma/dlogvar.":
        lambda dz, mu, logvar, eps: (dz + mu, dz * eps + np.exp(logvar / 2) - np.exp(-logvar / 2)),
    "Through the sample you have the gradient of sigma, not of logvar: the factor dsigma/dlogvar is missing.":
        lambda dz, mu, logvar, eps: (dz + mu, dz * eps + (np.exp(logvar) - 1) / 2),
    "eps is missing: z = mu + sigma * eps, so dz/dsigma = eps.":
        lambda dz, mu, logvar, eps: (dz + mu, dz * np.exp(logvar / 2) / 2 + (np.exp(logvar) - 1) / 2),
    "The sign of the KL is wrong: the loss is f(z) + KL, so its gradients are added.":
        lambda dz, mu, logvar, eps: (dz - mu, dz * eps * np.exp(logvar / 2) / 2 - (np.exp(logvar) - 1) / 2),
    "The 1/2 of the KL is missing: KL = 1/2 (mu^2 + sigma^2 - 1 - log sigma^2).":
        lambda dz, mu, logvar, eps: (dz + 2 * mu, dz * eps * np.exp(logvar / 2) / 2 + np.exp(logvar) - 1),
    "dmu has a factor sigma too many: z = mu + sigma * eps, so dz/dmu = 1.":
        lambda dz, mu, logvar, eps: (dz * np.exp(logvar / 2) + mu, both_paths(dz, mu, logvar, eps)[1]),
    "The two gradients are in the wrong order: first dmu, then dlogvar, like the inputs.":
        lambda dz, mu, logvar, eps: both_paths(dz, mu, logvar, eps)[::-1],
    "You averaged over the batch. A node gives one gradient per example; only the training loop averages.":
        lambda dz, mu, logvar, eps: tuple(g / len(mu) for g in both_paths(dz, mu, logvar, eps)),
})
def encoder_gradients(answer, known):
    """(dz, mu, logvar, eps) -> (dmu, dlogvar) of the loss f(z) + KL, all of shape (B, Z)."""
    dz, mu, logvar, eps = np.random.default_rng(7).standard_normal((4, 5, 3))
    gradients = known(answer, dz, mu, logvar, eps)
    require(isinstance(gradients, tuple | list) and len(gradients) == 2, "Return two gradients: (dmu, dlogvar).")
    for name, g in zip(("dmu", "dlogvar"), gradients, strict=True):
        require(np.shape(g) == (5, 3), f"{name} must have the shape of {name[1:]}, (5, 3), not {np.shape(g)}.")
    zero = np.zeros((5, 3))
    require(agree(tuple(known(answer, zero, mu, logvar, eps)), (mu, (np.exp(logvar) - 1) / 2)),
            "With dz = 0 only the KL has a gradient: dmu = mu and dlogvar = (sigma^2 - 1) / 2.")
    require(agree(tuple(known(answer, dz, zero, zero, eps)), (dz, dz * eps / 2)),
            "With mu = 0 and sigma = 1 the KL is at its minimum: dmu = dz and dlogvar = dz * eps / 2.")
    require(agree(tuple(known(answer, dz, mu, logvar, zero))[1], (np.exp(logvar) - 1) / 2),
            "With eps = 0 the sample is mu: dz does not reach logvar.")
    right = both_paths(dz, mu, logvar, eps)
    require(agree(gradients[0], right[0]), "dmu is not what the complex step says. What is dz/dmu? What is dKL/dmu?")
    require(agree(gradients[1], right[1]),
            "dlogvar is not what the complex step says. dz/dlogvar = (dz/dsigma)(dsigma/dlogvar), plus dKL/dlogvar.")


def bernoulli(logits, u):
    """(b, p): b = 1 where u < p = sigmoid(logits)."""
    p = sigmoid(logits)
    return (u < p).astype(float), p


def score_gradient(f, logits, u):
    """f(b) d log q(b) / dlogits = f(b) (b - p)."""
    b, p = bernoulli(logits, u)
    return f(b)[:, None] * (b - p)


@exercise(mistakes={
    "The gradient is zero everywhere: you took the derivative of the step b = (u < p). It is zero where it exists, and "
    "it is not the gradient of the expectation. Use the score.":
        lambda f, logits, u: np.zeros_like(logits),
    "The sign is wrong: d log q / da = b - p.":
        lambda f, logits, u: -score_gradient(f, logits, u),
    "That is the score of the probability p. The network outputs the logit a: multiply by dp/da = p (1 - p).":
        lambda f, logits, u: score_gradient(f, logits, u) / (sigmoid(logits) * (1 - sigmoid(logits))),
    "b must be 1 with probability p: b = (u < p), not (u > p).":
        lambda f, logits, u: f(1 - bernoulli(logits, u)[0])[:, None] * (1 - bernoulli(logits, u)[0] - sigmoid(logits)),
    "f is called at the probabilities p; it must be called at the sample b.":
        lambda f, logits, u: f(sigmoid(logits))[:, None] * (bernoulli(logits, u)[0] - sigmoid(logits)),
    "f(b) dp/da is not the score: the sample does not enter the second factor. d log q / da = b - p.":
        lambda f, logits, u: f(bernoulli(logits, u)[0])[:, None] * sigmoid(logits) * (1 - sigmoid(logits)),
    "You multiplied by log q itself; its gradient, the score, is asked for.":
        lambda f, logits, u: f(bernoulli(logits, u)[0])[:, None] * np.log(
            np.where(bernoulli(logits, u)[0] == 1, sigmoid(logits), 1 - sigmoid(logits))),
    "You used the logit as the probability: p = sigmoid(a).":
        lambda f, logits, u: f((u < logits).astype(float))[:, None] * ((u < logits) - logits),
    "You averaged over the batch; one gradient per example is asked for.":
        lambda f, logits, u: score_gradient(f, logits, u).mean(axis=0),
    "Each latent has its own score; you gave every latent the sum of all scores.":
        lambda f, logits, u: np.broadcast_to(score_gradient(f, logits, u).sum(axis=1, keepdims=True), logits.shape),
})
def bernoulli_score_gradient(answer, known):
    """(f, logits (B, Z), u (B, Z) uniform) -> (B, Z), unbiased for dE f(b)/dlogits; f: (B, Z) -> (B,)."""
    f = called_at_bits(lambda b: np.exp(b @ np.array([0.5, -1.0])) + 3 * b[:, 0] * b[:, 1])
    p = np.array([0.25, 0.625])
    ticks = (np.arange(8) + 0.5) / 8                            # an average over all pairs is the expectation, exactly
    u = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    logits = np.broadcast_to(np.log(p / (1 - p)), u.shape).copy()
    estimates = np.asarray(known(answer, f, logits, u))
    require(estimates.shape == (64, 2), f"One gradient for each example and latent: shape (64, 2), "
                                        f"not {estimates.shape}.")
    bits = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    q = np.where(bits == 1, p, 1 - p).prod(axis=1)
    exact = (q * f(bits)) @ (bits - p)
    require(agree(estimates.mean(axis=0), exact),
            f"Averaged over all u your estimates give {estimates.mean(axis=0).round(4)}; summing over the four values "
            f"of b by hand, the gradient is {exact.round(4)}. Is it f(b) times d log q(b) / da?")
    constant = known(answer, lambda b: np.ones(len(b)), logits, u)
    require(agree(constant, bernoulli(logits, u)[0] - p), "With f = 1 the estimate is the score itself: b - p.")
    require(agree(estimates, score_gradient(f, logits, u)), "Unbiased, but this is not f(b) (b - p) row by row.")


def called_at_bits(f):
    """f for bits of any dtype: bool, integers or floats."""
    return lambda b: f(np.asarray(b, float))


def central_difference(f, mu, v, h, seed):
    """(f(mu + h v, eps) - f(mu - h v, eps)) / 2h with one eps in both."""
    eps = np.random.default_rng(seed).standard_normal(mu.shape)
    return (f(mu + h * v, eps) - f(mu - h * v, eps)) / (2 * h)


def two_draws(f, mu, v, h, seed):
    rng = np.random.default_rng(seed)
    return (f(mu + h * v, rng.standard_normal(mu.shape)) - f(mu - h * v, rng.standard_normal(mu.shape))) / (2 * h)


@exercise(mistakes={
    "Two different eps, one on each side: their difference is divided by 2h, and the noise explodes. Draw eps once, "
    "and use it in both calls.": two_draws,
    "The step is 2h wide, from mu - hv to mu + hv; you divided by h.":
        lambda f, mu, v, h, seed: 2 * central_difference(f, mu, v, h, seed),
    "That is the forward difference: half of the digits are lost. Move by h to both sides.":
        lambda f, mu, v, h, seed: (f(mu + h * v, np.random.default_rng(seed).standard_normal(mu.shape))
                                   - f(mu, np.random.default_rng(seed).standard_normal(mu.shape))) / h,
    "With eps = 0 you check another function, one without the noise. Use one real draw.":
        lambda f, mu, v, h, seed: (f(mu + h * v, np.zeros_like(mu)) - f(mu - h * v, np.zeros_like(mu))) / (2 * h),
    "You moved along (1, 1, ..., 1), not along v.":
        lambda f, mu, v, h, seed: central_difference(f, mu, np.ones_like(v), h, seed),
    "The sign is wrong: f(mu + hv) - f(mu - hv).":
        lambda f, mu, v, h, seed: -central_difference(f, mu, v, h, seed),
})
def gradient_check(answer, known):
    """(f, mu, v, h, seed) -> the derivative of f(mu, eps) along v, by central difference; f -> a number."""
    mu, v = np.random.default_rng(3).standard_normal((2, 4))
    calls = []

    def f(mu, eps):
        calls.append((np.copy(mu), np.copy(eps)))
        return float(np.sin(mu + 0.5 * eps).sum() + (mu * eps).sum() + mu @ mu)

    slope = known(answer, f, mu, v, 1e-4, 11)
    made = list(calls)
    require(np.shape(slope) == (), f"A single number is asked for, the derivative along v; not an array of shape "
                                   f"{np.shape(slope)}.")
    require(len(made) >= 2, "A central difference calls f twice; yours called it less often.")
    noises = [eps for _, eps in made]
    require(all(eps.shape == mu.shape for eps in noises), f"eps must have the shape of mu, {mu.shape}.")
    require(all(np.array_equal(eps, noises[0]) for eps in noises),
            "f was called with two different eps. The derivative exists only at fixed eps: draw it once.")
    eps = noises[0]
    require(np.any(eps != 0), "With eps = 0 you check another function, one without the noise. Use one real draw.")
    exact = float(v @ (np.cos(mu + 0.5 * eps) + eps + 2 * mu))
    require(abs(slope - exact) < 1e-6 * max(1, abs(exact)),
            f"At the eps that you drew the derivative along v is {exact:.8f}; yours is {slope:.8f}.")
    require(known(answer, f, mu, v, 1e-4, 11) == slope,
            "Called again with the same seed it gives another number: make the generator from the seed.")
    del calls[:]
    known(answer, f, mu, v, 1e-4, 12)
    require(not np.array_equal(calls[0][1], eps), "Another seed must give another eps.")
    far = known(answer, f, mu, v, 1e-1, 11)
    require(agree(far, central_difference(lambda m, e: f(m, eps), mu, v, 1e-1, 11)),
            "Use the h that you are given: with h = 0.1 the difference quotient shows its error, and yours does not.")


def bounds(log_likelihood, mu, logvar, eps):
    """(log p(x|z) - sampled KL, log p(x|z) - KL by formula)."""
    value = log_likelihood(reparameterize(mu, logvar, eps=eps))
    return value - monte_carlo_kl(mu, logvar, eps=eps), value - gaussian_kl(mu, logvar)


def with_sampled(kl):
    """Both bounds, the sampled KL replaced by kl(z, mu, logvar, eps)."""
    return lambda ll, mu, logvar, eps: (
        ll(reparameterize(mu, logvar, eps=eps)) - kl(reparameterize(mu, logvar, eps=eps), mu, logvar, eps),
        bounds(ll, mu, logvar, eps)[1])


def with_sample(make_z):
    """Both bounds at another z."""
    def wrong(ll, mu, logvar, eps):
        z = make_z(mu, logvar, eps)
        return ll(z) - (z * z - eps * eps - logvar).sum(axis=1) / 2, ll(z) - gaussian_kl(mu, logvar)
    return wrong


@exercise(mistakes={
    "The sign of the KL is wrong: the bound is log p(x|z) - KL.":
        lambda ll, mu, logvar, eps: tuple(2 * ll(reparameterize(mu, logvar, eps=eps)) - b
                                          for b in bounds(ll, mu, logvar, eps)),
    "log p(x|z) is taken at mu. That is no bound: it must be taken at the sample z.":
        lambda ll, mu, logvar, eps: (ll(mu) - monte_carlo_kl(mu, logvar, eps=eps), ll(mu) - gaussian_kl(mu, logvar)),
    "You used exp(logvar) as sigma; it is sigma^2. sigma = exp(logvar / 2).":
        with_sample(lambda mu, logvar, eps: mu + np.exp(logvar) * eps),
    "The 1/2 of the closed-form KL is missing.":
        lambda ll, mu, logvar, eps: (bounds(ll, mu, logvar, eps)[0],
                                     ll(reparameterize(mu, logvar, eps=eps)) - 2 * gaussian_kl(mu, logvar)),
    "The constant log 2 pi stands in log p(z) but not in log q(z). It must stand in both, or in neither.":
        with_sampled(lambda z, mu, logvar, eps: (z * z - eps * eps - logvar + math.log(2 * math.pi)).sum(axis=1) / 2),
    "The constant log 2 pi stands in log q(z) but not in log p(z). It must stand in both, or in neither.":
        with_sampled(lambda z, mu, logvar, eps: (z * z - eps * eps - logvar - math.log(2 * math.pi)).sum(axis=1) / 2),
    "log sigma^2 is missing from log q(z).":
        with_sampled(lambda z, mu, logvar, eps: (z * z - eps * eps).sum(axis=1) / 2),
    "You used logvar as log sigma in log q(z): logvar is log sigma^2, so log sigma = logvar / 2.":
        with_sampled(lambda z, mu, logvar, eps: (z * z - eps * eps - 2 * logvar).sum(axis=1) / 2),
    "log q(z) is missing: the sampled KL is log q(z) - log p(z).":
        with_sampled(lambda z, mu, logvar, eps: (z * z + math.log(2 * math.pi)).sum(axis=1) / 2),
    "Both of your bounds use the closed form; the first must use log q(z) - log p(z) at the sample.":
        lambda ll, mu, logvar, eps: (bounds(ll, mu, logvar, eps)[1],) * 2,
    "Both of your bounds use the sample; the second must use the closed form of the KL.":
        lambda ll, mu, logvar, eps: (bounds(ll, mu, logvar, eps)[0],) * 2,
    "The two bounds are in the wrong order: first the sampled KL, then the closed form.":
        lambda ll, mu, logvar, eps: bounds(ll, mu, logvar, eps)[::-1],
    "The KL is a sum over the latents; you took their mean.":
        lambda ll, mu, logvar, eps: tuple(value - (value - b) / mu.shape[1] for value, b in zip(
            (ll(reparameterize(mu, logvar, eps=eps)),) * 2, bounds(ll, mu, logvar, eps), strict=True)),
    "You averaged over the batch: one bound per example is asked for.":
        lambda ll, mu, logvar, eps: tuple(b.mean() for b in bounds(ll, mu, logvar, eps)),
})
def two_bounds(answer, known):
    """(log_likelihood, mu, logvar, eps) -> (bound with the sampled KL, bound with the closed form), each (B,)."""
    rng = np.random.default_rng(5)
    mu, logvar, eps = rng.standard_normal((3, 6, 3))

    def log_likelihood(z):
        return np.cos(z).sum(axis=1) - z[:, 0] * z[:, 1]

    found = known(answer, log_likelihood, mu, logvar, eps)
    require(isinstance(found, tuple | list) and len(found) == 2, "Return two bounds: (sampled KL, KL by formula).")
    require(all(np.shape(b) == (6,) for b in found),
            f"One bound per example: two arrays of shape (6,), not {[np.shape(b) for b in found]}.")
    zero = np.zeros_like(mu)
    at_prior = known(answer, log_likelihood, zero, zero, eps)
    require(agree(tuple(at_prior), (log_likelihood(eps),) * 2),
            "Where q is the prior (mu = 0, sigma = 1) both KLs are zero, also for each single sample: what remains is "
            "log p(x|z) at z = eps.")
    x, s2 = rng.standard_normal((6, 1)), 0.3                   # z ~ N(0, 1), x ~ N(z, s2): everything is known
    var = np.full((6, 1), s2 / (1 + s2))

    def gaussian_log_likelihood(z):
        return -(np.log(2 * np.pi * s2) + (x - z) ** 2 / s2)[:, 0] / 2

    exact = -(np.log(2 * np.pi * (1 + s2)) + x[:, 0] ** 2 / (1 + s2)) / 2
    sampled, _ = known(answer, gaussian_log_likelihood, var * x / s2, np.log(var), eps[:, :1])
    require(agree(sampled, exact), "With the exact posterior as q the first bound is log p(x) itself, whatever eps is; "
                                   "yours is not. Check log q(z) - log p(z).")
    right = bounds(log_likelihood, mu, logvar, eps)
    require(agree(found[0], right[0]), "The first bound is wrong: log p(x|z) - (log q(z) - log p(z)) at one z.")
    require(agree(found[1], right[1]), "The second bound is wrong: log p(x|z) - 1/2 sum(mu^2 + sigma^2 - 1 - logvar).")


@exercise(mistakes={
    "That is the mean of f. It is near the best one, but the samples with a large score weigh more.":
        lambda f, score: np.mean(f),
    "You forgot to divide by the mean of score^2.":
        lambda f, score: np.mean(f * score**2),
    "The score enters squared: set the derivative of the mean of (f - b)^2 score^2 to zero.":
        lambda f, score: np.mean(f * score) / np.mean(score**2),
    "The score enters squared: (f - b)^2 score^2. You used the weight |score|.":
        lambda f, score: np.mean(f * np.abs(score)) / np.mean(np.abs(score)),
    "That is mean(f) / mean(score^2): the product f * score^2 must be averaged as a product.":
        lambda f, score: np.mean(f) / np.mean(score**2),
    "f enters linearly: after the derivative (f - b)^2 has become f - b.":
        lambda f, score: np.mean(f**2 * score**2) / np.mean(score**2),
    "You estimated the mean of the score; it is known to be 0. Minimize the mean of (f - b)^2 score^2.":
        lambda f, score: np.cov(f * score, score)[0, 1] / np.var(score, ddof=1),
    "The sign is wrong.":
        lambda f, score: -np.mean(f * score**2) / np.mean(score**2),
})
def best_baseline(answer, known):
    """(f (K,), score (K,)) -> the number b that makes the mean of (f - b)^2 score^2 smallest."""
    rng = np.random.default_rng(9)
    f, score = rng.standard_normal((2, 40)) + np.array([[3.0], [0.2]])
    b = known(answer, f, score)
    require(np.shape(b) == (), f"One number is asked for, not an array of shape {np.shape(b)}.")
    require(np.isfinite(b), f"The baseline must be a finite number, not {b}.")
    require(abs(known(answer, np.full(40, 2.5), score) - 2.5) < 1e-9,
            "Where f is the same for all samples, 2.5, the best baseline is 2.5: then f - b is 0 everywhere.")
    require(abs(known(answer, f + 10, score) - b - 10) < 1e-8, "If f grows by 10 everywhere, so does the baseline.")
    require(abs(known(answer, f, 7 * score) - b) < 1e-8, "A score 7 times as large does not move the best baseline.")
    slope = float(np.mean((f - b) * score**2))
    require(abs(slope) < 1e-9, f"At your b the derivative of the mean of (f - b)^2 score^2 is {-2 * slope:.4f}; at the "
                               "minimum it is 0.")
