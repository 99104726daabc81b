"""A training as it stands between two steps: all that the next step depends on, and how it is saved and loaded."""

import numpy as np

from ..seeds import DRAWS, generator
from .checkpoints import CheckpointError, load_checkpoint, model_arrays, restore, restore_model, save_checkpoint
from .diagnose import NonFiniteLoss
from .schedules import value_at


class Run:
    """The plan, which does not change, and the state, which every step does.

    plan      JSON-able: with another, the steps would be others
    weights   {term: a number or a schedule}; schedule, of the step size, or None
    """

    def __init__(self, executor, turns, plan, weights, schedule, checkpoint, settings):
        self.executor, self.model, self.turns = executor, executor.model, turns
        self.plan, self.weights, self.schedule = plan, weights, schedule or (lambda step: 1)
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

    def where_it_stopped(self):
        return (f"stopped after {self.epoch} epochs and {self.step} steps; "
                + (f"saved in {self.checkpoint}" if self.checkpoint else "there is no checkpoint"))

    def non_finite(self, what):
        """The error that says what is not finite, and where the last good checkpoint is."""
        good = f"; the last good checkpoint is {self.checkpoint}" if self.epoch and self.checkpoint else ""
        return NonFiniteLoss(what + good)

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
        self.save()
        return record

    def save(self):
        """Write the checkpoint, if there is to be one."""
        if self.checkpoint is None or self.executor.rank:
            return
        arrays = model_arrays(self.model)
        for prefix, state in self.optimizer_states():
            arrays |= {prefix + name: a for name, a in state.items()}
        save_checkpoint(self.checkpoint, arrays, {
            "settings": self.settings, "plan": self.plan, "generator": self.rng.bit_generator.state,
            "epoch": self.epoch, "step": self.step, "totals": self.totals, "seconds": self.seconds,
            "records": self.records})

    def load(self):
        """Go back to where the checkpoint was written; CheckpointError if that was another training."""
        arrays, facts = load_checkpoint(self.checkpoint)
        self.require_same_plan(facts)
        restore_model(self.model, arrays, self.checkpoint)
        for prefix, state in self.optimizer_states():
            restore(state, arrays, prefix, self.checkpoint)
        self.rng.bit_generator.state = facts["generator"]
        self.epoch, self.step = facts["epoch"], facts["step"]
        self.totals, self.seconds, self.records = facts["totals"], facts["seconds"], facts["records"]

    def require_same_plan(self, facts):
        """CheckpointError, in one sentence, unless settings and plan are those of before.

        A checkpoint of an earlier version is asked only for that part of the plan that it knows.
        """
        before = {**dict.fromkeys(self.settings or {}), **(facts["settings"] or {}), **facts["plan"]}
        if before.get("schedule"):
            before["schedule"] = before["schedule"].replace("stairs(", "step_decay(")              # its former name
        for name, given in {**(self.settings or {}), **self.plan}.items():
            if name in before and before[name] != given:
                raise CheckpointError(f"checkpoint {self.checkpoint} was trained with {name} = {before[name]}; it "
                                      f"cannot be resumed with {given}")

    def optimizer_states(self):
        """[(prefix in the checkpoint, {name: array})] of each optimizer."""
        if len(self.turns) == 1:
            return [("optimizer/", self.turns[0].optimizer.state())]
        return [(f"optimizer/{turn.method}/", turn.optimizer.state()) for turn in self.turns]
