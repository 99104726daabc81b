"""The data of a training, in one object: every array that has a row for each example."""

import numpy as np

from .binarization import binarize, binarize_batch, check_binarization
from .images import Pixels


class Examples:
    """Arrays with a row for each example: x, what else the model's forward asks for, and how the pixels are binarized.

        Examples(x_train)                                           what a bare array is turned into
        Examples(Pixels(images), y=labels, binarization="dynamic")  for a forward(*, x, y, ...)
        Examples(tokens, lengths=lengths)                           whole numbers (N, T), and the length of each row

    x, others      (N, ...), of any shape and dtype: arrays, np.memmap, Pixels; all on the host or all on a GPU
    binarization   "dynamic", "static" or "none" (see binarization.py)

    Raises ValueError if there are no examples, an array has not as many rows as x, or x cannot be binarized.
    """

    def __init__(self, x: np.ndarray | Pixels, *, binarization: str = "none", **others: np.ndarray):
        self.arrays = {"x": x, **others}
        self.binarization = check_binarization(binarization)
        for name, a in self.arrays.items():
            if getattr(a, "ndim", 0) == 0:
                raise ValueError(f"{name} must be an array with a row for each example, but is {a!r:.40}")
            if len(a) != len(x):
                raise ValueError(f"{name} must have a row for each of the {len(x)} rows of x, but has {len(a)}")
        if not len(x):
            raise ValueError(f"x must have a row for each example, but is empty: its shape is {x.shape}")
        if binarization != "none" and x.dtype.kind != "f":
            raise ValueError(f"binarization must be none where x is {x.dtype}: only floats in [0, 1] are probabilities")

    @classmethod
    def of(cls, x, *, binarization=None, **others):
        """Examples of a bare array; binarization is "none" unless given, and others that are None are left out.

        An Examples is returned as it is. Raises ValueError if anything else is given with it.
        """
        given = {name: a for name, a in {"binarization": binarization, **others}.items() if a is not None}
        if not isinstance(x, cls):
            return cls(x, **given)
        if given:
            raise ValueError(f"{', '.join(given)} must be left out where the data are Examples: they say it themselves")
        return x

    @property
    def x(self):
        """The array that the model explains; the others are what it is conditioned on."""
        return self.arrays["x"]

    def __len__(self):
        return len(self.x)

    def __getitem__(self, rows):
        """The Examples of some rows, a slice or an array of indices."""
        return Examples(binarization=self.binarization, **{name: a[rows] for name, a in self.arrays.items()})

    def batch(self, rows, rng):
        """{name: its rows}, the arguments of forward without noise; the pixels are drawn again if "dynamic"."""
        few = {name: a[rows] for name, a in self.arrays.items()}
        return few | {"x": binarize_batch(few["x"], self.binarization, rng)}

    def drawn(self, rng):
        """The same examples with the pixels drawn once and for all, if "dynamic" or "static"."""
        if self.binarization == "none":
            return self
        return Examples(**self.arrays | {"x": binarize(self.x[:], rng)})
