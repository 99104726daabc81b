"""The losses of a step, each with its optimizer; and that the optimizers learn the whole model and nothing else."""

from typing import NamedTuple

import numpy as np


class Turn(NamedTuple):
    """A loss of a step: the model's method (of forward's contract), the names of its terms, and the optimizer."""

    method: str
    terms: tuple
    optimizer: object


def turns_of(model, optimizer):
    """[Turn], in the order of model.turns, from one optimizer or from {method: optimizer}.

    Raises ValueError unless there is an optimizer for each turn.
    """
    given = optimizer if isinstance(optimizer, dict) else dict.fromkeys(list(model.turns)[:1], optimizer)
    if given.keys() != model.turns.keys():
        raise ValueError(f"optimizer must be one for each turn of the model, {{method: optimizer}} with the methods "
                         f"{', '.join(model.turns)}, but is for {', '.join(given)}")
    turns = [Turn(method, terms, given[method]) for method, terms in model.turns.items()]
    names = [name for turn in turns for name in turn.terms]
    if len(set(names)) < len(names):
        raise ValueError(f"the terms of all turns must have different names, but are {', '.join(names)}")
    return turns


def lr_of(turns):
    """The step size as a checkpoint keeps it: a number, or {method: number} of several turns."""
    return turns[0].optimizer.lr if len(turns) == 1 else {turn.method: turn.optimizer.lr for turn in turns}


def require_the_parameters(model, turns):
    """ValueError, which names a parameter, unless each one of the model is learned by exactly one optimizer.

    So an optimizer is made of a model that is complete: its vector must hold the very arrays that the model reads.
    """
    for name, p in model.parameters().items():
        learners = sum(learns(turn.optimizer, p) for turn in turns)
        if learners != 1:
            raise ValueError(f"optimizer must be made of this model as it is now, after its last change and after any "
                             f"other optimizer, but {name} is in {'none' if learners == 0 else 'more than one'}")
    found, expected = sum(size(turn.optimizer) for turn in turns), size(model)
    if found != expected:
        first = next(iter(model.parameters()))
        raise ValueError(f"optimizer must be made of this model, {expected} numbers from {first} on, but learns "
                         f"{found}")


def learns(optimizer, p):
    """Whether an optimizer changes this Parameter: it is one of its own, or a part of its flat vector."""
    if hasattr(optimizer, "theta"):
        return all(np.may_share_memory(getattr(p, name), getattr(optimizer.theta, name)) for name in ("value", "grad"))
    return any(p is own for own in optimizer.parameters.values())


def size(thing):
    """How many numbers a model or an optimizer has to learn."""
    if hasattr(thing, "theta"):
        return thing.theta.value.size
    parameters = thing.parameters if isinstance(thing.parameters, dict) else thing.parameters()
    return sum(p.value.size for p in parameters.values())
