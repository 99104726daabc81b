"""Training: minibatch in, one step, and after each epoch a record."""

import time
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from ..datasets import binarize_batch, binarize_once, minibatches
from .checkpoints import CheckpointError, load_checkpoint, restore, save_checkpoint
from .diagnose import first_nonfinite
from .interrupt import interruptible
from .optimizers import clip_by_norm


class NonFiniteLoss(ArithmeticError):
    """A loss became inf or nan; the message says when and in which node, and where the last good checkpoint is."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, after the step was finished and, if there is a checkpoint, all of it saved."""


def fit(model, x_train, *, optimizer, epochs, x_test=None, batch_size=128, weights=None, binarization="none",
        clip=None, seed=0, checkpoint=None, resume=False, settings=None, progress=True):
    """Train, and yield one record an epoch:

        {"epoch": 1, "train": {"reconstruction": 128.4, "kl": 20.3}, "test": {...}, "seconds": 2.1,
         "binarization": "none"}

    The terms of the loss apart, each in nats an image (or the unit of the model's distance); "train" is the mean
    over the epoch while the model learned, "test" that of the whole test set after it, with one draw an image.

    x_train, x_test   (N, D), float; pixels in [0, 1] where the likelihood is Bernoulli
    weights           {term: factor in the training loss}, e.g. {"kl": beta}; 1 where not given
    binarization      "dynamic", "static" or "none" (see datasets.py)
    clip              the largest norm of the gradient, or None
    seed              of the order and of all draws: the same seed gives the same bits
    checkpoint        a path; written after each epoch and at Ctrl-C. resume=True goes on from it, if it is there
    settings          JSON-able facts to keep in the checkpoint
    """
    check_data(model, x_train, "x_train")
    if x_test is not None:
        check_data(model, x_test, "x_test")
    plan = {"batch_size": batch_size, "weights": term_weights(model, weights), "binarization": binarization,
            "clip": clip, "seed": seed, "examples": len(x_train), "lr": optimizer.lr}
    run = Run(model, optimizer, plan, checkpoint, settings)
    if checkpoint is not None and Path(checkpoint).exists():
        if not resume:
            raise CheckpointError(f"checkpoint {checkpoint} is already there; resume=True goes on from it, "
                                  "another path starts anew")
        run.load()
    x_train = binarize_once(x_train, binarization, np.random.default_rng([seed, 0]))
    with tqdm(total=epochs * run.steps_an_epoch, initial=run.steps_done, unit="step",
              disable=None if progress else True) as bar:
        while run.epoch < epochs:
            with interruptible() as interrupted:
                run.train_an_epoch(x_train, interrupted, bar.update)
                record = run.close_epoch({} if x_test is None else mean_terms(model, x_test, binarization, seed))
            bar.set_postfix({name: f"{value:.1f}" for name, value in (record["test"] or record["train"]).items()})
            yield record
            if interrupted():
                raise Interrupted(run.where_it_stopped())


