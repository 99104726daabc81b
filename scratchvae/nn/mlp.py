"""The multilayer perceptron, as a list of nodes."""

import itertools

import numpy as np

from .activations import relu
from .initialization import glorot_uniform
from .linear import Linear


def mlp(sizes, rng, *, activation=relu, init=glorot_uniform, input_grad=True, dtype=np.float32):
    """[Linear, activation, Linear, activation, ...] through the widths `sizes`, an activation after every layer.

    `init` gives the initial weights: glorot_uniform, or he_normal where a ReLU network is deep. input_grad=False is for
    the first layer of a network that sees data (Linear). Raises ValueError for an activation that is no node.
    """
    if not hasattr(activation, "forward"):
        raise ValueError(f"activation must be a node, such as relu of scratchvae.nn, but is {activation!r}")
    nodes = []
    for n_in, n_out in itertools.pairwise(sizes):
        nodes += [Linear(n_in, n_out, rng, init=init, input_grad=input_grad or bool(nodes), dtype=dtype), activation]
    return nodes
