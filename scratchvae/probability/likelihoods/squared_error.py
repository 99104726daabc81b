"""The squared error, where a model asks for a likelihood."""

from ...checks import require_same_shape
from ...core import node
from .likelihood import Likelihood


@node
def squared_error(y, *, x):
    """sum_d (y_d - x_d)^2: a distance, not a likelihood; y and x of shape (B, D) -> (B,), in squared pixels."""
    require_same_shape(y=y, x=x)
    d = y - x

    def backward(derror):
        return 2 * derror[:, None] * d

    return (d * d).sum(axis=1), backward


class SquaredError(Likelihood):
    """The distance |y - x|^2. It is not a density: it has no `sample`."""

    unit = "squared pixels"
    is_density = False
    as_distance = "squared error"

    def forward(self, y, *, x):
        return squared_error.forward(y, x=x)

    def mean(self, y):
        """The reconstruction is the decoder's output itself."""
        return y

    def flaw(self, x):
        """Of every x: there is no density."""
        return "squared error in place of nats, neither a likelihood nor a bound"
