"""One process, several threads: each computes its rows of the batch, where its calls of NumPy last long enough.

By itself NumPy shares nothing but matrix products among the cores. A thread of its own computes the activations and
the loss, too; but only one at a time runs Python, and to pass that on takes as long as a short call. So it is the size
of the model's nodes and of the batch that decides (choose.py).

Examples are independent (law 6), and gradients accumulate (law 4): so each thread has the model once more, with the
same values and a gradient of its own.
"""

import contextlib
import contextvars
import copy
import itertools
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from ...microbatches import rows_of
from ..flat import FlatParameter
from ..optimizers import add_up, clip_by_norm, shares, update_blocks
from .executor import Executor

LONG = 1 << 18              # elements of the flat vector that a thread takes a step of at a time, at most
INTERVAL = 1e-5             # seconds after which a thread that waits for its turn to run Python asks for it


class Threads(Executor):
    """`n` threads at one optimizer."""

    def __init__(self, model, optimizer, n):
        super().__init__(model, f"{n} threads")
        self.n, self.theta = n, optimizer.theta
        self.gradients = [np.zeros_like(self.theta.grad) for _ in range(n - 1)]
        self.shares = shares(self.theta.value, n, LONG)

    @contextlib.contextmanager
    def at_work(self, interrupted):
        """Within, the threads and their models are there, and a matrix product is one thread's."""
        self.interrupted = interrupted
        self.models = [self.model, *(replica(self.model) for _ in range(self.n - 1))]
        self.thetas = [self.theta]
        for model, gradient in zip(self.models[1:], self.gradients, strict=True):
            self.thetas.append(FlatParameter(model, self.theta.value, gradient))
            self.thetas[-1].zero_grad()
        interval = sys.getswitchinterval()
        with threadpool_limits(1), ThreadPoolExecutor(self.n - 1) as self.pool:
            sys.setswitchinterval(INTERVAL)
            try:
                yield
            finally:
                sys.setswitchinterval(interval)

    def forward(self, method, constants):
        rows = divide(len(constants["x"]), self.n)
        terms, backwards = zip(*self.share(
            lambda i: getattr(self.models[i], method)(**rows_of(constants, rows[i]))), strict=True)

        def backward(*dterms):
            self.share(lambda i: backwards[i](*(d[rows[i]] for d in dterms)))

        return tuple(np.concatenate(term) for term in zip(*terms, strict=True)), backward

    def update(self, optimizer, clip):
        gradients = [theta.grad for theta in self.thetas]
        if clip is not None:
            for block in itertools.chain(*self.shares):
                add_up(gradients, block)
            clip_by_norm(self.theta, clip)
            gradients = gradients[:1]
        optimizer.advance()
        self.share(lambda i: update_blocks(optimizer, gradients, self.shares[i]))
        for theta in self.thetas:
            theta.zero_grad()

    def share(self, work):
        """[work(0), work(1), ...], each in a thread of its own."""
        others = [self.pool.submit(contextvars.copy_context().run, work, i) for i in range(1, self.n)]
        return [work(0), *(other.result() for other in others)]


def divide(n_examples, n):
    """`n` slices that together are all examples; the first are longer by one where it does not come out even."""
    bounds = [i * (n_examples // n) + min(i, n_examples % n) for i in range(n + 1)]
    return [slice(start, stop) for start, stop in itertools.pairwise(bounds)]


def replica(model):
    """The model once more: the same values and the very same Buffers, and gradients of its own."""
    shared = [p.value for p in model.parameters().values()] + list(model.buffers().values())
    return copy.deepcopy(model, {id(thing): thing for thing in shared})


def can_be_replicated(model, method, example):
    """Whether gradients of a replica stay in it. They would not if a function in it held on to a part of the model."""
    gradients = [p.grad for p in model.parameters().values()]
    before = [gradient.copy() for gradient in gradients]
    with np.errstate(all="ignore"):
        terms, backward = getattr(replica(model), method)(**example)
        backward(*map(np.ones_like, terms))
    untouched = all(map(np.array_equal, gradients, before))
    for gradient, was in zip(gradients, before, strict=True):
        gradient[...] = was
    return untouched
