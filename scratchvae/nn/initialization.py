"""Initial weights that keep the variance of the signal the same from layer to layer, by name and paper.

n_in: how many numbers an output of the layer is made of; n_out: how many outputs an input has a part in. The weights
are of shape (n_in, n_out) unless told otherwise (a convolution uses each of its weights at many places).
"""

import math


def he_normal(n_in, n_out, rng, shape=None):
    """W ~ N(0, 2 / n_in), for layers before a ReLU.     He et al. 2015, eq. (10)"""
    return rng.normal(0, math.sqrt(2 / n_in), shape or (n_in, n_out))


def glorot_uniform(n_in, n_out, rng, shape=None):
    """W ~ U(-a, a), a = sqrt(6 / (n_in + n_out)), for linear and tanh layers.     Glorot & Bengio 2010, eq. (16)"""
    limit = math.sqrt(6 / (n_in + n_out))
    return rng.uniform(-limit, limit, shape or (n_in, n_out))
