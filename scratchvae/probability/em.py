"""Expectation maximization: the bound L(q, theta) is raised in q, then in theta, in turn, and log p(x) never falls.

    log p(x) = L(q, theta) + KL(q || p(k|x))

    E step   q = p(k|x)            the KL is 0: the bound touches log p(x)
    M step   theta = argmax L      log p(x) rises by what L gains, and by the new KL

Dempster, Laird & Rubin 1977; as two maximizations of one bound, Neal & Hinton 1998.
"""

from typing import NamedTuple

import numpy as np


class Step(NamedTuple):
    """A mixture and its E step, after which the bound is tight."""

    number: int
    mixture: object
    q: np.ndarray               # (B, K), the responsibilities p(k|x)
    log_likelihood: float       # sum of log p(x) over the examples, in nats; the bound at q is the same number


def em(mixture, x, steps):
    """Yield Step 0, the mixture as it is given, to Step `steps`; between two of them lies one M step.

    log_likelihood + mixture.log_prior() never falls. Raises CollapseError where there is no M step.
    """
    for number in range(steps + 1):
        q, log_p = mixture.posterior(x)
        yield Step(number, mixture, q, float(log_p.sum()))
        if number < steps:
            mixture = mixture.maximize(x, q)
