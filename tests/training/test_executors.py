"""What fit asks of a model, whoever computes the steps: Buffers, after_step, numbers beside rows, coupled examples."""

import os
import sys
import time

import numpy as np
import pytest

from scratchvae.core import Buffer, Parameter
from scratchvae.models import Model, mlp_vae
from scratchvae.training import SGD, Adam, TextbookAdam, fit, keep_best, load_checkpoint, load_parameters

X = np.random.default_rng(0).random((100, 12), np.float32)
EXECUTORS = ["1 thread", "2 threads", pytest.param("2 processes", marks=pytest.mark.skipif(
    sys.platform != "linux", reason="workers need Linux on x86-64"))]


@pytest.fixture(params=EXECUTORS)
def executor(request, monkeypatch):
    """The options of fit that make it compute the steps so; what the record calls it."""
    threads = 2 if request.param == "2 threads" else 1
    monkeypatch.setattr(sys.modules["scratchvae.training.parallel.choose"], "threads_for", lambda *_: threads)
    return {"workers": 2 if request.param == "2 processes" else 1}, request.param


def trained(model, executor, epochs=3, **options):
    how, name = executor
    records = list(fit(model, X, optimizer=Adam(model, 0.01), epochs=epochs, batch_size=33, progress=False, **how,
                       **options))
    assert all(record["executor"] == name for record in records)
    return np.concatenate([p.value.ravel() for p in model.parameters().values()]), records


class Centered(Model):
    """(x - center - mu)^2 / 2 with a center that is a running mean of x, and the number of steps so far"""

    def __init__(self, in_place=False):
        self.mu = Parameter(np.zeros(12, np.float32))
        self.center, self.steps, self.in_place = Buffer(np.zeros(12, np.float32)), Buffer(np.zeros((), int)), in_place

    def forward(self, *, x):
        d = x - self.center.value - self.mu.value

        def backward(dloss):
            self.mu.grad -= dloss @ d

        return ((d * d).sum(axis=1) / 2,), backward

    def after_step(self, *, x):
        center = 0.9 * self.center.value + 0.1 * x.mean(axis=0)
        if self.in_place:
            self.center.value[...] = center
            self.steps.value += 1
        else:
            self.center.value = center
            self.steps.value = self.steps.value + 1


@pytest.mark.parametrize("in_place", [True, False])
def test_after_step_is_called_once_for_each_step_and_its_buffers_are_those_of_all(executor, in_place):
    model = Centered(in_place)
    _, records = trained(model, executor)
    assert model.steps.value == 3 * 4
    assert np.allclose(model.center.value, 0.5, atol=0.25) and model.center.value.any()
    assert records[-1]["train"]["loss"] < records[0]["train"]["loss"] / 2


class Clock(Centered):
    """A loss that tells the time: the number of steps that have been taken before this one"""

    def forward(self, *, x):
        terms, backward = super().forward(x=x)
        return (0 * terms[0] + np.float32(self.steps.value),), backward


@pytest.mark.parametrize("in_place", [True, False])
def test_every_thread_and_process_sees_the_buffers_of_the_last_step(executor, in_place):
    """Batches of 33, 33, 33 and 1: the mean over the examples of the times 0, 1, 2, 3; then 4, 5, 6, 7."""
    _, records = trained(Clock(in_place), executor, epochs=2)
    first = (0 * 33 + 1 * 33 + 2 * 33 + 3) / 100
    assert [record["train"]["loss"] for record in records] == pytest.approx([first, first + 4])


class Once(Centered):
    """A parameter that only the first step reaches; its gradient there is the mean of x"""

    def __init__(self):
        super().__init__()
        self.sum = Parameter(np.zeros((1, 12), np.float32))

    def forward(self, *, x):
        terms, centered_backward = super().forward(x=x)
        first = self.steps.value == 0

        def backward(dloss):
            centered_backward(dloss)
            if first:
                self.sum.accumulate(dloss[None], x)

        return terms, backward


@pytest.mark.parametrize("clip", [None, 1e6])
def test_what_a_step_does_not_reach_has_no_gradient_left_from_the_step_before(executor, clip):
    model, (how, _) = Once(), executor
    list(fit(model, X, optimizer=SGD(model, 1.0), epochs=3, batch_size=100, clip=clip, progress=False, **how))
    np.testing.assert_allclose(model.sum.value[0], -X.mean(axis=0), rtol=1e-5)


@pytest.mark.parametrize("in_place", [True, False])
def test_buffers_are_in_the_checkpoint_and_a_resumed_run_ends_in_the_same_bits(executor, in_place, tmp_path):
    path, whole, resumed = tmp_path / "checkpoint.npz", Centered(in_place), Centered(in_place)
    expected, _ = trained(whole, executor, epochs=4)
    trained(Centered(in_place), executor, epochs=2, checkpoint=path)
    assert {"buffers/center", "buffers/steps"} <= load_checkpoint(path)[0].keys()
    found, _ = trained(resumed, executor, epochs=4, checkpoint=path, resume=True)
    assert np.array_equal(expected, found)
    assert np.array_equal(whole.center.value, resumed.center.value) and resumed.steps.value == 16


