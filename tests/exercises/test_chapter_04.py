"""The checkers of chapter 4: the solution is right, each known mistake is named, and others are refused usefully."""

import math

import numpy as np
import pytest

from scratchvae.exercises import chapter_04 as exercises
from scratchvae.exercises.chapter_04 import CLIPPED, adam, residual, residual_with, stable, two_layers
from scratchvae.nn import sigmoid
from scratchvae.probability import bernoulli_nll


def said(capsys, checker, answer):
    """(whether it was accepted, what the student reads)"""
    right = checker(answer)
    return right, capsys.readouterr().out


def bernoulli_solution(logits, x):
    nll = np.maximum(logits, 0) - logits * x + np.log1p(np.exp(-np.abs(logits)))
    return nll.sum(axis=1), np.exp(np.minimum(logits, 0)) / (1 + np.exp(-np.abs(logits))) - x


SOLUTIONS = {
    "mend_three_bugs": two_layers,
    "bernoulli_from_logits": bernoulli_solution,
    "adam_step": adam,
    "residual_layer": residual,
    "square_after_layers": lambda std, width, layers: (width * std**2 / 2)**layers,
}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_is_right(capsys, name):
    assert said(capsys, getattr(exercises, name), SOLUTIONS[name]) == (True, "Right.\n")


@pytest.mark.parametrize("name", SOLUTIONS)
def test_a_stub_is_not_answered_yet(capsys, name):
    assert said(capsys, getattr(exercises, name), lambda *given: None) == (False, "Not answered yet.\n")


@pytest.mark.parametrize(("name", "sentence"), [(name, sentence) for name in SOLUTIONS
                                                for sentence in getattr(exercises, name).mistakes
                                                if name != "residual_layer"])
def test_each_known_mistake_is_named(capsys, name, sentence):
    checker = getattr(exercises, name)
    assert said(capsys, checker, checker.mistakes[sentence]) == (False, f"Not yet. {sentence}\n")


@pytest.mark.parametrize(("layer", "words"), [
    (exercises.one_memory(), "remembers only the last x"),
    (residual_with(lambda x, W, h, dy: ((dy * (1 - h * h)) @ W.T, x.T @ (dy * (1 - h * h)))), "One path is missing"),
    (residual_with(lambda x, W, h, dy: (dy, x.T @ (dy * (1 - h * h)))), "only the direct path"),
    (residual_with(lambda x, W, h, dy: (dy + dy @ W.T, x.T @ dy)), "derivative of tanh is missing"),
    (residual_with(lambda x, W, h, dy: (dy + (dy * (1 - (x @ W)**2)) @ W.T, x.T @ (dy * (1 - (x @ W)**2)))),
     "you squared the input a"),
    (residual_with(lambda x, W, h, dy: (dy + (dy * (1 - (x + h)**2)) @ W.T, x.T @ (dy * (1 - (x + h)**2)))),
     "output y = x + h"),
    (residual_with(lambda x, W, h, dy: (dy + (dy * (1 - h * h)) @ W, x.T @ (dy * (1 - h * h)))), "da @ W.T, not"),
    (residual_with(lambda x, W, h, dy: (dy + (dy * (1 - h * h)) @ W.T, (dy * (1 - h * h)).T @ x)), "dW is transposed"),
    (residual_with(lambda x, W, h, dy: (dy + (dy * (1 - h * h)) @ W.T, x.T @ (dy * (1 - h * h)) / len(x))),
     "dW is averaged"),
    (residual_with(lambda x, W, h, dy: (x.T @ (dy * (1 - h * h)), dy + (dy * (1 - h * h)) @ W.T)), "wrong order"),
])
def test_each_known_layer_is_named(capsys, layer, words):
    right, sentence = said(capsys, exercises.residual_layer, layer)
    assert not right and words in sentence


def changed(index, change):
    """two_layers with one of its five results changed."""
    def wrong(*given):
        found = list(two_layers(*given))
        found[index] = change(found[index])
        return tuple(found)
    return wrong


def mutating(x, y, W1, b1, W2, b2):
    found = two_layers(x, y, W1, b1, W2, b2)
    W1 -= 0.1 * found[1]
    return found


def adam_in_place(theta, g, m, v, t, lr, beta1, beta2, eps):
    m *= beta1
    m += (1 - beta1) * g
    v *= beta2
    v += (1 - beta2) * g * g
    return theta - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v


