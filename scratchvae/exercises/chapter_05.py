"""Chapter 5, autoencoders: what a student answers, and the mistakes that are known by name."""

import math

import numpy as np

from ..evaluation import principal_angles
from .checking import agree, exercise, require

# ---- the floor of the cross-entropy of grey pixels


def entropy(x):
    """-x log x - (1 - x) log (1 - x), summed over the pixels; 0 log 0 = 0."""
    safe = np.where((x > 0) & (x < 1), x, 0.5)
    return np.where((x > 0) & (x < 1), -x * np.log(safe) - (1 - x) * np.log(1 - safe), 0).sum(axis=1)


def half_entropy(x):
    return -np.where(x > 0, x * np.log(np.where(x > 0, x, 1)), 0).sum(axis=1)


CLIPPED = ("Clipping x by a small number is nearly right, but a black pixel has the entropy 0 exactly, and hundreds of "
           "black pixels add up. Treat 0 and 1 apart.")


@exercise(mistakes={
    "0 log 0 is 0, but the computer says nan. Treat the pixels 0 and 1 apart.":
        lambda x: (-x * np.log(x) - (1 - x) * np.log(1 - x)).sum(axis=1),
    "A pixel has two outcomes: the part (1 - x) log (1 - x) is missing.":
        half_entropy,
    "A pixel has two outcomes: the part (1 - x) log (1 - x) is missing. And 0 log 0 is 0.":
        lambda x: (-x * np.log(x)).sum(axis=1),
    "The sign is wrong: an entropy of pixels is not negative.": lambda x: -entropy(x),
    "Those are bits, not nats: use the natural logarithm.": lambda x: entropy(x) / math.log(2),
    "You averaged over the pixels; nats per image are a sum.": lambda x: entropy(x) / x.shape[1],
    "One number per image: sum over the pixels only.": lambda x: entropy(x).sum(),
    "One number per image: do not average over the images.": lambda x: entropy(x).mean(),
    "The loss is not 0 at its best: with p = x it is -x log x - (1 - x) log (1 - x).": lambda x: np.zeros(len(x)),
})
def cross_entropy_floor(answer, known):
    """x (B, D) in [0, 1] -> (B,): the smallest cross-entropy that any prediction of x can have, in nats."""
    rng = np.random.default_rng(5)
    with np.errstate(all="ignore"):
        grey = rng.random((4, 6))
        floor = known(answer, grey)
        require(np.shape(floor) == (4,), f"One number per image: shape (4,), not {np.shape(floor)}.")
        mixed = np.concatenate([grey[:, :3], [[0, 1, 0]] * 4], axis=1)
        found = known(answer, mixed)
        require(np.isfinite(found).all(), "Pixels of exactly 0 and 1 give no finite number; 0 log 0 must be 0.")
        require(agree(floor, entropy(grey)), f"For the grey pixels {grey[0].round(2)} the floor is "
                f"{entropy(grey)[0]:.6f} nats, yours is {floor[0]:.6f}. Put p = x into the cross-entropy.")
        require(agree(known(answer, np.full((1, 9), 0.5)), [9 * math.log(2)]), "At x = 1/2 a pixel costs log 2.")
        black = np.zeros((2, 784))
        require(agree(known(answer, black), [0, 0]), CLIPPED)
        require(agree(found, entropy(mixed)), f"With black and white pixels the floor is {entropy(mixed)[0]:.6f} nats; "
                                              f"yours is {found[0]:.6f}.")
        require(agree(known(answer, 1 - mixed), entropy(mixed)), "x and 1 - x must have the same floor.")


# ---- one weight matrix, used twice


def tied_loss(x, W):
    """(|y - x|^2 for each example, dW of their sum),  y = (x W) W'"""
    d = x @ W @ W.T - x
    return (d * d).sum(axis=1), 2 * (x.T @ (d @ W) + d.T @ (x @ W))


def tied_with(gradient):
    """The right loss, and gradient(x, W, d) with d = y - x."""
    return lambda x, W: (tied_loss(x, W)[0], gradient(x, W, x @ W @ W.T - x))


