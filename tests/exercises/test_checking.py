"""What is said of right, wrong, missing and senseless answers; and that no checker ever raises."""

import numpy as np
import pytest

from scratchvae.exercises.checking import Mistake, agree, exercise, require, require_untouched


def total(x):
    return x.sum(axis=1)


@exercise(mistakes={
    "A mean, not a sum.": lambda x: x.mean(axis=1),
    "The wrong axis.": lambda x: x.sum(axis=0),
    "Not what this mistake says, but like the mean at x = 0.": lambda x: 0 * x.sum(axis=1),
    "A mistake that stops.": lambda x: x.nonsense,
})
def row_sums(answer, known):
    """x (B, D) -> (B,)"""
    x = np.random.default_rng(0).standard_normal((3, 3))
    require(agree(known(answer, np.zeros((3, 3))), np.zeros(3)), "The sum of zeros is 0.")
    require(known(answer, x).shape == (3,), "One number a row.")
    require(agree(known(answer, x), total(x)), "It is not the sum.")


@pytest.fixture
def said(capsys):
    def say(answer, checker=row_sums):
        right = checker(answer)
        return right, capsys.readouterr().out

    return say


def changing(x):
    x += 1
    return total(x - 1)


def unready(x):
    raise NotImplementedError


def test_a_right_answer_is_right(said):
    assert said(total) == (True, "Right.\n")
    assert said(lambda x: list(x.sum(axis=1)))[0] is False       # a list has no shape; the sentence is tested below


@pytest.mark.parametrize("stub", [lambda x: None, lambda x: ..., lambda x: (None, None), lambda x: [...], unready,
                                  None, ...])
def test_a_stub_is_not_answered_yet(said, stub):
    assert said(stub) == (False, "Not answered yet.\n")


@pytest.mark.parametrize("sentence", ["A mean, not a sum.", "The wrong axis."])
def test_a_known_mistake_is_named(said, sentence):
    assert said(row_sums.mistakes[sentence]) == (False, f"Not yet. {sentence}\n")


def test_a_mistake_must_explain_every_call_to_be_named(said):
    assert said(lambda x: x[:, 0]) == (False, "Not yet. It is not the sum.\n")


@pytest.mark.parametrize(("answer", "sentence"), [
    (lambda x: total(x) + 1, "The sum of zeros is 0."),
    (lambda x: 1 / 0, "Your answer stopped with ZeroDivisionError: division by zero"),
    (lambda: 3, "Your answer stopped with TypeError: "),
    (lambda x: x.shap, "Your answer stopped with AttributeError: "),
    (changing, "You changed an array that you were given (a *= b does that); make a new one."),
    (lambda x: "seven", "The sum of zeros is 0."),
    (lambda x: [[1], [2, 3]], "The sum of zeros is 0."),
    (lambda x: list(x.sum(axis=1)), "Your answer gave a list of 3. That cannot be checked ("),
    (lambda x: np.full(3, np.nan), "The sum of zeros is 0."),
    (7, "A function is to be checked, and this is 7, of type int."),
    (np.ones((2, 3)), "A function is to be checked, and this is an array of shape (2, 3) and dtype float64."),
])
def test_other_answers_are_refused_in_a_useful_sentence(said, answer, sentence):
    right, heard = said(answer)
    assert not right
    assert heard.startswith(f"Not yet. {sentence}")


def test_an_answer_is_judged_by_what_it_was_given_and_gave_not_by_what_became_of_it(said):
    """One buffer for all results, a generator, arrays within a tuple, keyword arguments."""
    buffer = np.zeros(4)

    @exercise(mistakes={"Twice the draw.": lambda rng, pair, *, scale: 2 * rng.random(4) * pair[0] * scale})
    def draws(answer, known):
        rng, pair = np.random.default_rng(0), (np.ones(4), np.zeros(4))
        first, second = (np.copy(known(answer, rng, pair, scale=np.full(4, 3.0))) for _ in range(2))
        require(agree(np.concatenate([first, second]), 3 * np.random.default_rng(0).random(8)), "Not the draw.")

    def twice(rng, pair, scale):
        buffer[:] = 2 * rng.random(4) * scale
        return buffer

    assert said(lambda rng, pair, scale: scale * rng.random(4), draws) == (True, "Right.\n")
    assert said(twice, draws) == (False, "Not yet. Twice the draw.\n")

    def change_what_is_inside(rng, pair, scale):
        pair[1][0] = 5
        return scale * rng.random(4)

    def change_the_constant(rng, pair, scale):
        scale *= 1.5
        return scale * rng.random(4)

    for answer in (change_what_is_inside, change_the_constant):
        assert "You changed an array" in said(answer, draws)[1]


def test_the_way_to_look_for_changes_alone():
    with pytest.raises(Mistake, match="You changed an array"):
        require_untouched(changing, np.ones((2, 2)))
    require_untouched(total, np.array([[np.nan, 1.0]]))


@pytest.mark.parametrize(("a", "b", "same"), [
    (1, 1.0, True), (1, 1 + 1e-12, True), (1, 1 + 1e-6, False), (np.ones(2), [1, 1], True),
    (np.ones(2), np.ones((2, 1)), False), (np.ones(1), 1.0, False), ((1, 2), [1, 2], True), ((1, 2), (1, 2, 3), False),
    ((1, np.ones(2)), (1, np.ones(2)), True), ((1, 2), (2, 1), False), (np.nan, np.nan, True), (np.nan, 1, False),
    ("a", "a", False), ([1, [2, 3]], [1, [2, 3]], False), (None, 0, False), (len, len, False), ((1, 2), 1, False),
])
def test_agreement_is_of_shape_and_value_and_never_raises(a, b, same):
    assert agree(a, b) is same
    assert agree(b, a) is same
