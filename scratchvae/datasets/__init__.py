"""The data sets of the book: found, verified by SHA-256, and given to a training as Examples.

    data = load("fashion-mnist")                                        # uint8, as published
    train = Examples(Pixels(data.x_train), binarization="dynamic")      # float32 in [0, 1] when it is asked for
    for rows in minibatches(len(train), 128, rng):
        batch = train.batch(rows, rng)                                  # {"x": (128, 784)}, black and white
"""

from .binarization import BINARIZATIONS, binarize, binarize_batch, binarize_once, check_binarization
from .examples import Examples
from .files import CHECKOUT, SETS, DataError
from .images import Pixels, dequantize, pixels
from .minibatches import minibatches
from .published import LEVELS, Dataset, load

__all__ = ["BINARIZATIONS", "CHECKOUT", "LEVELS", "SETS", "DataError", "Dataset", "Examples", "Pixels", "binarize",
           "binarize_batch", "binarize_once", "check_binarization", "dequantize", "load", "minibatches", "pixels"]
