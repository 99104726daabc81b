"""Binary pixels: Bernoulli draws with the grey values as probabilities, once or for each batch."""

import numpy as np

BINARIZATIONS = ("dynamic", "static", "none")


def binarize(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bernoulli draws, each 1 with probability x in [0, 1]; shape and dtype of x, a float. ValueError for other x."""
    if x.size and not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(f"x must be probabilities in [0, 1], but runs from {x.min()} to {x.max()}")
    return (rng.random(x.shape, dtype=x.dtype) < x).astype(x.dtype)


def binarize_once(x, binarization, rng):
    """The whole set, before training: drawn now if "static", so that every epoch sees the same bits; else x itself."""
    return binarize(x[:], rng) if check_binarization(binarization) == "static" else x


def binarize_batch(x, binarization, rng):
    """One batch, each time it is used: drawn again if "dynamic", else x itself.

    With "none" the pixels stay grey, and the Bernoulli loss on them is a surrogate, not the likelihood of any data.
    """
    return binarize(x, rng) if check_binarization(binarization) == "dynamic" else x


def check_binarization(binarization):
    """binarization itself; ValueError unless it is one of BINARIZATIONS."""
    if binarization not in BINARIZATIONS:
        raise ValueError(f"binarization must be one of {', '.join(BINARIZATIONS)}, but is {binarization!r}")
    return binarization
