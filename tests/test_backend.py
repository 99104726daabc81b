"""The gate to a GPU, and `--device gpu` on the command line, with the pretend device in the place of CuPy's."""

import functools
import sys

import numpy as np
import pretend
import pytest

from scratchvae.__main__ import main
from scratchvae.backend import make_rng, on_host, to_device, to_host
from scratchvae.models import mlp_autoencoder
from scratchvae.training import load_checkpoint

MISSING = "a GPU is used through CuPy, which is not installed: pip install 'scratchvae[gpu]'"
NO_GPU = "CuPy is installed, but finds no NVIDIA GPU with a driver here; the CPU needs neither"


def train(out, *options):
    return main(["train", "--data", "digits", "--epochs", "2", "--latents", "2", "--hidden", "20", "--out", str(out),
                 *options])


@pytest.mark.parametrize(("cupy", "sentence"), [(None, MISSING), (pretend.cupy(available=False), NO_GPU)])
def test_asking_for_a_gpu_that_is_not_there_is_one_sentence(cupy, sentence, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "cupy", cupy)           # None: as if it were not installed
    with pytest.raises(ValueError) as error:
        to_device(np.zeros(3))
    assert str(error.value) == sentence
    assert train(tmp_path / "run", "--device", "gpu") == 1
    assert capsys.readouterr().err == f"scratchvae: {sentence}\n" and not (tmp_path / "run").exists()


def test_cupy_can_be_imported_without_a_gpu_and_then_says_so():
    """Of a CuPy that is really installed."""
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed: pip install 'scratchvae[gpu]'")
    if not cupy.cuda.is_available():
        with pytest.raises(ValueError, match=NO_GPU):
            to_device(np.zeros(3))


def test_cupy_has_what_the_pretend_device_has():
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed: pip install 'scratchvae[gpu]'")
    for name in pretend.UFUNCS | pretend.FUNCTIONS:
        functools.reduce(getattr, name.split("."), cupy)
    for name in (*pretend.METHODS, *pretend.PROPERTIES, "T", "real", "imag", "get"):
        getattr(cupy.ndarray, name)


def test_a_model_that_is_moved_is_the_same_model_with_shared_weights_shared(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", pretend.cupy())
    model = mlp_autoencoder(6, [], 3, np.random.default_rng(0), tied=True)
    before = [p.value for p in model.parameters().values()]
    assert on_host(model) and to_device(model) is model and not on_host(model)
    assert model.encoder.nodes[0].W is model.decoder.nodes[0].W
    assert all(not on_host(a) for p in model.parameters().values() for a in (p.value, p.grad))
    assert to_host(model) is model and on_host(model)
    assert all(map(np.array_equal, before, [p.value for p in model.parameters().values()]))


def test_on_the_host_nothing_changes():
    a, model = np.arange(3.0), mlp_autoencoder(6, [], 3, np.random.default_rng(0))
    assert to_host(a) is a and to_host(model) is model
    assert isinstance(make_rng(0, like=a), np.random.Generator)


@pytest.mark.slow
def test_a_training_on_the_device_is_that_of_the_host_and_leaves_the_same_files(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "cupy", pretend.cupy())
    options = ["--binarization", "dynamic", "--clip", "50", "--schedule", "cosine"]
    assert train(tmp_path / "cpu", *options, "--pictures") == train(tmp_path / "gpu", *options, "--device", "gpu",
                                                                    "--pictures") == 0
    files = [sorted(path.relative_to(tmp_path / run) for path in (tmp_path / run).rglob("*")) for run in ("cpu", "gpu")]
    assert files[0] == files[1] and len(files[0]) > 6
    cpu, gpu = (load_checkpoint(tmp_path / run / "checkpoint.npz")[1]["records"][-1]["test"] for run in ("cpu", "gpu"))
    assert cpu == pytest.approx(gpu, rel=1e-6)
    assert train(tmp_path / "gpu", *options, "--resume") == 0              # a finished run, drawn again on the CPU
    capsys.readouterr()
    assert train(tmp_path / "team", "--device", "gpu", "--workers", "2") == 1
    assert capsys.readouterr().err == "scratchvae: workers must be 1 on a GPU, but is 2\n"
