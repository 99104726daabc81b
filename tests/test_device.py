"""Every node and every model on a device: the values and gradients of the host, at every line of PROOFS.

Each test runs twice: with the pretend device of pretend.py, everywhere; and, where CuPy finds a GPU, on that.
"""

import copy
import sys

import numpy as np
import pretend
import pytest

from scratchvae import backend, models, proofs
from scratchvae.backend import to_device, to_host
from scratchvae.core import Module


@pytest.fixture(params=["pretend", pytest.param("gpu", marks=pytest.mark.gpu)])
def device(request, monkeypatch):
    """The pretend device, or a real one."""
    if request.param == "pretend":
        monkeypatch.setitem(sys.modules, "cupy", pretend.cupy())
        return
    try:
        backend.gpu()
    except ValueError as reason:
        pytest.skip(str(reason))


def in_precision(dtype, thing):
    """An array of floats, or all that a Module learns, in this precision; anything else as it is."""
    if isinstance(thing, Module):
        return backend.move(thing, lambda a: in_precision(dtype, a))
    return thing.astype(dtype) if isinstance(thing, np.ndarray) and thing.dtype.kind == "f" else thing


def moved(thing):
    return to_device(thing) if isinstance(thing, (np.ndarray, Module)) else thing


def owner_of(f):
    return f if isinstance(f, Module) else getattr(f, "__self__", None)


def there_and_back(f, inputs, constants, dout=None):
    """(outputs, gradients of the inputs and the parameters, dout) of a node, a Module or a method of one."""
    y, backward = (f.forward if isinstance(f, Module) else f)(*inputs, **constants)
    y = y if isinstance(y, tuple) else (y,)
    if dout is None:
        rng = np.random.default_rng(0)
        dout = [rng.standard_normal(a.shape).astype(a.dtype) for a in y]
    parameters = owner_of(f).parameters().values() if isinstance(owner_of(f), Module) else []
    for p in parameters:
        p.grad[...] = 0
    dx = backward(*dout)
    dx = () if dx is None else dx if isinstance(dx, tuple) else (dx,)
    return y, [*dx, *(p.grad for p in parameters)], dout


def same_there(f, *inputs, **constants):
    """In the place of `prove`: what f gives on the device is what it gives on the host, up to rounding.

    In float64 to 1e-12 of the largest number. In float32 the device may be no further from the float64 result than
    ten times the host is, or ten roundings of the largest number: so an ill-conditioned node is asked no more than it
    can give, on either side.
    """
    results = {}
    for dtype in (np.float64, np.float32):
        g = copy.deepcopy(f)                                             # a method is copied with its owner
        in_precision(dtype, owner_of(g))
        given = [in_precision(dtype, np.asarray(x)) for x in inputs]
        told = {name: in_precision(dtype, c) for name, c in constants.items()}
        y, gradients, dout = there_and_back(g, given, told)
        here = [np.copy(a) for a in (*y, *gradients)]
        moved(owner_of(g))
        y, gradients, _ = there_and_back(g, [moved(x) for x in given], {k: moved(c) for k, c in told.items()},
                                         [moved(d) for d in dout])
        assert not any(isinstance(a, np.ndarray) for a in (*y, *gradients))
        there = [to_host(a) for a in (*y, *gradients)]
        assert [(a.dtype, a.shape) for a in here] == [(a.dtype, a.shape) for a in there]
        results[dtype] = here, there
    for exact, there64, here32, there32 in zip(*results[np.float64], *results[np.float32], strict=True):
        largest = np.abs(exact).max(initial=0)
        assert np.abs(there64 - exact).max(initial=0) <= 1e-12 * largest
        rounding = max(np.abs(here32 - exact).max(initial=0), np.finfo(np.float32).eps * largest)
        assert np.abs(there32 - exact).max(initial=0) <= 10 * rounding


# the proof of DReG is one of a node made for it, around the model; here the model itself is looked at
LINES = {**proofs.PROOFS, models.DReG: lambda t: t.prove_model(t.iwae(models.DReG))}


@pytest.mark.parametrize("thing", LINES, ids=lambda thing: thing.__qualname__)
def test_every_line_of_the_proofs_is_the_same_on_the_device(thing, device, monkeypatch):
    monkeypatch.setattr(proofs, "prove", same_there)
    for i in range(3):
        LINES[thing](proofs.Draw(np.random.default_rng([0, i])))
