"""The checkpoint of a training: written after each epoch and at Ctrl-C, and how another run goes on from it."""

from pathlib import Path

from .checkpoints import CheckpointError, load_checkpoint, model_arrays, restore, restore_model, save_checkpoint

STATE = ("epoch", "step", "totals", "seconds", "records")


def save(run):
    """Write the checkpoint of a run, if there is to be one."""
    if run.checkpoint is None or run.executor.rank:
        return
    arrays = model_arrays(run.model)
    for prefix, state in optimizer_states(run.turns):
        arrays |= {prefix + name: a for name, a in state.items()}
    save_checkpoint(run.checkpoint, arrays, {
        "settings": run.settings, "plan": run.plan, "generator": run.rng.bit_generator.state,
        **{name: getattr(run, name) for name in STATE}})


def go_on(run, resume):
    """Bring a run to where its checkpoint was written, if there is one.

    Raises CheckpointError if it is there and `resume` is False, or if it is of another training.
    """
    if run.checkpoint is None or not Path(run.checkpoint).exists():
        return
    if not resume:
        raise CheckpointError(f"checkpoint {run.checkpoint} is already there; resume=True (--resume) goes on from it, "
                              "another path starts anew")
    arrays, facts = load_checkpoint(run.checkpoint)
    require_same_plan(run, facts)
    restore_model(run.model, arrays, run.checkpoint)
    for prefix, state in optimizer_states(run.turns):
        restore(state, arrays, prefix, run.checkpoint)
    run.rng.bit_generator.state = facts["generator"]
    for name in STATE:
        setattr(run, name, facts[name])


def require_same_plan(run, facts):
    """CheckpointError unless settings and plan are those that the checkpoint was written under.

    A checkpoint of an earlier version is asked only for that part of the plan that it knows.
    """
    before = {**dict.fromkeys(run.settings or {}), **(facts["settings"] or {}), **facts["plan"]}
    if before.get("schedule"):
        before["schedule"] = before["schedule"].replace("stairs(", "step_decay(")              # its former name
    for name, given in {**(run.settings or {}), **run.plan}.items():
        if name in before and before[name] != given:
            raise CheckpointError(f"checkpoint {run.checkpoint} was trained with {name} = {before[name]}; it cannot be "
                                  f"resumed with {given}")


def optimizer_states(turns):
    """[(prefix in the checkpoint, {name: array})] of each optimizer."""
    if len(turns) == 1:
        return [("optimizer/", turns[0].optimizer.state())]
    return [(f"optimizer/{turn.method}/", turn.optimizer.state()) for turn in turns]
