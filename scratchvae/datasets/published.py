"""The data sets of the book, as they were published."""

import io
from typing import NamedTuple

import numpy as np

from .files import SETS, read_set

LEVELS = {"fashion-mnist": 255, "mnist": 255, "digits": 16}  # the value of a white pixel


class Dataset(NamedTuple):
    """Images (N, height, width) or points (N, d), and their labels (N,) or None."""

    x_train: np.ndarray
    y_train: np.ndarray | None
    x_test: np.ndarray
    y_test: np.ndarray | None


def load(name: str) -> Dataset:
    """The named set, whole and as published.

    "fashion-mnist", "mnist"   uint8 0..255 (60000, 28, 28) and (10000, 28, 28); labels uint8
    "digits"                   uint8 0..16 (1437, 8, 8) and (360, 8, 8), the file's first and last lines; labels uint8
    "old-faithful"             float64 (272, 2), minutes of eruption and of waiting; no test set, no labels

    Raises ValueError for an unknown name, DataError for a file that is missing, damaged or out of reach.
    """
    if name not in SETS:
        raise ValueError(f"name must be one of {', '.join(SETS)}, but is {name!r}")
    contents = read_set(name)
    if name == "digits":
        table = np.loadtxt(io.BytesIO(contents[0]), delimiter=",", dtype=np.uint8)  # 64 pixels and a label per line
        x, y = table[:, :64].reshape(-1, 8, 8).copy(), table[:, 64].copy()
        return Dataset(x[:1437], y[:1437], x[1437:], y[1437:])
    if name == "old-faithful":
        x = np.loadtxt(io.BytesIO(contents[0]), delimiter=",", skiprows=1, usecols=(1, 2))
        return Dataset(x, None, np.empty((0, 2)), None)
    return Dataset(*map(parse_idx, contents))


def parse_idx(content):
    """The array in an idx file: two zeros, 8 for uint8, the rank; each size as a big-endian int32; then the values."""
    rank = content[3]
    shape = np.frombuffer(content, ">i4", count=rank, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape).copy()  # the copy can be written to
