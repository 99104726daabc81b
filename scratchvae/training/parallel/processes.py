"""Several processes, one model: each computes its rows of the batch, and their gradients are added.

Parameters, buffers and moments lie in memory that forked processes share; each process has a gradient of its own. A
step is

    forward and backward of the own rows | barrier | add the gradients and update, each its own blocks | barrier

The processes live for one epoch and are ended with it, however it ends.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import warnings

import numpy as np
from threadpoolctl import threadpool_limits

from ..flat import lay_out
from ..optimizers import add_up, blocks
from .executor import Executor
from .shared import require_shared_memory, share, shared_zeros


class Processes(Executor):
    """`workers` processes, two or more, at one optimizer."""

    def __init__(self, model, turn, workers):
        require_shared_memory(workers)
        super().__init__(model, f"{workers} processes")
        self.workers, self.children, self.pipe = workers, [], None
        share(model, turn.optimizer)
        self.buffers = [(buffer, buffer.value) for buffer in model.buffers().values()]
        theta = turn.optimizer.theta
        self.gradients = [theta.grad, *(shared_zeros(theta.value.shape, model.dtype) for _ in range(workers - 1))]
        self.sums = shared_zeros((workers, len(turn.terms)), np.float64)
        self.arrived, self.asked = memoryview(shared_zeros(workers, np.int64)), shared_zeros(1, np.int64)

    def rows(self, rows):
        return np.array_split(rows, self.workers)[self.rank]

    def forward(self, method, constants):
        return getattr(self.model, method)(**constants)

    def all_reduce(self, sums):
        self.sums[self.rank] = sums
        if self.rank == 0:
            self.asked[0] = self.interrupted()
        self.barrier()
        self.stop = bool(self.asked[0])
        return self.sums.sum(axis=0).tolist()

    def update(self, optimizer, clip):
        total = self.gradients[0]
        own = list(blocks(total))[self.rank::self.workers]
        if clip is not None:
            for block in own:
                add_up(self.gradients, block)
            self.barrier()
            norm = np.sqrt(np.vdot(total, total))
            self.barrier()
            for block in own:
                total[block] *= min(1.0, clip / float(norm)) if norm else 1.0
        optimizer.advance()
        for block in own:
            add_up(self.gradients, block)
            optimizer.update(block, total[block])
        self.barrier()

    def after_step(self, constants):
        """The first process calls it, with its own examples; its Buffers are those of all."""
        if self.rank == 0:
            self.model.after_step(**constants)
            self.keep_buffers_shared()
        self.barrier()

    def keep_buffers_shared(self):
        """Copy into shared memory the buffers that were given a new array in place of a new content."""
        for buffer, shared in self.buffers:
            if buffer.value is not shared:
                shared[...] = buffer.value
                buffer.value = shared

    @contextlib.contextmanager
    def at_work(self, interrupted):
        """Within, every process runs the block, each with its own `rank`; after it, only the first goes on."""
        self.interrupted = interrupted
        self.arrived[:] = memoryview(np.zeros(self.workers, np.int64))
        self.round, parent = 0, os.getpid()
        self.keep_buffers_shared()
        with threadpool_limits(1):
            try:
                self.fork(parent)
                yield
            except BaseException as error:
                if self.rank:
                    self.pipe.send(error)
                raise
            finally:
                if self.rank:
                    os._exit(0)
                self.end_children()

    def fork(self, parent):
        for rank in range(1, self.workers):
            here, there = multiprocessing.Pipe()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)    # of fork beside threads: none of them is ours
                child = os.fork()
            if child == 0:
                signal.signal(signal.SIGINT, signal.SIG_IGN)           # Ctrl-C is for the first process to answer
                self.rank, self.parent, self.pipe, self.children = rank, parent, there, []
                lay_out(self.model.parameters().values(), "grad", self.gradients[rank])
                return
            self.children.append((child, here))

    def end_children(self):
        for child, _ in self.children:
            with contextlib.suppress(ProcessLookupError):
                if sys.exc_info()[0] is not None:
                    os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        self.children = []

    def barrier(self):
        """Go on when every process has come here. It spins: a sleep would take longer than a step."""
        self.round += 1
        self.arrived[self.rank] = self.round
        for other in range(self.workers):
            spins = 0
            while self.arrived[other] < self.round:
                spins += 1
                if spins % 1000 == 0:
                    self.check_others()
                    os.sched_yield()

    def check_others(self):
        """End if the first process is gone; raise here what another could not do."""
        if self.rank and os.getppid() != self.parent:
            os._exit(1)
        for _, pipe in self.children:
            if pipe.poll():
                try:
                    error = pipe.recv()
                except EOFError:
                    error = RuntimeError("a worker process has died; the training was stopped")
                raise error
