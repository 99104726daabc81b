"""Schedules are pure functions of the step: right at their ends, recorded by name, and resumed to the same bits."""

import numpy as np
import pytest

from scratchvae.models import mlp_vae
from scratchvae.training import (
    SGD,
    Adam,
    CheckpointError,
    constant,
    cosine,
    fit,
    load_checkpoint,
    step_decay,
    warm_up,
)

X = np.random.default_rng(0).random((40, 6), np.float32)


def run(epochs, **options):
    vae = mlp_vae(6, [5], 2, np.random.default_rng(0))
    for _ in fit(vae, X, optimizer=Adam(vae), epochs=epochs, batch_size=16, progress=False, **options):
        pass
    return np.concatenate([p.value.ravel() for p in vae.parameters().values()])


def test_their_values():
    assert [constant()(t) for t in (0, 99)] == [1, 1]
    assert [step_decay(every=10, factor=0.1)(t) for t in (0, 9, 10, 20)] == pytest.approx([1, 1, 0.1, 0.01])
    wave = cosine(steps=8, last=0.2)
    assert [wave(t) for t in (0, 4, 8, 100)] == pytest.approx([1, 0.6, 0.2, 0.2])
    assert [warm_up(steps=4)(t) for t in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]
    then = warm_up(steps=4, then=wave)
    assert [then(t) for t in (2, 3, 7, 11)] == pytest.approx([0.75, 1, 0.6, 0.2])
    assert [warm_up(steps=1)(t) for t in (0, 1)] == [1, 1]


def test_a_setting_that_is_missing_or_unknown_is_missed_at_once():
    with pytest.raises(TypeError):
        cosine()
    with pytest.raises(TypeError):
        step_decay(every=3, factors=2)


def test_they_scale_the_step_of_the_optimizer():
    """One full-batch step of SGD at a tenth of the rate is a tenth of the step; and the optimizer is left as it was."""
    moved = []
    for schedule in (None, lambda step: 0.1):
        vae = mlp_vae(6, [5], 2, np.random.default_rng(0), dtype=np.float64)
        before, sgd = sum(p.value.copy().sum() for p in vae.parameters().values()), SGD(vae, lr=1e-3)
        list(fit(vae, X.astype(float), optimizer=sgd, epochs=1, batch_size=40, schedule=schedule, progress=False))
        moved.append(sum(p.value.sum() for p in vae.parameters().values()) - before)
        assert sgd.lr == 1e-3
    assert moved[1] == pytest.approx(0.1 * moved[0], rel=1e-6)


def test_they_are_asked_for_each_step_in_turn(tmp_path):
    """Three batches an epoch; the count goes on from epoch to epoch, and from a checkpoint."""
    asked = []

    def schedule(step):
        asked.append(step)
        return 1.0

    run(2, schedule=schedule, checkpoint=tmp_path / "c.npz")
    run(3, schedule=schedule, checkpoint=tmp_path / "c.npz", resume=True)
    assert asked == list(range(9))


def test_a_constant_schedule_changes_no_bit():
    assert np.array_equal(run(2), run(2, schedule=constant()))


@pytest.mark.parametrize("schedule", [cosine(steps=12), warm_up(steps=5, then=step_decay(every=2))])
def test_a_resumed_run_ends_in_the_same_bits(tmp_path, schedule):
    run(1, schedule=schedule, checkpoint=tmp_path / "c.npz")
    resumed = run(4, schedule=schedule, checkpoint=tmp_path / "c.npz", resume=True)
    assert np.array_equal(resumed, run(4, schedule=schedule))
    assert not np.array_equal(resumed, run(4))


def test_the_checkpoint_knows_the_schedule(tmp_path):
    run(1, schedule=cosine(steps=12), checkpoint=tmp_path / "c.npz")
    assert load_checkpoint(tmp_path / "c.npz")[1]["plan"]["schedule"] == "cosine(steps=12)"
    with pytest.raises(CheckpointError, match=r"trained with schedule = cosine\(steps=12\)"):
        run(2, schedule=cosine(steps=13), checkpoint=tmp_path / "c.npz", resume=True)


def test_warm_up_says_what_comes_then():
    assert warm_up(steps=5, then=cosine(steps=3)).__name__ == "warm_up(steps=5, then=cosine(steps=3))"
