"""The commands of the README, as a newcomer types them: on the smallest data set."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scratchvae import __version__, commands
from scratchvae.__main__ import main
from scratchvae.commands.models import build
from scratchvae.core import node
from scratchvae.datasets import Dataset
from scratchvae.probability import HouseholderPosterior, VampPrior
from scratchvae.proof import PROOFS, prove
from scratchvae.training import load_checkpoint, save_checkpoint

pytestmark = pytest.mark.slow

PNG = b"\x89PNG\r\n\x1a\n"


def train(out, *options):
    return main(["train", "--data", "digits", "--epochs", "1", "--out", str(out), *options])


@pytest.mark.parametrize(("options", "pictures"), [
    (["--hidden", "20", "--latents", "2"], ["reconstructions", "learning", "samples", "manifold"]),
    (["--loss", "gaussian", "--beta", "2", "--clip", "10"], ["reconstructions", "learning", "samples"]),
    (["--loss", "gaussian-shared"], ["reconstructions", "learning", "samples"]),
    (["--loss", "laplace"], ["reconstructions", "learning", "samples"]),
    (["--loss", "continuous-bernoulli"], ["reconstructions", "learning", "samples"]),
    (["--loss", "discretized-logistic"], ["reconstructions", "learning", "samples"]),
    (["--loss", "categorical", "--latents", "2"], ["reconstructions", "learning", "samples", "manifold"]),
    (["--binarization", "dynamic", "--lr", "0.01"], ["reconstructions", "learning", "samples"]),
    (["--model", "iwae", "--draws", "3", "--latents", "2"], ["reconstructions", "learning", "samples", "manifold"]),
    (["--posterior", "iaf", "--prior", "vamp", "--components", "7"], ["reconstructions", "learning", "samples"]),
    (["--model", "iwae", "--posterior", "planar", "--prior", "mixture", "--draws", "2"],
     ["reconstructions", "learning", "samples"]),
    (["--model", "ae", "--loss", "squared-error"], ["reconstructions", "learning"]),
    (["--model", "dae", "--noise", "mask"], ["reconstructions", "learning"]),
])
def test_train_leaves_checkpoint_history_evaluation_and_pictures(tmp_path, capsys, options, pictures):
    assert train(tmp_path, *options) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "checkpoint.npz", "history.jsonl", "evaluation.json", *(f"{name}.png" for name in pictures)}
    assert all((tmp_path / f"{name}.png").read_bytes().startswith(PNG) for name in pictures)
    (entry,) = json.loads((tmp_path / "evaluation.json").read_text())
    (record,) = map(json.loads, (tmp_path / "history.jsonl").read_text().splitlines())
    assert np.isclose(entry["value"], sum(record["test"].values())) and entry["images"] == 360
    assert "digits test, 360 images" in capsys.readouterr().out


def test_the_convolutional_vae_is_trained_as_it_is_published(tmp_path, capsys, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
    monkeypatch.setattr(commands.train, "load", lambda name: Dataset(images, None, images[:16], None))
    options = ["--model", "conv-vae", "--loss", "squared-error", "--beta", "5", "--lr", "5e-4", "--pictures",
               "--schedule", "warm-up", "--patience", "2", "--data", "fashion-mnist"]
    assert train(tmp_path, *options) == 0
    assert (tmp_path / "progress" / "epoch_001.png").read_bytes().startswith(PNG)
    out = capsys.readouterr().out
    assert "surrogate -ELBO (squared error in place of nats" in out and "squared pixels + nats" in out


def test_train_resumes_and_a_finished_run_is_only_drawn_again(tmp_path, capsys):
    train(tmp_path / "a", "--epochs", "3")
    train(tmp_path / "b", "--epochs", "1")
    train(tmp_path / "b", "--epochs", "3", "--resume")
    capsys.readouterr()
    train(tmp_path / "b", "--epochs", "3", "--resume")
    assert "epoch" not in capsys.readouterr().out.replace("epochs", "")
    a, b = (load_checkpoint(tmp_path / run / "checkpoint.npz")[0] for run in "ab")
    assert all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(("options", "sentence"), [
    (["--epochs", "0"], "argument --epochs: invalid positive whole number value: '0'"),
    (["--lr", "fast"], "argument --lr: invalid positive number value: 'fast'"),
    (["--lr", "nan"], "argument --lr: invalid positive number value: 'nan'"),
    (["--data", "cifar"], "argument --data: invalid choice: 'cifar'"),
    (["--betta", "4"], "unrecognized arguments: --betta 4"),
])
def test_a_wrong_option_is_one_sentence(tmp_path, options, sentence):
    with pytest.raises(SystemExit) as stop:
        train(tmp_path, *options)
    assert sentence in stop.value.code and "\n" not in stop.value.code
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("options", "sentence"), [
    (["--loss", "squared-error"], "loss of the vae must be one of bernoulli, gaussian, gaussian-shared, "),
    (["--model", "ae", "--loss", "gaussian"], "loss of the ae must be one of bernoulli, squared-error"),
    (["--model", "ae", "--beta", "4"], "beta is the weight of the KL of a vae; the ae has none"),
    (["--model", "conv-vae"], "the conv-vae is made for 28 x 28 pixels, not for digits"),
    (["--seed", "-1"], "seed must be at least 0, but is -1"),
])
def test_options_that_do_not_fit_together_are_one_sentence(tmp_path, capsys, options, sentence):
    assert train(tmp_path, *options) == 1
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_run_is_not_overwritten_and_not_resumed_as_another(tmp_path, capsys):
    train(tmp_path)
    before = (tmp_path / "checkpoint.npz").read_bytes()
    assert train(tmp_path) == 1
    assert "already there; resume=True (--resume) goes on from it" in capsys.readouterr().err
    assert train(tmp_path, "--resume", "--latents", "3") == 1
    assert "was trained with latents = 20; it cannot be resumed with 3" in capsys.readouterr().err
    assert (tmp_path / "checkpoint.npz").read_bytes() == before


def test_ctrl_c_saves_and_ends_in_a_sentence(tmp_path):
    command = [sys.executable, "-m", "scratchvae", "train", "--data", "digits", "--epochs", "100000", "--out", tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          cwd=Path(__file__).parents[1]) as run:
        while not run.stdout.readline().startswith("epoch   2"):
            pass
        os.kill(run.pid, signal.SIGINT)
        _, error = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "saved" in error and "--resume goes on from there" in error and "Traceback" not in error
    assert load_checkpoint(tmp_path / "checkpoint.npz")[1]["epoch"] >= 2


@pytest.mark.parametrize("options", [["--binarization", "dynamic", "--seed", "4"], ["--model", "ae"],
                                     ["--loss", "gaussian-shared", "--hidden", "20"]])
def test_evaluate_writes_a_table_and_json_that_go_on_from_those_of_train(tmp_path, capsys, options):
    train(tmp_path, *options)
    (trained,) = json.loads((tmp_path / "evaluation.json").read_text())
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path), "--samples", "5"]) == 0
    table = (tmp_path / "evaluation.md").read_text()
    first, *others = json.loads((tmp_path / "evaluation.json").read_text())
    assert capsys.readouterr().out == table and first == trained
    assert all(f"| {entry['quantity']} " in table and entry["images"] == 360 for entry in [first, *others])
    assert ("-L_5" in table) == ("ae" not in options)


def test_evaluate_looks_at_what_it_is_told_to(tmp_path):
    train(tmp_path)
    assert main(["evaluate", str(tmp_path), "--images", "50", "--split", "train", "--samples", "2", "--seed", "7"]) == 0
    entries = json.loads((tmp_path / "evaluation.json").read_text())
    assert {(entry["split"], entry["images"], entry["seed"]) for entry in entries} == {("train", 50, 7)}
    assert main(["evaluate", str(tmp_path), "--images", "1"]) == 0


def test_evaluate_asks_for_a_seed_that_is_one(tmp_path, capsys):
    assert main(["evaluate", str(tmp_path), "--seed", "-2"]) == 1
    assert capsys.readouterr().err == "scratchvae: seed must be at least 0, but is -2\n"


def test_the_frechet_distance_is_on_the_features_of_chapter_4(tmp_path, capsys, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
    for command in (commands.train, commands.evaluate):
        monkeypatch.setattr(command, "load", lambda name: Dataset(images, None, images[:16], None))
    train(tmp_path, "--data", "fashion-mnist", "--hidden", "5")
    assert commands.evaluate.classifier_features("mnist") is None
    assert commands.evaluate.classifier_features("fashion-mnist")(np.zeros((3, 784), np.float32)).shape == (3, 64)
    assert main(["evaluate", str(tmp_path), "--samples", "2"]) == 0
    assert "Frechet distance of 8 mean images" in capsys.readouterr().out


@pytest.mark.parametrize(("keep", "sentence"), [
    (False, "checkpoint.npz does not exist"),
    (True, "does not say from what its model is rebuilt"),
])
def test_a_folder_that_is_no_run_is_one_sentence(tmp_path, capsys, keep, sentence):
    if keep:
        save_checkpoint(tmp_path / "checkpoint.npz", {}, {"settings": None})
    assert main(["evaluate", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1


def test_check_prints_a_row_for_each_proof(capsys):
    assert main(["check"]) == 0
    out = capsys.readouterr().out
    assert out.count("proven") == len(PROOFS) and "WRONG" not in out


def test_check_fails_if_a_backward_is_wrong(capsys, monkeypatch):
    @node
    def wrong(x):
        return x * x, lambda dy: dy * x

    monkeypatch.setitem(PROOFS, wrong, lambda t: prove(wrong, t.normal(2, 3)))
    assert main(["check"]) == 1
    out = capsys.readouterr().out
    assert out.count("WRONG") == 1 and "the gradient is wrong for input 0" in out


def test_help_teaches(capsys):
    for command in ([], ["train"], ["evaluate"], ["check"]):
        with pytest.raises(SystemExit) as stop:
            main([*command, "--help"])
        assert stop.value.code == 0
    out = capsys.readouterr().out
    assert "  scratchvae train --data mnist --latents 2\n" in out and "weight of the KL term" in out
    with pytest.raises(SystemExit):
        main(["--version"])
    assert __version__ in capsys.readouterr().out


def test_posterior_prior_and_warm_up_are_those_that_were_asked_for(tmp_path):
    options = ["--posterior", "householder", "--prior", "vamp", "--components", "7", "--latents", "3",
               "--beta", "0.5", "--kl-warm-up", "2", "--batch", "100", "--epochs", "3"]
    assert train(tmp_path, *options) == 0
    arrays, facts = load_checkpoint(tmp_path / "checkpoint.npz")
    assert arrays["parameters/prior.u"].shape == (7, 64)
    assert facts["settings"]["posterior"] == "householder" and facts["settings"]["prior"] == "vamp"
    model = build(facts["settings"], 64, np.random.default_rng(0))
    assert isinstance(model.posterior, HouseholderPosterior) and isinstance(model.prior, VampPrior)
    weights = [record["weights"]["kl"] for record in facts["records"]]
    assert weights == [0.5 * 14 / 29, 0.5, 0.5]                    # after 15, 30 and 45 steps
    assert main(["evaluate", str(tmp_path), "--images", "20", "--samples", "3"]) == 0
    assert "-L_3" in (tmp_path / "evaluation.md").read_text()


@pytest.mark.parametrize(("options", "sentence"), [
    (["--model", "ae", "--prior", "vamp"], "prior is an option of vae and iwae, not of the ae"),
    (["--model", "conv-vae", "--posterior", "iaf"], "posterior is an option of vae and iwae"),
    (["--model", "iwae", "--kl-warm-up", "2"], "kl-warm-up is for the KL of a vae"),
])
def test_an_option_that_means_nothing_for_the_model_is_refused(tmp_path, capsys, options, sentence):
    assert train(tmp_path / "run", *options) == 1
    assert sentence in capsys.readouterr().err and not (tmp_path / "run").exists()
