"""What training and evaluation ask of a model."""

import numpy as np

from ..core import Module


class Model(Module):
    """A loss for `fit` to minimize: a subclass writes `terms` and `forward`, and the rest has defaults.

        class Mean(Model):
            '''p(x) = N(mu, I): the smallest model there is'''

            terms = ("negative_log_likelihood",)

            def __init__(self, n_x):
                self.mu = Parameter(np.zeros(n_x, np.float32))

            def forward(self, *, x):
                d = x - self.mu.value

                def backward(dnll):
                    self.mu.grad -= dnll @ d

                return ((d * d + math.log(2 * math.pi)).sum(axis=1) / 2,), backward

    forward(*, x, ...) -> ((B,), ...), one array per term; backward takes one gradient per term and returns nothing. The
    other arguments of forward come from the data (labels y, a condition c ...) and from `noise`. The loss of a step is
    the mean over the batch of the weighted sum of the terms.
    """

    terms = ("loss",)           # names of what forward returns, in its order
    coupled = False             # True where law 6 does not hold: then no step is divided among threads or processes
    quantity = "loss"           # what the sum of the terms is, e.g. "-ELBO"; no bound is called a log-likelihood
    unit = "nats"               # of the sum of the terms
    samples = 0                 # draws of a latent for each example in one evaluation of forward

    @property
    def turns(self):
        """{method: its terms}: the losses of a step, taken in this order, each with an optimizer of its own.

        One, `forward`, unless networks play against each other: {"critic_loss": ("critic",), "maker_loss": ("maker",)}
        are two methods of the contract of forward.
        """
        return {"forward": self.terms}

    def noise(self, x, rng):
        """{name: array or number}: the random arguments of forward for this x, e.g. eps (B, Z) from rng."""
        return {}

    def check(self, x, name):
        """Raises ValueError for x that the model cannot explain; `name` is what the user calls it."""
        if not np.isfinite(x).all():
            raise ValueError(f"{name} must be finite, but {np.count_nonzero(~np.isfinite(x))} entries are not")

    def flaw(self, x):
        """Why the sum of the terms is not the `quantity` of this x, e.g. "cross-entropy of grey pixels"; or ""."""
        return ""

    def describe(self):
        """The likelihood in words, for the ledger, e.g. "Bernoulli"; "" where there is none."""
        return ""

    def after_step(self, **constants):
        """Called after each step, with what forward was given in it: here a model changes its Buffers."""
