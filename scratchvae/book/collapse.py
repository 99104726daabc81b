"""The study of chapter 13: what is done against posterior collapse, what it does to the KL, and what the bound says.

    outcomes = sweep(run, CURES, executor)                # run and sweep of experiments.py; seconds each
    rows = [measure(outcome) for outcome in outcomes]
"""

import dataclasses
import math

import numpy as np

from .. import nn
from ..datasets import LEVELS, load, pixels
from ..evaluation import active_units, evaluate, evaluate_bound
from ..models import DecoderDropout, FreeBits, made_vae
from ..training import cyclical, linear
from .experiments import Experiment


@dataclasses.dataclass(frozen=True)
class MadeExperiment(Experiment):
    """An Experiment with a VAE whose decoder is a MADE of the encoder's widths, and one thing done to its training."""

    rise: str = "constant"            # of the weight of the KL to beta: constant, linear (half of the steps), cyclical
    free_bits: float = 0.0            # nats of each latent
    dropout: float = 0.0              # share of the decoder's inputs
    window: int | None = None         # radius of what the decoder sees, in pixels

    def __post_init__(self):
        super().__post_init__()
        if self.k != 1:
            raise ValueError(f"k must be 1 for a VAE with a MADE, but is {self.k}")
        if self.rise == "cyclical" and self.beta != 1:
            raise ValueError(f"beta must be 1 where the weight is cyclical, but is {self.beta}")

    def model(self):
        """The model before its training, as it is trained; its `one_draw` is what is evaluated."""
        shape = load(self.data).x_test.shape[1:3]
        model = made_vae(shape, self.hidden, self.n_latents, np.random.default_rng(self.seed), radius=self.window,
                         activation=getattr(nn, self.activation))
        model = DecoderDropout(model, self.dropout) if self.dropout else model
        return FreeBits(model, self.free_bits) if self.free_bits else model

    def weights(self, steps):
        """The weight of the KL: it ends at beta, and is there for the second half of a linear rise."""
        rises = {"constant": self.beta, "linear": linear(steps=math.ceil(steps / 2), stop=self.beta),
                 "cyclical": cyclical(steps=steps)}
        return {"kl": rises[self.rise]}


def measure(outcome, draws=200):
    """{what: a number in nats an image, or a count} on the test set: the true ELBO, whatever was made smaller."""
    e, model = outcome.experiment, outcome.model().one_draw
    x_test = pixels(load(e.data).x_test, LEVELS[e.data])
    setting = {"binarization": e.binarization, "seed": e.seed}
    elbo = evaluate(model, x_test, data=e.data, **setting)
    bound = evaluate_bound(model, x_test, draws, data=e.data, **setting)
    return {"name": e.name, "kl": elbo.parts["kl"], "active": active_units(model, x_test, **setting).count,
            "-ELBO": elbo.value, bound.quantity: bound.value}


PLAIN = MadeExperiment("13_plain", "digits", hidden=(128,), n_latents=8, epochs=60, lr=2e-3)
CURES = tuple(dataclasses.replace(PLAIN, name=f"13_{name}_{seed}", seed=seed, **what) for name, what in {
    "plain": {}, "linear": {"rise": "linear"}, "cyclical": {"rise": "cyclical"}, "free_bits": {"free_bits": 0.25},
    "dropout": {"dropout": 0.5}, "window": {"window": 1}, "half": {"beta": 0.5}}.items() for seed in (0, 1, 2))
