"""Chapter 4, a neural network by hand: what a student answers, and the mistakes that are known by name."""

import itertools
import math

import numpy as np

from ..nn import sigmoid
from ..probability import bernoulli_nll, categorical_nll, softmax
from .checking import agree, exercise, require, require_untouched

# ---- three planted bugs


def two_layers(x, y, W1, b1, W2, b2, bugs=()):
    """(loss, dW1, db1, dW2, db2) of the mean cross-entropy of logits = tanh(x W1 + b1) W2 + b2, with the named bugs."""
    a = x @ W1 + b1
    h = np.tanh(a)
    logits = h @ W2 + b2
    dlogits = softmax(logits)
    dlogits[np.arange(len(y)), y] -= 1
    if "batch" not in bugs:
        dlogits = dlogits / len(y)
    da = dlogits @ W2.T * (1 - (a if "tanh" in bugs else h) ** 2)
    db1 = da.mean(axis=0) if "bias" in bugs else da.sum(axis=0)
    return categorical_nll(logits, y=y).mean(), x.T @ da, db1, h.T @ dlogits, dlogits.sum(axis=0)


PLANTED = {
    "batch": "the loss is a mean over the batch and dlogits is not divided by B",
    "tanh": "dtanh/da = 1 - h^2 with the output h, not with the input a",
    "bias": "every example adds to the gradient of a bias: a sum, not a mean",
}


def with_bugs(bugs):
    return lambda *given: two_layers(*given, bugs=bugs)


def with_bugs_left():
    """{sentence: the network in which these bugs are left}"""
    sets = itertools.chain.from_iterable(itertools.combinations(PLANTED, n) for n in (1, 2, 3))
    return {f"{len(bugs)} of the 3 bugs left: {'; '.join(PLANTED[bug] for bug in bugs)}.": with_bugs(bugs)
            for bugs in sets}


@exercise(mistakes=with_bugs_left())
def mend_three_bugs(answer, known):
    """(x, y, W1, b1, W2, b2) -> (loss, dW1, db1, dW2, db2), the loss a mean over the batch."""
    names = ("loss", "dW1", "db1", "dW2", "db2")
    rng = np.random.default_rng(4)
    for B, D, H, K in ((6, 4, 5, 3), (1, 2, 3, 2), (9, 3, 2, 4)):
        x, y = rng.standard_normal((B, D)), rng.integers(0, K, B)
        given = x, y, rng.standard_normal((D, H)), rng.standard_normal(H), rng.standard_normal((H, K)), np.zeros(K)
        require_untouched(answer, *given)
        found = known(answer, *given)
        require(isinstance(found, tuple | list) and len(found) == 5, "Return five things: loss, dW1, db1, dW2, db2.")
        for name, mine, right in zip(names, found, two_layers(*given), strict=True):
            require(np.shape(mine) == np.shape(right),
                    f"{name} must have shape {np.shape(right)}, not {np.shape(mine)}.")
            require(agree(mine, right), blame(name, np.asarray(mine), np.asarray(right)))


def blame(name, mine, right):
    """What is wrong with a gradient: the factor, if it is only a factor, or the size of the error."""
    if not np.isfinite(mine).all():
        return f"{name} is not finite."
    factor = float((mine * right).sum() / (right * right).sum())
    if agree(mine, factor * right):
        return f"{name} is {factor:.4g} times the right one."
    size = float(np.abs(mine - right).max() / np.abs(right).max())
    return f"{name} is wrong, by {size:.2g} of its largest entry; apply the chain rule to it once more."


# ---- logits of a thousand


def nats_and_gradient(nats, dlogits=lambda a, x: sigmoid(a) - x, total=lambda n: n.sum(axis=1)):
    return lambda a, x: (total(nats(a, x)), dlogits(a, x))


def stable(a, x):
    return np.maximum(a, 0) - a * x + np.log1p(np.exp(-np.abs(a)))


