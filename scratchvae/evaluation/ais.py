"""Annealed importance sampling: log p(x) by a long walk from a known density to the posterior.

    f_b(z) = base(z)^(1-b) p(x, z)^b,   0 = b_0 < ... < b_T = 1          the densities on the way
    log w  = sum_t (b_t - b_(t-1)) log p(x, z_(t-1)) / base(z_(t-1))     E w = p(x), with any T            Neal 2001

z_0 ~ base, and z_t comes from z_(t-1) by a transition that leaves f_(b_t) as it is: Hamiltonian Monte Carlo, as in
Wu et al. 2017, "On the quantitative analysis of decoder-based generative models". T = 1 is importance sampling. The
way back, from an exact draw of p(z|x), gives E w = 1 / p(x): a bound from above.     Grosse et al. 2015
"""

import contextlib
import dataclasses
import itertools
import math
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from ..models import VAE
from ..probability import SquaredError, log_mean_exp
from .hmc import hmc, log_ratio

PILOT, CHAINS = 11, 12             # purposes of default_rng([seed, purpose, first image])
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
    """AIS for each image of x (N, D), as the model sees it, under the p(z) p(x|z) of a VAE.

    base         "prior": N(0, I), so that no encoder takes part; "posterior": q(z|x), from where the way is shorter
    The work is N (chains + 4) temperatures leapfrogs decodings and their ways back; the memory that of `rows`
    decodings. Four chains more, whose weights are not used, find a step size for each image and temperature: a chain
    that learned from its own past would be biased. The gradients in the model's parameters stay as they were.
    """
    check(model, chains, temperatures, leapfrogs, base)
    with gradients_kept(model):
        chunks = [Way(model, x[some], base, temperatures, leapfrogs).up(chains, seed, some.start)
                  for some in slices(len(x), chains, rows)]
    return AnnealedImportance(*map(np.concatenate, zip(*chunks, strict=True)))


def annealed_upper_bound(model, x, z, chains=16, temperatures=200, leapfrogs=8, base="prior", seed=0, rows=2000):
    """An upper bound on log p(x) in expectation, (N,), for x (N, D) drawn from the model itself together with z (N, Z).

    z is then an exact draw of p(z|x), from where the chains walk back to the base; of other x there is none. Between
    this and `annealed_importance` lies log p(x): how well AIS does with a decoder is so known where log p(x) is not.
    """
    check(model, chains, temperatures, leapfrogs, base)
    with gradients_kept(model):
        return np.concatenate([
            Way(model, x[some], base, temperatures, leapfrogs).down(z[some], chains, seed, some.start)
            for some in slices(len(x), chains, rows)])


def slices(n, chains, rows):
    """The images in pieces whose chains are no more than `rows`; a progress bar on a terminal."""
    size = max(1, rows // max(chains, PILOTS))
    starts = tqdm(range(0, n, size), desc="AIS", unit="chunk", leave=False, disable=None)
    return (slice(start, start + size) for start in starts)


@contextlib.contextmanager
def gradients_kept(model):
    """Inside, gradients come home to the model's parameters; afterwards they are as they were."""
    kept = [p.grad.copy() for p in model.parameters().values()]
    try:
        yield
    finally:
        for p, grad in zip(model.parameters().values(), kept, strict=True):
            p.grad[...] = grad


@dataclasses.dataclass
class Way:
    """From the base to the posterior of a few images x (B, D)."""

    model: VAE
    x: np.ndarray
    base: str
    temperatures: int
    leapfrogs: int

    def up(self, chains, seed, first):
        """The three columns of AnnealedImportance for these images."""
        log_w, acceptance = self.walk(chains, powers(self.temperatures), self.learned_steps(seed, first),
                                      np.random.default_rng([seed, CHAINS, first]))
        return log_mean_exp(log_w), relative_error(log_w), acceptance

    def down(self, z, chains, seed, first):
        """-log of the mean weight of chains that begin at z (B, Z)."""
        log_w, _ = self.walk(chains, powers(self.temperatures)[::-1], self.learned_steps(seed, first)[::-1],
                             np.random.default_rng([seed, CHAINS, first]), start=z)
        return -log_mean_exp(log_w)

    def learned_steps(self, seed, first):
        """Step sizes (T - 1, B), of each move and image, from a few chains on the way up."""
        steps = np.full((self.temperatures - 1, len(self.x)), FIRST_STEP)
        self.walk(PILOTS, powers(self.temperatures), steps, np.random.default_rng([seed, PILOT, first]), learn=True)
        return steps

    def walk(self, chains, path, steps, rng, start=None, learn=False):
        """log w (B, chains), and the share of accepted moves (B,), along the powers `path`; `steps` learn if told to.

        Each move's step is drawn between 3/4 and 5/4 of it, or a trajectory might always return to where it began.
        """
        B, Z = len(self.x), self.model.n_latents
        mu, logvar = self.model.encode(self.x) if self.base == "posterior" else np.zeros((2, B, Z), self.x.dtype)
        x, mu, logvar = (a.repeat(chains, axis=0) for a in (self.x, mu.astype(float), logvar.astype(float)))

        def ratio(u):
            return log_ratio(self.model, x, mu, logvar, u)

        u = rng.standard_normal(mu.shape) if start is None else (start.repeat(chains, axis=0) - mu) / np.exp(logvar / 2)
        log_w, accepted, (r, dr) = np.zeros(len(u)), [], ratio(u)
        for t, (before, b) in enumerate(itertools.pairwise(path)):
            log_w += (b - before) * r
            if t == len(steps):
                break
            step = (steps[t] * (0.75 + rng.random() / 2)).repeat(chains)
            u, r, dr, chance = hmc(ratio, u, r, dr, b, step, self.leapfrogs, rng)
            accepted.append(chance.reshape(B, chains).mean(axis=1))
            if learn:
                steps[t + 1:] = steps[t] * np.exp(RATE * (accepted[-1] - ACCEPTED))
        return log_w.reshape(B, chains), np.mean(accepted, axis=0) if accepted else np.ones(B)


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
    if isinstance(model.likelihood, SquaredError):
        raise ValueError("model must have a likelihood: the squared error is no density, and there is no p(x)")
    for name, value in {"chains": chains, "temperatures": temperatures, "leapfrogs": leapfrogs}.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, but is {value}")
    if base not in ("prior", "posterior"):
        raise ValueError(f"base must be prior or posterior, but is {base!r}")
