"""Chapter 11, latent space and the beta-VAE: what a student answers, and the mistakes that are known by name."""

import math

import numpy as np

from .checking import Mistake, agree, exercise, require, require_untouched

# ---- 11.1 the split of the rate


def kl_of(p, q):
    """sum p log(p / q) over the last axis."""
    return (p * np.log(p / q)).sum(axis=-1)


def split(p_x, q, prior, aggregate=lambda p_x, q: p_x @ q):
    """(R, I, misfit), with any aggregate posterior."""
    q_z = aggregate(p_x, q)
    return p_x @ kl_of(q, prior), p_x @ kl_of(q, q_z), kl_of(q_z, prior)


def reversed_kls(p_x, q, prior):
    q_z = p_x @ q
    return p_x @ kl_of(prior, q), p_x @ kl_of(q_z, q), kl_of(prior, q_z)


@exercise(mistakes={
    "You averaged q(z|x) over the rows as if every picture were equally probable: q(z) = sum_x p(x) q(z|x).":
        lambda p_x, q, prior: split(p_x, q, prior, lambda p_x, q: q.mean(axis=0)),
    "R and I must be averaged with p(x); you took the plain mean over the pictures.":
        lambda p_x, q, prior: (kl_of(q, prior).mean(), kl_of(q, p_x @ q).mean(), kl_of(p_x @ q, prior)),
    "R and I must be averaged with p(x); you took the sum over the pictures.":
        lambda p_x, q, prior: (kl_of(q, prior).sum(), kl_of(q, p_x @ q).sum(), kl_of(p_x @ q, prior)),
    "Your KLs are reversed: KL(q || p) has q in front of the logarithm.": reversed_kls,
    "The last KL is reversed: KL(q(z) || p(z)) has q(z) in front of the logarithm.":
        lambda p_x, q, prior: (*split(p_x, q, prior)[:2], kl_of(prior, p_x @ q)),
    "Those are bits; nats are asked for: use the natural logarithm.":
        lambda p_x, q, prior: tuple(part / math.log(2) for part in split(p_x, q, prior)),
    "You exchanged the last two: first I(x;z), then KL(q(z) || p(z)).":
        lambda p_x, q, prior: tuple(split(p_x, q, prior)[i] for i in (0, 2, 1)),
    "The sign is wrong: none of the three is ever negative.":
        lambda p_x, q, prior: tuple(-part for part in split(p_x, q, prior)),
    "The mean over the pictures is missing: each of the three is one number.":
        lambda p_x, q, prior: (kl_of(q, prior), kl_of(q, p_x @ q), kl_of(p_x @ q, prior)),
    "You took the entropy of q(z) for the information; H(z|x) is still to be subtracted.":
        lambda p_x, q, prior: (split(p_x, q, prior)[0], -(p_x @ q * np.log(p_x @ q)).sum(), split(p_x, q, prior)[2]),
    "You took the information as R - 0: I is R only where q(z) is the prior.":
        lambda p_x, q, prior: (split(p_x, q, prior)[0], *split(p_x, q, prior)[::2]),
})
def rate_split(answer, known):
    """(p_x (N,), q (N, K), prior (K,)) -> (R, I(x;z), KL(q(z) || p(z))), three numbers in nats."""
    rng = np.random.default_rng(111)
    for n, k in ((4, 3), (3, 6)):
        p_x, prior, q = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(k), size=n)
        require_untouched(answer, p_x, q, prior)
        three = known(answer, p_x, q, prior)
        require(isinstance(three, tuple | list) and len(three) == 3 and all(np.shape(part) == () for part in three),
                "Return three numbers: R, I, KL(q(z) || p(z)).")
        R, information, misfit = three
        require(agree(information + misfit, R), f"R = {R:.4g}, but your two parts sum to {information + misfit:.4g}.")
        same = np.tile(q[0], (n, 1))
        require(agree(known(answer, p_x, same, prior)[1], 0.0),
                "Where every picture has the same code, z tells nothing about x: I = 0.")
        require(agree(known(answer, p_x, q, p_x @ q)[2], 0.0), "Where the prior is q(z), the misfit is 0.")
        require(agree((R, information, misfit), split(p_x, q, prior)),
                "Their sum is right, but they are not the three that are asked for.")


