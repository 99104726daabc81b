"""The layers that see data: what is given to them does not learn, so nothing goes home to it."""

from .conv import Conv2d, sum_of_pixels
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


class FirstConv2d(Conv2d):
    """A Conv2d whose x is data: no gradient is computed for it, and backward returns none. See FirstLinear."""

    def forward(self, x):
        y, _ = super().forward(x)
        W, b, of_x = self.W, self.b, self.map

        def backward(dy):
            W.grad += of_x.gradient(of_x.lay_x(x), of_x.lay_y(dy))
            b.grad += sum_of_pixels(dy)

        return y, backward
