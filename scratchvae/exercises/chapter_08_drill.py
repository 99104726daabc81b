"""The last exercise of chapter 8: fill in the blanks of a question in the style of the E certification.

The student answers five numbers. Each choice is a piece of code, which is run and tested; its mistake is named.
"""

import numpy as np

from ..nn import softplus
from ..probability import bernoulli_nll, gaussian_kl
from .checking import Mistake, agree, exercise, require

CHOICES = {   # blank: the four pieces of code, as functions of the variables defined before them
    "a": (lambda rng, mu, logvar: rng.random(mu.shape),
          lambda rng, mu, logvar: rng.standard_normal(mu.shape),
          lambda rng, mu, logvar: rng.standard_normal(mu.shape[1]) + 0 * mu,
          lambda rng, mu, logvar: 0 * mu),
    "i": (np.exp, lambda logvar: logvar, lambda logvar: np.exp(logvar / 2), lambda logvar: np.exp(2 * logvar)),
    "u": (lambda x, a: (a * x - softplus(a)).sum(axis=1),
          lambda x, a: (softplus(a) - a * x).mean(axis=1),
          lambda x, a: (softplus(a) - a * x).sum(axis=0),
          lambda x, a: (softplus(a) - a * x).sum(axis=1)),
    "e": (lambda mu, logvar: -(1 + logvar - mu**2 - np.exp(logvar)).sum(axis=1) / 2,
          lambda mu, logvar: (1 + logvar - mu**2 - np.exp(logvar)).sum(axis=1) / 2,
          lambda mu, logvar: -(1 + logvar - mu**2 - np.exp(logvar)).sum(axis=1),
          lambda mu, logvar: -(1 + logvar - mu - np.exp(logvar)).sum(axis=1) / 2),
    "o": (lambda nll, kl: (nll - kl).mean(), lambda nll, kl: (nll + kl).sum(), lambda nll, kl: (nll + kl).mean(),
          lambda nll, kl: -(nll + kl).mean()),
}
RIGHT = {"a": 2, "i": 3, "u": 4, "e": 1, "o": 3}
SAID = {   # what is wrong with each of the other choices
    ("a", 1): "rng.random is uniform on [0, 1): its mean is 1/2. eps must come from N(0, I).",
    ("a", 3): "that draws one row of eps for the whole batch; every image needs its own.",
    ("a", 4): "with eps = 0 there is no sample: z = mu always, and the decoder never sees a neighbour of mu.",
    ("i", 1): "exp(logvar) is sigma^2, the variance; sigma is its root.",
    ("i", 2): "logvar can be negative; sigma = exp(logvar / 2) cannot.",
    ("i", 4): "exp(2 logvar) is sigma^4.",
    ("u", 1): "that is log p(x|z) itself; a loss needs the minus.",
    ("u", 2): "the mean over the pixels makes the reconstruction D times too small beside the KL.",
    ("u", 3): "axis 0 is the batch: that mixes the images.",
    ("e", 2): "the minus is missing: this is -KL, and a KL is never negative.",
    ("e", 3): "the 1/2 is missing.",
    ("e", 4): "mu is not squared.",
    ("o", 1): "the KL is a cost, like nll: they are added.",
    ("o", 2): "the sum over the batch makes the step grow with the size of the batch.",
    ("o", 4): "that is the ELBO, which is maximized; a loss is minimized.",
}


def draws_a_standard_normal(piece):
    z = piece(np.random.default_rng(0), np.zeros((20000, 2)), np.zeros((20000, 2)))
    return abs(z.mean()) < 0.05 and abs(z.var() - 1) < 0.05 and abs((z[:-1] * z[1:]).mean()) < 0.05


def is_sigma(piece):
    logvar = np.array([-2.0, 0.5, 3.0])
    return agree(piece(logvar) ** 2, np.exp(logvar))


def is_nll(piece):
    a, x = np.random.default_rng(1).standard_normal((2, 4, 3))
    return agree(piece(x, a), bernoulli_nll(a, x=x))


def is_kl(piece):
    mu, logvar = np.random.default_rng(2).standard_normal((2, 4, 3))
    return agree(piece(mu, logvar), gaussian_kl(mu, logvar))


def is_the_loss_of_a_batch(piece):
    nll, kl = np.array([1.0, 2.0, 6.0]), np.array([0.5, 0.25, 0.75])
    return agree(piece(nll, kl), 3.5)


TESTS = {"a": draws_a_standard_normal, "i": is_sigma, "u": is_nll, "e": is_kl, "o": is_the_loss_of_a_batch}


def one_wrong(blank, choice):
    """The right answers except for one."""
    answers = tuple((RIGHT | {blank: choice}).values())
    return lambda: answers


@exercise(mistakes={f"({blank}): {sentence}": one_wrong(blank, choice) for (blank, choice), sentence in SAID.items()})
def blanks(answer, known):
    """() -> the five numbers, 1 to 4, of the blanks (a) (i) (u) (e) (o)."""
    chosen = known(answer)
    require(isinstance(chosen, tuple | list) and len(chosen) == 5, "Return five numbers, such as (1, 1, 1, 1, 1).")
    for choice in chosen:
        require(isinstance(choice, int) and not isinstance(choice, bool) and 1 <= choice <= 4,
                f"Each answer is a whole number from 1 to 4, and {choice!r} is not.")
    wrong = [(blank, choice) for blank, choice in zip(CHOICES, chosen, strict=True)
             if not TESTS[blank](CHOICES[blank][choice - 1])]
    if wrong:
        raise Mistake(f"{5 - len(wrong)} of 5 are right. " + " ".join(f"({b}): {SAID[b, c]}" for b, c in wrong))