# ---- 11.2 water-filling


def water(eigenvalues, beta, s2, level=lambda beta, s2: beta * s2, half=0.5, alive=None):
    """(rate, error) at a water level, which may be wrong."""
    v = level(beta, s2)
    lives = eigenvalues > v if alive is None else alive(eigenvalues, v)
    return half * np.log(eigenvalues[lives] / v).sum(), lives.sum() * v + eigenvalues[~lives].sum()


@exercise(mistakes={
    "The water level is beta s^2; you took s^2 alone.": lambda e, beta, s2: water(e, beta, s2, lambda b, s: s),
    "The water level is beta s^2; you took beta alone.": lambda e, beta, s2: water(e, beta, s2, lambda b, s: b),
    "A larger beta raises the level: beta s^2, not s^2 / beta.":
        lambda e, beta, s2: water(e, beta, s2, lambda b, s: s / b),
    "s2 is the variance already: do not square it.": lambda e, beta, s2: water(e, beta, s2, lambda b, s: b * s * s),
    "s2 is the variance, not the standard deviation: no root.":
        lambda e, beta, s2: water(e, beta, s2, lambda b, s: b * math.sqrt(s)),
    "The 1/2 of the rate is missing: 1/2 log(lambda / v) for each living latent.":
        lambda e, beta, s2: water(e, beta, s2, half=1.0),
    "Dead latents are in your rate too, with a negative logarithm: only lambda > v counts.":
        lambda e, beta, s2: (0.5 * np.log(e / (beta * s2)).sum(), water(e, beta, s2)[1]),
    "You kept every latent: a direction with lambda <= v is dropped.":
        lambda e, beta, s2: water(e, beta, s2, alive=lambda e, v: e > 0),
    "The error of the living directions is missing: each still costs v.":
        lambda e, beta, s2: (water(e, beta, s2)[0], e[e <= beta * s2].sum()),
    "The error of the dead directions is missing: each costs its whole variance.":
        lambda e, beta, s2: (water(e, beta, s2)[0], (e > beta * s2).sum() * beta * s2),
    "The error is min(lambda, v), not max.":
        lambda e, beta, s2: (water(e, beta, s2)[0], np.maximum(e, beta * s2).sum()),
    "The error of a living direction is v, not s^2: its code is noisy as well.":
        lambda e, beta, s2: (water(e, beta, s2)[0], np.where(e > beta * s2, s2, e).sum()),
    "You exchanged the two: first the rate, then the error.": lambda e, beta, s2: water(e, beta, s2)[::-1],
    "Those are bits; nats are asked for: use the natural logarithm.":
        lambda e, beta, s2: (water(e, beta, s2)[0] / math.log(2), water(e, beta, s2)[1]),
    "The sign of the rate is wrong: log(lambda / v), not log(v / lambda).":
        lambda e, beta, s2: water(e, beta, s2, half=-0.5),
    "You took means over the directions; both are sums.":
        lambda e, beta, s2: tuple(part / len(e) for part in water(e, beta, s2)),
    "That is the distortion in nats without its constant; the squared error E|x - y|^2 is asked for.":
        lambda e, beta, s2: (water(e, beta, s2)[0], water(e, beta, s2)[1] / (2 * s2)),
})
def water_filling(answer, known):
    """(eigenvalues (K,), beta, s2) -> (rate in nats, squared error) of the best linear VAE."""
    eigenvalues = np.array([5.0, 2.0, 0.9, 0.4, 0.05])
    require_untouched(answer, eigenvalues, 1.5, 0.4)
    for beta, s2 in ((1.5, 0.4), (1.0, 0.3), (4.0, 0.3), (0.25, 1.7)):
        two = known(answer, eigenvalues, beta, s2)
        require(isinstance(two, tuple | list) and len(two) == 2 and all(np.shape(part) == () for part in two),
                "Return two numbers: the rate and the squared error.")
        require(agree(two, water(eigenvalues, beta, s2)),
                f"At beta = {beta}, s2 = {s2} the water stands at {beta * s2:.3g}, and "
                f"{(eigenvalues > beta * s2).sum()} of the eigenvalues {eigenvalues.tolist()} are above it. Check them "
                f"one by one: your rate is {two[0]:.4g}, your error {two[1]:.4g}.")
    rate, error = known(answer, eigenvalues, 100.0, 1.0)
    require(agree((rate, error), (0.0, eigenvalues.sum())),
            "With the water above all eigenvalues nothing is coded: the rate is 0, and the error is their sum.")


