"""A checkpoint is whole or it is refused; what was there before is never lost."""

import os
import zipfile

import numpy as np
import pytest

from scratchvae import __version__
from scratchvae.models import mlp_vae
from scratchvae.training import CheckpointError, load_checkpoint, load_parameters, save_checkpoint


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "checkpoint.npz"


@pytest.fixture
def saved(path):
    arrays = {"parameters/W": np.arange(6, dtype=np.float32).reshape(2, 3), "optimizer/t": np.array(3)}
    save_checkpoint(path, arrays, {"epoch": 2, "generator": {"state": 2**127 + 1}})
    return arrays


def test_what_is_saved_comes_back_with_the_version(path, saved):
    arrays, facts = load_checkpoint(path)
    assert arrays.keys() == saved.keys()
    assert all(np.array_equal(arrays[name], a) and arrays[name].dtype == a.dtype for name, a in saved.items())
    assert facts == {"version": __version__, "epoch": 2, "generator": {"state": 2**127 + 1}}


def test_nothing_in_it_is_pickled(path, saved):
    with np.load(path, allow_pickle=False) as file:
        assert {file[name].dtype.kind for name in file.files} <= set("fiuU")


def test_nothing_else_is_left_in_the_folder(path, saved):
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, 0.99])
def test_a_truncated_checkpoint_is_one_clear_sentence(path, saved, keep):
    whole = path.read_bytes()
    part = whole[:keep if keep >= 1 or keep == 0 else int(keep * len(whole))]
    path.write_bytes(part)
    with pytest.raises(CheckpointError, match=r"checkpoint\.npz is damaged .*nothing was overwritten"):
        load_checkpoint(path)
    assert path.read_bytes() == part


def test_a_flipped_byte_is_found(path, saved):
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("parameters/W.npy")
    whole = bytearray(path.read_bytes())
    whole[info.header_offset + 200] ^= 1
    path.write_bytes(whole)
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path)


def test_a_file_that_is_no_checkpoint_is_refused(path, saved):
    np.savez(path, a=np.zeros(3))
    with pytest.raises(CheckpointError, match="damaged or not a checkpoint"):
        load_checkpoint(path)


def test_a_missing_checkpoint_is_said_to_be_missing(path):
    with pytest.raises(CheckpointError, match="does not exist"):
        load_checkpoint(path)


def test_if_writing_fails_the_old_checkpoint_stays_and_nothing_else(path, saved, monkeypatch):
    before = path.read_bytes()

    def full_disk(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(path, {"parameters/W": np.zeros(3)}, {})
    assert path.read_bytes() == before and os.listdir(path.parent) == [path.name]


def test_a_model_gets_its_parameters_back(path):
    rng = np.random.default_rng(0)
    trained, fresh = mlp_vae(6, [4], 2, rng), mlp_vae(6, [4], 2, rng)
    save_checkpoint(path, {f"parameters/{name}": p.value for name, p in trained.parameters().items()}, {"epoch": 1})
    assert load_parameters(fresh, path)["epoch"] == 1
    x = rng.random((3, 6), np.float32)
    assert np.array_equal(trained.reconstruct(x), fresh.reconstruct(x))


def test_a_checkpoint_of_another_model_is_refused_and_changes_nothing(path):
    rng = np.random.default_rng(0)
    small, large = mlp_vae(6, [4], 2, rng), mlp_vae(6, [5], 2, rng)
    save_checkpoint(path, {f"parameters/{name}": p.value for name, p in small.parameters().items()}, {})
    before = [p.value.copy() for p in large.parameters().values()]
    with pytest.raises(CheckpointError, match=r"another model or optimizer: .*encoder\.nodes\.0\.W"):
        load_parameters(large, path)
    assert all(map(np.array_equal, before, (p.value for p in large.parameters().values())))
