"""A training under way: one step, one epoch, and the state between them."""

import time

import numpy as np

from ..backend import make_rng
from ..datasets import binarize_batch, minibatches
from .checkpoints import CheckpointError, load_checkpoint, restore, save_checkpoint
from .diagnose import first_nonfinite
from .terms import DRAWS, ORDER, labels


class NonFiniteLoss(ArithmeticError):
    """A loss became inf or nan; the message says when and in which node, and where the last good checkpoint is."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, after the step was finished and, if there is a checkpoint, all of it saved."""


class Run:
    """A training as it stands: everything that the next step depends on, and how to save and load it."""

    def __init__(self, model, optimizer, team, plan, checkpoint, settings, schedule=None):
        self.model, self.optimizer, self.team, self.plan = model, optimizer, team, plan
        self.checkpoint, self.settings, self.schedule = checkpoint, settings, schedule or (lambda step: 1)
        self.rng = make_rng([plan["seed"], DRAWS], like=model)
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
        """The steps of this epoch that are still to be done; all of it saved if they are interrupted."""
        order = make_rng([self.plan["seed"], ORDER, self.epoch + 1], like=x_train)
        batches = list(minibatches(len(x_train), self.plan["batch_size"], order))
        with self.team.at_work():
            if self.team.rank:
                self.rng = np.random.default_rng([self.plan["seed"], DRAWS, self.epoch + 1, self.team.rank])
                for batch in batches[:self.step]:
                    self.look(x_train, y_train, batch)              # the draws of the steps that are done
            for batch in batches[self.step:]:
                start = time.perf_counter()
                stop = self.take_step(self.look(x_train, y_train, batch), len(batch), interrupted)
                self.seconds += time.perf_counter() - start
                if self.team.rank == 0:
                    progress()
                if stop:
                    self.save()
                    raise Interrupted(self.where_it_stopped())

    def look(self, x_train, y_train, batch):
        """What the model is given to see: this worker's rows of the batch, and the noise for them."""
        rows = self.team.rows(batch)
        x = binarize_batch(x_train[rows], self.plan["binarization"], self.rng)
        return {"x": x, **labels(y_train, rows), **self.model.noise(x, self.rng)}

    def where_it_stopped(self):
        return (f"stopped after {self.epoch} epochs and {self.step} steps; "
                + (f"saved in {self.checkpoint}" if self.checkpoint else "there is no checkpoint"))

    def take_step(self, constants, batch_size, interrupted):
        """One gradient: the loss is the mean over the batch of the weighted sum of the terms; -> whether to stop."""
        with np.errstate(all="ignore"):                             # it is said below, better
            terms, backward = self.team.forward(**constants)
        sums = [float(term.sum()) for term in terms]
        if not np.isfinite(sums).all():
            raise NonFiniteLoss(
                f"the loss is not finite at epoch {self.epoch + 1}, step {self.step + 1}: the first node with such an "
                f"output is {first_nonfinite(self.model, constants)}" + self.last_good())
        backward(*(np.full_like(term, w / batch_size)
                   for term, w in zip(terms, self.plan["weights"].values(), strict=True)))
        sums, stop = self.team.meet(sums, interrupted())
        self.optimizer.lr = self.plan["lr"] * self.schedule(self.steps_done)
        self.team.step(self.plan["clip"])
        self.optimizer.lr = self.plan["lr"]
        self.step += 1
        for name, total in zip(self.model.terms, sums, strict=True):
            self.totals[name] += total
        return stop

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
        if self.checkpoint is None or self.team.rank:
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
