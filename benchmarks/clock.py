"""Wall time by name."""

import collections
import contextlib
import threading
import time


class Clock:
    """Seconds by name, of the thread that made it. What runs within something else is counted for itself alone."""

    def __init__(self):
        self.seconds, self.inner, self.thread = collections.Counter(), [0.0], threading.get_ident()

    @contextlib.contextmanager
    def at(self, name):
        """Within, time counts for `name`, but for that within another `at`."""
        if threading.get_ident() != self.thread:
            yield
            return
        self.inner.append(0.0)
        start = time.perf_counter()
        try:
            yield
        finally:
            whole = time.perf_counter() - start
            self.seconds[name] += whole - self.inner.pop()
            self.inner[-1] += whole

    def timed(self, name, function):
        """The function, each of its calls counted."""
        def call(*inputs, **constants):
            with self.at(name):
                return function(*inputs, **constants)
        return call
