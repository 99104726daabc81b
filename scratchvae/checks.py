"""What is refused, before any work is done: one sentence that names the argument, what was given, what is allowed."""

import math


def require_same_shape(**arrays):
    """ValueError, in one sentence, unless all arrays have the shape of the first (broadcasting would be silent)."""
    (first, a), *others = arrays.items()
    for name, b in others:
        if b.shape != a.shape:
            raise ValueError(f"{name} must have the shape of {first}, {a.shape}, but has {b.shape}")


def require_positive(**named):
    """The value, or a ValueError in one sentence if it is not a positive number: require_positive(sigma=sigma)."""
    ((name, value),) = named.items()
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} must be positive, but is {value}")
    return value
