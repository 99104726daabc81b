"""The straight-through estimator: a gradient for what has none."""

from ..checks import require_same_shape
from ..core import node


@node
def straight_through(soft, *, hard):
    """y = hard, and backward is that of y = soft;  in one formula, y = soft + sg(hard - soft)

    Bengio, Léonard & Courville 2013, "Estimating or propagating gradients through stochastic neurons". `hard` was made
    of soft by a step whose derivative is 0 or does not exist: np.rint(soft), the one-hot of the largest entry, the
    nearest vector of a codebook. dsoft = dy is not the gradient of y, so what is learned from it is biased.
    soft and hard of one shape -> y of that shape.
    """
    require_same_shape(soft=soft, hard=hard)

    def backward(dy):
        return dy

    return hard, backward