# ---- 11.3 whose beta


@exercise(mistakes={
    "You forgot the pixels: a mean over them divides the reconstruction, and so multiplies beta.":
        lambda w, pixels, latents, D, Z: w / (Z if latents == "mean" else 1),
    "You forgot the latents: a mean over them divides the KL, and so beta.":
        lambda w, pixels, latents, D, Z: w * (D if pixels == "mean" else 1),
    "You divided by the number of pixels: a mean over them makes the reconstruction smaller, and so beta larger.":
        lambda w, pixels, latents, D, Z: w / (D if pixels == "mean" else 1) / (Z if latents == "mean" else 1),
    "You multiplied by the number of latents: a mean over them makes the KL smaller.":
        lambda w, pixels, latents, D, Z: w * (D if pixels == "mean" else 1) * (Z if latents == "mean" else 1),
    "Both factors are inverted: scale the loss until each term is a sum, and read off the weight of the KL.":
        lambda w, pixels, latents, D, Z: w / (D if pixels == "mean" else 1) * (Z if latents == "mean" else 1),
    "You exchanged pixels and latents.":
        lambda w, pixels, latents, D, Z: w * (Z if pixels == "mean" else 1) / (D if latents == "mean" else 1),
    "You exchanged \"sum\" and \"mean\": where a term is a sum, there is nothing to correct.":
        lambda w, pixels, latents, D, Z: w * (D if pixels == "sum" else 1) / (Z if latents == "sum" else 1),
    "That is the weight that was written, not the beta that was trained.": lambda w, pixels, latents, D, Z: w,
    "That is beta = weight D / Z, right only where both are means.": lambda w, pixels, latents, D, Z: w * D / Z,
    "That is Higgins' normalized beta, Z / D times the one asked for.":
        lambda w, pixels, latents, D, Z: w * (Z if latents == "sum" else 1) / (D if pixels == "sum" else 1),
    "The weight is missing.":
        lambda w, pixels, latents, D, Z: (D if pixels == "mean" else 1) / (Z if latents == "mean" else 1),
})
def effective_beta(answer, known):
    """(weight, pixels, latents, n_pixels, n_latents) -> beta beside two sums; pixels, latents are "sum" or "mean"."""
    nll, kl = np.random.default_rng(113).uniform(0, 2, (2, 12))
    words = [(pixels, latents) for pixels in ("sum", "mean") for latents in ("sum", "mean")]
    cases = [(w, *both, D, Z) for w, D, Z in ((1.0, 12, 3), (4.0, 8, 2), (0.5, 5, 7)) for both in words]
    found = {case: known(answer, *case) for case in cases}
    for (weight, pixels, latents, D, Z), beta in found.items():
        require(np.shape(beta) == (), f"One number, not something of shape {np.shape(beta)}.")
        nll_term, kl_term = getattr(nll[:D], pixels)(), weight * getattr(kl[:Z], latents)()
        ratio = kl_term / nll_term / (kl[:Z].sum() / nll[:D].sum())
        require(agree(beta, ratio),
                f"{pixels} over {D} pixels, {latents} over {Z} latents, weight {weight}: in that loss the weight of "
                f"the KL, beside the reconstruction, is {ratio:.4g} times that in a loss of two sums.")


# ---- 11.4 slerp


