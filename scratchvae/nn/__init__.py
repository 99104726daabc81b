"""Building blocks of networks."""

from .activations import elu, relu, sigmoid, softplus, tanh
from .initialization import glorot_uniform, he_normal
from .linear import GaussianHeads, Linear
from .mlp import mlp
from .tied import TiedLinear

__all__ = ["GaussianHeads", "Linear", "TiedLinear", "elu", "glorot_uniform", "he_normal", "mlp", "relu", "sigmoid",
           "softplus", "tanh"]