@exercise(mistakes={
    "That is only the gradient through the decoder. W is used in the encoder too; a fork adds: + 2 x' (d W).":
        tied_with(lambda x, W, d: 2 * d.T @ (x @ W)),
    "That is only the gradient through the encoder. W is used in the decoder too; a fork adds: + 2 d' (x W).":
        tied_with(lambda x, W, d: 2 * x.T @ (d @ W)),
    "You counted one of the two paths twice, that through the decoder; they are different.":
        tied_with(lambda x, W, d: 4 * d.T @ (x @ W)),
    "You counted one of the two paths twice, that through the encoder; they are different.":
        tied_with(lambda x, W, d: 4 * x.T @ (d @ W)),
    "The 2 is missing: the derivative of d^2 is 2 d.":
        tied_with(lambda x, W, d: x.T @ (d @ W) + d.T @ (x @ W)),
    "The sign is wrong: the derivative of (y - x)^2 with respect to y is 2 (y - x).":
        tied_with(lambda x, W, d: -2 * (x.T @ (d @ W) + d.T @ (x @ W))),
    "dW is transposed; it must have the shape of W.":
        tied_with(lambda x, W, d: 2 * (x.T @ (d @ W) + d.T @ (x @ W)).T),
    "dW is averaged over the batch; the gradient of the sum of the losses is asked for.":
        tied_with(lambda x, W, d: 2 * (x.T @ (d @ W) + d.T @ (x @ W)) / len(x)),
    "The squared error is averaged over the pixels; it is a sum.":
        lambda x, W: tuple(part / x.shape[1] for part in tied_loss(x, W)),
    "The loss is averaged over the pixels; it is a sum. (The gradient is that of the sum.)":
        lambda x, W: (tied_loss(x, W)[0] / x.shape[1], tied_loss(x, W)[1]),
    "The loss is summed over the batch; one number per example is asked for.":
        lambda x, W: (tied_loss(x, W)[0].sum(), tied_loss(x, W)[1]),
    "The loss is averaged over the batch; one number per example is asked for.":
        lambda x, W: (tied_loss(x, W)[0].mean(), tied_loss(x, W)[1]),
})
def tied_gradient(answer, known):
    """(x (B, D), W (D, k)) -> (loss (B,), dW (D, k)) of y = (x W) W' and loss = |y - x|^2; dW of the summed loss."""
    rng = np.random.default_rng(6)
    for B, D, k in ((5, 4, 2), (3, 3, 3), (1, 6, 1)):
        x, W = rng.standard_normal((B, D)), rng.standard_normal((D, k))
        found, right = known(answer, x, W), tied_loss(x, W)
        require(isinstance(found, tuple | list) and len(found) == 2, "Return two things: (loss, dW).")
        for name, mine, exact in zip(("loss", "dW"), found, right, strict=True):
            require(np.shape(mine) == exact.shape, f"{name} must have shape {exact.shape}, not {np.shape(mine)}.")
            factor = float((np.asarray(mine) * exact).sum() / (exact * exact).sum())
            require(agree(mine, exact), f"{name} is {factor:.4g} times the right one." if agree(mine, factor * exact)
                    else f"{name} is not right. Write y = h W' with h = x W, and follow both uses of W.")
    W = np.linalg.qr(rng.standard_normal((5, 2)))[0]
    x = rng.standard_normal((4, 2)) @ W.T
    require(agree(known(answer, x, W)[1], np.zeros((5, 2)), 1e-9),
            "Where W is orthonormal and x lies in its plane, y = x and the gradient is 0.")


# ---- the angle between two subspaces


def largest_angle(A, B):
    return float(principal_angles(A, B)[-1])


def cosines(A, B):
    return np.linalg.svd(np.linalg.qr(A)[0].T @ np.linalg.qr(B)[0], compute_uv=False)


