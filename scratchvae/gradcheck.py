"""Proof that a backward is the derivative of its forward.

For a random direction v and random gradients dout, the same number is computed twice:

    <dout, J v>               J v = Im f(p + i h v) / h, the complex step: no subtraction, so no rounding trade-off
    <backward(dout), v>       what the hand-written way back says

over all inputs and parameters p at once. The two agree to machine precision or the backward is wrong.
Squire & Trapp 1998, "Using complex variables to estimate derivatives of real functions".

What no gradient check sees: a wrong forward with a backward that is consistently wrong. Test distributions too.
"""

import dataclasses

import numpy as np

from .claim import Claim, ProofError

TOLERANCE = 1e-12            # complex step, relative to the sum of the absolute terms of the two inner products
CENTRAL_TOLERANCE = 1e-6     # central differences, the same; at their best h they keep about half of the digits

__all__ = ["Proof", "ProofError", "prove"]


@dataclasses.dataclass(frozen=True)
class Proof:
    """What was proven, and by how little it missed (relative errors)."""

    name: str
    complex_step: float
    central_difference: float

    def __str__(self):
        return f"{self.name}: complex step {self.complex_step:.1e}, central difference {self.central_difference:.1e}"


def prove(f, *inputs, seed=0, **constants):
    """Prove the backward of a node, a Module or a method of a Module (`vae.negative_elbo`); -> Proof.

    At `inputs` and a random point near the parameters: the gradient (complex step, and central differences as a
    second opinion), that backward may be called again, after other forwards, and is linear, that nothing given is
    changed and gradients are added to, and that float32 in gives float32 out.
    Raises ProofError, in a sentence that says which input or parameter is wrong.
    """
    claim = Claim(f, inputs, constants, np.random.default_rng(seed))
    with claim.parameters_as(np.float64):
        check_backward_again(claim)
        check_nothing_given_changes(claim)
        complex_error, central_error = errors(claim, claim.draw_like(claim.point()))
        if not (complex_error <= TOLERANCE and central_error <= CENTRAL_TOLERANCE):
            raise ProofError(f"{claim.name}: {blame(claim, complex_error, central_error)}")
    with claim.parameters_as(np.float32):
        check_float32(claim)
    return Proof(claim.name, complex_error, central_error)


def errors(claim, v):
    """(complex step, central difference): how far the gradient along v is from each."""
    outputs, backward = claim.run(claim.inputs)
    claim.value_at([0.9 * p for p in claim.point()])        # law 1: used elsewhere, before going back
    dout = claim.draw_like(outputs)
    gradient = claim.pull(backward, [d.copy() for d in dout])
    return (relative_error(dout, complex_step(claim, v), gradient, v),
            min(relative_error(dout, central_difference(claim, v, h), gradient, v) for h in (1e-4, 1e-5, 1e-6, 1e-7)))


def complex_step(claim, v, h=1e-30):
    """J v = Im f(p + i h v) / h"""
    return [y.imag / h for y in claim.value_at([p + 1j * h * d for p, d in zip(claim.point(), v, strict=True)])]


def central_difference(claim, v, h):
    """J v = (f(p + h v) - f(p - h v)) / 2 h, wrong where a ReLU folds within h: so several h are tried."""
    right, left = (claim.value_at([p + s * d for p, d in zip(claim.point(), v, strict=True)]) for s in (h, -h))
    return [(a - b) / (2 * h) for a, b in zip(right, left, strict=True)]


def relative_error(dout, Jv, gradient, v):
    """|<dout, J v> - <gradient, v>| over the sum of the absolute values of all their terms."""
    ahead = np.concatenate([np.ravel(a * b) for a, b in zip(dout, Jv, strict=True)])
    home = np.concatenate([np.ravel(a * b) for a, b in zip(gradient, v, strict=True)])
    scale = np.abs(ahead).sum() + np.abs(home).sum()
    return 0.0 if scale == 0 else float(abs(ahead.sum() - home.sum()) / scale)


def blame(claim, complex_error, central_error):
    """What is wrong and where: the same check, along one input or parameter at a time."""
    wrong = []
    for i, name in enumerate(claim.names):
        v = [d if i == j else np.zeros_like(d) for j, d in enumerate(claim.draw_like(claim.point()))]
        by_complex, by_central = errors(claim, v)
        if not by_complex <= TOLERANCE:
            wrong.append(f"{name} (off by {by_complex:.1e})" if not by_central <= CENTRAL_TOLERANCE else
                         f"{name} (says the complex step alone: the forward is not analytic, look for abs or where)")
    return (f"the gradient is wrong for {', '.join(wrong) or 'no input by itself'}; backward is {complex_error:.1e} "
            f"from the complex step and {central_error:.1e} from the central difference")


def check_backward_again(claim):
    """Law 3: backward may be called again, and is linear in what comes in."""
    outputs, backward = claim.run(claim.inputs)
    first, second = claim.draw_like(outputs), claim.draw_like(outputs)
    both = [a + 3 * b for a, b in zip(first, second, strict=True)]
    of_first, again, of_second, of_both = (claim.pull(backward, [d.copy() for d in dout])
                                           for dout in (first, first, second, both))
    for name, a, a_again, b, ab in zip(claim.names, of_first, again, of_second, of_both, strict=True):
        if not np.array_equal(a, a_again):
            raise ProofError(f"{claim.name}: backward called twice gives two different gradients of {name}")
        if not np.allclose(a + 3 * b, ab, rtol=1e-9, atol=1e-9 * np.abs(ab).max(initial=0)):
            raise ProofError(f"{claim.name}: backward is not linear in the gradient that comes in, at {name}")


def check_nothing_given_changes(claim):
    """Law 4: inputs, constants and incoming gradients stay as they were, and Parameter.grad is added to."""
    given = [*claim.inputs, *(c for c in claim.constants.values() if isinstance(c, np.ndarray))]
    before = [a.copy() for a in given]
    outputs, backward = claim.run(claim.inputs)
    dout = claim.draw_like(outputs)
    kept = [d.copy() for d in dout]
    once = claim.pull(backward, dout)[len(claim.inputs):]
    if not all(map(np.array_equal, dout, kept)):
        raise ProofError(f"{claim.name}: backward changes the gradient that it is given")
    if not all(map(np.array_equal, given, before)):
        raise ProofError(f"{claim.name}: forward or backward changes an array that it is given")
    backward(*dout)
    for (name, p), g in zip(claim.parameters.items(), once, strict=True):
        if not np.allclose(p.grad, 2 * g, rtol=1e-12, atol=1e-12 * np.abs(g).max(initial=0)):
            raise ProofError(f"{claim.name}: backward must add to the gradient of {name}, not overwrite it")


def check_float32(claim):
    """float32 in, float32 out and back, and finite: no constant may make the arrays float64."""
    outputs, backward = claim.run([x.astype(np.float32) for x in claim.inputs], np.float32)
    gradient = claim.pull(backward, [np.ones_like(y) for y in outputs])
    for name, a in [*(("an output", y) for y in outputs), *zip(claim.names, gradient, strict=True)]:
        if a.dtype != np.float32:
            raise ProofError(f"{claim.name}: with float32 inputs, {name} became {a.dtype}")
        if not np.isfinite(a).all():
            raise ProofError(f"{claim.name}: with float32 inputs, {name} is not finite")
