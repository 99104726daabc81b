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
    cyclical,
    fit,
    linear,
    load_checkpoint,
    save_checkpoint,
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


def test_a_line_begins_and_ends_exactly_where_it_is_told_to():
    rise = linear(steps=5)
    assert [rise(t) for t in range(7)] == [0, 0.25, 0.5, 0.75, 1, 1, 1]
    fall = linear(7, start=0.1, stop=0.3)
    assert fall(0) == 0.1 and fall(6) == fall(99) == 0.3 and fall(3) == pytest.approx(0.2)
    assert [linear(steps=1)(t) for t in (0, 1)] == [1, 1]


def test_cycles_rise_from_0_to_1_and_stay_there():
    cycle = cyclical(steps=80, cycles=4, share=0.5)
    assert [cycle(t) for t in (0, 1, 5, 9, 10, 19)] == pytest.approx([0, 0.1, 0.5, 0.9, 1, 1])
    assert [cycle(t) for t in range(20, 40)] == [cycle(t) for t in range(20)]
    assert [cyclical(40, cycles=2, share=0.25)(t) for t in (0, 4, 5, 19, 20)] == pytest.approx([0, 0.8, 1, 1, 0])


@pytest.mark.parametrize(("steps", "cycles"), [(80, 4), (10, 4), (4, 4), (3, 5), (1, 1), (101, 7)])
def test_the_last_step_of_all_cycles_is_trained_on_the_bound_itself(steps, cycles):
    assert [cyclical(steps, cycles=cycles, share=1.0)(t) for t in (steps - 1, steps, steps + 50)] == [1, 1, 1]


def test_a_setting_may_be_given_without_its_name_and_is_called_by_it():
    assert cosine(12).__name__ == "cosine(steps=12)" and cosine(8, 0.2)(8) == pytest.approx(0.2)
    assert cyclical(100, share=0.3).__name__ == "cyclical(steps=100, share=0.3)"


# ---- weights of the terms


def terms(epochs, **options):
    vae = mlp_vae(6, [5], 2, np.random.default_rng(0))
    return list(fit(vae, X, optimizer=Adam(vae), epochs=epochs, batch_size=16, progress=False, **options))


def test_a_weight_that_is_a_schedule_is_asked_for_each_step_in_turn(tmp_path):
    asked = []

    def weight(step):
        asked.append(step)
        return 1.0

    terms(2, weights={"kl": weight}, checkpoint=tmp_path / "c.npz")
    terms(3, weights={"kl": weight}, checkpoint=tmp_path / "c.npz", resume=True)
    steps = [step for i, step in enumerate(asked) if i not in (3, 7, 11)]              # without those of the records
    assert steps == list(range(9)) and [asked[i] for i in (3, 7, 11)] == [2, 5, 8]


def test_a_constant_schedule_of_a_weight_is_the_number():
    assert np.array_equal(run(2, weights={"kl": 4}), run(2, weights={"kl": lambda step: 4}))
    assert not np.array_equal(run(2, weights={"kl": 4}), run(2, weights={"kl": lambda step: 4 + step}))


def test_the_weight_of_each_step_is_the_one_of_that_step():
    """One full batch a step: the step of SGD is linear in the weight, and the order of the weights matters."""
    def stepped(*weights):
        vae = mlp_vae(6, [5], 2, np.random.default_rng(0), dtype=np.float64)
        list(fit(vae, X.astype(float), optimizer=SGD(vae), epochs=len(weights), batch_size=40, progress=False,
                 weights={"kl": lambda step: weights[step]}))
        return np.concatenate([p.value.ravel() for p in vae.parameters().values()])

    start = np.concatenate([p.value.ravel() for p in mlp_vae(6, [5], 2, np.random.default_rng(0),
                                                             dtype=np.float64).parameters().values()])
    zero, one, two = (stepped(w) - start for w in (0.0, 1.0, 2.0))
    assert np.allclose(two - zero, 2 * (one - zero), atol=1e-12) and not np.allclose(one, zero)
    assert not np.array_equal(stepped(0.0, 4.0), stepped(4.0, 0.0))


def test_the_record_has_the_weights_of_the_last_step_of_its_epoch():
    """Three batches an epoch: steps 2, 5 and 8."""
    records = terms(3, weights={"kl": linear(steps=9)})
    assert [record["weights"] for record in records] == [
        {"reconstruction": 1, "kl": w} for w in (2 / 8, 5 / 8, 1)]
    assert terms(1)[0]["weights"] == {"reconstruction": 1, "kl": 1}


@pytest.mark.parametrize("weight", [linear(steps=12), cyclical(steps=12, cycles=2)])
def test_a_run_resumed_under_a_changing_weight_ends_in_the_same_bits(tmp_path, weight):
    options = {"weights": {"kl": weight}}
    run(1, **options, checkpoint=tmp_path / "c.npz")
    resumed = run(4, **options, checkpoint=tmp_path / "c.npz", resume=True)
    assert np.array_equal(resumed, run(4, **options)) and not np.array_equal(resumed, run(4))
    assert load_checkpoint(tmp_path / "c.npz")[1]["plan"]["weights"] == {"reconstruction": 1, "kl": weight.__name__}
    with pytest.raises(CheckpointError, match="was trained with weights = "):
        run(5, weights={"kl": linear(steps=99)}, checkpoint=tmp_path / "c.npz", resume=True)


# ---- the step size


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


def test_a_checkpoint_from_when_step_decay_was_called_stairs_is_resumed(tmp_path):
    path = tmp_path / "c.npz"
    run(1, schedule=step_decay(every=2), checkpoint=path)
    arrays, facts = load_checkpoint(path)
    facts["plan"]["schedule"] = "warm_up(steps=5, then=stairs(every=2))"
    save_checkpoint(path, arrays, facts)
    run(2, schedule=warm_up(steps=5, then=step_decay(every=2)), checkpoint=path, resume=True)


def test_warm_up_says_what_comes_then():
    assert warm_up(steps=5, then=cosine(steps=3)).__name__ == "warm_up(steps=5, then=cosine(steps=3))"
