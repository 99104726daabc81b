"""A process and its children, forked from it: they run the same lines and wait for each other.

The children live for one block and are ended with it, however it ends.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import warnings

import numpy as np

from .shared import shared_zeros


class Family:
    """`size` processes, two or more; the first, of rank 0, is the parent of all others."""

    def __init__(self, size):
        self.size, self.rank, self.children, self.pipe = size, 0, [], None
        self.arrived = memoryview(shared_zeros(size, np.int64))

    @contextlib.contextmanager
    def at_work(self):
        """Within, every process runs the block, each with its own `rank`; after it, only the first goes on."""
        self.arrived[:] = memoryview(np.zeros(self.size, np.int64))
        self.round, parent = 0, os.getpid()
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
        """Start the children; each returns from here with a rank of its own."""
        for rank in range(1, self.size):
            here, there = multiprocessing.Pipe()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)    # of fork beside threads: none of them is ours
                child = os.fork()
            if child == 0:
                signal.signal(signal.SIGINT, signal.SIG_IGN)           # Ctrl-C is for the first process to answer
                self.rank, self.parent, self.pipe, self.children = rank, parent, there, []
                return
            self.children.append((child, here))

    def end_children(self):
        """Wait for the children, or kill them if an error is under way."""
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
        for other in range(self.size):
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
        for rank, (_, pipe) in enumerate(self.children, 1):
            if pipe.poll() and self.arrived[rank] < self.round:        # who has arrived may have ended: all is done
                try:
                    error = pipe.recv()
                except EOFError:
                    error = RuntimeError("a worker process has died; the training was stopped")
                raise error
