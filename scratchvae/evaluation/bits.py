"""Nats per image as bits per pixel: the scale on which masses of levels and densities of noisy pixels compare."""

import math


def bits_per_dim(nats, n_dims, levels=None):
    """(nats / D + log K) / log 2: -log p of an image, or a bound on it, in bits per pixel, D = n_dims pixels.

    nats     a number or an array, summed over the dimensions
    levels   None where p is the mass of whole numbers; K, e.g. 256, where p is a density of pixels that `dequantize`
             spread over bins of width 1 / K: a bin's mass is 1 / K times its mean density     Theis et al. 2016
    """
    return (nats / n_dims + (0 if levels is None else math.log(levels))) / math.log(2)
