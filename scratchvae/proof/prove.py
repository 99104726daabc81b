"""Gradient checking: proof that a backward is the derivative of its forward.

The Jacobian J of a node has as many rows as outputs and as many columns as inputs and parameters, and is never built.
Along a random direction v, and for random gradients dout, one number is computed twice:

    <dout, J v>               J v = Im f(p + i h v) / h, the complex step: no subtraction, so no rounding trade-off
    <backward(dout), v>       the vector-Jacobian product that is written by hand

over all inputs and parameters p at once. The two agree to machine precision, or backward is wrong.
Squire & Trapp 1998, "Using complex variables to estimate derivatives of real functions".

What no gradient check sees: a wrong forward with a backward that is consistently wrong. Test distributions too.
"""

import dataclasses

import numpy as np

from .claim import Claim, ProofError
from .laws import check_backward_again, check_float32, check_nothing_given_changes, check_what_does_not_learn

TOLERANCE = 1e-12            # complex step, relative to the sum of the absolute terms of the two inner products
CENTRAL_TOLERANCE = 1e-6     # central differences, the same; at their best h they keep about half of the digits


@dataclasses.dataclass(frozen=True)
class Proof:
    """What was proven, and the relative errors that were found."""

    name: str
    complex_step: float
    central_difference: float

    def __str__(self):
        return f"{self.name}: complex step {self.complex_step:.1e}, central difference {self.central_difference:.1e}"


def prove(f, *inputs, as_if=None, of=None, seed=0, **constants):
    """Prove the backward of a node, a Module or a method of a Module (`vae.negative_elbo`); -> Proof.

    At `inputs` and a random point near the parameters: the gradient (complex step, and central differences as a
    second opinion), that backward may be called again, after other forwards, and is linear, that nothing given is
    changed and gradients are added to, and that float32 in gives float32 out.

    Where backward is, on purpose, not the derivative of its forward: as_if=surrogate is the function whose derivative
    it is, with the same inputs and constants (surrogate.py; `stop_gradient` is for what it holds fixed). of=module:
    its parameters alone learn, and the gradient of all others is exactly 0.

        prove(straight_through, p, hard=hard, as_if=lambda p, hard: p)

    Raises ProofError, in a sentence that says which input or parameter is wrong.
    """
    claim = Claim(f, inputs, constants, np.random.default_rng(seed), as_if, of)
    with claim.parameters_as(np.float64):
        check_backward_again(claim)
        check_nothing_given_changes(claim)
        check_what_does_not_learn(claim)
        check_surrogate(claim)
        complex_error, central_error = errors(claim, claim.direction())
        if not (complex_error <= TOLERANCE and central_error <= CENTRAL_TOLERANCE):
            raise ProofError(f"{claim.name}: {blame(claim, complex_error, central_error)}")
    with claim.parameters_as(np.float32):
        check_float32(claim)
    return Proof(claim.name, complex_error, central_error)


def check_surrogate(claim):
    """Its outputs have the shapes of those of forward. This is its first call, which is at the point of the proof."""
    outputs, _ = claim.run(claim.inputs)
    shapes, found = ([np.shape(y) for y in values] for values in (outputs, claim.value_at(claim.point())))
    if found != shapes:
        raise ProofError(f"{claim.name}: as_if must give outputs of the shapes {shapes}, but gives {found}")


def errors(claim, v):
    """(complex step, central difference): how far the gradient along v is from each."""
    outputs, backward = claim.run(claim.inputs)
    with claim.moved_to([0.9 * p for p in claim.point()]) as elsewhere:
        claim.run(elsewhere)                                # law 4: used again before its backward is called
    dout = claim.draw_like(outputs)
    gradient = claim.pull(backward, [d.copy() for d in dout])
    return (relative_error(dout, complex_step(claim, v), gradient, v),
            min(relative_error(dout, central_difference(claim, v, h), gradient, v) for h in (1e-4, 1e-5, 1e-6, 1e-7)))


def complex_step(claim, v, h=1e-30):
    """J v = Im f(p + i h v) / h"""
    return [y.imag / h for y in claim.value_at([p + 1j * h * d for p, d in zip(claim.point(), v, strict=True)])]


def central_difference(claim, v, h):
    """J v = (f(p + h v) - f(p - h v)) / 2 h, wrong where a ReLU has its corner within h: so several h are tried."""
    right, left = (claim.value_at([p + s * d for p, d in zip(claim.point(), v, strict=True)]) for s in (h, -h))
    return [(a - b) / (2 * h) for a, b in zip(right, left, strict=True)]


def relative_error(dout, Jv, gradient, v):
    """|<dout, J v> - <gradient, v>| over the sum of the absolute values of all their terms: between 0 and 1."""
    ahead = np.concatenate([np.ravel(a * b) for a, b in zip(dout, Jv, strict=True)])
    back = np.concatenate([np.ravel(a * b) for a, b in zip(gradient, v, strict=True)])
    scale = np.abs(ahead).sum() + np.abs(back).sum()
    return 0.0 if scale == 0 else float(abs(ahead.sum() - back.sum()) / scale)


def blame(claim, complex_error, central_error):
    """What is wrong and where: the same check, along one input or parameter at a time."""
    wrong = []
    for i, name in enumerate(claim.names):
        v = [d if i == j else np.zeros_like(d) for j, d in enumerate(claim.direction())]
        by_complex, by_central = errors(claim, v)
        if not by_complex <= TOLERANCE:
            how = ("by the complex step alone: the forward is not analytic, look for abs or where"
                   if by_central <= CENTRAL_TOLERANCE else f"relative error {by_complex:.1e}")
            wrong.append(f"{name} ({how})")
    return (f"the gradient is wrong for {', '.join(wrong) or 'no input or parameter by itself'}. Along a random "
            "direction v of all of them, <backward(dout), v> and <dout, J v> should be one number; divided by the sum "
            f"of the absolute values of their terms, they differ by {complex_error:.1e} where J v is the complex step "
            f"(allowed: {TOLERANCE:.0e}), by {central_error:.1e} where it is the central difference "
            f"({CENTRAL_TOLERANCE:.0e})")
