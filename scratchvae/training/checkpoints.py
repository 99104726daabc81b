"""One .npz file that holds all a training needs to go on: arrays, and facts as JSON. Nothing in it is pickled."""

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .. import __version__
from ..backend import to_host
from ..core import Module


class CheckpointError(OSError):
    """A checkpoint is missing, damaged or of another run; the message says which, and what to do."""


def save_checkpoint(path: str | Path, arrays: Mapping[str, np.ndarray], facts: dict) -> None:
    """Write {name: array} and JSON-able facts, atomically: a reader finds the old file or the new one, whole."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"version": __version__, **facts})
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "wb") as file:
            np.savez(file, facts=np.array(text), **{name: to_host(a) for name, a in arrays.items()})
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def load_checkpoint(path: str | Path) -> tuple[dict[str, np.ndarray], dict]:
    """(arrays, facts) as they were saved; CheckpointError for a file that is missing or damaged."""
    try:
        with open(path, "rb") as handle, np.load(handle, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return arrays, json.loads(str(arrays.pop("facts")))
    except FileNotFoundError:
        raise CheckpointError(f"checkpoint {path} does not exist") from None
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"checkpoint {path} is damaged or not a checkpoint ({error}); nothing was overwritten; "
                              "restore it from a copy, or move it away and train anew") from None


def restore(target, arrays, prefix, path):
    """Copy arrays[prefix + name] into the arrays of `target`, {name: array}, in place, after checking them all."""
    saved = {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
    expected, found = ({name: a.shape for name, a in some.items()} for some in (target, saved))
    if expected != found:
        differing = ", ".join(sorted(name for name in expected | found if expected.get(name) != found.get(name)))
        raise CheckpointError(f"checkpoint {path} is of another model or optimizer: they differ in {prefix}{differing}")
    for name, a in saved.items():
        target[name][...] = np.asarray(a, like=target[name])


def model_arrays(model: Module) -> dict[str, np.ndarray]:
    """{"parameters/NAME": array, "buffers/NAME": array}: all of a model that a checkpoint holds."""
    return {f"{kind}/{name}": a for kind, arrays in parts_of(model).items() for name, a in arrays.items()}


def restore_model(model, arrays, path):
    """Give `model` the parameters and buffers in the arrays of the checkpoint `path`."""
    for kind, own in parts_of(model).items():
        restore(own, arrays, f"{kind}/", path)


def parts_of(model):
    """{"parameters": {name: array}, "buffers": {name: array}}"""
    return {"parameters": {name: p.value for name, p in model.parameters().items()},
            "buffers": {name: b.value for name, b in model.buffers().items()}}


def load_parameters(model: Module, path: str | Path) -> dict:
    """Give `model` the parameters and buffers that a training left in `path`; -> the facts saved with them."""
    arrays, facts = load_checkpoint(path)
    restore_model(model, arrays, path)
    return facts
