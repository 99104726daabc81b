"""One process, one thread."""

import contextlib

from ..optimizers import clip_by_norm
from .executor import Executor


class OneThread(Executor):
    """One thread of ours; NumPy may share a product of matrices among several of its own."""

    def __init__(self, model):
        super().__init__(model, "1 thread")

    @contextlib.contextmanager
    def at_work(self, interrupted):
        self.interrupted = interrupted
        yield

    def forward(self, method, constants):
        return getattr(self.model, method)(**constants)

    def update(self, optimizer, clip):
        if clip is not None:
            clip_by_norm(optimizer.theta, clip)
        optimizer.step()