def great_circle(z0, z1, t, theta=None, weights=None):
    """slerp, perhaps with another angle or other weights."""
    cosine = z0 @ z1 / math.sqrt((z0 @ z0) * (z1 @ z1))
    theta = math.acos(cosine) if theta is None else theta(z0, z1, cosine)
    w0, w1 = (math.sin((1 - t) * theta), math.sin(t * theta)) if weights is None else weights(t, theta)
    return (w0 * z0 + w1 * z1) / math.sin(theta)


def unit(z):
    return z / math.sqrt(z @ z)


@exercise(mistakes={
    "That is lerp: the straight line.": lambda z0, z1, t: (1 - t) * z0 + t * z1,
    "You exchanged the ends: t = 0 must give z0.": lambda z0, z1, t: great_circle(z1, z0, t),
    "You forgot to divide by sin(theta).": lambda z0, z1, t: great_circle(z0, z1, t) * math.sin(
        math.acos(unit(z0) @ unit(z1))),
    "The angle is wrong: divide z0'z1 by both lengths before arccos.":
        lambda z0, z1, t: great_circle(z0, z1, t, lambda a, b, c: math.acos(max(-1, min(1, a @ b)))),
    "You used the cosine of the angle as the angle: arccos is missing.":
        lambda z0, z1, t: great_circle(z0, z1, t, lambda a, b, c: c),
    "You returned a code of length 1: the ends must come back as they were.":
        lambda z0, z1, t: great_circle(unit(z0), unit(z1), t),
    "You took lerp and stretched it to the length of z0: the path is right for equal lengths, the speed is not.":
        lambda z0, z1, t: unit((1 - t) * z0 + t * z1) * math.sqrt(z0 @ z0),
    "You took lerp and stretched it: the path is right, but the speed is not constant.":
        lambda z0, z1, t: unit((1 - t) * z0 + t * z1) * ((1 - t) * math.sqrt(z0 @ z0) + t * math.sqrt(z1 @ z1)),
    "The weights have cosines in place of sines.":
        lambda z0, z1, t: great_circle(z0, z1, t, None, lambda t, a: (math.cos((1 - t) * a), math.cos(t * a))),
    "The weight of z0 is sin((1 - t) theta), not sin(theta) - sin(t theta).":
        lambda z0, z1, t: great_circle(z0, z1, t, None, lambda t, a: (math.sin(a) - math.sin(t * a), math.sin(t * a))),
    "The angle is in degrees; math.sin takes radians.":
        lambda z0, z1, t: great_circle(z0, z1, t, lambda a, b, c: math.degrees(math.acos(c))),
})
def slerp(answer, known):
    """(z0 (Z,), z1 (Z,), t) -> (Z,), on the great circle."""
    rng = np.random.default_rng(114)
    z0, z1 = rng.standard_normal((2, 5))
    require_untouched(answer, z0, z1, 0.3)
    require(np.shape(known(answer, z0, z1, 0.3)) == (5,), "A code of shape (5,) is asked for, like the ends.")
    for t, end in ((0.0, z0), (1.0, z1)):
        require(agree(known(answer, z0, z1, t), end), f"At t = {t:.0f} it must be z{t:.0f}, and yours is not.")
    z1 = z1 * math.sqrt((z0 @ z0) / (z1 @ z1))
    theta = math.acos(z0 @ z1 / (z0 @ z0))
    for t in (0.5, 0.1, 1.5, -0.4):
        z = known(answer, z0, z1, t)
        require(agree(z @ z, z0 @ z0), f"Two codes of length {math.sqrt(z0 @ z0):.4f}: at t = {t} yours has the length "
                                       f"{math.sqrt(z @ z):.4f}, and a great circle keeps it.")
        require(agree(z @ z0 / (z0 @ z0), math.cos(t * theta)),
                f"At t = {t} it must be rotated by {t} times the angle between the ends.")
    other = 3 * rng.standard_normal(5)
    require(agree(known(answer, z0, other, 0.7), great_circle(z0, other, 0.7)),
            "For two codes of different length it is not slerp: the weights stand before z0 and z1 themselves.")


