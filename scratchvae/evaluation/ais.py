"""Annealed importance sampling: log p(x) by a long walk from a known density to the posterior.

    f_b = reference * ratio^b,   0 = b_0 < ... < b_T = 1                    the densities on the path (hmc.py)
    log w  = sum_t (b_t - b_(t-1)) log ratio(u_(t-1))                      E w = p(x), with any T            Neal 2001

u_0 is drawn from the reference, and u_t comes from u_(t-1) by a transition that leaves f_(b_t) as it is: Hamiltonian
Monte Carlo, as in Wu et al. 2017, "On the quantitative analysis of decoder-based generative models". T = 1 is
importance sampling. The reverse walk, from an exact draw of p(z|x), gives E w = 1 / p(x): a bound from above.
Grosse et al. 2015
"""

import dataclasses
import itertools
import math
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from ..core import gradients_kept
from ..probability import log_mean_exp
from ..seeds import CHAINS, PILOT, generator
from ..training.pieces import by_threads, threads_for_pieces
from .held_out import seen
from .hmc import from_posterior, from_prior, hmc

PILOTS, FIRST_STEP, ACCEPTED, RATE = 4, 0.2, 0.65, 0.2


class AnnealedImportance(NamedTuple):
    """Of each image, (N,): the log of the mean weight, its standard error, and the share of moves that were accepted.

    The mean weight is unbiased: so its logarithm is a lower bound on log p(x) in expectation, too low by about half of
    the squared standard error. An error near 1 is none: one chain has all the weight, and needs more temperatures.
    """

    bound: np.ndarray
    standard_error: np.ndarray
    acceptance: np.ndarray


def annealed_importance(model, x, chains=16, temperatures=200, leapfrogs=8, base="prior", seed=0, rows=2000):
    """AIS for each image of x (N, D), as the model sees it, under the p(z) p(x|z) of any latent-variable model.

    base         "prior": p(z), so that no encoder takes part; "posterior": q(z|x), from where the walk is shorter
    The work is N (chains + 4) temperatures leapfrogs decodings and their backward passes; the memory that of `rows`
    decodings. Four chains more, whose weights are not used, find a step size for each image and temperature: a chain
    that learned from its own past would be biased. The gradients in the model's parameters stay as they were.
    """
    check(model, chains, temperatures, leapfrogs, base)
    def walk(first, few):
        return Walk(model, few, base, temperatures, leapfrogs).lower_bound(chains, seed, first)

    with gradients_kept(model):
        chunks = list(by_threads(walk, pieces(x, chains, rows), threads_for_pieces(x, rows)))
    return AnnealedImportance(*map(np.concatenate, zip(*chunks, strict=True)))


def annealed_upper_bound(model, x, z, chains=16, temperatures=200, leapfrogs=8, base="prior", seed=0, rows=2000):
    """An upper bound on log p(x) in expectation, (N,), for x (N, D) drawn from the model itself together with z (N, Z).

    z is then an exact draw of p(z|x), from where the chains walk to the base; of other x there is none. Between this
    and `annealed_importance` lies log p(x): how well AIS does with a decoder is so known where log p(x) is not.
    """
    check(model, chains, temperatures, leapfrogs, base)

    def walk(first, few):
        z_of_few = z[first:first + len(few["x"])]
        return Walk(model, few, base, temperatures, leapfrogs).upper_bound(z_of_few, chains, seed, first)

    with gradients_kept(model):
        return np.concatenate(list(by_threads(walk, pieces(x, chains, rows), threads_for_pieces(x, rows))))


