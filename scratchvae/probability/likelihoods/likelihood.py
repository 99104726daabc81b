"""What a model asks of its likelihood."""

import numpy as np

from ...core import Module


class Likelihood(Module):
    """p(x|z), seen from the decoder: its output y says which density x has, and -log p(x|z) is the loss.

    A subclass writes

        forward(y, *, x) -> nll     a node: -log p(x|z), summed over the pixels; y (B, D outputs), x (B, D) -> (B,)
        mean(y)                     E[x|z], (B, D)
        sample(y, rng)              a draw x ~ p(x|z), (B, D)

    and the rest has defaults. What is learned here, a width for instance, is a Parameter as in any Module.
    """

    outputs = 1          # numbers that the decoder gives for each pixel
    unit = "nats"        # of forward
    is_density = True    # False: forward is no -log p(x|z) of any x, and there is no `sample`
    as_distance = ""     # what forward is called where it is only a distance, in an autoencoder; "" without a name
    numbers = ()         # names of the attributes that `describe` shows

    def check(self, x, name):
        """ValueError for x that has no density here; `name` is what the user calls x."""
        if not np.isfinite(x).all():
            raise ValueError(f"{name} must be finite, but {np.isnan(x).sum()} entries are nan and "
                             f"{np.isinf(x).sum()} inf")

    def flaw(self, x):
        """Why forward is not -log of a density of this x, though it is a loss; "" if it is."""
        return ""

    def describe(self):
        """In words, with the numbers that make it what it is: "Bernoulli", "Gaussian(sigma=0.3)"."""
        numbers = ", ".join(f"{name}={getattr(self, name):.4g}" for name in self.numbers)
        return type(self).__name__ + (f"({numbers})" if numbers else "")


def require_unit_interval(x, name, whose=""):
    """ValueError unless x lies in [0, 1]; `whose` is e.g. " for a Bernoulli"."""
    if not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(f"{name} must lie in [0, 1]{whose}, but runs from {x.min()} to {x.max()}")
