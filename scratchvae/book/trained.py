"""Trainings that ship with the book: weights and records in data/trained/, verified by SHA-256, so that nobody waits.

    keep("08_mnist_2", vae, records=records)           # once, in a cell that is switched off
    facts = recall("08_mnist_2", vae)                  # always: vae has the weights, facts["records"] the records
"""

import hashlib

from ..core import Module
from ..datasets import CHECKOUT, DataError
from ..training import load_checkpoint, load_parameters, model_arrays, save_checkpoint

FOLDER = CHECKOUT / "trained"
CHECKSUMS = "SHA256SUMS"                               # as the command sha256sum writes and checks it


def keep(name: str, model: Module | None = None, **facts) -> None:
    """Write data/trained/NAME.npz, parameters and buffers of a model and JSON-able facts, and its checksum."""
    path = FOLDER / f"{name}.npz"
    save_checkpoint(path, {} if model is None else model_arrays(model), facts)
    checksums = read_checksums() | {path.name: sha256(path)}
    lines = [f"{checksum}  {file}\n" for file, checksum in sorted(checksums.items())]
    (FOLDER / CHECKSUMS).write_text("".join(lines), newline="\n")


def recall(name: str, model: Module | None = None) -> dict:
    """The facts kept under NAME; `model`, if given, gets the parameters kept with them.

    Raises DataError if the file is missing, or its SHA-256 is not that of the file that was kept.
    """
    path = FOLDER / f"{name}.npz"
    remedy = f'restore it with: git -C "{CHECKOUT.parent}" checkout -- data/trained'
    if not path.is_file():
        raise DataError(f"{path} is missing; {remedy}")
    if read_checksums().get(path.name) != sha256(path):
        raise DataError(f"{path} is damaged (its SHA-256 is not the one in {CHECKSUMS}); {remedy}")
    return load_checkpoint(path)[1] if model is None else load_parameters(model, path)


def read_checksums():
    """{file name: SHA-256} of all that was kept."""
    path = FOLDER / CHECKSUMS
    lines = path.read_text().splitlines() if path.exists() else []
    return {file: checksum for checksum, file in (line.split("  ", 1) for line in lines)}


def sha256(path):
    """The SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