# ---- 11.5 an attribute vector without a correlated attribute


def arrows(codes, has, group):
    """The arrow of each group."""
    return [codes[has & (group == g)].mean(axis=0) - codes[~has & (group == g)].mean(axis=0) for g in np.unique(group)]


def plain(codes, has):
    return codes[has].mean(axis=0) - codes[~has].mean(axis=0)


def weighted(codes, has, group):
    sizes = [(group == g).sum() for g in np.unique(group)]
    return np.average(arrows(codes, has, group), axis=0, weights=sizes)


@exercise(mistakes={
    "That is the plain difference of two means: what is correlated with the attribute is still in it.":
        lambda codes, has, group: plain(codes, has),
    "The arrow points the wrong way: (mean with) - (mean without).":
        lambda codes, has, group: -np.mean(arrows(codes, has, group), axis=0),
    "You summed over the groups; their mean is asked for.":
        lambda codes, has, group: np.sum(arrows(codes, has, group), axis=0),
    "You weighted the groups by their size; each counts the same.": weighted,
    "You used only the first group.": lambda codes, has, group: arrows(codes, has, group)[0],
    "You used only the last group.": lambda codes, has, group: arrows(codes, has, group)[-1],
    "That is the arrow of each group; their mean is still to be taken.":
        lambda codes, has, group: np.array(arrows(codes, has, group)),
    "You gave the arrow the length 1; its length is a part of the answer.":
        lambda codes, has, group: unit(np.mean(arrows(codes, has, group), axis=0)),
    "You subtracted the mean of each whole group, with and without together; subtract the mean of those without.":
        lambda codes, has, group: np.mean([codes[has & (group == g)].mean(axis=0) - codes[group == g].mean(axis=0)
                                           for g in np.unique(group)], axis=0),
    "That is the mean of those with the attribute; those without are still to be subtracted.":
        lambda codes, has, group: np.mean([codes[has & (group == g)].mean(axis=0) for g in np.unique(group)], axis=0),
    "You took sums of codes; they must be means.":
        lambda codes, has, group: np.mean([codes[has & (group == g)].sum(axis=0)
                                           - codes[~has & (group == g)].sum(axis=0) for g in np.unique(group)], axis=0),
    "You took medians; means are asked for.":
        lambda codes, has, group: np.mean([np.median(codes[has & (group == g)], axis=0) - np.median(
            codes[~has & (group == g)], axis=0) for g in np.unique(group)], axis=0),
})
def balanced_arrow(answer, known):
    """(codes (N, Z), has (N,) bool, group (N,) whole numbers) -> (Z,), the mean over the groups of each one's arrow."""
    rng = np.random.default_rng(115)
    group = np.repeat([3, 7, 8], [10, 24, 16])                              # names of groups, not their places
    has = rng.random(50) < np.array([0.25, 0.5, 0.75])[np.searchsorted([3, 7, 8], group)]
    arrow, companion = rng.standard_normal((2, 4))
    exact = has[:, None] * arrow + group[:, None] * companion               # the attribute, and what goes with it
    require_untouched(answer, exact, has, group)
    found = known(answer, exact, has, group)
    require(np.shape(found) == (4,), f"One arrow of shape (4,) is asked for, not {np.shape(found)}.")
    noisy = exact + rng.standard_normal((50, 4))
    known(answer, noisy, has, group)
    if not agree(found, arrow):
        raise Mistake(f"Here every code is 'attribute' * {arrow[0]:.2f} ... + group * {companion[0]:.2f} ..., so the "
                      f"arrow begins with {arrow[0]:.2f}; yours begins with {found[0]:.2f}, which is off by "
                      f"{found[0] - arrow[0]:.2f}.")
    one = np.zeros(50, int)
    require(agree(known(answer, noisy, has, one), plain(noisy, has)), "With a single group it is the plain difference.")
    require(agree(known(answer, noisy, has, group), np.mean(arrows(noisy, has, group), axis=0)),
            "It is not the mean over the groups of (mean with) - (mean without).")
