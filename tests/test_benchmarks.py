"""The benchmarks without PyTorch: their own half, and what they write."""

import dataclasses
import json
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from benchmarks import gpu, ours, scaling
from benchmarks.workloads import CONTROLS, EVALUATION, SCALING, mapped_images

ROOT = Path(__file__).parents[1]


def measured(value, **contenders):
    return {"value": value, "steps": 10, "contenders": {
        name: {"skipped": "no room"} if speed is None else {"steps/s": speed, "seconds": [10 / speed] * 3, "MB": 100.0}
        for name, speed in contenders.items()}}


RESULTS = {"machine": {"CPU": "one"}, "command": "x", "rounds": 3, "points": {
    "batch": [measured(8, **{"scratchvae": 200.0, "scratchvae-2": None, "torch": 100.0}),
              measured(32, **{"scratchvae": 90.0, "scratchvae-2": 120.0, "torch": 60.0})],
    "images": [measured(6000, scratchvae=3.0, torch=2.0)]}}


def test_the_page_of_scaling_has_a_line_for_each_contender_and_a_plot(tmp_path):
    scaling.write(RESULTS, tmp_path)
    page, plot = (tmp_path / "SCALING.md").read_text(), (tmp_path / "scaling.svg").read_text()
    assert "| 8 | scratchvae | 200.0 | 2.00 (2.00-2.00) | 100 | 1.00 |" in page
    assert "| 8 | scratchvae-2 | skipped: no room |" in page and "| 6000 | torch | 2.0 |" in page
    assert json.loads((tmp_path / "scaling.json").read_text()) == RESULTS
    for words in ("steps a second", "peak memory, MB", "batch", "images", "scratchvae", "torch", "6 000"):
        assert f">{words}<" in plot


def test_what_grows_is_one_thing_at_a_time():
    plain = CONTROLS["hidden units"][400]
    for what, points in CONTROLS.items():
        for n, workload in points.items():
            assert SCALING[f"{what}-{n}"] is workload and workload.title.count(str(n)) == 1
            assert sum([workload.hidden != 400, workload.batch != 128, workload.latents != 20]) <= 1
    assert CONTROLS["hidden units"][3200].model().encoder.nodes[0].W.value.shape == (784, 3200)
    assert plain.model().n_latents == 20 and CONTROLS["latents"][512].model().n_latents == 512


def test_mapped_images_are_those_of_mnist_again_and_again(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    three = types.SimpleNamespace(x_train=np.arange(3 * 784).astype(np.uint8).reshape(3, 28, 28))
    monkeypatch.setattr("benchmarks.workloads.load", lambda name: three)
    images = mapped_images(7)
    assert isinstance(images, np.memmap) and images.shape == (7, 28, 28)
    assert np.array_equal(images[6], images[0]) and np.array_equal(images[5], images[2])
    assert [path.name for path in tmp_path.iterdir()] == ["scratchvae-mnist-7.npy"]


@pytest.mark.parametrize("task", EVALUATION)
def test_what_is_measured_of_a_model_is_measured(task, monkeypatch):
    monkeypatch.setattr(type(EVALUATION[task]), "bits", lambda self: np.zeros((2, 784), np.float32))
    results = ours.again(task, dataclasses.replace(EVALUATION[task], steps=2))
    first, second = next(results), next(results)
    assert str(first) == str(second)


def test_without_a_gpu_that_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(sys, "argv", ["gpu"])
    with pytest.raises(SystemExit) as end:
        gpu.main()
    assert end.value.code == 1
    sentence = "a GPU is used through CuPy, which is not installed: pip install 'scratchvae[gpu]'"
    assert capsys.readouterr().out == sentence + "\n"


def test_contenders_on_a_gpu_train_in_turns_and_say_why_they_do_not(monkeypatch):
    order, workload = [], EVALUATION["elbo"]

    def training(name):
        while True:
            order.append(name)
            yield

    def refused(workload):
        raise RuntimeError("no compiler\nhere")

    makers = {"a": lambda w: training("a"), "torch": lambda w: training("torch"), "c": refused}
    monkeypatch.setattr(gpu, "MAKERS", makers)
    trains, skipped = gpu.started(workload, gpu.MAKERS)
    assert skipped == {"c": "no compiler"} and order == ["a", "torch"]
    found = gpu.steps_per_second(workload, trains, until=0)
    assert order[2:] == ["a", "torch", "torch", "a"] and [len(each) for each in found.values()] == [2, 2]
    *lines, last = gpu.rows("w", found, skipped)
    assert len(lines) == 2 and last == "| w | c | skipped: no compiler | - | 0 |"
    assert gpu.names(44) == ["a", "torch", "c"]


@pytest.mark.parametrize("module", ["scaling", "evaluation", "gpu"])
def test_each_says_how_it_is_called(module):
    help = subprocess.run([sys.executable, "-m", f"benchmarks.{module}", "--help"], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, check=True).stdout
    assert f"python -m benchmarks.{module}" in help
