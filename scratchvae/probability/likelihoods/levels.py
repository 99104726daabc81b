"""Pixels as whole numbers: x in [0, 1] that lies on K levels, and the number of its level."""

import numpy as np

from .likelihood import require_unit_interval


def level_of(x, levels):
    """k = 0..K-1 of x = k / (K - 1): whole numbers (int64), of the shape of x."""
    return np.rint(x * (levels - 1)).astype(np.int64)


def require_on_levels(x, name, levels):
    """ValueError unless every x is one of the K values k / (K - 1) in [0, 1]."""
    require_unit_interval(x, name)
    off = np.abs(x * (levels - 1) - level_of(x, levels)).max()
    if off > 1e-3:
        raise ValueError(f"{name} must lie on {levels} levels k / {levels - 1}, but an entry is {off:.3f} of a step "
                         "away; was noise added to it?")


def require_levels(levels):
    """The number of levels; ValueError unless it is a whole number from 2 on."""
    if not (isinstance(levels, int) and levels >= 2):
        raise ValueError(f"levels must be a whole number from 2 on, but is {levels!r}")
    return levels
