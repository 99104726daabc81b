"""What `fit` refuses at the call, before any work is done."""

import numpy as np

from ..backend import on_host
from ..datasets import Examples
from ..seeds import TRIAL, generator
from .turns import require_the_parameters

SLICE = 10_000              # examples that are checked at a time


def data_of(x_train, y_train, x_test, y_test, binarization):
    """{"train": Examples, "test": Examples}, or without a test set; a bare one is binarized as the training set is.

    Raises ValueError for arrays that do not fit together, and says in which set they are.
    """
    split, data = "train", {}
    try:
        data["train"] = Examples.of(x_train, y=y_train, binarization=binarization)
        if x_test is not None:
            split, said = "test", binarization if isinstance(x_test, Examples) else data["train"].binarization
            data["test"] = Examples.of(x_test, y=y_test, binarization=said)
    except ValueError as error:
        raise ValueError(f"in the {split} set, {error}") from None
    return data


def require_optimizers(model, turns, **needs_a_vector):
    """ValueError unless the optimizers learn this model, where it lies, and can do what is asked.

    needs_a_vector   options that need the flat vector of an Adam or an SGD, unless they are None
    """
    place = place_of(model)
    for optimizer in (turn.optimizer for turn in turns):
        if hasattr(optimizer, "theta") and place_of(optimizer.theta.value) != place:
            raise ValueError(f"optimizer must be made when the model is {place} already: it packs what it finds")
        for name, value in needs_a_vector.items():
            if value is not None and not hasattr(optimizer, "theta"):
                raise ValueError(f"{name} must be None for {type(optimizer).__name__}, which has no flat vector of the "
                                 "parameters, as Adam has")
    require_the_parameters(model, turns)


def require_examples(model, examples, split):
    """ValueError unless they lie where the model does, in its precision, and it accepts every x."""
    for name, a in examples.arrays.items():
        if place_of(a) != place_of(model):
            raise ValueError(f"{name}_{split} must be {place_of(model)}, as the model is; to_device and to_host "
                             "(backend.py) move it")
        if a.dtype.kind == "f" and a.dtype != model.dtype:
            raise ValueError(f"{name}_{split} must be {model.dtype} as the model is, but is {a.dtype}")
    for start in range(0, len(examples), SLICE):
        x = examples.x[start:start + SLICE]
        model.check(x, f"x_{split}")
        if examples.binarization != "none" and not (x.min() >= 0 and x.max() <= 1):
            raise ValueError(f"x_{split} must be probabilities in [0, 1] if it is to be binarized, but runs from "
                             f"{x.min()} to {x.max()}")


def place_of(thing):
    """Where an array, or what a model learns, lies."""
    return "in the computer's memory" if on_host(thing) else "on a GPU"


def trial(model, turns, examples, split, batch_size):
    """What forward is given of one example (of a batch, if they depend on each other), after every turn has taken it.

    Raises ValueError if one of them cannot: labels are missing, or x has another width than the model.
    """
    rng = generator(0, TRIAL, like=model)
    try:
        batch = examples.batch(slice(batch_size if model.coupled else 1), rng)
        constants = batch | model.noise(batch["x"], rng)
        with np.errstate(all="ignore"):
            shapes = {turn: [term.shape for term in getattr(model, turn.method)(**constants)[0]] for turn in turns}
    except (TypeError, ValueError, IndexError) as error:
        raise ValueError(f"{', '.join(f'{name} {a.shape}' for name, a in examples.arrays.items())} of the {split} set "
                         f"cannot be given to the model: {error}") from error
    for turn, found in shapes.items():
        if found != [(len(batch["x"]),)] * len(turn.terms):
            raise ValueError(f"{turn.method} must give a term of shape (B,) for each of {', '.join(turn.terms)}, but "
                             f"of {len(batch['x'])} examples it gives {found}")
    return constants
