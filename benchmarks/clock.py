"""Wall time by name."""

import collections
import contextlib
import time


class Clock:
    """Seconds by name. What runs within something else is counted for itself alone."""

    def __init__(self):
        self.seconds, self.inner = collections.Counter(), [0.0]

    @contextlib.contextmanager
    def at(self, name):
        """Within, time counts for `name`, but for that within another `at`."""
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
