"""Chapter 6, the variational lower bound: what a student answers, and the mistakes that are known by name."""

import math

import numpy as np

from ..probability import log_sum_exp
from .checking import agree, exercise, require


def require_number(value):
    require(np.shape(value) == (), f"The answer is one number, not an array of shape {np.shape(value)}.")
    require(np.isfinite(value), f"The answer must be finite, but is {value}.")


def line(n=2001, limit=12.0):
    """The points of a grid on a line and the length of its cells."""
    z = np.linspace(-limit, limit, n)
    return z, z[1] - z[0]


def log_normal(z, mu, sigma):
    return -((z - mu) / sigma) ** 2 / 2 - math.log(sigma) - math.log(2 * math.pi) / 2


def two_joints(z):
    """Two log p(x, z): one normal with log p(x) = -3, and one with two modes and log p(x) = 0.5."""
    left, right = log_normal(z, -1.5, 0.6) + math.log(0.3), log_normal(z, 2.0, 0.9) + math.log(0.7)
    hills = log_sum_exp(np.stack([left, right], axis=-1))
    return log_normal(z, 0.7, 0.5) - 3.0, hills + 0.5


def elbo(log_joint, log_q, area):
    return (np.exp(log_q) * (log_joint - log_q)).sum() * area


def log_evidence(log_joint, area):
    return math.log(np.exp(log_joint).sum() * area)


@exercise(mistakes={
    "The log is still outside: q cancels, and that is log p(x) itself.":
        lambda log_joint, log_q, area: log_evidence(log_joint, area),
    "The log is outside, and the area inside it is missing.":
        lambda log_joint, log_q, area: math.log(np.exp(log_joint).sum()),
    "The average under q is missing: each log ratio is weighted by q(z_g) times the area.":
        lambda log_joint, log_q, area: (log_joint - log_q).sum() * area,
    "That is a plain mean over the grid. The average is under q.":
        lambda log_joint, log_q, area: (log_joint - log_q).mean(),
    "The area of the cells is missing: a sum is not yet an integral.":
        lambda log_joint, log_q, area: elbo(log_joint, log_q, 1),
    "You divided by the area; multiply by it.": lambda log_joint, log_q, area: elbo(log_joint, log_q, 1) / area,
    "You took the mean over the grid; it must be the sum times the area.":
        lambda log_joint, log_q, area: (np.exp(log_q) * (log_joint - log_q)).mean(),
    "- log q(z) is missing: without the entropy of q, a single point would be the best q.":
        lambda log_joint, log_q, area: (np.exp(log_q) * log_joint).sum() * area,
    "The sign of log q is wrong: it is log p(x, z) - log q(z).":
        lambda log_joint, log_q, area: (np.exp(log_q) * (log_joint + log_q)).sum() * area,
    "The sign is wrong: that is the negative ELBO, a loss.":
        lambda log_joint, log_q, area: -elbo(log_joint, log_q, area),
    "You averaged under p(x, z) instead of q(z).":
        lambda log_joint, log_q, area: (np.exp(log_joint) * (log_joint - log_q)).sum() * area,
    "You averaged the ratio p / q, not its logarithm: that is p(x).":
        lambda log_joint, log_q, area: np.exp(log_joint).sum() * area,
    "You weighted with log q. The weights are q = exp(log q).":
        lambda log_joint, log_q, area: (log_q * (log_joint - log_q)).sum() * area,
    "That is the gap, KL(q || p(z|x)). The bound is log p(x) minus it.":
        lambda log_joint, log_q, area: log_evidence(log_joint, area) - elbo(log_joint, log_q, area),
})
def bound_on_a_grid(answer, known):
    """(log_joint, log_q, area) -> the ELBO, in nats."""
    z, area = line()
    normal, hills = two_joints(z)
    log_q = log_normal(z, 0.2, 0.8)
    values = [known(answer, joint, log_q, area) for joint in (normal, hills)]
    for value in values:
        require_number(value)
    for value, joint in zip(values, (normal, hills), strict=True):
        top = log_evidence(joint, area)
        require(value < top, f"It must be a lower bound, but is {value:.4g} where log p(x) is {top:.4g}.")
    require(agree(known(answer, normal, normal + 3.0, area), -3.0),
            "With q = the posterior the bound must touch log p(x).")
    require(agree(known(answer, normal + 5.0, log_q, area), values[0] + 5.0),
            "If p(x, z) is multiplied by e^5, every log p(x, z) rises by 5, and so must the bound.")
    require(all(agree(value, elbo(joint, log_q, area)) for value, joint in zip(values, (normal, hills), strict=True)),
            "This is not the average under q of log p(x, z) - log q(z).")
    wide, wide_area = line(801, 20.0)
    joint, log_q = log_normal(wide, 0.0, 1.0), log_normal(wide, 1.0, 2.0)
    require(agree(known(answer, joint, log_q, wide_area), elbo(joint, log_q, wide_area)),
            "On a grid with wider cells your number is wrong: how does the area enter?")


