"""A training under way: one step, one epoch, and the state between them."""

import time

import numpy as np

from ..datasets import binarize_batch, minibatches
from .checkpoints import CheckpointError, load_checkpoint, restore, save_checkpoint
from .diagnose import first_nonfinite
from .optimizers import clip_by_norm
from .terms import DRAWS, ORDER, labels


class NonFiniteLoss(ArithmeticError):
    """A loss became inf or nan; the message says when and in which node, and where the last good checkpoint is."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, after the step was finished and, if there is a checkpoint, all of it saved."""


class Run:
    """A training as it stands: everything that the next step depends on, and how to save and load it."""

    def __init__(self, model, optimizer, plan, checkpoint, settings):
        self.model, self.optimizer, self.plan = model, optimizer, plan
        self.checkpoint, self.settings = checkpoint, settings
        self.rng = np.random.default_rng([plan["seed"], DRAWS])
        self.epoch = self.step = 0                                  # epochs finished, steps of the one begun
        self.totals, self.seconds = dict.fromkeys(model.terms, 0.0), 0.0
        self.records = []

    @property
    def steps_an_epoch(self):
        return -(-self.plan["examples"] // self.plan["batch_size"])

    @property
    def steps_done(self):
        return self.epoch * self.steps_an_epoch + self.step

    def train_an_epoch(self, x_train, y_train, interrupted, progress):
        """The steps of this epoch that are still to be done; all of it saved if interrupted before the last."""
        order = np.random.default_rng([self.plan["seed"], ORDER, self.epoch + 1])
        batches = list(minibatches(len(x_train), self.plan["batch_size"], order))
        for batch in batches[self.step:]:
            if interrupted():
                self.save()
                raise Interrupted(self.where_it_stopped())
            start = time.perf_counter()
            self.take_step(binarize_batch(x_train[batch], self.plan["binarization"], self.rng), labels(y_train, batch))
            self.seconds += time.perf_counter() - start
            progress()

    def where_it_stopped(self):
        return (f"stopped after {self.epoch} epochs and {self.step} steps; "
                + (f"saved in {self.checkpoint}" if self.checkpoint else "there is no checkpoint"))

    def take_step(self, x, given):
        """One gradient: the loss is the mean over the batch of the weighted sum of the terms."""
        constants = {"x": x, **given, **self.model.noise(x, self.rng)}
        with np.errstate(all="ignore"):                             # it is said below, better
            terms, backward = self.model.forward(**constants)
        sums = [float(term.sum()) for term in terms]
        if not np.isfinite(sums).all():
            raise NonFiniteLoss(
                f"the loss is not finite at epoch {self.epoch + 1}, step {self.step + 1}: the first node with such an "
                f"output is {first_nonfinite(self.model, constants)}" + self.last_good())
        backward(*(np.full(len(x), w / len(x), x.dtype) for w in self.plan["weights"].values()))
        if self.plan["clip"] is not None:
            clip_by_norm(self.optimizer.theta, self.plan["clip"])
        self.optimizer.step()
        self.step += 1
        for name, total in zip(self.model.terms, sums, strict=True):
            self.totals[name] += total

    def last_good(self):
        return f"; the last good checkpoint is {self.checkpoint}" if self.epoch and self.checkpoint else ""

    def close_epoch(self, test):
        """The record of the epoch just finished, saved with everything else."""
        for name, p in self.model.parameters().items():
            if not np.isfinite(p.value).all():
                raise NonFiniteLoss(f"{name} is not finite after epoch {self.epoch + 1}" + self.last_good())
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
        for name, given in {**(self.settings or {}), **self.plan}.items():
            saved = {**(facts["settings"] or {}), **facts["plan"]}.get(name)
            if saved != given:
                raise CheckpointError(f"checkpoint {self.checkpoint} was trained with {name} = {saved}; it cannot be "
                                      f"resumed with {given}")
        restore({name: p.value for name, p in self.model.parameters().items()}, arrays, "parameters/", self.checkpoint)
        restore(self.optimizer.state(), arrays, "optimizer/", self.checkpoint)
        self.rng.bit_generator.state = facts["generator"]
        self.epoch, self.step = facts["epoch"], facts["step"]
        self.totals, self.seconds, self.records = facts["totals"], facts["seconds"], facts["records"]