@exercise(mistakes={
    "The bases must be orthonormal before you compare them: take q, _ = np.linalg.qr(A) of both.":
        lambda A, B: float(np.arccos(np.clip(np.linalg.svd(A.T @ B, compute_uv=False).min(), -1, 1))),
    "You scaled the columns to length 1, but they must be orthogonal to each other too: np.linalg.qr.":
        lambda A, B: float(np.arccos(np.clip(np.linalg.svd(
            (A / np.linalg.norm(A, axis=0)).T @ (B / np.linalg.norm(B, axis=0)), compute_uv=False).min(), -1, 1))),
    "That is the smallest angle. The singular values are cosines: the smallest of them belongs to the largest angle.":
        lambda A, B: float(np.arccos(np.minimum(cosines(A, B).max(), 1))),
    "That is the cosine of the angle; take arccos.": lambda A, B: float(cosines(A, B).min()),
    "That is the sine of the angle; take arcsin.": lambda A, B: math.sin(largest_angle(A, B)),
    "The singular values of P'Q are cosines, not sines: arccos, not arcsin.":
        lambda A, B: float(np.arcsin(np.minimum(cosines(A, B).min(), 1))),
    "That is in degrees; the answer must be in radians.": lambda A, B: math.degrees(largest_angle(A, B)),
    "You compared the bases column by column. A subspace has many bases; take the singular values of P'Q.":
        lambda A, B: float(np.arccos(np.clip(np.abs(
            (np.linalg.qr(A)[0] * np.linalg.qr(B)[0]).sum(axis=0)).min(), 0, 1))),
    "Those are all the angles; only the largest is asked for.": lambda A, B: np.arccos(np.minimum(cosines(A, B), 1)),
})
def angle_between(answer, known):
    """(A (D, k), B (D, k)) -> the largest principal angle between their column spaces, in radians."""
    rng = np.random.default_rng(7)
    with np.errstate(all="ignore"):
        for D, k in ((6, 2), (5, 3), (4, 1)):
            A, B = rng.standard_normal((2, D, k))
            found, right = known(answer, A, B), largest_angle(A, B)
            require(np.shape(found) == (), f"One number, the largest angle; not an array of shape {np.shape(found)}.")
            require(np.isfinite(found), "The angle is not finite; is a cosine a little above 1? Use np.minimum(c, 1).")
            require(agree(found, right, 1e-6), f"The largest angle is {right:.6f}; yours is {float(found):.6f}.")
        mixed = A @ rng.standard_normal((k, k))
        for same in (mixed, A):
            found = known(answer, A, same)
            require(np.isfinite(found), "Of a space with itself you get nan: a cosine is a little above 1. Use "
                                        "np.minimum(c, 1).")
            require(abs(found) < 1e-6, "A space has angle 0 to itself, in any basis.")
        crossed = known(answer, np.eye(4)[:, :2], np.eye(4)[:, 2:])
        require(agree(crossed, math.pi / 2, 1e-6), "Two orthogonal planes have the angle pi / 2.")


# ---- the loss of a denoising autoencoder


def denoising(reconstruct, x, seed, sigma, *, noise=None, target=None, total=None):
    """The loss of each example, or one of its misreadings."""
    corrupted = (noise or fresh_noise)(x, np.random.default_rng(seed), sigma)
    difference = reconstruct(corrupted) - (x if target is None else target(x, corrupted))
    return (total or (lambda d: d.sum(axis=1)))(difference**2)


def fresh_noise(x, rng, sigma):
    return x + sigma * rng.standard_normal(x.shape)


def denoising_with(**changes):
    return lambda *given: denoising(*given, **changes)