def from_probability(p):
    """The textbook formula with p(a) = sigmoid(a) computed first."""
    return nats_and_gradient(lambda a, x: -x * np.log(p(a)) - (1 - x) * np.log(1 - p(a)))


def naive_sigmoid(a):
    return 1 / (1 + np.exp(-a))


LATE = ("You computed p first. At a = 1000 it is exactly 1, and log(1 - p) = -inf: the number is lost before the "
        "logarithm. Simplify the logarithm first: softplus(a) - a x, and softplus without exp(1000).")
CLIPPED = ("You kept p away from 0 and 1 by a small number. That bounds the loss, but a wrong logit of 1000 must cost "
           "1000 nats; and the gradient is no longer that of the loss. Work with the logits.")


@exercise(mistakes={
    LATE: from_probability(naive_sigmoid),
    "log(1 + exp(a)) overflows at a = 1000, in log1p too: subtract max(a, 0) first.":
        nats_and_gradient(lambda a, x: np.log1p(np.exp(a)) - a * x),
    "max(a, 0) - a x is only the limit for large |a|. The part log(1 + exp(-|a|)) is missing: log 2 at a = 0.":
        nats_and_gradient(lambda a, x: np.maximum(a, 0) - a * x),
    "The sign of a x is wrong: nll = softplus(a) - a x.":
        nats_and_gradient(lambda a, x: stable(a, -x)),
    "You have log p, not -log p: a loss is positive.":
        nats_and_gradient(lambda a, x: -stable(a, x), lambda a, x: x - sigmoid(a)),
    "The loss is right; its gradient has the wrong sign: sigmoid(a) - x.":
        nats_and_gradient(stable, lambda a, x: x - sigmoid(a)),
    "The gradient carries a factor p (1 - p) that cancels: dnll/dlogits = sigmoid(a) - x.":
        nats_and_gradient(stable, lambda a, x: (sigmoid(a) - x) * sigmoid(a) * (1 - sigmoid(a))),
    "That is the gradient with respect to p. With respect to the logit it is sigmoid(a) - x.":
        nats_and_gradient(stable, lambda a, x: (sigmoid(a) - x) / (sigmoid(a) * (1 - sigmoid(a)))),
    "You used the logit in place of sigmoid(a): dlogits = sigmoid(a) - x.":
        nats_and_gradient(stable, lambda a, x: a - x),
    "You averaged over the pixels: a log-density is a sum over the dimensions.":
        nats_and_gradient(stable, total=lambda n: n.mean(axis=1)),
    "You averaged over the pixels, in loss and gradient: a log-density is a sum over the dimensions.":
        nats_and_gradient(stable, lambda a, x: (sigmoid(a) - x) / a.shape[1], lambda n: n.mean(axis=1)),
    "You summed over the batch too. One number per example: shape (B,).":
        nats_and_gradient(stable, total=np.sum),
    "You averaged over the batch. One number per example: shape (B,).":
        nats_and_gradient(stable, total=lambda n: n.sum(axis=1).mean()),
    "You averaged over everything. Sum over the pixels, and one number per example: shape (B,).":
        nats_and_gradient(stable, total=np.mean),
    "One number per example is asked for, (B,): sum over the pixels, axis 1, not over the examples.":
        nats_and_gradient(stable, total=lambda n: n.sum(axis=0)),
    "One number per example is asked for: sum over the pixels.":
        nats_and_gradient(stable, total=lambda n: n),
    "Those are bits, not nats: use the natural logarithm.":
        nats_and_gradient(lambda a, x: stable(a, x) / math.log(2)),
})
def bernoulli_from_logits(answer, known):
    """(logits (B, D), x (B, D)) -> (nll (B,), dlogits (B, D)), exact at +-1000."""
    rng = np.random.default_rng(5)
    logits, x = 3 * rng.standard_normal((4, 3)), rng.integers(0, 2, (4, 3)).astype(float)
    far = np.array([[1000.0, -1000.0], [1000.0, -1000.0], [-40.0, 40.0], [800.0, 0.0]])
    with np.errstate(all="ignore"):
        require_untouched(answer, logits, x)
        wrong_by_a_thousand = known(answer, far, 1 - (far > 0))
        require(not (np.shape(wrong_by_a_thousand[0]) == (4,) and 0 < wrong_by_a_thousand[0][0] < 200), CLIPPED)
        nll = check_bernoulli(answer, known, logits, x)
        mirrored = known(answer, -logits, 1 - x)[0]
        require(agree(nll, mirrored), "-a must cost at 1 - x what a costs at x.")
        require(agree(known(answer, np.zeros((2, 5)), np.ones((2, 5)))[0], np.full(2, 5 * math.log(2))),
                "At p = 1/2 every pixel costs log 2, whatever it is.")
        check_bernoulli(answer, known, logits, rng.random((4, 3)))
        check_bernoulli(answer, known, far, np.array([[1.0, 0], [0, 1], [1, 0], [0.5, 1]]))


