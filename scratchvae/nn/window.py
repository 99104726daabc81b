"""A window for a masked network: each pixel sees only those near it, of those before it.

As in PixelCNN (van den Oord et al. 2016, "Pixel recurrent neural networks"), what is seen lies above, or to the left in
the same row. A decoder that sees little of x has to learn the rest from z.     Chen et al. 2017, "Variational lossy
autoencoder"
"""

import numpy as np

from .masked import degrees


def causal_window(height, width, radius):
    """(D, D), true at [d, e] where pixel e comes before d, row by row, at most `radius` rows and columns from it.

    D = height width. With radius 1: the pixel to the left and the three above.
    """
    row, column = np.divmod(np.arange(height * width), width)
    far = np.maximum(np.abs(row[:, None] - row), np.abs(column[:, None] - column))
    return np.tri(height * width, k=-1, dtype=bool) & (far <= radius)


def restricted(made, may):
    """The MADE itself, its masks restricted: output d sees x_e only where may[d, e], (D, D), is true as well.

    A hidden unit of degree m belongs to the dimension whose place comes next, and sees what the output there may see. A
    connection stays where all that comes in is a part of what may go out; where every past pixel may be seen, this is
    the mask of MADE. So an output sees all of its window, whatever the depth, and nothing beyond.
    """
    place = np.argsort(made.order)
    may = may & (place[:, None] > place)
    pixels = seen = np.eye(len(place), dtype=bool)                          # [unit, e]: what each unit sees
    for layer in made.layers[:-1]:
        units = degrees(layer.mask.value.shape[1], 0 if layer.V else 1, len(place) - 1, made.direct)
        layer.mask.value = parts(seen, may[made.order[units]])
        seen = may[made.order[units]]
    last = made.layers[-1].mask
    seen = np.concatenate([seen, pixels]) if made.direct else seen
    last.value = np.tile(parts(seen, may), last.value.shape[1] // len(place))
    return made


def parts(inside, outside):
    """[i, o], true where all that i sees o may see too: (n_in, D) and (n_out, D) -> (n_in, n_out)."""
    return inside.astype(np.float32) @ ~outside.T == 0