@exercise(mistakes={
    "These are the posterior's own variances, diag(covariance). They minimize KL(p || q), the other direction.":
        lambda covariance: np.diag(covariance).copy(),
    "That is the diagonal of the precision. The variances are one over it.":
        lambda covariance: np.diag(np.linalg.inv(covariance)).copy(),
    "These are standard deviations; the variances are asked for.":
        lambda covariance: 1 / np.sqrt(np.diag(np.linalg.inv(covariance))),
    "These are squared variances: 1 / diag(precision) is a variance already.":
        lambda covariance: 1 / np.diag(np.linalg.inv(covariance)) ** 2,
    "These are log-variances; the variances are asked for.":
        lambda covariance: -np.log(np.diag(np.linalg.inv(covariance))),
    "You inverted the diagonal of the covariance. First invert the matrix, then take the diagonal.":
        lambda covariance: 1 / np.diag(covariance),
    "These are the eigenvalues: they belong to a rotated q, not to a diagonal one.": np.linalg.eigvalsh,
    "There is a factor 2 too many.": lambda covariance: 2 / np.diag(np.linalg.inv(covariance)),
    "There is a factor 1/2 too many.": lambda covariance: 0.5 / np.diag(np.linalg.inv(covariance)),
    "You returned a matrix. Return its diagonal, of shape (Z,).":
        lambda covariance: np.diag(1 / np.diag(np.linalg.inv(covariance))),
})
def best_diagonal_variance(answer, known):
    """(covariance) -> the variances of the diagonal q that minimizes KL(q || N(m, covariance)), (Z,)."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((3, 3))
    covariance = A @ A.T + 0.2 * np.eye(3)
    variances = known(answer, covariance)
    require(np.shape(variances) == (3,), f"One variance for each latent: shape (3,), not {np.shape(variances)}.")
    require(np.isfinite(variances).all() and np.min(variances) > 0, "Variances must be positive and finite.")
    require(agree(known(answer, np.diag([0.5, 4.0])), np.array([0.5, 4.0])),
            "Where the posterior is diagonal already, q must be the posterior.")
    precision = np.linalg.inv(covariance)

    def kl(v):
        return ((np.diag(precision) * v).sum() - 3 + np.linalg.slogdet(covariance)[1] - np.log(v).sum()) / 2

    wider = min(kl(variances * np.exp(step)) for step in 0.05 * np.vstack([np.eye(3), -np.eye(3)]))
    require(kl(variances) < wider, "A little wider or narrower, KL(q || p) becomes smaller: this is not its minimum.")
    require(agree(np.asarray(variances), 1 / np.diag(precision), 1e-6),
            "Near the minimum of KL(q || p), but not at it.")
    other = np.array([[2.0, 1.2], [1.2, 1.0]])
    require(agree(known(answer, other), 1 / np.diag(np.linalg.inv(other))), "Right for 3 latents, wrong for 2.")


def kl_of(log_q, log_p, area):
    return (np.exp(log_q) * (log_q - log_p)).sum() * area


def normalized(log_joint, area):
    return log_joint - log_evidence(log_joint, area)


@exercise(mistakes={
    "That is KL(p(z|x) || q), the other direction: the average is taken under q.":
        lambda log_q, log_joint, area: kl_of(normalized(log_joint, area), log_q, area),
    "The second argument must be the posterior. p(x, z) is not normalized over z: that gives -ELBO.":
        lambda log_q, log_joint, area: kl_of(log_q, log_joint, area),
    "Both: the other direction, and p(x, z) is not normalized over z.":
        lambda log_q, log_joint, area: kl_of(log_joint, log_q, area),
    "The sign is wrong: a KL is never negative.":
        lambda log_q, log_joint, area: -kl_of(log_q, normalized(log_joint, area), area),
    "That is the ELBO, not the gap.": lambda log_q, log_joint, area: elbo(log_joint, log_q, area),
    "That is log p(x), not the gap.": lambda log_q, log_joint, area: log_evidence(log_joint, area),
    "The area is missing in the last sum.":
        lambda log_q, log_joint, area: kl_of(log_q, normalized(log_joint, area), 1),
    "The area is missing where you normalize p(x, z).":
        lambda log_q, log_joint, area: kl_of(log_q, normalized(log_joint, 1), area),
    "The area is missing in both sums.": lambda log_q, log_joint, area: kl_of(log_q, normalized(log_joint, 1), 1),
    "You normalized with the mean over the grid. The evidence is the sum times the area.":
        lambda log_q, log_joint, area: kl_of(log_q, log_joint - math.log(np.exp(log_joint).mean()), area),
    "The average under q is missing: weight the log ratio by q(z_g).":
        lambda log_q, log_joint, area: (log_q - normalized(log_joint, area)).sum() * area,
    "That is KL(q || p(z|x)) + KL(p(z|x) || q). The gap is only the first.":
        lambda log_q, log_joint, area: (kl_of(log_q, normalized(log_joint, area), area)
                                        + kl_of(normalized(log_joint, area), log_q, area)),
    "You added log p(x) where it must be subtracted: log p(z|x) = log p(x, z) - log p(x).":
        lambda log_q, log_joint, area: kl_of(log_q, log_joint + log_evidence(log_joint, area), area),
})
def gap_as_kl(answer, known):
    """(log_q, log_joint, area) -> log p(x) - ELBO, as a KL divergence, in nats."""
    z, area = line()
    normal, hills = two_joints(z)
    log_q = log_normal(z, 0.9, 0.7)
    values = [known(answer, log_q, joint, area) for joint in (normal, hills)]
    for value in values:
        require_number(value)
    require(agree(known(answer, normal + 3.0, normal, area), 0.0, 1e-8),
            "Where q is the posterior itself there is no gap: this must be 0.")
    require(min(values) > 0, f"A KL is never negative, but this is {min(values):.4g}.")
    require(agree(known(answer, log_q, normal + 5.0, area), values[0], 1e-8),
            "If p(x, z) is multiplied by e^5 the posterior stays the same, and so must the gap.")
    for value, joint in zip(values, (normal, hills), strict=True):
        require(agree(value, log_evidence(joint, area) - elbo(joint, log_q, area), 1e-8),
                "This plus the ELBO is not log p(x).")
    wide, wide_area = line(801, 20.0)
    joint, log_q = log_normal(wide, 0.0, 1.0) - 2.0, log_normal(wide, 1.0, 1.5)
    right = log_evidence(joint, wide_area) - elbo(joint, log_q, wide_area)
    require(agree(known(answer, log_q, joint, wide_area), right, 1e-8),
            "On a grid with wider cells your number is wrong: how does the area enter?")


def toy_gradient(mu, logvar):
    """The gradient of a bound where mu and logvar interact: -(mu - 1)^2 exp(logvar) / 2 - exp(logvar) + logvar / 2"""
    var = np.exp(logvar)
    return -(mu - 1) * var, -((mu - 1) ** 2 / 2 + 1) * var + 0.5


def ascend(step, extra=0):
    """Repeat `step`(gradient, mu, logvar, lr), perhaps once too often or too rarely."""

    def infer(gradient, mu, logvar, steps, lr):
        mu, logvar = mu.copy(), logvar.copy()
        for _ in range(steps + extra):
            mu, logvar = step(gradient, mu, logvar, lr)
        return mu, logvar

    return infer


def step_with(lr_mu=1, lr_logvar=1, use_lr=True):
    def step(gradient, mu, logvar, lr):
        dmu, dlogvar = gradient(mu, logvar)
        lr = lr if use_lr else 1
        return mu + lr_mu * lr * dmu, logvar + lr_logvar * lr * dlogvar

    return step


def one_after_the_other(gradient, mu, logvar, lr):
    mu = mu + lr * gradient(mu, logvar)[0]
    return mu, logvar + lr * gradient(mu, logvar)[1]


def exchanged(gradient, mu, logvar, lr):
    dlogvar, dmu = gradient(mu, logvar)
    return mu + lr * dmu, logvar + lr * dlogvar


def from_the_start(gradient, mu, logvar, steps, lr):
    dmu, dlogvar = gradient(mu, logvar)
    return mu + steps * lr * dmu, logvar + steps * lr * dlogvar


@exercise(mistakes={
    "You go down. The bound is to be maximized: add the gradient.": ascend(step_with(-1, -1)),
    "The sign of mu's step is wrong: you go down in mu.": ascend(step_with(-1, 1)),
    "The sign of logvar's step is wrong: you go down in logvar.": ascend(step_with(1, -1)),
    "Only mu moves; logvar is a part of psi too.": ascend(step_with(1, 0)),
    "Only logvar moves; mu is a part of psi too.": ascend(step_with(0, 1)),
    "You return the start: nothing has moved.": ascend(step_with(0, 0)),
    "The step size lr is not used.": ascend(step_with(use_lr=False)),
    "One step too many.": ascend(step_with(), 1),
    "One step too few.": ascend(step_with(), -1),
    "That is one step only.": lambda gradient, mu, logvar, steps, lr: ascend(step_with())(gradient, mu, logvar, 1, lr),
    "You always use the gradient at the start. Compute it again after each step.": from_the_start,
    "You moved mu first and took logvar's gradient at the new mu. Both move from the same point.":
        ascend(one_after_the_other),
    "You exchanged the two derivatives: gradient returns (dmu, dlogvar).": ascend(exchanged),
    "You returned (logvar, mu). The order is (mu, logvar).":
        lambda *given: ascend(step_with())(*given)[::-1],
    "You returned the variance; logvar is asked for.":
        lambda *given: (ascend(step_with())(*given)[0], np.exp(ascend(step_with())(*given)[1])),
})
def infer_held_out(answer, known):
    """(gradient, mu, logvar, steps, lr) -> (mu, logvar) after `steps` steps of gradient ascent."""
    rng = np.random.default_rng(1)
    mu, logvar = rng.standard_normal((2, 3))
    result = known(answer, toy_gradient, mu, logvar, 5, 0.1)
    require(isinstance(result, (tuple, list)) and len(result) == 2, "Return two arrays: mu and logvar.")
    require(all(np.shape(r) == (3,) for r in result),
            f"mu and logvar have the shape of the start, (3,), but are {[np.shape(r) for r in result]}.")
    right = ascend(step_with())
    nothing = known(answer, toy_gradient, mu, logvar, 0, 0.1)
    require(agree(tuple(nothing), (mu, logvar)), "With steps = 0 the result must be the start.")
    require(agree(tuple(known(answer, toy_gradient, mu, logvar, 1, 0.1)), right(toy_gradient, mu, logvar, 1, 0.1)),
            "One step is not mu + lr dmu, logvar + lr dlogvar.")
    require(agree(tuple(result), right(toy_gradient, mu, logvar, 5, 0.1)), "One step is right, five are not.")
    end = known(answer, toy_gradient, mu, logvar, 2000, 0.1)
    require(all(np.abs(g).max() < 1e-6 for g in toy_gradient(*end)),
            "After 2000 steps the gradient of the bound must be zero: this is not its top.")
