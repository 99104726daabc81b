"""One process, several threads: each takes its rows of the batch, where its calls of NumPy last long enough.

By itself NumPy shares nothing but matrix products among the cores. A thread of its own takes the activations and the
loss along too; but only one at a time runs Python, and to hand that on takes as long as a short call. So it is the
size of the model's nodes and of the batch that decides.

No example sees another (law 5), and gradients are added (law 4): so each thread has the model once more, with the same
values and a gradient of its own. Every sum has a fixed order: the same seed and the same number of threads give the
same bits.
"""

import contextlib
import contextvars
import copy
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from .diagnose import mean_node_size
from .flat import lay_out
from .optimizers import add_up, blocks, clip_by_norm

WORTH_IT = 1 << 15          # numbers that an average node makes in each thread: below, one thread is as fast
LONG = 1 << 18              # elements of the flat vector that a thread takes a step of at a time, at most
PATIENCE = 1e-5             # seconds after which a thread that waits for its turn to run Python asks for it


def threads_for(model, example, batch_size):
    """As many threads as NumPy has for a matrix product, or one; `example` is what `model.forward` takes, of one."""
    cores = max((library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"), default=1)
    worth_it = cores > 1 and batch_size // cores * mean_node_size(model, example) >= WORTH_IT
    return cores if worth_it and can_be_replicated(model, example) else 1


class OneThread:
    """One process and one thread at one optimizer: what a step needs of who takes it, see Threads and Team."""

    rank = 0

    def __init__(self, model, optimizer):
        self.model, self.optimizer = model, optimizer

    def rows(self, batch):
        """What of a batch of indices this process looks at: all."""
        return batch

    def forward(self, **constants):
        """The model's forward; each constant has a row for each example."""
        return self.model.forward(**constants)

    def meet(self, sums, stop):
        """(the sums of the terms, whether to stop), of all processes together."""
        return sums, stop

    def step(self, clip):
        """One step of the optimizer on the sum of all gradients, clipped to the norm `clip` if that is given."""
        if clip is not None:
            clip_by_norm(self.optimizer.theta, clip)
        self.optimizer.step()

    def at_work(self):
        """Steps are taken within this context."""
        return contextlib.nullcontext()


class Threads(OneThread):
    """`n` threads at one optimizer."""

    def __init__(self, model, optimizer, n):
        super().__init__(model, optimizer)
        total = optimizer.theta.grad
        self.n, self.gradients = n, [total, *(np.zeros_like(total) for _ in range(n - 1))]
        each = -(-total.size // (n * LONG))
        self.blocks = list(blocks(total, size=-(-total.size // (n * each))))        # as many for each thread

    def forward(self, **constants):
        parts = [dict(zip(constants, few, strict=True)) for few in self.deal(*constants.values())]
        terms, backwards = zip(*self.share(lambda i: self.models[i].forward(**parts[i])), strict=True)

        def backward(*dterms):
            dparts = self.deal(*dterms)
            self.share(lambda i: backwards[i](*dparts[i]))

        return tuple(np.concatenate(term) for term in zip(*terms, strict=True)), backward

    def step(self, clip):
        if clip is not None:
            for block in self.blocks:
                add_up(self.gradients, block)
            clip_by_norm(self.optimizer.theta, clip)
        self.optimizer.advance()
        self.share(lambda i: self.update(self.blocks[i::self.n]))

    def update(self, own):
        """The step of some blocks of theta."""
        for block in own:
            add_up(self.gradients, block)
            self.optimizer.update(block, self.gradients[0][block])

    @contextlib.contextmanager
    def at_work(self):
        """Within, the threads and their models are there, and a matrix product is one thread's."""
        self.models = [self.model, *(replica(self.model) for _ in range(self.n - 1))]
        for model, gradient in zip(self.models, self.gradients, strict=True):
            lay_out(model.parameters().values(), "grad", gradient)
        interval = sys.getswitchinterval()
        with threadpool_limits(1), ThreadPoolExecutor(self.n - 1) as self.pool:
            sys.setswitchinterval(PATIENCE)
            try:
                yield
            finally:
                sys.setswitchinterval(interval)

    def deal(self, *arrays):
        """For each thread its rows of the arrays."""
        return list(zip(*(np.array_split(a, self.n) for a in arrays), strict=True))

    def share(self, work):
        """[work(0), work(1), ...], each in a thread of its own."""
        others = [self.pool.submit(contextvars.copy_context().run, work, i) for i in range(1, self.n)]
        return [work(0), *(other.result() for other in others)]


def replica(model):
    """The model once more: parameters of the same values, the same arrays, and with gradients of their own."""
    shared = {id(p.value): p.value for p in model.parameters().values()}
    return copy.deepcopy(model, shared)


def can_be_replicated(model, example):
    """Whether gradients of a replica stay in it. They would not if a function in it held on to a part of the model."""
    gradients = [p.grad for p in model.parameters().values()]
    before = [gradient.copy() for gradient in gradients]
    with np.errstate(all="ignore"):
        terms, backward = replica(model).forward(**example)
        backward(*map(np.ones_like, terms))
    untouched = all(map(np.array_equal, gradients, before))
    for gradient, was in zip(gradients, before, strict=True):
        gradient[...] = was
    return untouched
