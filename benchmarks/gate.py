"""Before anything is timed: both libraries give the same loss and gradients, from the same weights, data and noise.

    python -m benchmarks.gate WORKLOAD ...

Both in float64; there PyTorch's own numbers differ from one run to the next by some 1e-10 where MKL works with several
threads. In float32, in which the race is run, only the loss is held to a number: of millions of ReLU units some lie so
near to 0 that rounding decides, and their gradients with them.
"""

import sys

import numpy as np
import torch

from scratchvae.datasets import pixels

from . import theirs
from .workloads import WORKLOADS

TOLERANCE = {"float64": 1e-8, "float32": 1e-5}            # relative


def distances(workload, dtype):
    """{what: |ours - theirs| / |theirs|}, of the losses of a batch, and of the gradient of each parameter"""
    model = workload.model(dtype)
    twin = theirs.twin(workload.kind, model)
    x = pixels(workload.images()[:workload.batch], dtype=dtype)
    noise = model.noise(x, np.random.default_rng(1))
    terms, backward = model.forward(x=x, **noise)
    weights = [(workload.weights or {}).get(name, 1) for name in model.terms]
    backward(*(np.full_like(term, w / len(x)) for term, w in zip(terms, weights, strict=True)))
    loss = twin(torch.from_numpy(x), torch.from_numpy(noise["eps"]))
    loss.mean().backward()
    total = sum(w * term for w, term in zip(weights, terms, strict=True))
    return {"loss": distance(torch.from_numpy(total), loss.detach())} | {
        name: distance(theirs.as_theirs(ours.grad, p), p.grad)
        for (name, ours), p in zip(model.parameters().items(), twin.parameters(), strict=True)}


def distance(a, b):
    return float(torch.linalg.vector_norm(a - b) / torch.linalg.vector_norm(b))


def check(name):
    """Print what was found; end, in a sentence, if the two are not the same."""
    double, single = (distances(WORKLOADS[name], dtype) for dtype in (np.float64, np.float32))
    worst = max(double, key=double.get)
    print(f"{name}: losses and {len(double) - 1} gradients agree to {double[worst]:.0e} in float64; in float32 the "
          f"losses agree to {single['loss']:.0e}, the gradients to {max(single.values()):.0e}")
    if not (double[worst] <= TOLERANCE["float64"] and single["loss"] <= TOLERANCE["float32"]):
        sys.exit(f"{name}: {worst} differs from PyTorch's; nothing was timed")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        check(name)
