"""What the laws of core.py ask of a backward, beside being right."""

import numpy as np

from .claim import ProofError


def check_backward_again(claim):
    """Law 3: backward may be called again, and is linear in the gradient that it is given."""
    outputs, backward = claim.run(claim.inputs)
    first, second = claim.draw_like(outputs), claim.draw_like(outputs)
    both = [a + 3 * b for a, b in zip(first, second, strict=True)]
    of_first, again, of_second, of_both = (claim.pull(backward, [d.copy() for d in dout])
                                           for dout in (first, first, second, both))
    for name, a, a_again, b, ab in zip(claim.names, of_first, again, of_second, of_both, strict=True):
        if not np.array_equal(a, a_again):
            raise ProofError(f"{claim.name}: backward called twice gives two different gradients of {name}")
        if not np.allclose(a + 3 * b, ab, rtol=1e-9, atol=1e-9 * np.abs(ab).max(initial=0)):
            raise ProofError(f"{claim.name}: backward is not linear in the gradient that it is given, at {name}")


def check_nothing_given_changes(claim):
    """Law 4: inputs, constants and given gradients stay as they were, and Parameter.grad is added to."""
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


def check_what_does_not_learn(claim):
    """Of parameters that are not among those of `of` the gradient is 0, exactly."""
    if all(claim.learns):
        return
    outputs, backward = claim.run(claim.inputs)
    gradient = claim.pull(backward, claim.draw_like(outputs))
    for name, g, learns in zip(claim.names, gradient, claim.learns, strict=True):
        if not learns and g.any():
            raise ProofError(f"{claim.name}: the gradient of {name} must be exactly 0, for it is no parameter of `of`, "
                             f"but its largest entry is {np.abs(g).max():.1e}")


def check_float32(claim):
    """float32 in, float32 out, of forward and backward, and finite: no constant may make the arrays float64."""
    outputs, backward = claim.run([x.astype(np.float32) for x in claim.inputs], np.float32)
    gradient = claim.pull(backward, [np.ones_like(y) for y in outputs])
    for name, a in [*(("an output", y) for y in outputs), *zip(claim.names, gradient, strict=True)]:
        if a.dtype != np.float32:
            raise ProofError(f"{claim.name}: with float32 inputs, {name} became {a.dtype}")
        if not np.isfinite(a).all():
            raise ProofError(f"{claim.name}: with float32 inputs, {name} is not finite")
