"""Annealed importance sampling: log p(x) from Markov chains that move from a known density to the posterior.

    f_b = reference * ratio^b,   0 = b_0 < ... < b_T = 1                    the densities on the path (hmc.py)
    log w  = sum_t (b_t - b_(t-1)) log ratio(u_(t-1))                      E w = p(x), with any T            Neal 2001

u_0 is drawn from the reference, and u_t comes from u_(t-1) by a transition that leaves f_(b_t) as it is: Hamiltonian
Monte Carlo, as in Wu et al. 2017, "On the quantitative analysis of decoder-based generative models". T = 1 is
importance sampling. The reverse chain, from an exact draw of p(z|x), has E w = 1 / p(x): an upper bound, by Grosse et
al. 2015.
"""

import dataclasses
import itertools
import math
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from ..core import gradients_kept
from ..models import LatentModel
from ..probability import log_mean_exp
from ..seeds import CHAINS, PILOT, generator
from ..training.pieces import by_threads, threads_for_pieces
from ..training.signatures import Data
from .hmc import from_posterior, from_prior, hmc
from .over_examples import seen

PILOTS, FIRST_STEP, ACCEPTED, RATE = 4, 0.2, 0.65, 0.2


class AnnealedImportance(NamedTuple):
    """Of each image, (N,): the log of the mean weight, its standard error, and the share of moves that were accepted.

    The mean weight is unbiased, so its logarithm is a lower bound on log p(x) in expectation, in nats, too low by about
    half of the squared standard error. Near 1 the error means nothing: one chain has all the weight; take more
    temperatures. With one chain it is nan.
    """

    bound: np.ndarray
    standard_error: np.ndarray
    acceptance: np.ndarray


def annealed_importance(model: LatentModel, x: Data, chains: int = 16, temperatures: int = 200, leapfrogs: int = 8,
                        base: str = "prior", seed: int = 0, rows: int = 2000) -> AnnealedImportance:
    """AIS for each image of x (N, D), as the model sees it, under the p(z) p(x|z) of any latent-variable model.

    base         "prior": p(z), no encoder takes part; "posterior": q(z|x), which is nearer to p(z|x)
    The work is N (chains + 4) temperatures leapfrogs decodings and their backward passes; the memory is that of `rows`
    decodings. Four more chains, whose weights are not used, find a step size for each image and temperature: a chain
    that adapts to its own past would be biased. The gradients in the model's parameters stay as they were. Raises
    ValueError for a model whose likelihood is no density, a number below 1, or an unknown base.
    """
    check(model, chains, temperatures, leapfrogs, base)
    def walk(first, few):
        return Walk(model, few, base, temperatures, leapfrogs).lower_bound(chains, seed, first)

    with gradients_kept(model):
        chunks = list(by_threads(walk, pieces(x, chains, rows), threads_for_pieces(x, rows)))
    return AnnealedImportance(*map(np.concatenate, zip(*chunks, strict=True)))


def annealed_upper_bound(model: LatentModel, x: Data, z: np.ndarray, chains: int = 16, temperatures: int = 200,
                         leapfrogs: int = 8, base: str = "prior", seed: int = 0, rows: int = 2000) -> np.ndarray:
    """An upper bound on log p(x) in expectation, (N,), for x (N, D) drawn from the model itself together with z (N, Z).

    Only then is z an exact draw of p(z|x), from which the chains go to the base. log p(x) lies between this and
    `annealed_importance`, in nats: the distance says how well AIS works for a decoder, even where log p(x) is unknown.
    With base="posterior" the posterior must have `invert`. Raises ValueError as `annealed_importance` does.
    """
    check(model, chains, temperatures, leapfrogs, base)

    def walk(first, few):
        z_of_few = z[first:first + len(few["x"])]
        return Walk(model, few, base, temperatures, leapfrogs).upper_bound(z_of_few, chains, seed, first)

    with gradients_kept(model):
        return np.concatenate(list(by_threads(walk, pieces(x, chains, rows), threads_for_pieces(x, rows))))


def pieces(x, chains, rows):
    """(index of the first image, constants) of chunks of images with `rows` chains in all; a bar on a terminal."""
    constants, _ = seen(x, None, 0)
    size = max(1, rows // max(chains, PILOTS))
    for first in tqdm(range(0, len(x), size), desc="AIS", unit="chunk", leave=False, disable=None):
        yield first, {name: c[first:first + size] for name, c in constants.items()}


@dataclasses.dataclass
class Walk:
    """The chains from the base to the posteriors of B images; each of the `constants` has a row for each image."""

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
        """Step sizes (T - 1, B), for each transition and image, adapted by PILOTS chains that go forwards."""
        steps = np.full((self.temperatures - 1, len(self.constants["x"])), FIRST_STEP)
        self.walk(PILOTS, powers(self.temperatures), steps, generator(seed, PILOT, first), learn=True)
        return steps

    def begin(self, chains, rng, start):
        """The path of densities, and the first u (B chains, Z): drawn from the base, or that of z = start."""
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
        """log w (B, chains), and the share of accepted moves (B,), along the `powers`; with `learn`, adapts `steps`.

        Each step size is multiplied by a random factor from 3/4 to 5/4, or a trajectory may always return to its start.
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
    """b_0 = 0 ... b_T = 1 along a sigmoid, from -4 to 4: short steps at both ends, where the density changes most."""
    s = np.tanh(np.linspace(-2, 2, T + 1))
    b = (s - s[0]) / (s[-1] - s[0])
    b[-1] = 1
    return b


def relative_error(log_w):
    """The standard error of the mean of w, divided by that mean: the error of its log. log w (B, K) -> (B,)."""
    K = log_w.shape[1]
    w = np.exp(log_w - log_mean_exp(log_w)[:, None])              # their mean is 1
    return w.std(axis=1, ddof=1) / math.sqrt(K) if K > 1 else np.full(len(w), np.nan)


def check(model, chains, temperatures, leapfrogs, base):
    """ValueError for a model without a density p(x|z), a number below 1, or an unknown base."""
    if not model.observation.is_density:
        raise ValueError("model must have a likelihood: the squared error is no density, and there is no p(x)")
    for name, value in {"chains": chains, "temperatures": temperatures, "leapfrogs": leapfrogs}.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, but is {value}")
    if base not in ("prior", "posterior"):
        raise ValueError(f"base must be prior or posterior, but is {base!r}")