def check_bernoulli(answer, known, logits, x):
    """One call, compared with the library; -> nll (B,)."""
    found = known(answer, logits, x)
    require(isinstance(found, tuple | list) and len(found) == 2, "Return two arrays: (nll, dlogits).")
    nll, backward = bernoulli_nll.forward(logits, x=x)
    for name, mine, right in (("nll", found[0], nll), ("dlogits", found[1], backward(np.ones(len(x))))):
        require(np.shape(mine) == right.shape, f"{name} must have shape {right.shape}, not {np.shape(mine)}.")
        require(np.isfinite(mine).all(), f"{name} is not finite at logits {logits[~np.isfinite(mine)].ravel()[:3]}.")
        require(agree(mine, right, 1e-7), f"{name} at logits {logits[0]} and x = {x[0]} is {np.ravel(mine)[0]:.6g} in "
                                          f"its first entry; it should be {np.ravel(right)[0]:.6g}.")
    return found[0]


# ---- Adam


def adam(theta, g, m, v, t, lr, beta1, beta2, eps, *, corrected=True, root=True, keep_hats=False, shift=0):
    """One step of Adam, or of one of its misreadings."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    mhat, vhat = (m / (1 - beta1**(t + shift)), v / (1 - beta2**(t + shift))) if corrected else (m, v)
    theta = theta - lr * mhat / (np.sqrt(vhat) + eps if root else vhat + eps)
    return (theta, mhat, vhat) if keep_hats else (theta, m, v)


def adam_with(**changes):
    return lambda *given: adam(*given, **changes)


def moments_then(update):
    """The right moments, then theta by update(theta, mhat, vhat, g, lr, eps)."""
    def wrong(theta, g, m, v, t, lr, beta1, beta2, eps):
        _, m, v = adam(theta, g, m, v, t, lr, beta1, beta2, eps)
        return update(theta, m / (1 - beta1**t), v / (1 - beta2**t), g, lr, eps), m, v
    return wrong


def other_moments(new_m, new_v):
    def wrong(theta, g, m, v, t, lr, beta1, beta2, eps):
        m, v = new_m(m, g, beta1), new_v(v, g, beta2)
        return theta - lr * m / (1 - beta1**t) / (np.sqrt(np.abs(v) / (1 - beta2**t)) + eps), m, v
    return wrong


@exercise(mistakes={
    "The bias correction is missing: divide m by 1 - beta1^t and v by 1 - beta2^t. Without it the first step is "
    "(1 - beta1) / sqrt(1 - beta2) times too large, 3.2 with the usual numbers.": adam_with(corrected=False),
    "The square root is missing: the step is lr mhat / (sqrt(vhat) + eps).": adam_with(root=False),
    "You return the corrected moments. Keep m and v as they are; mhat and vhat are for this step only.":
        adam_with(keep_hats=True),
    "t counts from 1: the first step has beta^1, and you used beta^(t+1).": adam_with(shift=1),
    "t counts from 1: the first step has beta^1, and you used beta^(t-1); at t = 1 that divides by zero.":
        adam_with(shift=-1),
    "You divide by 1 - beta, whatever t is: it must be 1 - beta^t.":
        lambda th, g, m, v, t, lr, b1, b2, eps: moments_then(
            lambda th, mh, vh, g, lr, eps: th - lr * mh * (1 - b1**t) / (1 - b1)
            / (np.sqrt(vh * (1 - b2**t) / (1 - b2)) + eps))(th, g, m, v, t, lr, b1, b2, eps),
    "You divide by 1 - beta t; it is beta to the power t.":
        lambda th, g, m, v, t, lr, b1, b2, eps: moments_then(
            lambda th, mh, vh, g, lr, eps: th - lr * mh * (1 - b1**t) / (1 - b1 * t)
            / (np.sqrt(vh * (1 - b2**t) / np.abs(1 - b2 * t)) + eps))(th, g, m, v, t, lr, b1, b2, eps),
    "The sign is wrong: a step goes against the gradient.":
        moments_then(lambda th, mh, vh, g, lr, eps: th + lr * mh / (np.sqrt(vh) + eps)),
    "eps stands outside the square root: sqrt(vhat) + eps, not sqrt(vhat + eps).":
        moments_then(lambda th, mh, vh, g, lr, eps: th - lr * mh / np.sqrt(vh + eps)),
    "eps is missing: where a gradient is zero you divide 0 by 0.":
        moments_then(lambda th, mh, vh, g, lr, eps: th - lr * mh / np.sqrt(vh)),
    "The step uses g; it must use the average mhat.":
        moments_then(lambda th, mh, vh, g, lr, eps: th - lr * g / (np.sqrt(vh) + eps)),
    "v averages g; it must average the square g * g.":
        other_moments(lambda m, g, b: b * m + (1 - b) * g, lambda v, g, b: b * v + (1 - b) * g),
    "v averages |g|; it must average the square g * g.":
        other_moments(lambda m, g, b: b * m + (1 - b) * g, lambda v, g, b: b * v + (1 - b) * np.abs(g)),
    "The weights of the averages are exchanged: the new gradient has the small weight 1 - beta.":
        other_moments(lambda m, g, b: (1 - b) * m + b * g, lambda v, g, b: (1 - b) * v + b * g * g),
    "The new gradient needs the weight 1 - beta, or m and v are sums, not averages.":
        other_moments(lambda m, g, b: b * m + g, lambda v, g, b: b * v + g * g),
    "beta1 belongs to m and beta2 to v; you exchanged them.":
        lambda th, g, m, v, t, lr, b1, b2, eps: adam(th, g, m, v, t, lr, b2, b1, eps),
    "That is plain gradient descent; m and v are not used.":
        lambda th, g, m, v, t, lr, b1, b2, eps: (th - lr * g, *adam(th, g, m, v, t, lr, b1, b2, eps)[1:]),
})
def adam_step(answer, known):
    """(theta, g, m, v, t, lr, beta1, beta2, eps) -> (theta, m, v) after step t = 1, 2, ..."""
    rng = np.random.default_rng(6)
    theta, m, v, usual = rng.standard_normal(4), np.zeros(4), np.zeros(4), (0.01, 0.9, 0.999, 1e-8)
    require_untouched(answer, theta, np.ones(4), m, v, 1, *usual)
    for t in (1, 2, 3, 7):
        g = 10.0 ** rng.integers(-3, 2) * np.array([1, -1, 1, -1]) * rng.random(4)
        theta, m, v = check_adam(answer, known, theta, g, m, v, t, *usual)
    check_adam(answer, known, theta, np.zeros(4), np.zeros(4), np.zeros(4), 1, *usual)
    check_adam(answer, known, theta, rng.standard_normal(4), m, v, 3, 0.1, 0.5, 0.75, 0.3)


def check_adam(answer, known, theta, g, m, v, t, *settings):
    """One step, compared with the paper's; -> (theta, m, v)."""
    with np.errstate(all="ignore"):
        found = known(answer, theta, g, m, v, t, *settings)
    right = adam(theta, g, m, v, t, *settings)
    require(isinstance(found, tuple | list) and len(found) == 3, "Return three arrays: (theta, m, v).")
    for name, i in (("m", 1), ("v", 2), ("theta", 0)):
        require(agree(np.asarray(found[i]), right[i], 1e-10),
                f"{name} after step t = {t} is {np.ravel(found[i])[0]:.6g} in its first entry; by algorithm 1 of "
                f"Kingma & Ba it is {right[i][0]:.6g} (theta was {theta[0]:.4g}, g {g[0]:.4g}).")
    return right


