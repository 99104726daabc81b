"""What is refused at the call of `fit`, before any work is done: one sentence each."""

import numpy as np

from ..backend import on_host
from ..datasets import Examples
from ..seeds import TRIAL, generator
from .turns import require_the_parameters

SLICE = 10_000              # examples that are checked at a time


def check(model, turns, data, batch_size, **needs_a_vector):
    """Everything below, for the data {split: Examples}; -> what forward is given of one training example."""
    require_same_place(model, turns, data)
    require_the_parameters(model, turns)
    require_vectors(turns, **needs_a_vector)
    for split, examples in data.items():
        require_explainable(model, examples, split)
    tried = {split: trial(model, turns, examples, split, batch_size) for split, examples in data.items()}
    return tried["train"]


def data_of(x_train, y_train, x_test, y_test, binarization):
    """{"train": Examples, "test": Examples}, or without a test set; a bare one is binarized as the training set is."""
    train = examples_of("train", x_train, y_train, binarization)
    if x_test is None:
        return {"train": train}
    beside = binarization if isinstance(x_test, Examples) else train.binarization
    return {"train": train, "test": examples_of("test", x_test, y_test, beside)}


def examples_of(split, x, y, binarization):
    """Examples.of; the ValueError of what does not go together says in which set."""
    try:
        return Examples.of(x, y=y, binarization=binarization)
    except ValueError as error:
        raise ValueError(f"in the {split} set, {error}") from None


def require_same_place(model, turns, data):
    """ValueError, in one sentence, unless all arrays lie where the model does, in the computer's memory or a GPU's."""
    here, place = on_host(model), "in the computer's memory" if on_host(model) else "on a GPU"
    for split, examples in data.items():
        for name, a in examples.arrays.items():
            if on_host(a) != here:
                raise ValueError(f"{name}_{split} must be {place}, as the model is; to_device and to_host "
                                 "(backend.py) move it")
    for turn in turns:
        if hasattr(turn.optimizer, "theta") and on_host(turn.optimizer.theta.value) != here:
            raise ValueError(f"optimizer must be made when the model is {place} already: it packs what it finds")


def require_vectors(turns, **options):
    """ValueError, in one sentence, for an option that needs a flat vector of the parameters where there is none."""
    for turn in turns:
        for name, value in options.items():
            if value is not None and not hasattr(turn.optimizer, "theta"):
                raise ValueError(f"{name} must be None for {type(turn.optimizer).__name__}, which has no flat vector "
                                 "of the parameters, as Adam has")


def require_explainable(model, examples, split):
    """ValueError, in one sentence, unless floats have the model's precision, and it can explain every x."""
    for name, a in examples.arrays.items():
        if a.dtype.kind == "f" and a.dtype != model.dtype:
            raise ValueError(f"{name}_{split} must be {model.dtype} as the model is, but is {a.dtype}")
    for start in range(0, len(examples), SLICE):
        x = examples.x[start:start + SLICE]
        model.check(x, f"x_{split}")
        if examples.binarization != "none" and not (x.min() >= 0 and x.max() <= 1):
            raise ValueError(f"x_{split} must be probabilities in [0, 1] if it is to be binarized, but runs from "
                             f"{x.min()} to {x.max()}")


def trial(model, turns, examples, split, batch_size):
    """What forward is given of one example (of a batch, if they depend on each other), after every turn has taken it.

    ValueError, in one sentence, if one of them cannot: labels are missing, or x has another width than the model.
    """
    rng = generator(0, TRIAL, like=examples.x)
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
