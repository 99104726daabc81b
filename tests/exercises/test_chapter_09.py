"""The checkers of chapter 9: they accept the solutions, name each known mistake, and are not fooled by others."""

import math
import warnings

import numpy as np
import pytest

from scratchvae.exercises import chapter_09 as exercises
from scratchvae.probability import discretized_logistic_nll


def said(capsys, name, answer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        right = getattr(exercises, name)(answer)
    return right, capsys.readouterr().out.strip()


def softplus(t):
    return np.maximum(t, 0) + np.log1p(np.exp(-np.abs(t)))


def solved_bins(k, mu, s, levels):
    upper, lower = ((k / (levels - 1) + side * 0.5 / (levels - 1) - mu) / s for side in (1, -1))
    log_below_upper = np.where(k == levels - 1, 0, -softplus(-upper))
    log_above_lower = np.where(k == 0, 0, -softplus(lower))
    outer = (k == 0) | (k == levels - 1)
    return log_below_upper + log_above_lower + np.where(outer, 0, np.log(-np.expm1(lower - upper)))


def solved_laplace(x, mu, b):
    return (np.log(2 * b) + np.abs(x - mu) / b).sum(axis=1)


SOLUTIONS = {
    "best_variance": lambda x, y: ((x - y) ** 2).mean(),
    "implied_beta": lambda sigma: 2 * sigma**2,
    "laplace": solved_laplace,
    "bits": lambda nats, n_dims, levels: (nats / n_dims + math.log(levels)) / math.log(2),
    "logistic_bins": solved_bins,
}
OTHERWISE_RIGHT = {
    "best_variance": lambda x, y: np.square(y - x).sum() / x.size,
    "implied_beta": lambda sigma: 2 * np.float64(sigma) * sigma,
    "laplace": lambda x, mu, b: x.shape[1] * math.log(2 * b) + np.abs(mu - x).sum(axis=-1) / b,
    "bits": lambda nats, n_dims, levels: nats / n_dims / math.log(2) + math.log2(levels),
    "logistic_bins": lambda k, mu, s, levels: [
        -discretized_logistic_nll(np.array([[mu]]), np.array([[math.log(s)]]), x=np.array([[i / (levels - 1)]]),
                                  levels=levels)[0] for i in k],
}
UNLISTED = [
    ("best_variance", lambda x, y: 0.5, "are more probable"),
    ("best_variance", lambda x, y: -((x - y) ** 2).mean(), "A variance is positive"),
    ("best_variance", lambda x, y: np.median((x - y) ** 2), "are more probable"),
    ("best_variance", lambda x, y: ((x - y) ** 2).mean() + 1e-4, "not at it"),
    ("best_variance", lambda x, y: ((x - y) ** 2)[:, 0].mean(), "are more probable"),
    ("best_variance", lambda x, y: (x - y) ** 2, "One number for all pixels"),
    ("best_variance", lambda x, y: ((x - y) ** 2).max(), "are more probable"),
    ("implied_beta", lambda sigma: 5.0, "one unit of squared error"),
    ("implied_beta", lambda sigma: 2 * sigma**3, "one unit of squared error"),
    ("implied_beta", lambda sigma: -2 * sigma**2, "must be positive"),
    ("implied_beta", lambda sigma: 2 * sigma**2 + 1, "one unit of squared error"),
    ("implied_beta", lambda sigma: np.array([2 * sigma**2]), "One number"),
    ("laplace", lambda x, mu, b: solved_laplace(x, mu, b) + 0.1, "cost 3 log 2b"),
    ("laplace", lambda x, mu, b: solved_laplace(x, mu, 2 * b), "cost 3 log 2b"),
    ("laplace", lambda x, mu, b: solved_laplace(x, mu, b)[:, None], "shape (5,)"),
    ("laplace", lambda x, mu, b: solved_laplace(x, mu, b) + (np.abs(x - mu) ** 3).sum(axis=1), "integrate to 1"),
    ("laplace", lambda x, mu, b: solved_laplace(x, mu, b) * (1 + 0 * b) + (x - mu).sum(axis=1) ** 2, "integrate to 1"),
    ("laplace", lambda x, mu, b: (np.log(2 * b) + np.sqrt((x - mu) ** 2 + 1e-3) / b).sum(axis=1), "cost 3 log 2b"),
    ("bits", lambda nats, n_dims, levels: 8.0, "costs one bit more"),
    ("bits", lambda nats, n_dims, levels: nats / n_dims + 8, "one bit more"),
    ("bits", lambda nats, n_dims, levels: nats / 784 / math.log(2) + 8, "17 levels"),
    ("bits", lambda nats, n_dims, levels: nats / n_dims / math.log(2) + 8, "17 levels"),
    ("bits", lambda nats, n_dims, levels: np.full(3, nats), "One number"),
    ("bits", lambda nats, n_dims, levels: nats / n_dims / math.log(2) + 7, "costs 8 bits"),
    ("logistic_bins", lambda k, mu, s, levels: np.full(len(k), -math.log(levels)), "not the bins of a logistic"),
    ("logistic_bins", lambda k, mu, s, levels: solved_bins(k, mu, 2 * s, levels), "not the bins of a logistic"),
    ("logistic_bins", lambda k, mu, s, levels: solved_bins(k, mu, s, levels) - 0.1, "must sum to 1"),
    ("logistic_bins", lambda k, mu, s, levels: solved_bins(k[::-1], mu, s, levels), "not the bins of a logistic"),
    ("logistic_bins", lambda k, mu, s, levels: solved_bins(k, mu, s, levels)[:, None], "shape (17,)"),
    ("logistic_bins", lambda k, mu, s, levels: np.log(np.exp(solved_bins(k, mu, s, levels)) + 1e-12),
     "the logarithms are wrong"),
    ("logistic_bins", lambda k, mu, s, levels: np.maximum(solved_bins(k, mu, s, levels), -50), "logarithms are wrong"),
]
KNOWN = [(name, sentence, wrong) for name in SOLUTIONS for sentence, wrong in getattr(exercises, name).mistakes.items()]


def test_every_checker_has_its_solution():
    assert sorted(SOLUTIONS) == sorted(exercises.__all__)


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_is_right(capsys, name):
    assert said(capsys, name, SOLUTIONS[name]) == (True, "Right.")


@pytest.mark.parametrize("name", OTHERWISE_RIGHT)
def test_another_way_of_writing_it_is_right_too(capsys, name):
    assert said(capsys, name, OTHERWISE_RIGHT[name]) == (True, "Right.")


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_stub_is_not_answered(capsys, name):
    assert said(capsys, name, lambda *a: None) == (False, "Not answered yet.")


@pytest.mark.parametrize(("name", "sentence", "wrong"), KNOWN, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(KNOWN)])
def test_each_known_mistake_is_named(capsys, name, sentence, wrong):
    assert said(capsys, name, wrong) == (False, f"Not yet. {sentence}")


@pytest.mark.parametrize(("name", "wrong", "useful"), UNLISTED, ids=[f"{u[0]}-{i}" for i, u in enumerate(UNLISTED)])
def test_other_wrong_answers_are_refused(capsys, name, wrong, useful):
    right, heard = said(capsys, name, wrong)
    assert not right
    assert useful in heard