# ---- a layer whose backward is a closure


def residual(x, W):
    """y = x + tanh(x W), and its backward."""
    h = np.tanh(x @ W)

    def backward(dy):
        da = dy * (1 - h * h)
        return dy + da @ W.T, x.T @ da

    return x + h, backward


def residual_with(gradients):
    """The right value, with gradients(x, W, h, dy) as backward."""
    def layer(x, W):
        h = np.tanh(x @ W)
        return x + h, lambda dy: gradients(x, W, h, dy)
    return layer


def one_memory():
    """The layer of many books: one cache for all calls."""
    memory = {}

    def layer(x, W):
        memory["backward"] = residual(x, W)[1]
        return x + np.tanh(x @ W), lambda dy: memory["backward"](dy)

    return layer


def used_twice(layer):
    """Forward at x1, forward at x2, then the backward of x1 and of x2: all results."""
    def use(x1, x2, W, dy1, dy2):
        first, second = layer(x1, W), layer(x2, W)
        if first is None or second is None:
            return None
        (y1, backward1), (y2, backward2) = first, second
        return y1, y2, *backward1(dy1), *backward2(dy2)
    return use


@exercise(mistakes={sentence: used_twice(layer) for sentence, layer in {
    "Called twice before its backwards, your layer remembers only the last x. What backward needs must be a local "
    "variable of forward, which backward closes over.": one_memory(),
    "One path is missing: x also reaches y directly, and a fork adds: dx = dy + (dy (1 - h^2)) W'.":
        residual_with(lambda x, W, h, dy: ((dy * (1 - h * h)) @ W.T, x.T @ (dy * (1 - h * h)))),
    "dx has only the direct path; the gradient through tanh(x W) is missing.":
        residual_with(lambda x, W, h, dy: (dy, x.T @ (dy * (1 - h * h)))),
    "The derivative of tanh is missing: da = dy (1 - h^2).":
        residual_with(lambda x, W, h, dy: (dy + dy @ W.T, x.T @ dy)),
    "dtanh/da = 1 - h^2 with h = tanh(a); you squared the input a.":
        residual_with(lambda x, W, h, dy: (dy + (dy * (1 - (x @ W)**2)) @ W.T, x.T @ (dy * (1 - (x @ W)**2)))),
    "dtanh/da = 1 - h^2; you used the output y = x + h in place of h.":
        residual_with(lambda x, W, h, dy: (dy + (dy * (1 - (x + h)**2)) @ W.T, x.T @ (dy * (1 - (x + h)**2)))),
    "The gradient passes through W transposed: da @ W.T, not da @ W.":
        residual_with(lambda x, W, h, dy: (dy + (dy * (1 - h * h)) @ W, x.T @ (dy * (1 - h * h)))),
    "dW is transposed: x.T @ da, so that its rows belong to the inputs.":
        residual_with(lambda x, W, h, dy: (dy + (dy * (1 - h * h)) @ W.T, (dy * (1 - h * h)).T @ x)),
    "dW is averaged over the batch; it is a sum over the examples. Only the loss takes means.":
        residual_with(lambda x, W, h, dy: (dy + (dy * (1 - h * h)) @ W.T, x.T @ (dy * (1 - h * h)) / len(x))),
    "The gradients are in the wrong order: first dx, then dW, like the inputs.":
        residual_with(lambda x, W, h, dy: (x.T @ (dy * (1 - h * h)), dy + (dy * (1 - h * h)) @ W.T)),
}.items()})
def residual_layer(answer, known):
    """(x (B, D), W (D, D)) -> (y, backward) of y = x + tanh(x W); backward(dy) -> (dx, dW)."""
    rng = np.random.default_rng(8)
    x1, x2, dy1, dy2 = rng.standard_normal((4, 5, 3))
    W = rng.standard_normal((3, 3))
    shape_of_answer(answer, x1, W)
    require_untouched(used_twice(answer), x1, x2, W, dy1, dy2)
    found = known(used_twice(answer), x1, x2, W, dy1, dy2)
    require(len(found) == 6, "backward(dy) returns two gradients: (dx, dW).")
    right = used_twice(residual)(x1, x2, W, dy1, dy2)
    for name, mine, exact in zip(("y", "y", "dx", "dW", "dx", "dW"), found, right, strict=True):
        require(np.shape(mine) == exact.shape, f"{name} must have shape {exact.shape}, not {np.shape(mine)}.")
        require(agree(mine, exact), blame(name, np.asarray(mine), exact))
    _, backward = answer(x1, W)
    require(agree(tuple(backward(dy1)), tuple(backward(dy1))),
            "Called twice, your backward gives two different answers: it must change nothing.")


