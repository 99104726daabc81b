"""Building blocks of networks."""

from .activations import elu, relu, sigmoid, softplus, tanh
from .initialization import glorot_uniform, he_normal
from .linear import GaussianHeads, Linear
from .mlp import mlp

__all__ = ["GaussianHeads", "Linear", "elu", "glorot_uniform", "he_normal", "mlp", "relu", "sigmoid", "softplus",
           "tanh"]
