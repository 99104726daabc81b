"""A function of many pieces, computed by threads: a test set, a million draws of z, the chains of many images.

    for log_w in by_threads(weigh, pieces, threads_for_pieces(x, 500)):
        ...

Examples are independent (law 6), so that each piece is computed alone. Whoever makes the pieces draws their noise, one
piece after the other, and the results come in the same order: threads change no number.
"""

import collections
import contextvars
import itertools
import math
from concurrent.futures import ThreadPoolExecutor

from threadpoolctl import threadpool_info, threadpool_limits

from ..backend import on_host
from .parallel.choose import WORTH_IT

ROWS = 500      # rows of a decoder's output in a piece: what one thread makes of 784 pixels stays in its core's cache


def by_threads(function, pieces, threads):
    """Generates function(*piece) of each of the pieces, in their order, by that many threads.

    Each thread computes one piece at a time, its matrix products too; at most two pieces for each are in memory. What a
    piece raises is raised where its result is due.
    """
    if threads == 1:
        yield from itertools.starmap(function, pieces)
        return
    due = collections.deque()
    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
        for piece in pieces:
            due.append(pool.submit(contextvars.copy_context().run, function, *piece))
            if len(due) == 2 * threads:
                yield due.popleft().result()
        while due:
            yield due.popleft().result()


def threads_for_pieces(x, rows):
    """As many as NumPy has for a matrix product; one on a GPU, or where `rows` examples of x are little work."""
    if not on_host(x) or rows * math.prod(x.shape[1:]) < WORTH_IT:
        return 1
    return max((library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"), default=1)


def slices(n, size):
    """The slices of `size` rows, the last perhaps shorter, that together are n rows."""
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]