def shape_of_answer(answer, x, W):
    """Raises Mistake unless the answer is (y, backward)."""
    made = answer(x.copy(), W.copy())
    require(made is None or (isinstance(made, tuple | list) and len(made) == 2 and callable(made[1])),
            "Return the value and its backward: (y, backward), where backward is a function of dy.")


# ---- the scale of the first weights


@exercise(mistakes={
    "The ReLU sets one half to 0: each layer multiplies E[h^2] by width * std^2 / 2.":
        lambda std, width, layers: (width * std**2)**layers,
    "You used the standard deviation; the variances multiply: std^2.":
        lambda std, width, layers: (width * std / 2)**layers,
    "That is one layer; the factor comes once for each of them.":
        lambda std, width, layers: width * std**2 / 2,
    "The factors multiply, layer after layer; you added them.":
        lambda std, width, layers: layers * width * std**2 / 2,
    "That is the root, the standard deviation; E[h^2] is asked for.":
        lambda std, width, layers: (width * std**2 / 2)**(layers / 2),
    "You left out the width: every unit is a sum of `width` terms.":
        lambda std, width, layers: (std**2 / 2)**layers,
    "One half of the units is off, so E[h^2] halves; you divided by 4.":
        lambda std, width, layers: (width * std**2 / 4)**layers,
    "ReLU keeps one half of the square, not 1/2 of the standard deviation: divide by 2 before taking the root.":
        lambda std, width, layers: (math.sqrt(width) * std / 2)**layers,
    "The last layer has a ReLU too: count `layers` of them.":
        lambda std, width, layers: (width * std**2 / 2)**(layers - 1),
    "The last layer has a ReLU too: its 1/2 is missing.":
        lambda std, width, layers: (width * std**2 / 2)**layers * 2,
})
def square_after_layers(answer, known):
    """(std, width, layers) -> E[h^2] after `layers` layers of Linear (weights N(0, std^2)) and ReLU; E[x^2] = 1."""
    require(agree(known(answer, 0.3, 50, 0), 1.0), "After no layer at all, E[h^2] is still 1.")
    for std, width, layers in ((0.12, 100, 1), (0.05, 300, 4), (0.2, 64, 3)):
        right = (width * std**2 / 2)**layers
        found = known(answer, std, width, layers)
        require(np.shape(found) == (), "A single number is asked for.")
        require(agree(found, right), f"With std = {std}, width = {width}, layers = {layers} it is {right:.4g}; you "
                                     f"have {float(found):.4g}. What does one layer do to E[h^2]?")
    require(agree(known(answer, math.sqrt(2 / 256), 256, 30), 1.0, 1e-7),
            "With He's std, sqrt(2 / width), nothing changes from layer to layer: 1.")
