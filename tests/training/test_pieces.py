"""Pieces shared by threads: the same results in the same order, however many threads there are."""

import contextlib
import itertools
import sys
import threading
import time
import types

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from scratchvae.datasets import Pixels
from scratchvae.evaluation import ais as ais_module
from scratchvae.evaluation import annealed_importance, annealed_upper_bound, importance, importance_weights, report
from scratchvae.models import mlp_iwae, mlp_vae
from scratchvae.training import example_terms, pieces, terms
from scratchvae.training.pieces import by_threads, slices, threads_for_pieces

X = np.random.default_rng(1).integers(0, 2, (57, 12)).astype(np.float32)
PLACES = [terms, importance, ais_module, sys.modules["scratchvae.evaluation.over_examples"]]


def vae(make=mlp_vae, **options):
    return make(12, [8], 3, np.random.default_rng(0), **options)


def with_threads(monkeypatch, n):
    for place in PLACES:
        monkeypatch.setattr(place, "threads_for_pieces", lambda *_: n)


def in_small_pieces(monkeypatch):
    for place in (terms, importance):
        monkeypatch.setattr(place, "ROWS", 20)


def test_results_come_in_the_order_of_the_pieces():
    def slow_at_first(i):
        time.sleep(0.01 if i % 2 == 0 else 0)
        return i, threading.get_ident()

    results = list(by_threads(slow_at_first, ((i,) for i in range(9)), 3))
    assert [i for i, _ in results] == list(range(9))
    assert threading.get_ident() not in {thread for _, thread in results} and len({t for _, t in results}) > 1


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_few_pieces_are_in_memory_and_no_piece_is_no_result(threads):
    made = itertools.count()
    results = by_threads(lambda i: i, ((next(made),) for _ in range(100)), threads)
    next(results)
    assert next(made) <= 2 * threads
    assert list(by_threads(lambda i: i, [], threads)) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_an_exception_is_raised_where_its_result_is_due(threads):
    results = by_threads(lambda i: 1 // (i - 2), ((i,) for i in range(9)), threads)
    assert [next(results), next(results)] == [-1, -1]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert blas_threads() == BLAS_THREADS


def test_a_matrix_product_is_one_threads_within_and_as_before_afterwards():
    assert set(by_threads(lambda: max(blas_threads()), [()] * 3, 2)) == {1}
    assert blas_threads() == BLAS_THREADS
    with contextlib.closing(by_threads(lambda: 0, [()] * 9, 2)) as results:          # given up on the way
        next(results)
    assert blas_threads() == BLAS_THREADS


def test_what_is_to_be_ignored_or_raised_is_so_in_every_thread():
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        list(by_threads(np.log, [(np.zeros(3),)] * 4, 2))
    with np.errstate(all="ignore"):
        assert len(list(by_threads(np.log, [(np.zeros(3),)] * 4, 2))) == 4


def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


BLAS_THREADS = blas_threads()


def test_threads_are_for_large_pieces_on_the_host(monkeypatch):
    monkeypatch.setattr(pieces, "threadpool_info", lambda: [{"user_api": "blas", "num_threads": 8}])
    images = np.zeros((3, 28, 28), np.uint8)
    assert threads_for_pieces(images, 500) == threads_for_pieces(Pixels(images), 500) == 8
    assert threads_for_pieces(images, 10) == threads_for_pieces(np.zeros((3, 2)), 500) == 1
    assert threads_for_pieces(types.SimpleNamespace(shape=images.shape), 500) == 1          # lies elsewhere


def test_slices_are_all_rows_once():
    assert slices(7, 3) == [slice(0, 3), slice(3, 6), slice(6, 7)] and slices(0, 3) == []


# ---- what is measured


def same_with_threads(monkeypatch, measure):
    """What measure() returns with one thread and with two."""
    in_small_pieces(monkeypatch)
    found = []
    for n in (1, 2, 2):
        with_threads(monkeypatch, n)
        found.append(measure())
    for one, two, again in zip(*found, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-6)
        np.testing.assert_array_equal(two, again)


@pytest.mark.parametrize("model", [vae(), vae(mlp_iwae, k=6)])
def test_the_terms_are_the_same(monkeypatch, model):
    same_with_threads(monkeypatch, lambda: example_terms(model, X, "dynamic", seed=3, batch_size=30).values())


@pytest.mark.parametrize("k", [1, 7, 230])
def test_the_importance_weighted_bound_is_the_same(monkeypatch, k):
    same_with_threads(monkeypatch, lambda: importance_weights(vae(), X, k, binarization="static", seed=3))


def test_annealed_importance_is_the_same_from_both_sides(monkeypatch):
    model, options = vae(dtype=np.float64), {"chains": 4, "temperatures": 3, "leapfrogs": 2, "rows": 40}
    x, z = model.sample(25, np.random.default_rng(0))
    same_with_threads(monkeypatch, lambda: (*annealed_importance(model, x, **options),
                                            annealed_upper_bound(model, x, z, **options)))


def test_a_report_is_the_same(monkeypatch):
    same_with_threads(monkeypatch, lambda: [e.value for e in report(vae(), X, data="bits", samples=20)])


def test_the_bar_counts_every_batch(monkeypatch, capsys):
    with_threads(monkeypatch, 2)
    monkeypatch.setattr(importance, "tqdm", lambda batches, **options: print(len(batches), options) or batches)
    importance_weights(vae(), X, 100, progress=True)
    assert capsys.readouterr().out == "3 {'disable': None, 'unit': 'batch'}\n"
