"""A node of ours and its twin, a function of tensors, at the same point: values, and gradients by autograd."""

import numpy as np
import pytest

from scratchvae.proof.claim import Claim

torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch, which `make parity` installs")


def agree(twin, f, *inputs, tolerance=1e-10, as_if=None, of=None, **constants):
    """f's outputs and the gradients of its inputs and parameters are those of `twin`, within `tolerance`, in float64.

    twin(owner, p, *inputs, **constants): owner is f or the Module that f is a method of, p(parameter) is the tensor of
    a Parameter. A value is measured against itself, a gradient against the largest of its array, both against 1 where
    they are smaller. `as_if` and `of`, which are for `prove`, the twin says for itself.
    """
    claim = Claim(f, inputs, constants, np.random.default_rng(0))
    with claim.parameters_as(np.float64):
        y, backward = claim.run(claim.inputs)
        dout = claim.draw_like(y)
        gradients = claim.pull(backward, dout)
        leaves = [tensor(a).requires_grad_() for a in claim.point()]
    tensors = {id(p): leaf for p, leaf in zip(claim.parameters.values(), leaves[len(inputs):], strict=True)}
    constants = {name: tensor(c) if isinstance(c, np.ndarray) else c for name, c in constants.items()}
    theirs = twin(getattr(f, "__self__", f), lambda p: tensors[id(p)], *leaves[:len(inputs)], **constants)
    theirs = theirs if isinstance(theirs, tuple) else (theirs,)
    for i, (a, b) in enumerate(zip(y, theirs, strict=True)):
        np.testing.assert_allclose(a, b.detach().numpy(), rtol=tolerance, atol=tolerance,
                                   err_msg=f"{claim.name}: output {i}")
    total = sum((b * tensor(d)).sum() for b, d in zip(theirs, dout, strict=True))
    expected = torch.autograd.grad(total, leaves, materialize_grads=True)
    for name, a, b in zip(claim.names, gradients, expected, strict=True):
        assert_gradient(a, b.numpy(), f"{claim.name}: d {name}", tolerance)


def tensor(a):
    """A copy of an array, as a tensor."""
    return torch.tensor(np.ascontiguousarray(a))


def assert_gradient(a, b, name, tolerance=1e-10):
    """Equal, measured against the largest of b, or against 1 where that is smaller."""
    np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1, np.abs(b).max(initial=0)), err_msg=name)
