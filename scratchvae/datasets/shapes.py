"""Pictures whose true factors are known: shape, scale, orientation and position, drawn from formulas.

    factors = every_combination()                          # (9600, 5): one row per picture
    x = draw(factors)                                      # (9600, 784), float32, black and white
    x = draw(random_factors(100, rng))                     # independent factors, each uniform

Like dSprites (Matthey et al. 2017), which has the same five factors, but small enough for a laptop, and without two
equal pictures: there, the square is rotated through 360 degrees, so that one picture has four orientations; here, every
shape is rotated by less than 90.
"""

import math

import numpy as np

FACTORS = {"shape": 3, "scale": 4, "orientation": 8, "x": 10, "y": 10}        # {name: number of values}
SHAPES = ("square", "ellipse", "heart")                                       # shape 0, 1, 2
RADII = (5.4, 6.7, 8.0, 9.3)                                                 # scale 0 to 3, in pixels
SIDE = 28                                                                     # as MNIST: the same models fit
CANVAS = SIDE + FACTORS["x"] - 1                                              # a SIDE x SIDE window slides over it


def every_combination():
    """All combinations of the values of the factors, (9600, 5), int64; the last factor changes fastest."""
    return np.indices(tuple(FACTORS.values())).reshape(len(FACTORS), -1).T


def random_factors(n, rng):
    """n independent draws of the factors, each uniform over its values, (n, 5), int64."""
    return rng.integers(0, list(FACTORS.values()), (n, len(FACTORS)))


def draw(factors):
    """The pictures (N, 784), float32, 1 inside the shape and 0 outside, of factors (N, 5), whole numbers.

    The columns are those of FACTORS: shape, scale, orientation (steps of 90 / 8 degrees, counterclockwise), x (steps of
    a pixel, rightwards), y (downwards). A shape tests each pixel's center; a position is a window on a larger canvas.
    Raises ValueError unless every row names a picture.
    """
    check(factors)
    shape, scale, orientation, x, y = factors.T
    windows = np.lib.stride_tricks.sliding_window_view(canvases(), (SIDE, SIDE), axis=(-2, -1))
    return windows[shape, scale, orientation, -1 - y, -1 - x].reshape(-1, SIDE * SIDE).astype(np.float32)


def canvases():
    """Every shape, scale and orientation in the middle of a canvas: bool, (3, 4, 8, CANVAS, CANVAS)."""
    ticks = np.arange(CANVAS) - (CANVAS - 1) / 2
    right, up = np.meshgrid(ticks, -ticks)
    radius = np.array(RADII)[:, None, None, None]
    turn = (np.arange(FACTORS["orientation"]) * math.pi / 2 / FACTORS["orientation"])[:, None, None]
    u = (np.cos(turn) * right + np.sin(turn) * up) / radius            # the shape rotated by `turn`, counterclockwise
    v = (np.cos(turn) * up - np.sin(turn) * right) / radius
    return np.stack([inside(u, v) for inside in (square, ellipse, heart)])


def square(u, v):
    """Whether (u, v) is in the square with its corners on the unit circle."""
    return np.maximum(abs(u), abs(v)) <= math.sqrt(0.5)


def ellipse(u, v):
    """Whether (u, v) is in the ellipse with the half-axes 1 and 1/2."""
    return u**2 + (2 * v) ** 2 <= 1


def heart(u, v):
    """Whether (u, v) is in the heart (a^2 + b^2 - 1)^3 = a^2 b^3, shrunk until it fits into the unit circle."""
    a, b = 1.43 * u, 1.43 * v
    return (a**2 + b**2 - 1) ** 3 <= a**2 * b**3


def check(factors):
    """ValueError unless every row names a picture."""
    if factors.ndim != 2 or factors.shape[1] != len(FACTORS) or not np.issubdtype(factors.dtype, np.integer):
        raise ValueError(f"factors must be whole numbers (N, {len(FACTORS)}), but are {factors.dtype} {factors.shape}")
    for (name, size), values in zip(FACTORS.items(), factors.T, strict=True):
        if values.size and not (values.min() >= 0 and values.max() < size):
            raise ValueError(f"{name} must be from 0 to {size - 1}, but runs from {values.min()} to {values.max()}")
