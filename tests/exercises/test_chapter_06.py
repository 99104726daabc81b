"""The checkers of chapter 6: the solution is right, each known mistake is named, and others are refused usefully."""

import math

import numpy as np
import pytest

from scratchvae.exercises import chapter_06 as exercises


def said(capsys, checker, answer):
    """(whether it was accepted, what the student reads)"""
    right = checker(answer)
    return right, capsys.readouterr().out


def bound_on_a_grid(log_joint, log_q, area):
    return area * np.vdot(np.exp(log_q), log_joint - log_q)


def best_diagonal_variance(covariance):
    return 1 / np.linalg.inv(covariance).diagonal()


def gap_as_kl(log_q, log_joint, area):
    log_posterior = log_joint - np.log(np.trapezoid(np.exp(log_joint), dx=area))
    return np.trapezoid(np.exp(log_q) * (log_q - log_posterior), dx=area)


def infer_held_out(gradient, mu, logvar, steps, lr):
    for _ in range(steps):
        dmu, dlogvar = gradient(mu, logvar)
        mu, logvar = mu + lr * dmu, logvar + lr * dlogvar
    return mu, logvar


SOLUTIONS = {f.__name__: f for f in (bound_on_a_grid, best_diagonal_variance, gap_as_kl, infer_held_out)}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_is_right(capsys, name):
    assert said(capsys, getattr(exercises, name), SOLUTIONS[name]) == (True, "Right.\n")


@pytest.mark.parametrize("name", SOLUTIONS)
def test_a_stub_is_not_answered_yet(capsys, name):
    assert said(capsys, getattr(exercises, name), lambda *given: None) == (False, "Not answered yet.\n")


@pytest.mark.parametrize(("name", "sentence"), [(name, sentence) for name in SOLUTIONS
                                                for sentence in getattr(exercises, name).mistakes])
def test_each_known_mistake_is_named(capsys, name, sentence):
    checker = getattr(exercises, name)
    assert said(capsys, checker, checker.mistakes[sentence]) == (False, f"Not yet. {sentence}\n")


def changes_the_start(gradient, mu, logvar, steps, lr):
    for _ in range(steps):
        dmu, dlogvar = gradient(mu, logvar)
        mu += lr * dmu
        logvar += lr * dlogvar
    return mu, logvar


def with_momentum(gradient, mu, logvar, steps, lr):
    v = np.zeros((2, *mu.shape))
    for _ in range(steps):
        v = 0.5 * v + np.array(gradient(mu, logvar))
        mu, logvar = mu + lr * v[0], logvar + lr * v[1]
    return mu, logvar


def decaying(gradient, mu, logvar, steps, lr):
    for i in range(steps):
        dmu, dlogvar = gradient(mu, logvar)
        mu, logvar = mu + lr / (1 + i) * dmu, logvar + lr / (1 + i) * dlogvar
    return mu, logvar


@pytest.mark.parametrize(("name", "answer", "words"), [
    ("bound_on_a_grid", lambda log_joint, log_q, area: log_joint - log_q, "one number, not an array"),
    ("bound_on_a_grid", lambda log_joint, log_q, area: 7.0, "must be a lower bound, but is 7"),
    ("bound_on_a_grid", lambda log_joint, log_q, area: -50.0, "must touch log p(x)"),
    ("bound_on_a_grid", lambda log_joint, log_q, area: 2 * bound_on_a_grid(log_joint, log_q, area) + 3, "bound"),
    ("bound_on_a_grid", lambda log_joint, log_q, area: bound_on_a_grid(log_joint, log_q, 0.012), "wider cells"),
    ("bound_on_a_grid", lambda log_joint, log_q, area: bound_on_a_grid(log_joint, log_q, area) / math.log(2), "touch"),
    ("bound_on_a_grid", lambda log_joint, log_q, area: math.nan, "finite"),
    ("bound_on_a_grid", lambda log_joint, log_q, area: log_joint.shape[1], "stopped with IndexError"),
    ("best_diagonal_variance", lambda covariance: 1.1 * best_diagonal_variance(covariance), "must be the posterior"),
    ("best_diagonal_variance", lambda covariance: np.full(len(covariance), np.linalg.det(covariance)), "posterior"),
    ("best_diagonal_variance", lambda covariance: np.sqrt(np.diag(covariance) * best_diagonal_variance(covariance)),
     "not its minimum"),
    ("best_diagonal_variance", lambda covariance: -np.diag(covariance), "positive"),
    ("best_diagonal_variance", lambda covariance: best_diagonal_variance(covariance)[:, None], "not (3, 1)"),
    ("best_diagonal_variance", lambda covariance: best_diagonal_variance(covariance).mean(), "shape (3,), not ()"),
    ("best_diagonal_variance", lambda covariance: 1 / np.abs(np.linalg.inv(covariance)).sum(axis=1), "not its minimum"),
    ("gap_as_kl", lambda log_q, log_joint, area: 1.0, "must be 0"),
    ("gap_as_kl", lambda log_q, log_joint, area: gap_as_kl(log_q, log_joint, area) / 2, "not log p(x)"),
    ("gap_as_kl", lambda log_q, log_joint, area: gap_as_kl(log_q, log_joint, area) ** 2, "not log p(x)"),
    ("gap_as_kl", lambda log_q, log_joint, area: gap_as_kl(log_q, log_joint + 3.0 - 3.0 * (log_joint.max() > 0), 0.012),
     "wider cells"),
    ("gap_as_kl", lambda log_q, log_joint, area: np.exp(log_q) * log_q, "one number"),
    ("infer_held_out", changes_the_start, "You changed an array"),
    ("infer_held_out", with_momentum, "One step is right, five are not"),
    ("infer_held_out", decaying, "One step is right, five are not"),
    ("infer_held_out", lambda *given: infer_held_out(*given)[0], "Return two arrays"),
    ("infer_held_out", lambda gradient, mu, logvar, steps, lr: infer_held_out(gradient, mu, logvar, steps, 2 * lr),
     "One step is not"),
    ("infer_held_out", lambda gradient, mu, logvar, steps, lr: (np.ones(3), np.zeros(3)), "steps = 0"),
    ("infer_held_out", lambda gradient, mu, logvar, steps, lr: (mu.mean(), logvar.mean()), "shape of the start"),
])
def test_other_mistakes_are_refused_usefully(capsys, name, answer, words):
    right, text = said(capsys, getattr(exercises, name), answer)
    assert not right and words in text
