"""From gradients to better parameters. After a step the gradient is zero.

What `fit` needs of an optimizer: `lr`, `step()`, and `parameters` or `theta`, the flat vector of all of them. With a
vector, it also needs `state()`, for checkpoints, and `advance()` and `update(block, g)`, to share a step.
"""

import math

import numpy as np

from ..checks import require_positive
from ..core import Module, Parameter
from .flat import pack

BLOCK = 1 << 17     # elements of one pass: the five vectors of a block stay in the core's cache


class SGD:
    """v <- momentum v + g,  theta <- theta - lr v.     Polyak 1964; Sutskever et al. 2013"""

    def __init__(self, module: Module, lr: float = 0.1, momentum: float = 0.0):
        self.theta = pack(module)
        self.lr, self.momentum = require_positive(lr=lr), momentum
        self.v = np.zeros_like(self.theta.value)

    def step(self):
        self.advance()
        g = self.theta.grad
        for block in blocks(g):
            self.update(block, g[block])
        self.theta.zero_grad()

    def advance(self):
        """SGD counts nothing."""

    def update(self, block, g):
        """The step of one block of theta, whose gradient is g."""
        v = self.v[block]
        v *= self.momentum
        v += g
        self.theta.value[block] -= self.lr * v

    def state(self):
        """{name: array} that the next step depends on, beside the parameters."""
        return {"v": self.v}


class TextbookAdam:
    """Algorithm 1 of Kingma & Ba 2015, line by line, for reading:

        m <- b1 m + (1 - b1) g               mhat = m / (1 - b1^t)
        v <- b2 v + (1 - b2) g^2             vhat = v / (1 - b2^t)
        theta <- theta - lr mhat / (sqrt(vhat) + eps)
    """

    def __init__(self, module: Module, lr: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8):
        self.parameters = module.parameters()
        self.lr, self.beta1, self.beta2, self.eps = require_positive(lr=lr), beta1, beta2, eps
        self.m = {name: np.zeros_like(p.value) for name, p in self.parameters.items()}
        self.v = {name: np.zeros_like(p.value) for name, p in self.parameters.items()}
        self.t = 0

    def step(self):
        self.t += 1
        for name, p in self.parameters.items():
            g = p.grad
            self.m[name] = self.beta1 * self.m[name] + (1 - self.beta1) * g
            self.v[name] = self.beta2 * self.v[name] + (1 - self.beta2) * g * g
            mhat = self.m[name] / (1 - self.beta1**self.t)
            vhat = self.v[name] / (1 - self.beta2**self.t)
            p.value -= self.lr * mhat / (np.sqrt(vhat) + self.eps)
            p.grad[:] = 0


class Adam:
    """TextbookAdam over one flat vector, block by block, in place: the same steps in a third of the time.

    With M = m / (1 - b1) and V = v / (1 - b2) each moment takes two passes, M <- b1 M + g and V <- b2 V + g^2;
    what was taken out of them goes into the step size and eps. Moments that fade below 1e-34 are set to 0:
    arithmetic on subnormal numbers is some 40 times slower.
    """

    def __init__(self, module: Module, lr: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8):
        self.theta = pack(module)
        self.lr, self.beta1, self.beta2, self.eps = require_positive(lr=lr), beta1, beta2, eps
        self.M = np.zeros_like(self.theta.value)
        self.V = np.zeros_like(self.theta.value)
        self.t = np.zeros((), np.int64)

    def step(self):
        self.advance()
        g = self.theta.grad
        for block in blocks(g):
            self.update(block, g[block])
        self.theta.zero_grad()

    def advance(self):
        """t <- t + 1, and what depends on t alone."""
        self.t += 1
        t = int(self.t)
        c = math.sqrt((1 - self.beta2) / (1 - self.beta2**t))                      # sqrt(vhat) = c sqrt(V)
        self.lr_t = self.lr * (1 - self.beta1) / (1 - self.beta1**t) / c           # lr mhat / (c sqrt(V) + eps) =
        self.eps_t = self.eps / c                                                  # lr_t M / (sqrt(V) + eps_t)

    def update(self, block, g):
        """The step of one block of theta, whose gradient is g; what g holds afterwards means nothing."""
        M, V = self.M[block], self.V[block]
        M *= self.beta1
        M += g
        g *= g
        V *= self.beta2
        V += g
        np.sqrt(V, out=g)
        g += self.eps_t
        np.divide(M, g, out=g)
        g *= self.lr_t
        self.theta.value[block] -= g
        if self.t % 64 == 0:
            flush_subnormal(M)
            flush_subnormal(V)

    def state(self):
        """{name: array} that the next step depends on, beside the parameters."""
        return {"M": self.M, "V": self.V, "t": self.t}


def blocks(vector, size=BLOCK):
    """The slices of a flat vector that are small enough to stay in the cache; on a GPU the whole of it."""
    size = size if isinstance(vector, np.ndarray) else vector.size
    return (slice(start, start + size) for start in range(0, vector.size, size))


def shares(vector, n, size=BLOCK):
    """The slices of a flat vector, dealt out to n helpers: as many for each, and as long but for the last."""
    each = -(-vector.size // (n * size))
    slices = list(blocks(vector, -(-vector.size // (n * each))))
    return [slices[i::n] for i in range(n)]


def update_blocks(optimizer, gradients, own):
    """The step of some blocks of theta, whose gradient is the sum of all these."""
    for block in own:
        add_up(gradients, block)
        optimizer.update(block, gradients[0][block])


def add_up(gradients, block):
    """In a block, add to the first gradient all others."""
    total, *others = gradients
    for gradient in others:
        total[block] += gradient[block]


def flush_subnormal(v):
    """Set to 0, in place, what is too small to matter and slow to compute with."""
    v *= np.abs(v) > 1e-34


def clip_by_norm(theta: Parameter, limit: float) -> float:
    """g <- g min(1, limit / |g|), over all parameters together.     Pascanu et al. 2013, algorithm 1"""
    norm = math.sqrt(np.vdot(theta.grad, theta.grad))
    if norm > limit:
        theta.grad *= limit / norm
    return norm
