"""Proof that a backward is the derivative of its forward.

For a random direction v and random gradients dout, the same number is computed twice:

    <dout, J v>               J v = Im f(p + i h v) / h, the complex step: no subtraction, so no rounding trade-off
    <backward(dout), v>       what the hand-written way back says

over all inputs and parameters p at once. The two agree to machine precision or the backward is wrong.
Squire & Trapp 1998, "Using complex variables to estimate derivatives of real functions".

What no gradient check sees: a wrong forward with a backward that is consistently wrong. Test distributions too.
"""

import contextlib
import dataclasses
import functools

import numpy as np

from .core import Module

TOLERANCE = 1e-12            # complex step, relative to the sum of the absolute terms of the two inner products
CENTRAL_TOLERANCE = 1e-6     # central differences, the same; their best h loses half of the digits


class ProofError(AssertionError):
    """A backward that is not the derivative of its forward, or that breaks a law of core.py."""


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

    Checked in float64 at `inputs` and at a random point near the parameters: the gradient (complex step, and central
    differences as a second opinion), that backward can be called again and is linear, that forward may be called
    elsewhere before going back, that nothing given is changed, and that float32 in gives float32 out.
    Raises ProofError, in a sentence that says which input or parameter is wrong.
    """
    claim = Claim(f, inputs, constants, np.random.default_rng(seed))
    with claim.parameters_as(np.float64):
        claim.check_laws()
        errors = claim.errors(claim.directions())
        if not (errors[0] <= TOLERANCE and errors[1] <= CENTRAL_TOLERANCE):
            raise ProofError(f"{claim.name}: {claim.blame(errors)}")
    with claim.parameters_as(np.float32):
        claim.check_float32()
    return Proof(claim.name, *errors)


class Claim:
    """f at a point: its inputs and parameters as one list of arrays, its outputs, its gradient there."""

    def __init__(self, f, inputs, constants, rng):
        owner = f if isinstance(f, Module) else getattr(f, "__self__", None)
        self.name = getattr(f, "__qualname__", type(f).__name__)
        self.forward = f.forward if isinstance(f, Module) else f
        self.inputs = [np.array(x, np.float64) for x in inputs]
        self.constants = constants
        self.parameters = owner.parameters() if isinstance(owner, Module) else {}
        self.names = [f"input {i}" for i in range(len(inputs))] + list(self.parameters)
        self.rng = rng

    @contextlib.contextmanager
    def parameters_as(self, dtype):
        """The parameters in another precision and away from special values such as 0, for a while."""
        saved = [(p, p.value, p.grad) for p in self.parameters.values()]
        for p in self.parameters.values():
            p.value = (p.value + 0.1 * self.rng.standard_normal(p.value.shape)).astype(dtype)
            p.grad = np.zeros_like(p.value)
        try:
            yield
        finally:
            for p, p.value, p.grad in saved:
                pass

    @property
    def point(self):
        return [*self.inputs, *(p.value for p in self.parameters.values())]

    def run(self, inputs, dtype):
        """(outputs as a tuple, backward) of the real forward."""
        y, backward = self.forward(*(x.astype(dtype) for x in inputs), **recast(self.constants, dtype))
        return y if isinstance(y, tuple) else (y,), backward

    def value_at(self, point, dtype):
        """The outputs with the parameters, for a moment, elsewhere."""
        here = [p.value for p in self.parameters.values()]
        n = len(self.inputs)
        try:
            for p, p.value in zip(self.parameters.values(), point[n:], strict=True):
                pass
            y, _ = self.forward(*point[:n], **recast(self.constants, dtype))
        finally:
            for p, p.value in zip(self.parameters.values(), here, strict=True):
                pass
        return y if isinstance(y, tuple) else (y,)

    def pull(self, backward, dout):
        """backward(dout): the gradients of all inputs and parameters, as a list."""
        for p in self.parameters.values():
            p.grad[...] = 0
        dx = backward(*(d.copy() for d in dout))
        dx = () if dx is None else dx if isinstance(dx, tuple) else (dx,)
        if [d.shape for d in dx] != [x.shape for x in self.inputs]:
            raise ProofError(f"{self.name}: backward must return one gradient per positional input, of shapes "
                             f"{[x.shape for x in self.inputs]}, but returned {[d.shape for d in dx]}")
        return [*dx, *(p.grad.copy() for p in self.parameters.values())]

    def directions(self):
        return [self.rng.standard_normal(p.shape) for p in self.point]

    def errors(self, v):
        """(complex step, central difference): relative errors of the gradient along v."""
        outputs, backward = self.run(self.inputs, np.float64)
        dout = [self.rng.standard_normal(y.shape) for y in outputs]
        gradient = self.pull(backward, dout)
        return (relative_error(dout, self.complex_step(v), gradient, v),
                min(relative_error(dout, self.central_difference(v, h), gradient, v) for h in (1e-4, 1e-5, 1e-6)))

    def complex_step(self, v, h=1e-30):
        """J v = Im f(p + i h v) / h"""
        outputs = self.value_at([p + 1j * h * d for p, d in zip(self.point, v, strict=True)], np.float64)
        return [y.imag / h for y in outputs]

    def central_difference(self, v, h):
        """J v = (f(p + h v) - f(p - h v)) / 2 h.  The best of several h: where a ReLU folds within h it is wrong."""
        plus, minus = (self.value_at([p + s * h * d for p, d in zip(self.point, v, strict=True)], np.float64)
                       for s in (1, -1))
        return [(a - b) / (2 * h) for a, b in zip(plus, minus, strict=True)]

    def blame(self, errors):
        """Which inputs and parameters have a wrong gradient: the same check, one of them at a time."""
        wrong = []
        for i, name in enumerate(self.names):
            v = [d if i == j else np.zeros_like(d) for j, d in enumerate(self.directions())]
            complex_error, central_error = self.errors(v)
            if not complex_error <= TOLERANCE:
                wrong.append(f"{name} (off by {complex_error:.1e})" if not central_error <= CENTRAL_TOLERANCE else
                             f"{name} (by the complex step only: is the forward analytic? no abs, where on complex)")
        return (f"complex step and backward differ by {errors[0]:.1e}, central difference and backward by "
                f"{errors[1]:.1e}; the gradient is wrong for {', '.join(wrong) or 'a combination of inputs'}")

    def check_laws(self):
        outputs, backward = self.run(self.inputs, np.float64)
        self.run([x + 1 for x in self.inputs], np.float64)              # used elsewhere before going back
        dout1, dout2 = ([self.rng.standard_normal(y.shape) for y in outputs] for _ in range(2))
        dout3 = [a + 3 * b for a, b in zip(dout1, dout2, strict=True)]
        g1, again, g2, g3 = (self.pull(backward, d) for d in (dout1, dout1, dout2, dout3))
        for name, a, a_again, b, c in zip(self.names, g1, again, g2, g3, strict=True):
            if not np.array_equal(a, a_again):
                raise ProofError(f"{self.name}: backward called twice gives two different gradients of {name}")
            if not np.allclose(a + 3 * b, c, rtol=1e-9, atol=1e-9 * max(1, np.abs(c).max(initial=0))):
                raise ProofError(f"{self.name}: backward is not linear in the gradient that comes in, at {name}")
        self.check_nothing_given_is_changed(backward, dout1)

    def check_nothing_given_is_changed(self, backward, dout):
        self.pull(backward, dout)
        once = [p.grad.copy() for p in self.parameters.values()]
        kept = [d.copy() for d in dout]
        backward(*kept)
        if any(not np.array_equal(d, k) for d, k in zip(dout, kept, strict=True)):
            raise ProofError(f"{self.name}: backward changes the gradient that it is given")
        for (name, p), g in zip(self.parameters.items(), once, strict=True):
            if not np.allclose(p.grad, 2 * g, rtol=1e-12, atol=0):
                raise ProofError(f"{self.name}: backward must add to the gradient of {name}, not overwrite it")

    def check_float32(self):
        outputs, backward = self.run(self.inputs, np.float32)
        gradient = self.pull(backward, [np.ones_like(y) for y in outputs])
        made = [("an output", y) for y in outputs] + list(zip(self.names, gradient, strict=True))
        for name, a in made:
            if a.dtype != np.float32:
                raise ProofError(f"{self.name}: with float32 inputs, {name} became {a.dtype}")


def relative_error(dout, Jv, gradient, v):
    """|<dout, J v> - <gradient, v>| over the sum of the absolute values of all their terms."""
    forward_terms = [d * j for d, j in zip(dout, Jv, strict=True)]
    backward_terms = [g * d for g, d in zip(gradient, v, strict=True)]
    total = functools.partial(sum_all, np.asarray)
    size = functools.partial(sum_all, np.abs)
    scale = size(forward_terms) + size(backward_terms)
    return float(abs(total(forward_terms) - total(backward_terms)) / scale) if scale != 0 else 0.0


def sum_all(f, arrays):
    return sum(f(a).sum() for a in arrays)


def recast(constants, dtype):
    """Floating-point constants in the given precision; others as they are."""
    return {name: c.astype(dtype) if isinstance(c, np.ndarray) and c.dtype.kind == "f" else c
            for name, c in constants.items()}
