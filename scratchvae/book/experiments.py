"""A training as data: all that is needed to repeat it, here or on another machine, and its outcome.

    outcome = run(Experiment("mnist-vae", hidden=(200, 200), n_latents=50, activation="tanh"))
    outcomes = sweep(run, experiments, executor)          # any concurrent.futures.Executor: two cores, or a cluster
    vae = outcomes[0].model()
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from .. import nn
from ..datasets import LEVELS, load, pixels
from ..models import LatentModel, mlp_iwae, mlp_vae
from ..training import Adam, cosine, fit, load_checkpoint


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A VAE or, if k > 1, an IWAE; its data and its training. The same Experiment gives the same numbers, bit for bit.

    Raises ValueError for a beta other than 1 with k > 1.
    """

    name: str
    data: str = "mnist"
    hidden: tuple[int, ...] = (400,)
    n_latents: int = 20
    activation: str = "relu"
    k: int = 1                        # draws of z per x; 1 is the VAE with its analytic KL
    beta: float = 1.0                 # weight of the KL, for the VAE only
    binarization: str = "dynamic"
    epochs: int = 10
    batch_size: int = 100
    lr: float = 1e-3                  # falls to 0 along a half cosine
    seed: int = 0

    def __post_init__(self):
        if self.k > 1 and self.beta != 1:
            raise ValueError(f"beta must be 1 for an IWAE, which has no KL of its own, but is {self.beta}")

    def model(self) -> LatentModel:
        """The model before training, its first weights drawn from the seed."""
        rng, options = np.random.default_rng(self.seed), {"activation": getattr(nn, self.activation)}
        n_x = load(self.data).x_test[0].size
        if self.k > 1:
            return mlp_iwae(n_x, self.hidden, self.n_latents, rng, k=self.k, **options)
        return mlp_vae(n_x, self.hidden, self.n_latents, rng, **options)

    def weights(self, steps):
        """The weights of the terms in a training of so many steps, or None: all 1."""
        return {"kl": self.beta} if self.k == 1 else None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result of a training: plain arrays and records, which can be sent to another process or machine."""

    experiment: Experiment
    parameters: dict[str, np.ndarray]
    records: list[dict]

    def model(self) -> LatentModel:
        """The trained model."""
        model = self.experiment.model()
        for name, p in model.parameters().items():
            p.value[...] = self.parameters[name]
        return model


def run(experiment: Experiment, folder: str | Path | None = None, progress: bool = False) -> Outcome:
    """Train; -> Outcome. With a folder, a checkpoint is kept there and an interrupted training resumes from it."""
    e, model = experiment, experiment.model()
    images = load(e.data)
    x_train, x_test = (pixels(x, LEVELS[e.data]) for x in (images.x_train, images.x_test))
    steps, path = e.epochs * -(-len(x_train) // e.batch_size), folder and Path(folder) / f"{e.name}.npz"
    records = list(fit(
        model, x_train, x_test=x_test, optimizer=Adam(model, e.lr), epochs=e.epochs, batch_size=e.batch_size,
        weights=e.weights(steps), binarization=e.binarization, seed=e.seed,
        schedule=cosine(steps=steps), checkpoint=path, resume=True, progress=progress))
    if path:
        records = load_checkpoint(path)[1]["records"]             # of the epochs before an interruption too
    return Outcome(e, {name: p.value.copy() for name, p in model.parameters().items()}, records)


def sweep(function: Callable, experiments: Iterable[Experiment], executor: Executor) -> list:
    """[function(e) for e in experiments], computed by any concurrent.futures.Executor, in the same order.

    Each call has one BLAS thread, wherever it runs, so the bits do not depend on the executor. An exception in a call
    is raised here, with a note that names its experiment.
    """
    with threadpool_limits(1):                     # here too: threads share one limit, and the first to end lifts it
        return list(executor.map(functools.partial(on_one_thread, function), experiments))


def on_one_thread(function, experiment):
    """function(experiment), with one BLAS thread for its matrix products."""
    with threadpool_limits(1):
        try:
            return function(experiment)
        except Exception as error:
            error.add_note(f"This was {experiment}.")
            raise


PAPERS = (            # the one-layer networks of Burda et al. 2016, and similar ones on Fashion-MNIST; far fewer epochs
    Experiment("12_mnist_vae", "mnist", (200, 200), 50, "tanh", epochs=100),
    Experiment("12_mnist_iwae5", "mnist", (200, 200), 50, "tanh", k=5, epochs=100),
    Experiment("12_fashion_vae", "fashion-mnist", (300, 300), 40, "tanh", epochs=60),
)
SMALL = Experiment("11", hidden=(200,), lr=2e-3)      # chapter 11: half a minute each
BETAS = tuple(dataclasses.replace(SMALL, name=f"11_beta_{b:g}", beta=b) for b in (0.1, 0.25, 0.5, 1, 2, 4, 8))
LATENT_SIZES = tuple(dataclasses.replace(SMALL, name=f"11_latents_{n}", n_latents=n) for n in (2, 5, 10, 20, 50))
PLANES = tuple(dataclasses.replace(SMALL, name=f"11_plane_{b:g}", n_latents=2, beta=b) for b in (0.1, 1, 4))