@exercise(mistakes={
    "The target is the corrupted image: then the best network changes nothing and keeps all the noise. Compare with "
    "the clean x.": denoising_with(target=lambda x, corrupted: corrupted),
    "The network never sees the noise: give it the corrupted image.": denoising_with(noise=lambda x, rng, sigma: x),
    "sigma is a standard deviation; you used sigma^2 or its root: x + sigma * eps.":
        denoising_with(noise=lambda x, rng, sigma: x + sigma**2 * rng.standard_normal(x.shape)),
    "sigma is a standard deviation; you used its root: x + sigma * eps.":
        denoising_with(noise=lambda x, rng, sigma: x + math.sqrt(sigma) * rng.standard_normal(x.shape)),
    "sigma is not used: the noise has standard deviation 1.":
        denoising_with(noise=lambda x, rng, sigma: x + rng.standard_normal(x.shape)),
    "The noise must be added to x; you gave the network noise alone.":
        denoising_with(noise=lambda x, rng, sigma: sigma * rng.standard_normal(x.shape)),
    "Your noise is uniform; Gaussian noise is asked for: rng.standard_normal.":
        denoising_with(noise=lambda x, rng, sigma: x + sigma * rng.random(x.shape)),
    "You used one draw for a whole image: every pixel has its own draw.":
        denoising_with(noise=lambda x, rng, sigma: x + sigma * rng.standard_normal((len(x), 1))),
    "You used one draw of noise for all images: every image has its own draws.":
        denoising_with(noise=lambda x, rng, sigma: x + sigma * rng.standard_normal(x.shape[1])),
    "You averaged over the pixels; sum over them.": denoising_with(total=lambda d: d.mean(axis=1)),
    "You summed over everything; one number per image is asked for.": denoising_with(total=np.sum),
    "You averaged over everything; one number per image is asked for.": denoising_with(total=np.mean),
    "The square is missing.": denoising_with(total=lambda d: np.sqrt(d).sum(axis=1)),
    "There is a root too many: the squared error is asked for, not the distance.":
        denoising_with(total=lambda d: np.sqrt(d.sum(axis=1))),
    "That is how far the noise moved the image. The network is not used.":
        lambda reconstruct, x, seed, sigma: denoising(lambda c: c, x, seed, sigma),
})
def denoising_loss(answer, known):
    """(reconstruct, x (B, D), seed, sigma) -> (B,): |reconstruct(x + sigma eps) - x|^2, summed over the pixels."""
    rng = np.random.default_rng(8)
    x, seen = np.clip(1.6 * rng.random((40, 50)) - 0.3, 0, 1), []          # some pixels are black, some white

    def reconstruct(corrupted):
        seen.append(np.array(corrupted))
        return 0.7 * corrupted + 0.1

    loss = known(answer, reconstruct, x, 3, 0.2)
    require(np.shape(loss) == (40,), f"One number per image: shape (40,), not {np.shape(loss)}.")
    require(len(seen) > 0, "The network is never called: give it the corrupted image.")
    require(seen[0].shape == x.shape, f"The network must see images of shape {x.shape}, not {seen[0].shape}.")
    noise = seen[0] - x
    require(noise.std() > 0, "The network sees the clean image: corrupt it first.")
    require((noise[x == 0] < 0).any() and (noise[x == 1] > 0).any(),
            "You clipped the corrupted image to [0, 1]. Then the noise is not Gaussian, and its mean is not 0.")
    require(abs(noise.mean()) < 5 * 0.2 / math.sqrt(noise.size), f"The noise has the mean {noise.mean():.3f}; it is 0.")
    require(abs(noise.std() / 0.2 - 1) < 5 / math.sqrt(2 * noise.size),
            f"With sigma = 0.2 your noise has the standard deviation {noise.std():.3f}.")
    require(len(np.unique(noise.round(12))) > 0.99 * noise.size, "Every pixel of every image needs a draw of its own.")
    right = ((0.7 * seen[0] + 0.1 - x)**2).sum(axis=1)
    require(agree(loss, right), f"The squared error between the network's output and the clean first image is "
                                f"{right[0]:.6f}; yours is {loss[0]:.6f}.")
    again, other = known(answer, reconstruct, x, 3, 0.2), known(answer, reconstruct, x, 4, 0.2)
    require(agree(again, loss), "With the same seed it gives another number: make the generator from the seed.")
    require(not agree(other, loss), "Another seed must give other noise.")
    require(agree(known(answer, reconstruct, x, 3, 1e-12), ((0.1 - 0.3 * x)**2).sum(axis=1), 1e-6),
            "With no noise left the loss is that of the network on clean images.")


