"""The multilayer perceptron, as a list of nodes."""

import itertools

import numpy as np

from .activations import relu
from .initialization import glorot_uniform, he_normal
from .linear import Linear


def mlp(sizes, rng, activation=relu, dtype=np.float32):
    """[Linear, activation, Linear, activation, ...] through the widths `sizes`, an activation after every layer.

    Before a ReLU the weights start as He et al. say, before other activations as Glorot & Bengio say.
    """
    init = he_normal if activation is relu else glorot_uniform
    nodes = []
    for n_in, n_out in itertools.pairwise(sizes):
        nodes += [Linear(n_in, n_out, rng, init, dtype), activation]
    return nodes
