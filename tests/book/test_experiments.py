"""An experiment gives the same bits wherever it runs, and a sweep gives its results in order."""

import dataclasses
import multiprocessing
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from scratchvae.book.experiments import Experiment, Outcome, run, sweep
from scratchvae.datasets import LEVELS, load, pixels
from scratchvae.models import mlp_iwae, mlp_vae
from scratchvae.nn import relu, tanh
from scratchvae.training import Adam, cosine, fit

pytestmark = pytest.mark.slow

TINY = Experiment("tiny", "digits", hidden=(6,), n_latents=2, epochs=2)
EXPERIMENTS = [TINY, dataclasses.replace(TINY, beta=4.0), dataclasses.replace(TINY, n_latents=5, seed=1),
               dataclasses.replace(TINY, k=3, activation="tanh"), dataclasses.replace(TINY, hidden=(7, 5), epochs=1)]


class Serial(Executor):
    """One after the other, here."""

    def submit(self, function, *args, **kwargs):
        future = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def processes():
    return ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))


EXECUTORS = pytest.mark.parametrize("executor", [Serial, lambda: ThreadPoolExecutor(2), processes],
                                    ids=["serial", "threads", "processes"])


@pytest.fixture(scope="module")
def here():
    return [run(e) for e in EXPERIMENTS]


def assert_same_bits(outcome, expected):
    assert outcome.experiment == expected.experiment
    assert list(outcome.parameters) == list(expected.parameters)
    for name, value in outcome.parameters.items():
        np.testing.assert_array_equal(value, expected.parameters[name], err_msg=name)
    for record, other in zip(outcome.records, expected.records, strict=True):
        assert record["train"] == other["train"] and record["test"] == other["test"]


@EXECUTORS
def test_a_sweep_gives_the_bits_of_the_calls_in_their_order(executor, here):
    with executor() as ready:
        outcomes = sweep(run, EXPERIMENTS, ready)
    for outcome, expected in zip(outcomes, here, strict=True):
        assert_same_bits(outcome, expected)


def test_a_run_is_the_training_that_its_experiment_describes(here):
    """Spelled out, with nothing of experiments.py but the Experiment."""
    data = load("digits")
    x_train, x_test = (pixels(x, LEVELS["digits"]) for x in (data.x_train, data.x_test))
    for e, outcome in zip(EXPERIMENTS, here, strict=True):
        rng, options = np.random.default_rng(e.seed), {"activation": {"relu": relu, "tanh": tanh}[e.activation]}
        model = (mlp_vae(64, e.hidden, e.n_latents, rng, **options) if e.k == 1 else
                 mlp_iwae(64, e.hidden, e.n_latents, rng, k=e.k, **options))
        records = list(fit(model, x_train, x_test=x_test, optimizer=Adam(model, e.lr), epochs=e.epochs, batch_size=100,
                           weights={"kl": e.beta} if e.k == 1 else None, binarization="dynamic", seed=e.seed,
                           schedule=cosine(steps=15 * e.epochs), progress=False))
        values = {name: p.value for name, p in model.parameters().items()}
        assert_same_bits(outcome, Outcome(e, values, records))


def slow_first(seconds):
    time.sleep(seconds)
    return seconds


@EXECUTORS
def test_what_is_done_first_does_not_come_first(executor):
    with executor() as ready:
        assert sweep(slow_first, [0.3, 0.0, 0.1], ready) == [0.3, 0.0, 0.1]


@EXECUTORS
def test_an_exception_arrives_and_says_which_experiment_it_was(executor):
    wrong = dataclasses.replace(TINY, name="seventh", data="no-such-data")
    with executor() as ready, pytest.raises(ValueError, match="no-such-data") as raised:
        sweep(run, [TINY, wrong], ready)
    assert any("seventh" in note for note in raised.value.__notes__)


def threads_at_the_end(seconds):
    time.sleep(seconds)
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@EXECUTORS
def test_one_blas_thread_to_the_end_of_every_call(executor):
    """In threads too, where the first call to end must not lift the limit that the others work under."""
    with threadpool_limits(2), executor() as ready:
        for threads in sweep(threads_at_the_end, [0.0, 0.3], ready):
            assert set(threads) == {1}
        if executor is not processes:
            assert set(threads_at_the_end(0)) == {2}


def test_an_outcome_is_a_model_again(here):
    model, outcome = here[0].model(), here[0]
    assert [p.value.shape for p in model.parameters().values()] == [v.shape for v in outcome.parameters.values()]
    for name, p in model.parameters().items():
        np.testing.assert_array_equal(p.value, outcome.parameters[name])


def test_a_folder_keeps_a_checkpoint_and_a_second_run_trains_nothing(tmp_path, here):
    assert_same_bits(run(TINY, folder=tmp_path), here[0])
    stamp = (tmp_path / "tiny.npz").stat().st_mtime_ns
    assert_same_bits(run(TINY, folder=tmp_path), here[0])
    assert (tmp_path / "tiny.npz").stat().st_mtime_ns == stamp


def test_a_beta_without_a_kl_is_one_sentence():
    with pytest.raises(ValueError, match="beta must be 1 for an IWAE, which has no KL of its own, but is 4"):
        Experiment("wrong", k=5, beta=4.0)
