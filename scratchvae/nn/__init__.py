"""Building blocks of networks."""

from .activations import elu, relu, sigmoid, softplus, tanh
from .conditioned import Conditioned
from .conv import Conv2d, ConvTranspose2d, Reshape, flatten
from .initialization import glorot_uniform, he_normal
from .joined import Columns, Joined
from .linear import GaussianHeads, Linear
from .masked import MADE, MaskedLinear
from .mlp import mlp
from .patches import fold, unfold
from .straight_through import straight_through
from .tied import TiedLinear
from .window import causal_window, restricted

__all__ = ["MADE", "Columns", "Conditioned", "Conv2d", "ConvTranspose2d", "GaussianHeads", "Joined", "Linear",
           "MaskedLinear", "Reshape", "TiedLinear", "causal_window", "elu", "flatten", "fold", "glorot_uniform",
           "he_normal", "mlp", "relu", "restricted", "sigmoid", "softplus", "straight_through", "tanh", "unfold"]
