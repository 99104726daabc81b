"""The warm-up's checker: it accepts the solution, names each known mistake, and says something useful of the others."""

import numpy as np
import pytest

from scratchvae.exercises import chapter_00 as exercises


def said(capsys, answer):
    right = exercises.square(answer)
    return right, capsys.readouterr().out.strip()


def solution(x):
    y = x * x

    def backward(dy):
        return dy * 2 * x

    return y, backward


def mutating(x):
    def backward(dy):
        dy *= 2 * x
        return dy

    return x * x, backward


def overwriting_x(x):
    kept = x.copy()
    x *= x
    return x, lambda dy: dy * 2 * kept


UNLISTED = {
    "three times": (lambda x: (x * x, lambda dy: 3 * dy * x), "the complex step says"),
    "added instead of multiplied": (lambda x: (x * x, lambda dy: dy + 2 * x), "the complex step says"),
    "the cube": (lambda x: (x**3, lambda dy: dy * 3 * x**2), "not the square"),
    "the sign is lost": (lambda x: (x * x, lambda dy: dy * 2 * np.sqrt(x * x)), "not for negative x"),
    "dy is changed": (mutating, "You changed an array"),
    "x is changed": (overwriting_x, "You changed an array"),
    "the value alone": (lambda x: x * x, "Return two things"),
    "backward already called": (lambda x: (x * x, 2 * x), "Return two things"),
    "backward without a result": (lambda x: (x * x, lambda dy: None), "backward returns nothing"),
    "one number": (lambda x: ((x * x).sum(), lambda dy: dy * 2 * x), "shape of x"),
    "backward takes nothing": (lambda x: (x * x, lambda: 2 * x), "stopped with TypeError"),
    "an error": (lambda x: x @ x, "stopped with ValueError"),
}


def test_the_solution_is_right(capsys):
    assert said(capsys, solution) == (True, "Right.")


@pytest.mark.parametrize("stub", [lambda x: None, lambda x: ...])
def test_the_stub_is_not_answered(capsys, stub):
    assert said(capsys, stub) == (False, "Not answered yet.")


@pytest.mark.parametrize(("sentence", "wrong"), exercises.WRONG.items())
def test_each_known_mistake_is_named(capsys, sentence, wrong):
    assert said(capsys, wrong) == (False, f"Not yet. {sentence}")


@pytest.mark.parametrize(("wrong", "useful"), UNLISTED.values(), ids=UNLISTED)
def test_other_wrong_answers_are_refused(capsys, wrong, useful):
    right, sentence = said(capsys, wrong)
    assert not right
    assert sentence.startswith("Not yet. ") and useful in sentence
