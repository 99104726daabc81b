"""The multilayer perceptron, as a list of nodes."""

import itertools

import numpy as np

from .activations import relu
from .initialization import glorot_uniform
from .linear import Linear


def mlp(sizes, rng, activation=relu, dtype=np.float32, init=glorot_uniform, first=Linear):
    """[Linear, activation, Linear, activation, ...] through the widths `sizes`, an activation after every layer.

    `init` gives the first weights: glorot_uniform, or he_normal where a ReLU network is deep. `first` makes the first
    layer: FirstLinear where it sees data.
    """
    nodes = []
    for n_in, n_out in itertools.pairwise(sizes):
        layer = Linear if nodes else first
        nodes += [layer(n_in, n_out, rng, init, dtype), activation]
    return nodes