def dy_in_place(x, W):
    h = np.tanh(x @ W)

    def backward(dy):
        straight = dy.copy()
        dy *= 1 - h * h
        return straight + dy @ W.T, x.T @ dy

    return x + h, backward


def spent(x, W):
    """A way back that can be walked once."""
    y, backward = residual(x, W)
    scale = [1.0]

    def once(dy):
        gradients = tuple(scale[0] * g for g in backward(dy))
        scale[0] = 0.0
        return gradients

    return y, once


@pytest.mark.parametrize(("name", "answer", "words"), [
    ("mend_three_bugs", changed(1, lambda g: -g), "dW1 is -1 times the right one"),
    ("mend_three_bugs", changed(3, lambda g: g.T), "dW2 must have shape"),
    ("mend_three_bugs", changed(2, lambda g: 2 * g), "db1 is 2 times the right one"),
    ("mend_three_bugs", changed(4, lambda g: g + 0.1), "db2 is wrong, by"),
    ("mend_three_bugs", changed(0, lambda loss: 2 * loss), "loss is 2 times the right one"),
    ("mend_three_bugs", lambda *given: two_layers(*given)[1:], "Return five things"),
    ("mend_three_bugs", mutating, "You changed an array"),
    ("bernoulli_from_logits", lambda a, x: stable(a, x).sum(axis=1), "Return two arrays"),
    ("bernoulli_from_logits", lambda a, x: (stable(a, x).sum(axis=1), 2 * (sigmoid(a) - x)), "dlogits at logits"),
    ("bernoulli_from_logits", lambda a, x: (stable(a, x).sum(axis=1), (sigmoid(a) - x).sum(axis=1)),
     "dlogits must have shape"),
    ("bernoulli_from_logits", lambda a, x: (2 * stable(a, x).sum(axis=1), sigmoid(a) - x), "it should be"),
    ("bernoulli_from_logits", lambda a, x: (bernoulli_nll(np.clip(a, -30, 30), x=x), sigmoid(a) - x), CLIPPED),
    ("bernoulli_from_logits", lambda a, x: (bernoulli_nll(np.clip(a, -500, 500), x=x), sigmoid(a) - x),
     "it should be"),
    *[("bernoulli_from_logits", lambda a, x, tiny=tiny: (
        -(x * np.log(sigmoid(a) + tiny) + (1 - x) * np.log(1 - sigmoid(a) + tiny)).sum(axis=1), sigmoid(a) - x),
       CLIPPED) for tiny in (1e-3, 1e-7, 1e-12, 1e-30)],
    ("adam_step", lambda *given: adam(*given)[0], "Return three arrays"),
    ("adam_step", adam_in_place, "You changed an array"),
    ("adam_step", lambda th, g, m, v, t, lr, b1, b2, e: adam(th, g, m, v, t, 2 * lr, b1, b2, e), "theta after step"),
    ("adam_step", lambda th, g, m, v, t, lr, b1, b2, e: adam(th, g, m, v, t, lr, 0.9, 0.999, 1e-8), "after step t = 3"),
    ("adam_step", lambda *given: (adam(*given)[0], *adam(*given)[:0:-1]), "m after step t = 1"),
    ("residual_layer", lambda x, W: (x + np.tanh(x @ W), lambda dy: dy), "two gradients"),
    ("residual_layer", lambda x, W: x + np.tanh(x @ W), "(y, backward)"),
    ("residual_layer", dy_in_place, "You changed an array"),
    ("residual_layer", spent, "Called twice"),
    ("residual_layer", lambda x, W: (np.tanh(x @ W), residual(x, W)[1]), "y is wrong"),
    ("residual_layer", residual_with(lambda x, W, h, dy: (dy + (2 * dy * (1 - h * h)) @ W.T, x.T @ dy)),
     "dx is wrong"),
    ("square_after_layers", lambda std, width, layers: (2 / width)**layers, "What does one layer do"),
    ("square_after_layers", lambda std, width, layers: 1.0, "What does one layer do"),
    ("square_after_layers", lambda std, width, layers: np.full(3, (width * std**2 / 2)**layers), "Not yet."),
    ("square_after_layers", lambda std, width, layers: math.exp(layers * std**2 * width / 2), "What does one layer do"),
])
def test_other_answers_are_refused_with_something_useful(capsys, name, answer, words):
    right, sentence = said(capsys, getattr(exercises, name), answer)
    assert not right and words in sentence and "stopped with" not in sentence
