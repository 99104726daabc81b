"""Chapter 0, how to use this book: one small exercise, to see how checkers work."""

import numpy as np

from .checking import Mistake, agree, exercise, require

WRONG = {
    "The chain rule is missing: backward multiplies the slope by the incoming gradient, dy.":
        lambda x: (x * x, lambda dy: 2 * x),
    "The 2 is missing: the derivative of x^2 is 2 x.": lambda x: (x * x, lambda dy: dy * x),
    "The x is missing: the derivative of x^2 is 2 x, and only at x = 1 is that 2.":
        lambda x: (x * x, lambda dy: 2 * dy),
    "backward uses y in place of x: the derivative of x^2 is 2 x, not 2 y.":
        lambda x: (x * x, lambda dy: dy * 2 * x * x),
    "The gradient has the wrong sign.": lambda x: (x * x, lambda dy: -2 * dy * x),
    "backward multiplies by x / 2; the derivative of x^2 is 2 x.": lambda x: (x * x, lambda dy: dy * x / 2),
    "The value is x doubled; the square of x is x * x.": lambda x: (2 * x, lambda dy: 2 * dy),
    "You divide by the slope: the chain rule multiplies, dx = dy * 2 x.": lambda x: (x * x, lambda dy: dy / (2 * x)),
    "backward sums over the entries: each entry of x has its own gradient, so dx has the shape of x.":
        lambda x: (x * x, lambda dy: (dy * 2 * x).sum()),
}


def forward_and_backward(node):
    """(x, dy) -> (y, dx), the value and the gradient of `node`, a function x -> (y, backward)."""

    def run(x, dy):
        result = node(x)
        if result is None or result is ...:
            return None
        if not (isinstance(result, tuple) and len(result) == 2 and callable(result[1])):
            raise Mistake("Return two things: the value y, and backward, a function of dy (without calling it).")
        y, backward = result
        dx = backward(dy)
        if dx is None:
            raise Mistake("backward returns nothing: it must return dx, the gradient of x.")
        return y, dx

    return run


@exercise(mistakes={sentence: forward_and_backward(wrong) for sentence, wrong in WRONG.items()})
def square(answer, known):
    """x -> (y, backward) with y = x^2, entry by entry."""
    x, dy = np.random.default_rng(0).uniform(0.5, 2, (2, 3, 4))
    y, dx = known(forward_and_backward(answer), x, dy)
    require(np.shape(y) == x.shape, f"y must have the shape of x, {x.shape}, but has {np.shape(y)}.")
    require(agree(y, x * x), "The value is not the square of x.")
    require(np.shape(dx) == x.shape, f"dx must have the shape of x, {x.shape}, but has {np.shape(dx)}.")
    slope = ((x + 1e-30j) * (x + 1e-30j)).imag / 1e-30
    require(agree(dx, dy * slope), f"dx is not dy times the slope. At x = {x[0, 0]:.3f} with dy = {dy[0, 0]:.3f} the "
                                   f"complex step says {(dy * slope)[0, 0]:.3f}, and you say {dx[0, 0]:.3f}.")
    y, dx = known(forward_and_backward(answer), -x, 3 * dy)
    require(agree((y, dx), (x * x, -3 * dy * slope)), "Right for positive x, but not for negative x.")
    require(agree(forward_and_backward(answer)(x, 0 * dy)[1], 0 * x), "backward(0) must be 0: it is linear in dy.")
