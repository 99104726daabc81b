"""Training on arrays that lie in a file: np.memmap gives what an array in memory gives, to the bit."""

import sys

import numpy as np
import pytest

from scratchvae.datasets import Pixels, pixels
from scratchvae.evaluation import importance_weights
from scratchvae.models import mlp_vae
from scratchvae.training import Adam, fit

IMAGES = np.random.default_rng(0).integers(0, 256, (50, 3, 4), np.uint8)


def trained(x, **options):
    model = mlp_vae(12, [8], 3, np.random.default_rng(0))
    records = list(fit(model, x, x_test=x, optimizer=Adam(model), epochs=2, batch_size=20, progress=False, **options))
    bound = importance_weights(model, x[:], 5).bound
    theta = np.concatenate([p.value.ravel() for p in model.parameters().values()])
    return theta, bound, [(record["train"], record["test"]) for record in records]


def mapped(path, a):
    """The array, written to a file and mapped into memory, where nothing can change it."""
    np.save(path, a)
    return np.load(path, mmap_mode="r")


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("binarization", ["none", "dynamic", "static"])
@pytest.mark.parametrize("form", ["bytes", "floats"])
def test_a_mapped_array_trains_to_the_same_bits(tmp_path, form, binarization, workers):
    make, a = {"bytes": (Pixels, IMAGES), "floats": (lambda x: x, pixels(IMAGES))}[form]
    options = {"binarization": binarization, "workers": workers}
    there, here = trained(make(mapped(tmp_path / "x.npy", a)), **options), trained(make(a), **options)
    assert np.array_equal(there[0], here[0]) and np.array_equal(there[1], here[1]) and there[2] == here[2]


def test_few_rows_are_read_at_a_time(tmp_path, monkeypatch):
    """Those of a slice while the data are checked, and then those of a batch."""
    class Watched(np.memmap):
        def __getitem__(self, rows):
            few = super().__getitem__(rows)
            read.append(len(few) if getattr(few, "ndim", 0) == 3 else 1)
            return np.asarray(few)

    read = []
    monkeypatch.setattr(sys.modules["scratchvae.training.checks"], "SLICE", 25)
    images = mapped(tmp_path / "x.npy", IMAGES).view(Watched)
    model = mlp_vae(12, [8], 3, np.random.default_rng(0))
    list(fit(model, Pixels(images), optimizer=Adam(model), epochs=1, batch_size=20, progress=False))
    assert max(read) == 25 and read[-3:] == [20, 20, 10]