def test_buffers_are_kept_with_the_best_parameters_and_loaded_with_them(tmp_path):
    model, fresh = Centered(), Centered()
    list(keep_best(fit(model, X, x_test=X, optimizer=Adam(model), epochs=1, progress=False), model, tmp_path / "b.npz"))
    load_parameters(fresh, tmp_path / "b.npz")
    assert fresh.steps.value == 1 and np.array_equal(fresh.center.value, model.center.value)


def test_what_the_user_gives_a_buffer_between_two_epochs_is_seen_by_all(executor):
    model, (how, _) = Clock(), executor
    records = []
    for record in fit(model, X, optimizer=Adam(model), epochs=2, batch_size=50, progress=False, **how):
        records.append(record["train"]["loss"])
        model.steps.value = np.array(100)
    assert records == pytest.approx([0.5, 100.5])


class Tempered(Model):
    """(t (x - mu + eps))^2 / 2 with a temperature t that is one number for the whole batch"""

    temperature = 0.5

    def __init__(self):
        self.mu = Parameter(np.zeros(12, np.float32))

    def noise(self, x, rng):
        return {"eps": 0 * rng.standard_normal(x.shape, x.dtype), "temperature": self.temperature}

    def forward(self, *, x, eps, temperature):
        d = temperature * (x - self.mu.value + eps)

        def backward(dloss):
            self.mu.grad -= temperature * dloss @ d

        return ((d * d).sum(axis=1) / 2,), backward


@pytest.mark.parametrize("number", [0.5, np.float32(0.5), np.array(0.5, np.float32)])
def test_a_constant_that_is_a_number_is_given_to_all(executor, number, monkeypatch):
    """With a step of almost nothing, the mean over the epoch is that of the first step."""
    monkeypatch.setattr(Tempered, "temperature", number)
    model, (how, _) = Tempered(), executor
    (record,) = fit(model, X, optimizer=Adam(model, 1e-30), epochs=1, batch_size=33, progress=False, **how)
    assert record["train"]["loss"] == pytest.approx((0.25 * X * X).sum(axis=1).mean() / 2, rel=1e-5)


def test_coupled_examples_are_not_dealt_out(monkeypatch):
    monkeypatch.setattr(sys.modules["scratchvae.training.parallel.choose"], "threads_for", lambda *_: 2)
    monkeypatch.setattr(Centered, "coupled", True)
    model, sizes = Centered(), []
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda *, x: sizes.append(len(x)) or forward(x=x))
    trained(model, ({}, "1 thread"), epochs=1)
    assert sizes == [33, 33, 33, 33, 1]                                 # the trial, too, is of a whole batch
    with pytest.raises(ValueError, match="workers must be 1 for a coupled model, whose examples depend on each other"):
        fit(model, X, optimizer=Adam(model), epochs=1, workers=2)


@pytest.mark.skipif(sys.platform != "linux", reason="workers need Linux on x86-64")
def test_every_process_draws_noise_of_its_own_in_every_epoch(tmp_path, monkeypatch):
    model = Tempered()

    def noise(x, rng):
        eps = rng.standard_normal(x.shape, x.dtype)
        np.save(tmp_path / f"{time.perf_counter_ns()}_{os.getpid()}.npy", eps)
        return {"eps": eps, "temperature": 1.0}

    monkeypatch.setattr(model, "noise", noise)
    list(fit(model, X, optimizer=Adam(model), epochs=3, batch_size=50, workers=2, progress=False))
    draws = [np.load(path) for path in tmp_path.iterdir()]
    assert len(draws) == 1 + 3 * 2 * 2                                  # the trial; epochs, steps, processes
    assert len({a[0].tobytes() for a in draws}) == len(draws)


def test_the_progress_bar_says_who_computes(executor, monkeypatch):
    said, module = [], sys.modules["scratchvae.training.fit"]
    tqdm = module.tqdm
    monkeypatch.setattr(module, "tqdm", lambda **options: said.append(options["desc"]) or tqdm(**options))
    trained(Tempered(), executor, epochs=1)
    assert said == [executor[1]]


@pytest.mark.parametrize(("options", "sentence"), [
    ({"clip": 1.0}, "clip must be None for TextbookAdam, which has no flat vector"),
    ({"checkpoint": "c.npz"}, "checkpoint must be None for TextbookAdam, which has no flat vector"),
    ({"workers": 2}, "workers must be 1 for TextbookAdam, which has no flat vector .*but is 2"),
])
def test_what_the_textbook_adam_cannot_do_is_one_sentence(options, sentence):
    model = mlp_vae(12, [8], 3, np.random.default_rng(0))
    with pytest.raises(ValueError, match=sentence):
        fit(model, X, optimizer=TextbookAdam(model), epochs=1, **options)
