"""Checks before any work is done: an error names the argument, what is allowed, and what was given."""

import math


def require_same_shape(**arrays):
    """ValueError unless all arrays have the shape of the first (broadcasting would be silent)."""
    (first, a), *others = arrays.items()
    for name, b in others:
        if b.shape != a.shape:
            raise ValueError(f"{name} must have the shape of {first}, {a.shape}, but has {b.shape}")


def require_positive(**named):
    """The value; ValueError unless it is positive and finite: require_positive(sigma=sigma)."""
    ((name, value),) = named.items()
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} must be positive, but is {value}")
    return value
