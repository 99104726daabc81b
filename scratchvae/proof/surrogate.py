"""The function whose derivative a backward computes, where that is not its own forward.

Of a straight-through estimator, of DReG, of everything with a stop-gradient, the paper says what backward is the
derivative of: a surrogate, a formula in which something is held fixed.
"""

import contextlib
import copy

from ..core import Module

_stop = None           # what stop_gradient does; None: nothing, for no Surrogate is being called


def stop_gradient(value):
    """sg(value) of the papers: the value, and no derivative. PyTorch calls it `detach`.

        prove(straight_through, p, hard=hard, as_if=lambda p, hard: p + stop_gradient(hard - p))

    Inside of a surrogate that `prove` was given: what was computed at the point of the proof, at every other point too.
    `value` is an array, or a Module, whose parameters then stay as they are at that point. Elsewhere: `value` itself.
    """
    return value if _stop is None else _stop(value)


class Surrogate:
    """A node, a Module, a method of one, or an ordinary function of inputs and constants that gives only values.

    The first call is at the point of the proof; what stop_gradient gives there, it gives in every later call.
    """

    def __init__(self, f):
        self.f = f.forward if isinstance(f, Module) else f
        self.stopped = None

    def __call__(self, *inputs, **constants):
        """[outputs]"""
        if self.stopped is None:
            self.stopped = []
            stop = self.remember
        else:
            remembered = iter(self.stopped)
            stop = lambda value: next(remembered)      # noqa: E731
        with stopping(stop):
            result = self.f(*inputs, **constants)
        y = result[0] if has_contract_of_forward(result) else result
        return list(y) if isinstance(y, tuple) else [y]

    def remember(self, value):
        self.stopped.append(copy.deepcopy(value))
        return self.stopped[-1]


@contextlib.contextmanager
def stopping(stop):
    """Inside, stop_gradient is `stop`."""
    global _stop
    before, _stop = _stop, stop
    try:
        yield
    finally:
        _stop = before


def has_contract_of_forward(result):
    """Whether it is (value, backward)."""
    return isinstance(result, tuple) and len(result) == 2 and callable(result[1])