# ---- the Wiener filter


def wiener(x, mean, covariance, sigma):
    """E[x|x~] = b + S (S + sigma^2 I)^-1 (x~ - b), a row for each x~."""
    return mean + (x - mean) @ np.linalg.solve(covariance + sigma**2 * np.eye(len(mean)), covariance)


def filter_with(gain):
    """b + (x~ - b) G, with another G."""
    return lambda x, mean, covariance, sigma: mean + (x - mean) @ gain(covariance, sigma, np.eye(len(mean)))


@exercise(mistakes={
    "sigma is a standard deviation: the noise adds sigma^2 to the covariance.":
        filter_with(lambda S, sigma, eye: np.linalg.solve(S + sigma * eye, S)),
    "The mean is missing: subtract it first, add it at the end.":
        lambda x, mean, covariance, sigma: wiener(x, 0 * mean, covariance, sigma),
    "You subtracted the mean but did not add it back.":
        lambda x, mean, covariance, sigma: wiener(x, mean, covariance, sigma) - mean,
    "You added the mean without subtracting it first.":
        lambda x, mean, covariance, sigma: wiener(x, 0 * mean, covariance, sigma) + mean,
    "That is the inverse: it makes the noise larger. The filter shrinks by lambda / (lambda + sigma^2).":
        filter_with(lambda S, sigma, eye: np.linalg.solve(S, S + sigma**2 * eye)),
    "S is missing: (S + sigma^2 I)^-1 alone has the wrong units.":
        filter_with(lambda S, sigma, eye: np.linalg.inv(S + sigma**2 * eye)),
    "That gives the noise, sigma^2 (S + sigma^2 I)^-1 (x~ - b); the image is the other part.":
        filter_with(lambda S, sigma, eye: sigma**2 * np.linalg.inv(S + sigma**2 * eye)),
    "You used the variances only. The pixels are correlated: the filter needs the whole matrix S.":
        filter_with(lambda S, sigma, eye: eye * np.diag(S) / (np.diag(S) + sigma**2)),
    "You divided entry by entry. A matrix is inverted as a whole: np.linalg.solve.":
        filter_with(lambda S, sigma, eye: S / (S + sigma**2 * eye)),
    "You added sigma^2 to every entry of S; independent noise adds it to the diagonal only.":
        filter_with(lambda S, sigma, eye: np.linalg.solve(S + sigma**2, S)),
    "You return x~ itself: nothing is filtered.": lambda x, mean, covariance, sigma: x,
    "You return the mean for every image: what was seen is not used.":
        lambda x, mean, covariance, sigma: np.broadcast_to(mean, x.shape),
})
def wiener_filter(answer, known):
    """(x~ (B, D), mean (D,), covariance (D, D), sigma) -> E[x|x~], (B, D), of Gaussian x and x~ = x + sigma eps."""
    rng = np.random.default_rng(9)
    for B, D in ((4, 3), (2, 5)):
        A, b, x = rng.standard_normal((D, D)), rng.standard_normal(D), rng.standard_normal((B, D))
        S = A @ A.T + 0.1 * np.eye(D)
        found, right = known(answer, x, b, S, 0.7), wiener(x, b, S, 0.7)
        require(np.shape(found) == (B, D), f"One filtered image per row: shape {(B, D)}, not {np.shape(found)}.")
        require(agree(found, right), f"The first image should become {right[0].round(4)}; yours is "
                                     f"{np.asarray(found)[0].round(4)}. What are cov(x, x~) and cov(x~)?")
    require(agree(known(answer, x, b, S, 1e-9), x, 1e-6), "Without noise the image must not change.")
    require(agree(known(answer, x, b, S, 1e6), np.broadcast_to(b, x.shape), 1e-6),
            "Where the noise hides everything, the best guess is the mean.")
    flat = np.outer(b, b)                                         # a singular covariance: all images on one line
    require(agree(known(answer, x, b, flat, 0.5), wiener(x, b, flat, 0.5)),
            "S itself may be singular (a pixel that is always black); only S + sigma^2 I is inverted.")
