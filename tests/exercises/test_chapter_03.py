"""The checkers of chapter 3: the solution is right, each known mistake is named, and others are refused usefully."""

import math

import numpy as np
import pytest

from scratchvae.exercises import chapter_03 as exercises


def said(capsys, checker, answer):
    """(whether it was accepted, what the student reads)"""
    right = checker(answer)
    return right, capsys.readouterr().out


def posterior(W, b, s2, x):
    M = W.T @ W + s2 * np.eye(W.shape[1])
    return np.linalg.solve(M, W.T @ (x - b).T).T, s2 * np.linalg.inv(M)


def mean_field_gap(W, s2):
    L = W.T @ W / s2 + np.eye(W.shape[1])
    return (np.log(np.diag(L)).sum() - np.log(np.linalg.eigvalsh(L)).sum()) / 2


def reconstruction_without_noise(W, b, x):
    return b + (x - b) @ np.linalg.pinv(W).T @ W.T


def survivors(eigenvalues, sigma, n_latents):
    return np.sum(np.sort(eigenvalues)[::-1][:n_latents] > sigma**2)


SOLUTIONS = {f.__name__: f for f in (posterior, mean_field_gap, reconstruction_without_noise, survivors)}


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


def changes_x(W, b, s2, x):
    mean_and_covariance = posterior(W, b, s2, x)
    x -= b
    return mean_and_covariance


@pytest.mark.parametrize(("name", "answer", "words"), [
    ("posterior", changes_x, "You changed an array"),
    ("posterior", lambda W, b, s2, x: posterior(W, b, s2, x)[0], "Return two things"),
    ("posterior", lambda W, b, s2, x: (posterior(W, b, s2, x)[0].mean(axis=0), posterior(W, b, s2, x)[1]),
     r"shape (4, 3), not (3,)"),
    ("posterior", lambda W, b, s2, x: posterior(W, b, 0.4, x), "wrong at s2 = 2.5"),
    ("posterior", lambda W, b, s2, x: (posterior(W, b, s2, x)[0], -posterior(W, b, s2, x)[1]), "positive definite"),
    ("posterior", lambda W, b, s2, x: (-posterior(W, b, s2, x)[0], posterior(W, b, s2, x)[1]), "Bayes' rule fails"),
    ("posterior", lambda W, b, s2, x: (posterior(W, b, s2, x)[0], 2 * posterior(W, b, s2, x)[1]),
     "posterior must be the prior"),
    ("posterior", lambda W, b, s2, x: (np.linalg.inv(W), 1), "Your answer stopped with LinAlgError"),
    ("posterior", lambda W, b, s2, x: (np.full((4, 3), np.nan), np.eye(3)), "inf or a nan"),
    ("posterior", lambda W, b, s2, x: (posterior(W, b, s2, x)[0], posterior(W, b, s2, x)[1] + np.tri(3)), "symmetric"),
    ("mean_field_gap", lambda W, s2: np.zeros(3), "one number, not an array of shape (3,)"),
    ("mean_field_gap", lambda W, s2: 1.0, "the gap must be 0"),
    ("mean_field_gap", lambda W, s2: 3 * mean_field_gap(W, s2), "not the KL of"),
    ("mean_field_gap", lambda W, s2: mean_field_gap(W, 0.3), "only through W'W / s2"),
    ("mean_field_gap", lambda W, s2: -1.0, "never negative"),
    ("mean_field_gap", lambda W, s2: mean_field_gap(W, s2) / math.log(2), "not the KL of"),
    ("mean_field_gap", lambda W, s2: math.nan, "inf or a nan"),
    ("reconstruction_without_noise", lambda W, b, x: np.zeros_like(x), "must be orthogonal"),
    ("reconstruction_without_noise", lambda W, b, x: 0.9 * reconstruction_without_noise(W, b, x), "change nothing"),
    ("reconstruction_without_noise", lambda W, b, x: np.linalg.qr(W)[0] @ np.ones(2) * np.ones((4, 1)),
     "must be orthogonal"),
    ("reconstruction_without_noise", lambda W, b, x: reconstruction_without_noise(W[:, :1], b, x), "orthogonal"),
    ("survivors", lambda eigenvalues, sigma, n_latents: eigenvalues > sigma**2, "one number, not an array"),
    ("survivors", lambda eigenvalues, sigma, n_latents: 5, "and 3 latents, the number of survivors is 3, not 5"),
    ("survivors", lambda eigenvalues, sigma, n_latents: len(eigenvalues), "survivors is 5, not 7"),
    ("survivors", lambda eigenvalues, sigma, n_latents: int((eigenvalues - sigma > 0.1).sum()), "survivors is"),
    ("survivors", lambda eigenvalues, sigma, n_latents: survivors(eigenvalues, sigma, n_latents) / 2, "survivors is"),
])
def test_other_mistakes_are_refused_usefully(capsys, name, answer, words):
    right, text = said(capsys, getattr(exercises, name), answer)
    assert not right and words in text
