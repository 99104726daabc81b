"""Images of whole numbers as rows of pixels in [0, 1]."""

import math

import numpy as np


def pixels(images: np.ndarray, levels: int = 255, dtype: type = np.float32) -> np.ndarray:
    """uint8 images (N, height, width) -> (N, height * width) in [0, 1]. levels: the value of white, LEVELS[name].

    Raises ValueError for another dtype, or a pixel above `levels`.
    """
    if images.dtype != np.uint8:
        raise ValueError(f"images must be uint8, as load gives them, but are {images.dtype}")
    if images.size and images.max() > levels:
        raise ValueError(f"levels must be the value of a white pixel, but is {levels} where a pixel is {images.max()}")
    x = images.reshape(len(images), math.prod(images.shape[1:])).astype(dtype)
    x /= levels
    return x


class Pixels:
    """pixels(images), computed a few rows at a time: the whole set stays uint8, a fourth of the memory.

    `fit` takes it in place of the array: Pixels(images)[rows] == pixels(images)[rows], to the bit.
    """

    ndim = 2

    def __init__(self, images: np.ndarray, levels: int = 255, dtype: type = np.float32):
        self.images, self.levels, self.dtype = images, levels, np.dtype(dtype)
        self.shape = len(images), pixels(images[:1], levels, dtype).shape[1]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, rows):
        return pixels(self.images[rows], self.levels, self.dtype)


def dequantize(images: np.ndarray, rng: np.random.Generator, levels: int = 255, dtype: type = np.float32) -> np.ndarray:
    """uint8 images (N, height, width) -> (k + u) / (levels + 1), (N, height * width) in [0, 1], u uniform on [0, 1).

    Only with noise do whole numbers k have a density: u spreads each over its own bin of width 1 / (levels + 1), and
    then log P(k) >= E log p(y) - log(levels + 1) per pixel.     Theis et al. 2016
    """
    k = levels * pixels(images, levels, dtype)
    return (np.rint(k) + rng.random(k.shape, dtype)) / (levels + 1)
