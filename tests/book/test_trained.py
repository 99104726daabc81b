"""What ships trained is what was kept, or nothing."""

import numpy as np
import pytest

from scratchvae.book import trained
from scratchvae.datasets import DataError
from scratchvae.models import mlp_vae
from scratchvae.training import CheckpointError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(trained, "FOLDER", tmp_path)
    return tmp_path


def small_vae(seed, n_latents=2):
    return mlp_vae(5, [4], n_latents, np.random.default_rng(seed))


def parameters(model):
    return [p.value.copy() for p in model.parameters().values()]


def test_what_was_kept_comes_back(folder):
    one, other = small_vae(1), small_vae(2)
    trained.keep("one", one, records=[{"epoch": 1}])
    facts = trained.recall("one", other)
    assert facts["records"] == [{"epoch": 1}]
    assert all(np.array_equal(a, b) for a, b in zip(parameters(one), parameters(other), strict=True))


def test_facts_alone(folder):
    trained.keep("facts", kl=[1.5, 0.25])
    assert trained.recall("facts")["kl"] == [1.5, 0.25]


def test_keeping_twice_gives_the_same_bytes_and_one_line_each(folder):
    trained.keep("b", small_vae(1))
    first = (folder / "b.npz").read_bytes()
    trained.keep("a", small_vae(2))
    trained.keep("b", small_vae(1))
    assert (folder / "b.npz").read_bytes() == first
    assert [line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines()] == ["a.npz", "b.npz"]


def test_a_missing_file_is_one_sentence(folder):
    with pytest.raises(DataError, match=r"none\.npz is missing; restore it with: git"):
        trained.recall("none")


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:40] + bytes([b[40] ^ 1]) + b[41:], lambda b: b""])
def test_a_damaged_file_is_refused_and_the_model_untouched(folder, damage):
    trained.keep("one", small_vae(1))
    path = folder / "one.npz"
    path.write_bytes(damage(path.read_bytes()))
    model = small_vae(2)
    before = parameters(model)
    with pytest.raises(DataError, match=r"one\.npz is damaged"):
        trained.recall("one", model)
    assert all(np.array_equal(a, b) for a, b in zip(before, parameters(model), strict=True))


def test_weights_of_another_model_are_refused(folder):
    trained.keep("one", small_vae(1))
    with pytest.raises(CheckpointError):
        trained.recall("one", small_vae(1, n_latents=3))


def test_a_file_without_its_checksum_is_refused(folder):
    trained.keep("one", small_vae(1))
    (folder / "SHA256SUMS").unlink()
    with pytest.raises(DataError, match="damaged"):
        trained.recall("one")


def test_everything_that_ships_is_whole():
    assert trained.read_checksums().keys() == {path.name for path in trained.FOLDER.glob("*.npz")}
    for file in trained.read_checksums():
        trained.recall(file.removesuffix(".npz"))
