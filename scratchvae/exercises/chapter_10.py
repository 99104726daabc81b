"""Chapter 10, the convolutional VAE: what a student answers, and the mistakes that are known by name."""

import math

import numpy as np

from .checking import agree, exercise, require

# ---- 10.1 the size after a convolution


def places(n, kernel, stride, padding):
    return (n + 2 * padding - kernel) // stride + 1


@exercise(mistakes={
    "The + 1 is missing: a kernel as large as the image has one place, not none.":
        lambda n, k, s, p: (n + 2 * p - k) // s,
    "The padding is added on both sides: 2 p.": lambda n, k, s, p: (n + p - k) // s + 1,
    "The padding is missing.": lambda n, k, s, p: (n - k) // s + 1,
    "The stride is missing.": lambda n, k, s, p: n + 2 * p - k + 1,
    "The + 1 belongs after the division by the stride.": lambda n, k, s, p: (n + 2 * p - k + 1) // s,
    "A place that is only half inside does not count: round down, with //.":
        lambda n, k, s, p: math.ceil((n + 2 * p - k) / s) + 1,
    "A number of pixels is whole: use //, not /.": lambda n, k, s, p: (n + 2 * p - k) / s + 1,
    "That is the size of a transposed convolution.": lambda n, k, s, p: s * (n - 1) + k - 2 * p,
    "You subtracted the padding; it makes the image larger.": lambda n, k, s, p: (n - 2 * p - k) // s + 1,
    "That is the rule of a convolution that keeps the size (padding 'same'): here the padding is given.":
        lambda n, k, s, p: -(-n // s),
})
def size_there(answer, known):
    """(n, kernel, stride, padding) -> how many places the kernel has along a side of n pixels."""
    cases = ((28, 4, 1, 2), (29, 4, 2, 1), (14, 4, 2, 1), (7, 3, 3, 0), (9, 2, 4, 3), (11, 5, 2, 0))
    found = {case: known(answer, *case) for case in (*cases, (5, 5, 1, 0), (6, 1, 1, 0))}
    require(agree(found[5, 5, 1, 0], 1), "A kernel as large as the image has exactly one place.")
    require(agree(found[6, 1, 1, 0], 6), "A kernel of one pixel has a place at every pixel.")
    for n, k, s, p in cases:
        starts = [a for a in range(-p, n + p) if (a + p) % s == 0 and a + k <= n + p]       # counted one by one
        require(agree(found[n, k, s, p], len(starts)),
                f"n = {n}, kernel {k}, stride {s}, padding {p}: counted one by one, there are {len(starts)} places.")


# ---- 10.2 the size after a transposed convolution


@exercise(mistakes={
    "The output padding is missing.": lambda n, k, s, p, op: s * (n - 1) + k - 2 * p,
    "That is the size of a convolution; that of a transposed convolution is asked for.":
        lambda n, k, s, p, op: places(n, k, s, p),
    "You added the padding; a transposed convolution removes it, on both sides.":
        lambda n, k, s, p, op: s * (n - 1) + k + 2 * p + op,
    "The padding is removed on both sides: 2 p.": lambda n, k, s, p, op: s * (n - 1) + k - p + op,
    "The first patch begins at 0: n patches begin at 0, s, ..., s (n - 1).":
        lambda n, k, s, p, op: s * n + k - 2 * p + op,
    "The output padding is added once, not on both sides.": lambda n, k, s, p, op: s * (n - 1) + k - 2 * p + 2 * op,
    "You subtracted the output padding; it makes the image larger.":
        lambda n, k, s, p, op: s * (n - 1) + k - 2 * p - op,
    "The kernel is missing: the last patch is k pixels wide.": lambda n, k, s, p, op: s * (n - 1) - 2 * p + op,
    "That is right only where k = s + 2 p.": lambda n, k, s, p, op: s * n + op,
    "The last patch is k wide, so the side is s (n - 1) + k: there is no + 1.":
        lambda n, k, s, p, op: s * (n - 1) + k - 2 * p + op + 1,
})
def size_back(answer, known):
    """(n, kernel, stride, padding, output_padding) -> pixels per side of a transposed convolution's output."""
    cases = ((7, 4, 2, 1), (14, 4, 2, 1), (29, 4, 1, 2), (3, 5, 3, 1), (4, 2, 4, 0), (6, 3, 3, 0))
    cases = [(*case, op) for case in cases for op in range(case[2])]
    found = {case: known(answer, *case) for case in [*cases, (1, 5, 3, 0, 0)]}
    require(agree(found[1, 5, 3, 0, 0], 5), "One pixel makes one patch: with n = 1 the output is the kernel.")
    for n, k, s, p, op in cases:
        right = s * (n - 1) + k - 2 * p + op
        require(agree(found[n, k, s, p, op], right),
                f"n = {n}, kernel {k}, stride {s}, padding {p}, output padding {op}: a convolution takes "
                f"{right} pixels to {places(right, k, s, p)}, so the transposed one must take {n} to {right}.")


# ---- 10.3 the adjoint in one dimension


def convolution(x, w, stride):
    """y_i = sum_a w_a x_{s i + a}"""
    return np.array([w @ x[i:i + len(w)] for i in range(0, len(x) - len(w) + 1, stride)])


def transposed_by(y, w, stride, n, put=lambda x, here, patch: x.__setitem__(here, x[here] + patch)):
    x = np.zeros(n)
    for i, value in enumerate(y):
        put(x, slice(stride * i, stride * i + len(w)), value * w)
    return x


def pseudo_inverse(y, w, stride, n):
    A = np.stack([convolution(e, w, stride) for e in np.eye(n)], axis=1)
    return np.linalg.pinv(A) @ y


@exercise(mistakes={
    "You flipped the kernel: each y_i adds y_i w as it is.":
        lambda y, w, stride, n: transposed_by(y, w[::-1], stride, n),
    "Where two patches overlap you kept only the last; they add: +=, not =.":
        lambda y, w, stride, n: transposed_by(y, w, stride, n, lambda x, here, patch: x.__setitem__(here, patch)),
    "You divided by the number of overlapping patches: that is a mean; the adjoint adds.":
        lambda y, w, stride, n: transposed_by(y, w, stride, n) / np.maximum(
            transposed_by(np.ones_like(y), np.ones_like(w), stride, n), 1),
    "You undid the convolution (a least-squares inverse). The transposed matrix is not the inverse.":
        pseudo_inverse,
    "The sign is wrong.": lambda y, w, stride, n: -transposed_by(y, w, stride, n),
    "You put the patches side by side; patch i begins at stride * i.":
        lambda y, w, stride, n: np.concatenate([np.outer(y, w).ravel(), np.zeros(n)])[:n],
    "You forgot the stride: patch i begins at stride * i, not at i.":
        lambda y, w, stride, n: transposed_by(y, w, 1, n),
    "You added y itself; each y_i is multiplied by w.":
        lambda y, w, stride, n: transposed_by(y, np.ones_like(w), stride, n),
})
def transposed(answer, known):
    """(y (m,), w (k,), stride, n) -> x (n,), the adjoint of y_i = sum_a w_a x_{stride i + a}."""
    rng = np.random.default_rng(103)
    for n, k, stride in ((7, 3, 2), (9, 4, 1), (8, 2, 2), (10, 3, 3), (11, 4, 2)):
        w, x = rng.standard_normal(k), rng.standard_normal(n)
        y = rng.standard_normal(len(convolution(x, w, stride)))
        back = known(answer, y, w, stride, n)
        require(np.shape(back) == (n,), f"The answer is n = {n} numbers, not shape {np.shape(back)}.")
        require(agree((convolution(x, w, stride) * y).sum(), (x * back).sum()),
                f"<conv x, y> = {(convolution(x, w, stride) * y).sum():.4f}, but <x, your x> = {(x * back).sum():.4f} "
                f"(n = {n}, kernel {k}, stride {stride}). An adjoint makes the two equal.")
        require(agree(back, transposed_by(y, w, stride, n)), "It is not the adjoint for every x.")


# ---- 10.4 an honest number from the published loss


def nats(sse, kl, beta, n_pixels, *, s2=lambda beta: beta / 2, constant=True, weight=1.0):
    v = s2(beta)
    return sse / (2 * v) + constant * n_pixels / 2 * math.log(2 * math.pi * v) + weight * kl


@exercise(mistakes={
    "The constant is missing: a Gaussian has (D / 2) log(2 pi s^2), and without it this is no density.":
        lambda sse, kl, beta, n: nats(sse, kl, beta, n, constant=False),
    "That is the loss itself. Divide by beta first, so that the KL has weight 1.":
        lambda sse, kl, beta, n: sse + beta * kl,
    "You kept beta before the KL: in -ELBO its weight is 1.":
        lambda sse, kl, beta, n: nats(sse, kl, beta, n, weight=beta),
    "s^2 = beta / 2, not beta: the Gaussian has |x - y|^2 / (2 s^2).":
        lambda sse, kl, beta, n: nats(sse, kl, beta, n, s2=lambda b: b),
    "s^2 = beta / 2, not 2 beta.": lambda sse, kl, beta, n: nats(sse, kl, beta, n, s2=lambda b: 2 * b),
    "beta / 2 is the variance s^2, not s.": lambda sse, kl, beta, n: nats(sse, kl, beta, n, s2=lambda b: b * b / 4),
    "You took s^2 = 1 / (2 beta): a large weight of the KL means a large s.":
        lambda sse, kl, beta, n: nats(sse, kl, beta, n, s2=lambda b: 1 / (2 * b)),
    "That is the ELBO; -ELBO, a cost, is asked for.": lambda sse, kl, beta, n: -nats(sse, kl, beta, n),
    "The constant is that of one pixel; there are D.":
        lambda sse, kl, beta, n: nats(sse, kl, beta, 1),
    "The constant has log(2 pi s^2) / 2 for each pixel: the 1/2 is missing.":
        lambda sse, kl, beta, n: nats(sse, kl, beta, 2 * n),
    "The KL is missing.": lambda sse, kl, beta, n: nats(sse, kl, beta, n, weight=0),
    "The sign of the KL is wrong.": lambda sse, kl, beta, n: nats(sse, kl, beta, n, weight=-1),
    "You averaged over the pixels: a log-density is a sum.": lambda sse, kl, beta, n: nats(sse, kl, beta, n) / n,
    "You multiplied by beta at the end: that is the loss and its constant, not -ELBO.":
        lambda sse, kl, beta, n: beta * nats(sse, kl, beta, n),
})
def honest_bound(answer, known):
    """(sse, kl, beta, n_pixels) -> -ELBO in nats of the Gaussian model that the loss sse + beta KL trains."""
    for sse, kl, beta, n in ((30.0, 3.0, 5.0, 784), (12.0, 9.0, 1.0, 10), (4.0, 2.0, 0.5, 3)):
        value = known(answer, sse, kl, beta, n)
        require(np.shape(value) == (), f"One number, not an array of shape {np.shape(value)}.")
        slope = known(answer, sse, kl + 1, beta, n) - value
        require(agree(slope, 1.0), f"A nat more of KL must cost one nat, and costs {slope:.4g}.")
        slope = known(answer, sse + 1, kl, beta, n) - value
        require(agree(slope * beta, 1.0), f"In the loss one squared pixel costs as much as 1 / {beta:.4g} nats of KL; "
                                          f"in your answer {slope:.4g}.")
        none = known(answer, 0.0, 0.0, beta, n)
        require(agree(none, n / 2 * math.log(math.pi * beta)), "With no error and no KL only the Gaussian's constant "
                                                               f"remains; you have {none:.4g}.")
        require(agree(value, nats(sse, kl, beta, n)), "It is not -ELBO.")
