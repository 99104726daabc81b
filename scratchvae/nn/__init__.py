"""Building blocks of networks."""

from .activations import elu, relu, sigmoid, softplus, tanh
from .conditioned import Conditioned
from .conv import Conv2d, ConvTranspose2d, Reshape, flatten
from .initialization import glorot_uniform, he_normal
from .joined import Columns, Joined
from .linear import GaussianHeads, Linear
from .mlp import mlp
from .patches import fold, unfold
from .straight_through import straight_through
from .tied import TiedLinear

__all__ = ["Columns", "Conditioned", "Conv2d", "ConvTranspose2d", "GaussianHeads", "Joined", "Linear", "Reshape",
           "TiedLinear", "elu", "flatten", "fold", "glorot_uniform", "he_normal", "mlp", "relu", "sigmoid", "softplus",
           "straight_through", "tanh", "unfold"]
