"""Several processes, one model: each computes its rows of the batch, and their gradients are added.

Parameters, buffers and moments lie in memory that forked processes share; each process has a gradient of its own. A
step is

    forward and backward of the own rows | barrier | add the gradients and update, each its own blocks | barrier
"""

import contextlib

import numpy as np
from threadpoolctl import threadpool_limits

from ..flat import FlatParameter
from ..optimizers import add_up, shares, update_blocks
from .executor import Executor
from .family import Family
from .shared import require_shared_memory, share, shared_zeros


class Processes(Executor):
    """`workers` processes, two or more, at one optimizer."""

    def __init__(self, model, turn, workers):
        require_shared_memory(workers)
        super().__init__(model, f"{workers} processes")
        self.workers, self.family = workers, Family(workers)
        share(model, turn.optimizer)
        self.buffers = [(buffer, buffer.value) for buffer in model.buffers().values()]
        self.theta = theta = turn.optimizer.theta
        self.gradients = [theta.grad, *(shared_zeros(theta.value.shape, model.dtype) for _ in range(workers - 1))]
        self.sums = shared_zeros((workers, len(turn.terms)), np.float64)
        self.asked = shared_zeros(1, np.int64)

    @contextlib.contextmanager
    def at_work(self, interrupted):
        """Within, every process runs the block, each with its own `rank`; after it, only the first goes on."""
        self.interrupted = interrupted
        self.keep_buffers_shared()
        with threadpool_limits(1), self.family.at_work():
            self.rank = self.family.rank
            if self.rank:
                self.theta = FlatParameter(self.model, self.theta.value, self.gradients[self.rank])
                self.theta.zero_grad()
            yield

    def rows(self, rows):
        return np.array_split(rows, self.workers)[self.rank]

    def forward(self, method, constants):
        return getattr(self.model, method)(**constants)

    def all_reduce(self, sums):
        self.sums[self.rank] = sums
        self.theta.write_zeros()
        if self.rank == 0:
            self.asked[0] = self.interrupted()
        self.family.barrier()
        self.stop = bool(self.asked[0])
        return self.sums.sum(axis=0).tolist()

    def update(self, optimizer, clip):
        gradients, total = self.gradients, self.gradients[0]
        own = shares(total, self.workers)[self.rank]
        if clip is not None:
            for block in own:
                add_up(gradients, block)
            self.family.barrier()
            norm = np.sqrt(np.vdot(total, total))
            self.family.barrier()
            for block in own:
                total[block] *= min(1.0, clip / float(norm)) if norm else 1.0
            gradients = [total]
        optimizer.advance()
        update_blocks(optimizer, gradients, own)
        self.family.barrier()
        self.theta.zero_grad()

    def after_step(self, constants):
        """The first process calls it, with its own examples; its Buffers are those of all."""
        if self.rank == 0:
            self.model.after_step(**constants)
            self.keep_buffers_shared()
        self.family.barrier()

    def keep_buffers_shared(self):
        """Copy into shared memory the buffers that were given a new array in place of a new content."""
        for buffer, shared in self.buffers:
            if buffer.value is not shared:
                shared[...] = buffer.value
                buffer.value = shared