class Run:
    """A training as it stands: everything that the next step depends on, and how to save and load it."""

    def __init__(self, model, optimizer, plan, checkpoint, settings):
        self.model, self.optimizer, self.plan = model, optimizer, plan
        self.checkpoint, self.settings = checkpoint, settings
        self.rng = np.random.default_rng([plan["seed"], 1])         # of the draws; the order has its own, by epoch
        self.epoch = self.step = 0                                  # epochs finished, steps of the one begun
        self.totals, self.seconds = dict.fromkeys(model.terms, 0.0), 0.0
        self.records = []

    @property
    def steps_an_epoch(self):
        return -(-self.plan["examples"] // self.plan["batch_size"])

    @property
    def steps_done(self):
        return self.epoch * self.steps_an_epoch + self.step

    def train_an_epoch(self, x_train, interrupted, progress):
        """The steps of this epoch that are still to be done; all of it saved if interrupted before the last."""
        order = np.random.default_rng([self.plan["seed"], 2, self.epoch])
        batches = list(minibatches(len(x_train), self.plan["batch_size"], order))
        for batch in batches[self.step:]:
            if interrupted():
                self.save()
                raise Interrupted(self.where_it_stopped())
            start = time.perf_counter()
            self.take_step(binarize_batch(x_train[batch], self.plan["binarization"], self.rng))
            self.seconds += time.perf_counter() - start
            progress()

    def where_it_stopped(self):
        return (f"stopped after {self.epoch} epochs and {self.step} steps; "
                + (f"saved in {self.checkpoint}" if self.checkpoint else "there is no checkpoint"))

    def take_step(self, x):
        """One gradient: the loss is the mean over the batch of the weighted sum of the terms."""
        constants = {"x": x, **self.model.noise(x, self.rng)}
        terms, backward = self.model.forward(**constants)
        sums = [float(term.sum()) for term in terms]
        if not np.isfinite(sums).all():
            raise NonFiniteLoss(
                f"the loss is not finite at epoch {self.epoch + 1}, step {self.step + 1}: the first node with such an "
                f"output is {first_nonfinite(self.model, constants)}"
                + (f"; the last good checkpoint is {self.checkpoint}" if self.epoch and self.checkpoint else ""))
        backward(*(np.full(len(x), w / len(x), x.dtype) for w in self.plan["weights"].values()))
        if self.plan["clip"] is not None:
            clip_by_norm(self.optimizer.theta, self.plan["clip"])
        self.optimizer.step()
        self.step += 1
        for name, total in zip(self.model.terms, sums, strict=True):
            self.totals[name] += total

    def close_epoch(self, test):
        """The record of the epoch just finished, saved with everything else."""
        self.epoch += 1
        record = {"epoch": self.epoch,
                  "train": {name: total / self.plan["examples"] for name, total in self.totals.items()},
                  "test": test, "seconds": round(self.seconds, 3), "binarization": self.plan["binarization"]}
        self.records.append(record)
        self.step, self.totals, self.seconds = 0, dict.fromkeys(self.model.terms, 0.0), 0.0
        self.save()
        return record

    def save(self):
        if self.checkpoint is None:
            return
        arrays = {f"parameters/{name}": p.value for name, p in self.model.parameters().items()}
        arrays |= {f"optimizer/{name}": a for name, a in self.optimizer.state().items()}
        save_checkpoint(self.checkpoint, arrays, {
            "settings": self.settings, "plan": self.plan, "generator": self.rng.bit_generator.state,
            "epoch": self.epoch, "step": self.step, "totals": self.totals, "seconds": self.seconds,
            "records": self.records})

    def load(self):
        arrays, facts = load_checkpoint(self.checkpoint)
        for name, given in self.plan.items():
            if facts["plan"][name] != given:
                raise CheckpointError(f"checkpoint {self.checkpoint} was trained with {name} = {facts['plan'][name]}; "
                                      f"it cannot be resumed with {given}")
        restore({name: p.value for name, p in self.model.parameters().items()}, arrays, "parameters/", self.checkpoint)
        restore(self.optimizer.state(), arrays, "optimizer/", self.checkpoint)
        self.rng.bit_generator.state = facts["generator"]
        self.epoch, self.step = facts["epoch"], facts["step"]
        self.totals, self.seconds, self.records = facts["totals"], facts["seconds"], facts["records"]


def example_terms(model, x, binarization="none", seed=0, batch_size=500):
    """{term: (N,)}: the terms of each example of x, with one draw an example from the given seed; nothing learns."""
    rng = np.random.default_rng([seed, 3])
    x = binarize_once(x, "none" if binarization == "none" else "static", rng)
    batches = (x[start:start + batch_size] for start in range(0, len(x), batch_size))
    columns = zip(*(model(x=batch, **model.noise(batch, rng)) for batch in batches), strict=True)
    return {name: np.concatenate(column) for name, column in zip(model.terms, columns, strict=True)}


def mean_terms(model, x, binarization="none", seed=0):
    """{term: its mean over all examples of x}"""
    return {name: float(term.mean(dtype=np.float64)) for name, term in
            example_terms(model, x, binarization, seed).items()}


def term_weights(model, weights):
    """{term: weight} for every term of the model, in its order."""
    unknown = set(weights or {}) - set(model.terms)
    if unknown:
        raise ValueError(f"weights may name {', '.join(model.terms)}, but names {', '.join(sorted(unknown))}")
    return {name: float((weights or {}).get(name, 1)) for name in model.terms}


def check_data(model, x, name):
    """ValueError, in one sentence, unless x is a float matrix that the model can explain."""
    if x.ndim != 2 or x.dtype.kind != "f" or not len(x):
        raise ValueError(f"{name} must be a float array of shape (N, D), but is {x.dtype} of shape {x.shape}")
    model.check(x, name)
