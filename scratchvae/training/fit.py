"""Training: what is asked for is checked, and then the epochs are taken one by one, each with a record."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from ..checks import require_positive
from ..core import Module
from ..seeds import BITS, generator
from .checks import data_of, require_examples, require_optimizers, trial
from .epoch import Interrupted, train_an_epoch
from .interrupt import interruptible
from .parallel import executor_for
from .resume import go_on
from .run import Run
from .schedules import name_of
from .signatures import Data, Optimizer, Schedule
from .terms import mean_terms, term_weights
from .turns import lr_of, turns_of


def fit(model: Module, x_train: Data, *, optimizer: Optimizer | Mapping[str, Optimizer], epochs: int,
        x_test: Data | None = None, y_train: np.ndarray | None = None, y_test: np.ndarray | None = None,
        batch_size: int = 128, weights: Mapping[str, float | Schedule] | None = None,
        binarization: str | None = None, clip: float | None = None, seed: int = 0,
        checkpoint: str | Path | None = None, resume: bool = False, settings: dict | None = None,
        workers: int = 1, schedule: Schedule | None = None, progress: bool = True) -> Iterator[dict]:
    """Train, and yield one record an epoch:

        {"epoch": 1, "train": {"reconstruction": 128.4, "kl": 20.3}, "test": {...}, "weights": {...},
         "seconds": 2.1, "binarization": "none", "executor": "1 thread"}

    The terms of the loss apart, each in nats per example (or the model's unit); "train" is the mean over the epoch
    while the model learned, "test" that of the whole test set after it, with one draw per example; "weights" are those
    of the epoch's last step. Arguments are checked at the call; a ValueError says what is wrong with them.

    x_train, x_test   Examples, or bare arrays (N, ...) or Pixels; on a GPU if the model is there (see backend.py)
    optimizer         one, made of the model; or {method: optimizer} for a model of several turns a step
    y_train, y_test   (N,), the labels beside bare arrays, for a model whose forward asks for y
    weights           {term: its factor in the training loss, a number or a schedule}, e.g. {"kl": beta}; 1 if left out
    binarization      of bare arrays: "dynamic", "static" or "none", as if left out
    clip              the largest norm of the gradient, or None
    seed              of the order and of all draws: the same seed gives the same bits, on as many cores
    checkpoint        a path; written after each epoch and at Ctrl-C. resume=True goes on from it, if it is there
    settings          JSON-able facts to keep in the checkpoint
    workers           processes that share the work (see parallel/); the same number gives the same bits
    schedule          step -> factor of the optimizer's step size (see schedules.py), or None: always 1
    """
    for name, value in {"epochs": epochs, "batch_size": batch_size, "workers": workers,
                        "clip": 1 if clip is None else clip}.items():
        require_positive(**{name: value})
    turns = turns_of(model, optimizer)
    require_optimizers(model, turns, clip=clip, checkpoint=checkpoint)
    weights = term_weights([name for turn in turns for name in turn.terms], weights)
    data = data_of(x_train, y_train, x_test, y_test, binarization)
    for split, examples in data.items():
        require_examples(model, examples, split)
    tried = {split: trial(model, turns, examples, split, batch_size) for split, examples in data.items()}
    executor = executor_for(model, turns, workers, batch_size, tried["train"])
    plan = {"batch_size": batch_size, "weights": {name: name_of(w) for name, w in weights.items()}, "clip": clip,
            "seed": seed, "lr": lr_of(turns), "workers": workers, "schedule": name_of(schedule)}
    run = Run(executor, turns, data, plan, weights, schedule, checkpoint, settings)
    go_on(run, resume)
    return epochs_of(run, epochs, progress)


def epochs_of(run, epochs, progress):
    """The records of the epochs that are still to be done, as they are done."""
    seed = run.plan["seed"]
    if run.train.binarization == "static":
        run.train = run.train.drawn(generator(seed, BITS, like=run.model))
    with tqdm(total=epochs * run.steps_an_epoch, initial=run.steps_done, unit="step", desc=run.executor.name,
              disable=None if progress else True) as bar:
        while run.epoch < epochs:
            with interruptible() as interrupted:
                train_an_epoch(run, interrupted, bar.update)
                record = run.close_epoch({} if run.test is None else mean_terms(run.model, run.test, seed=seed))
            bar.set_postfix({name: f"{value:.1f}" for name, value in (record["test"] or record["train"]).items()})
            yield record
            if interrupted():
                raise Interrupted(run.where_it_stopped())
