"""Watching a training: plain functions that take the records that `fit` yields, and hand them on.

    records = fit(vae, x_train, x_test=x_test, ...)
    records = keep_best(records, vae, "best.npz")
    records = stop_early(records, patience=3)
    for record in records: ...

Each asks the one before it for the next record: so nothing is trained that nobody asks for. What decides is
`value(record)`, the lower the better; `held_out` unless told otherwise. Who chooses an epoch by the test set has
learned from it: to report an honest number, give `fit` a part of the training images as x_test.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..core import Module
from .checkpoints import load_checkpoint, model_arrays, save_checkpoint


def held_out(record: dict) -> float:
    """The sum of the test terms of a record: for a VAE -ELBO, in nats."""
    if not record["test"]:
        raise ValueError("the record has no test terms: give fit an x_test, or value another function")
    return sum(record["test"].values())


def stop_early(records: Iterable[dict], patience: int = 3, value: Callable[[dict], float] = held_out) -> Iterator[dict]:
    """Hand on the records until `patience` epochs in a row have brought nothing better."""
    best, waited = math.inf, 0
    for record in records:
        yield record
        best, waited = (value(record), 0) if value(record) < best else (best, waited + 1)
        if waited >= patience:
            return


def keep_best(records: Iterable[dict], model: Module, path: str | Path,
              value: Callable[[dict], float] = held_out) -> Iterator[dict]:
    """Write the model to `path` after each epoch that is the best so far; load_parameters reads it.

    A file that is there already stays until something better comes: so a resumed run keeps the best of the whole.
    """
    best = value(load_checkpoint(path)[1]["record"]) if Path(path).exists() else math.inf
    for record in records:
        if value(record) < best:
            best = value(record)
            save_checkpoint(path, model_arrays(model), {"record": record})
        yield record


def draw_each(records: Iterable[dict], picture: Callable, folder: str | Path) -> Iterator[dict]:
    """Write picture(record), a figure, to `folder`/epoch_001.png, epoch_002.png ... as the model learns."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for record in records:
        picture(record).savefig(folder / f"epoch_{record['epoch']:03d}.png", dpi=80)
        yield record
