"""Minibatches: the examples in a random order, a few at a time."""


def minibatches(n, batch_size, rng):
    """Index arrays that together hold 0..n-1 once, in a random order; the last may be shorter than batch_size.

    Raises ValueError unless batch_size >= 1.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, but is {batch_size}")
    order = rng.permutation(n)
    return (order[start : start + batch_size] for start in range(0, n, batch_size))
