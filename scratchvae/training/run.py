"""A training as it stands between two steps: what it was asked for, and all else that the next step depends on."""

import numpy as np

from ..seeds import DRAWS, generator
from .diagnose import NonFiniteLoss
from .resume import save
from .schedules import value_at


class Run:
    """What does not change: executor, turns, data, plan, weights, schedule; and the state, which every step changes.

    data      {"train": Examples, "test": Examples}, or without a test set
    plan      JSON-able: with another plan, the steps would be others
    weights   {term: a number or a schedule}; schedule, of the step size, or None
    """

    def __init__(self, executor, turns, data, plan, weights, schedule, checkpoint, settings):
        self.executor, self.model, self.turns = executor, executor.model, turns
        self.train, self.test = data["train"], data.get("test")
        self.plan = {**plan, "examples": len(self.train), "binarization": self.train.binarization}
        self.weights, self.schedule = weights, schedule or (lambda step: 1)
        self.checkpoint, self.settings = checkpoint, settings
        self.rng = generator(plan["seed"], DRAWS, like=self.model)
        self.epoch, self.records = 0, []                            # epochs finished
        self.begin_epoch()

    def begin_epoch(self):
        """No step taken yet, nothing added up."""
        self.step, self.totals, self.seconds = 0, dict.fromkeys(self.weights, 0.0), 0.0

    @property
    def steps_an_epoch(self):
        return -(-self.plan["examples"] // self.plan["batch_size"])

    @property
    def steps_done(self):
        return self.epoch * self.steps_an_epoch + self.step

    def weights_at(self, step):
        """{term: its weight at this step}"""
        return {name: value_at(step, w) for name, w in self.weights.items()}

    def close_epoch(self, test):
        """The record of the epoch whose steps are done, saved with everything else; `test` are its test terms."""
        for name, p in self.model.parameters().items():
            if not np.isfinite(p.value).all():
                raise self.non_finite(f"{name} is not finite after epoch {self.epoch + 1}")
        train = {name: total / self.plan["examples"] for name, total in self.totals.items()}
        record = {"epoch": self.epoch + 1, "train": train, "test": test,
                  "weights": self.weights_at(self.steps_done - 1), "seconds": round(self.seconds, 3),
                  "binarization": self.plan["binarization"], "executor": self.executor.name}
        self.records.append(record)
        self.epoch += 1
        self.begin_epoch()
        save(self)
        return record

    def where_it_stopped(self):
        return (f"stopped after {self.epoch} epochs and {self.step} steps; "
                + (f"saved in {self.checkpoint}" if self.checkpoint else "there is no checkpoint"))

    def non_finite(self, what):
        """The error that says what is not finite, and where the last good checkpoint is."""
        good = f"; the last good checkpoint is {self.checkpoint}" if self.epoch and self.checkpoint else ""
        return NonFiniteLoss(what + good)
