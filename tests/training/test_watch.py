"""Watching: records in, records out; nothing is trained that nobody asks for."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from scratchvae.models import mlp_vae
from scratchvae.training import Adam, draw_each, fit, held_out, keep_best, load_parameters, stop_early

X = np.random.default_rng(0).random((40, 6), np.float32)


def records(values, asked=None):
    for epoch, value in enumerate(values, start=1):
        if asked is not None:
            asked.append(epoch)
        yield {"epoch": epoch, "train": {}, "test": {"reconstruction": value, "kl": 1.0}}


def test_it_stops_after_patience_epochs_without_a_better_one_and_asks_for_no_more():
    asked = []
    seen = [r["epoch"] for r in stop_early(records([5, 4, 4, 3, 3.5, 3, 1, 0], asked), patience=2)]
    assert seen == asked == [1, 2, 3, 4, 5, 6]


def test_what_goes_on_getting_better_is_not_stopped():
    assert len(list(stop_early(records([5, 4, 3, 2]), patience=1))) == 4
    assert len(list(stop_early(records([1, 2, 3]), patience=3, value=lambda r: -r["test"]["reconstruction"]))) == 3


def test_nan_is_never_better():
    assert len(list(stop_early(records([5, float("nan"), float("nan"), 1]), patience=2))) == 3


def test_the_best_epoch_is_kept(tmp_path):
    vae, kept = mlp_vae(6, [5], 2, np.random.default_rng(0)), []
    for record in keep_best(records([3, 1, 2]), vae, tmp_path / "best.npz"):
        kept.append(record["epoch"])
        assert load_parameters(vae, tmp_path / "best.npz")["record"]["epoch"] == [1, 2, 2][record["epoch"] - 1]
    again = list(keep_best(records([1.5, 0.5]), vae, tmp_path / "best.npz"))
    assert len(again) == 2 and load_parameters(vae, tmp_path / "best.npz")["record"]["test"]["reconstruction"] == 0.5


def test_without_test_terms_it_is_said():
    with pytest.raises(ValueError, match="no test terms"):
        held_out({"test": {}})


def test_all_of_them_around_a_training(tmp_path):
    vae = mlp_vae(6, [5], 2, np.random.default_rng(0))
    watched = fit(vae, X, x_test=X, optimizer=Adam(vae), epochs=50, progress=False)
    watched = keep_best(watched, vae, tmp_path / "best.npz")
    watched = draw_each(watched, lambda record: plt.figure(), tmp_path / "progress")
    watched = stop_early(watched, patience=1, value=lambda record: record["epoch"] if record["epoch"] > 2 else 9)
    assert [record["epoch"] for record in watched] == [1, 2, 3, 4][:len(list((tmp_path / "progress").iterdir()))]
    assert (tmp_path / "progress" / "epoch_001.png").exists()
    plt.close("all")
