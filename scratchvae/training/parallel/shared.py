"""Memory that forked processes share."""

import mmap
import platform
import sys

import numpy as np

from ..flat import pack


def share(model, optimizer):
    """Move the parameters, the moments and the buffers to memory that forked processes share."""
    moments = {name: a for name, a in optimizer.state().items() if a.shape == optimizer.theta.value.shape}
    optimizer.theta = pack(model, shared_zeros)
    for name, a in moments.items():
        setattr(optimizer, name, shared_copy(a))
    for buffer in model.buffers().values():
        buffer.value = shared_copy(buffer.value)


def shared_copy(a):
    """The array, in memory that forked processes share."""
    moved = shared_zeros(a.shape, a.dtype)
    moved[...] = a
    return moved


def shared_zeros(shape, dtype):
    """An array of zeros that stays one and the same in forked processes."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(mmap.mmap(-1, size), dtype).reshape(shape)


def require_shared_memory(workers):
    """ValueError where processes do not share memory as these files need it."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise ValueError(f"workers can be more than 1 only on Linux on x86-64, but is {workers} on {sys.platform} "
                         f"on {platform.machine()}")
