"""The layer that sees data: what is given to it does not learn, so nothing goes home to it."""

from .linear import Linear


class FirstLinear(Linear):
    """A Linear whose x is data: a constant (law 2), so no gradient is computed for it, and backward returns none.

    In the first layer that gradient, dy W', would be a third of the work and for nobody. Where x learns, take Linear.
    """

    def forward(self, x):
        y, _ = super().forward(x)
        W, b = self.W, self.b

        def backward(dy):
            W.grad += x.T @ dy
            b.grad += dy.sum(axis=0)

        return y, backward
