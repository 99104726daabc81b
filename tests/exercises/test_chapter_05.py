"""The checkers of chapter 5: the solution is right, each known mistake is named, and others are refused usefully."""

import math

import numpy as np
import pytest

from scratchvae.exercises import chapter_05 as exercises
from scratchvae.exercises.chapter_05 import CLIPPED, denoising, entropy, largest_angle, tied_loss, wiener


def said(capsys, checker, answer):
    """(whether it was accepted, what the student reads)"""
    right = checker(answer)
    return right, capsys.readouterr().out


SOLUTIONS = {
    "cross_entropy_floor": entropy,
    "tied_gradient": tied_loss,
    "angle_between": lambda A, B: np.arccos(np.minimum(exercises.cosines(A, B).min(), 1)),
    "denoising_loss": lambda f, x, seed, sigma: (
        (f(x + np.random.default_rng(seed).normal(0, sigma, x.shape)) - x)**2).sum(axis=1),
    "wiener_filter": wiener,
}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_is_right(capsys, name):
    assert said(capsys, getattr(exercises, name), SOLUTIONS[name]) == (True, "Right.\n")


def test_the_other_formula_of_the_angle_is_right_too(capsys):
    assert said(capsys, exercises.angle_between, largest_angle) == (True, "Right.\n")


def test_another_order_of_the_noise_is_right_too(capsys):
    """Only the noise's distribution is asked for, not one particular stream."""
    def answer(f, x, seed, sigma):
        eps = np.random.default_rng([seed, 7]).standard_normal(x.T.shape).T
        return ((f(x + sigma * eps) - x)**2).sum(axis=1)

    assert said(capsys, exercises.denoising_loss, answer) == (True, "Right.\n")


@pytest.mark.parametrize("name", SOLUTIONS)
def test_a_stub_is_not_answered_yet(capsys, name):
    assert said(capsys, getattr(exercises, name), lambda *given: None) == (False, "Not answered yet.\n")


@pytest.mark.parametrize(("name", "sentence"), [(name, sentence) for name in SOLUTIONS
                                                for sentence in getattr(exercises, name).mistakes])
def test_each_known_mistake_is_named(capsys, name, sentence):
    checker = getattr(exercises, name)
    assert said(capsys, checker, checker.mistakes[sentence]) == (False, f"Not yet. {sentence}\n")


def clipped(tiny):
    def floor(x):
        p = np.clip(x, tiny, 1 - tiny)
        return (-p * np.log(p) - (1 - p) * np.log(1 - p)).sum(axis=1)
    return floor


def mutating(x, W):
    found = tied_loss(x, W)
    W -= 0.1 * found[1]
    return found


@pytest.mark.parametrize(("name", "answer", "words"), [
    ("cross_entropy_floor", clipped(1e-7), CLIPPED),
    ("cross_entropy_floor", clipped(1e-3), "yours is"),
    ("cross_entropy_floor", lambda x: 2 * entropy(x), "Put p = x into the cross-entropy"),
    ("cross_entropy_floor", lambda x: entropy(x)[:, None], "shape (4,), not (4, 1)"),
    ("cross_entropy_floor", lambda x: (x * (1 - x)).sum(axis=1), "Put p = x into the cross-entropy"),
    ("tied_gradient", lambda x, W: tied_loss(x, W)[0], "Return two things"),
    ("tied_gradient", lambda x, W: (tied_loss(x, W)[0], 3 * tied_loss(x, W)[1]), "dW is 3 times the right one"),
    ("tied_gradient", lambda x, W: (2 * tied_loss(x, W)[0], tied_loss(x, W)[1]), "loss is 2 times the right one"),
    ("tied_gradient", lambda x, W: (tied_loss(x, W)[0], tied_loss(x, W)[1] + 0.1), "follow both uses of W"),
    ("tied_gradient", mutating, "You changed an array"),
    ("angle_between", lambda A, B: float(np.arccos(exercises.cosines(A, B).mean())), "yours is"),
    ("angle_between", lambda A, B: 0.0, "The largest angle is"),
    ("angle_between", lambda A, B: float(np.linalg.norm(A - B)), "The largest angle is"),
    ("angle_between", lambda A, B: math.nan, "is not finite"),
    ("angle_between", lambda A, B: float(np.arccos(exercises.cosines(A, B).min() + 1e-15)), "np.minimum(c, 1)"),
    ("denoising_loss", lambda f, x, seed, sigma: denoising(f, x, 0, sigma), "Another seed"),
    ("denoising_loss", lambda f, x, seed, sigma: 2 * denoising(f, x, seed, sigma), "yours is"),
    ("denoising_loss", lambda f, x, seed, sigma: denoising(f, x, seed, 0.2), "With no noise left"),
    ("denoising_loss", lambda f, x, seed, sigma: denoising(f, x, np.random.default_rng().integers(10**9), sigma),
     "make the generator from the seed"),
    ("denoising_loss", lambda f, x, seed, sigma: denoising(f, x, seed, 2 * sigma), "standard deviation 0."),
    ("denoising_loss", lambda f, x, seed, sigma: denoising(
        f, x, seed, sigma, noise=lambda x, rng, sigma: np.clip(exercises.fresh_noise(x, rng, sigma), 0, 1)),
     "You clipped the corrupted image"),
    ("denoising_loss", lambda f, x, seed, sigma: np.ones(len(x)), "The network is never called"),
    ("wiener_filter", lambda x, b, S, s: wiener(x, b, S, 2 * s), "What are cov(x, x~) and cov(x~)?"),
    ("wiener_filter", lambda x, b, S, s: wiener(x, b, S, s)[0], "One filtered image per row"),
    ("wiener_filter", lambda x, b, S, s: b + (x - b) / (1 + s * s), "What are cov"),
    ("wiener_filter", lambda x, b, S, s: b + (x - b) @ np.linalg.inv(np.eye(len(b)) + s * s * np.linalg.inv(
        S if np.linalg.matrix_rank(S) == len(b) else S + np.eye(len(b)))), "S itself may be singular"),
])
def test_other_answers_are_refused_with_something_useful(capsys, name, answer, words):
    right, sentence = said(capsys, getattr(exercises, name), answer)
    assert not right and words in sentence and "stopped with" not in sentence