def pieces(x, chains, rows):
    """(the number of the first image, the constants) of as many images as have `rows` chains; a bar on a terminal."""
    constants, _ = seen(x, None, 0)
    size = max(1, rows // max(chains, PILOTS))
    for first in tqdm(range(0, len(x), size), desc="AIS", unit="chunk", leave=False, disable=None):
        yield first, {name: c[first:first + size] for name, c in constants.items()}


@dataclasses.dataclass
class Walk:
    """From the base to the posterior of a few images, `constants` of B rows."""

    model: object
    constants: dict
    base: str
    temperatures: int
    leapfrogs: int

    def lower_bound(self, chains, seed, first):
        """The three columns of AnnealedImportance for these images."""
        log_w, acceptance = self.walk(chains, powers(self.temperatures), self.learned_steps(seed, first),
                                      generator(seed, CHAINS, first))
        return log_mean_exp(log_w), relative_error(log_w), acceptance

    def upper_bound(self, z, chains, seed, first):
        """-log of the mean weight of chains that begin at z (B, Z)."""
        log_w, _ = self.walk(chains, powers(self.temperatures)[::-1], self.learned_steps(seed, first)[::-1],
                             generator(seed, CHAINS, first), start=z)
        return -log_mean_exp(log_w)

    def learned_steps(self, seed, first):
        """Step sizes (T - 1, B), of each move and image, from a few chains that walk forwards."""
        steps = np.full((self.temperatures - 1, len(self.constants["x"])), FIRST_STEP)
        self.walk(PILOTS, powers(self.temperatures), steps, generator(seed, PILOT, first), learn=True)
        return steps

    def begin(self, chains, rng, start):
        """The path of the densities, and where the chains begin: (B chains, Z), drawn from the base or at z = start."""
        x, condition = self.constants["x"], {name: c for name, c in self.constants.items() if name != "x"}
        rows = {name: c.repeat(chains, axis=0) for name, c in condition.items()}
        z = None if start is None else start.repeat(chains, axis=0)
        if self.base == "prior":
            path, n = from_prior(self.model, x.repeat(chains, axis=0), **rows), len(x) * chains
            return path, self.model.prior.sample(n, rng, np.float64, **rows) if z is None else z
        path, shape = from_posterior(self.model, x, **condition), (len(x) * chains, self.model.n_latents)
        return path, (rng.standard_normal(shape) if z is None else
                      self.model.posterior.invert(z, x=x, **condition).reshape(shape))

    def walk(self, chains, powers, steps, rng, start=None, learn=False):
        """log w (B, chains), and the share of accepted moves (B,), along the `powers`; `steps` learn if told to.

        Each move's step is drawn between 3/4 and 5/4 of it, or a trajectory might always return to where it began.
        """
        path, u = self.begin(chains, rng, start)
        log_w, accepted, here = np.zeros(len(u)), [], path(u)
        for t, (before, b) in enumerate(itertools.pairwise(powers)):
            log_w += (b - before) * here[2]
            if t == len(steps):
                break
            step = (steps[t] * (0.75 + rng.random() / 2)).repeat(chains)
            u, here, chance = hmc(path, u, here, b, step, self.leapfrogs, rng)
            accepted.append(chance.reshape(-1, chains).mean(axis=1))
            if learn:
                steps[t + 1:] = steps[t] * np.exp(RATE * (accepted[-1] - ACCEPTED))
        return log_w.reshape(-1, chains), np.mean(accepted, axis=0) if accepted else np.ones(len(log_w) // chains)


def powers(T):
    """b_0 = 0 ... b_T = 1 along a sigmoid, from -4 to 4: the steps are short at both ends, where much happens."""
    s = np.tanh(np.linspace(-2, 2, T + 1))
    b = (s - s[0]) / (s[-1] - s[0])
    b[-1] = 1
    return b


def relative_error(log_w):
    """The standard error of the mean of w over that mean, which is that of its logarithm: log w (B, K) -> (B,)."""
    K = log_w.shape[1]
    w = np.exp(log_w - log_mean_exp(log_w)[:, None])              # their mean is 1
    return w.std(axis=1, ddof=1) / math.sqrt(K) if K > 1 else np.full(len(w), np.nan)


def check(model, chains, temperatures, leapfrogs, base):
    """ValueError, in one sentence, for what AIS cannot do."""
    if not model.observation.is_density:
        raise ValueError("model must have a likelihood: the squared error is no density, and there is no p(x)")
    for name, value in {"chains": chains, "temperatures": temperatures, "leapfrogs": leapfrogs}.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, but is {value}")
    if base not in ("prior", "posterior"):
        raise ValueError(f"base must be prior or posterior, but is {base!r}")
