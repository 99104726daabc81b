"""All checkers of all chapters tell a stub, a listed mistake and nonsense apart, and none raises."""

import importlib
import pkgutil
import re
import warnings

import numpy as np
import pytest

from scratchvae import exercises

CHAPTERS = [importlib.import_module(f"scratchvae.exercises.{module.name}")
            for module in pkgutil.iter_modules(exercises.__path__) if re.fullmatch(r"chapter_\d\d", module.name)]
CHECKERS = [pytest.param(thing, id=f"{chapter.__name__[-2:]}-{name}") for chapter in CHAPTERS
            for name, thing in vars(chapter).items() if hasattr(thing, "mistakes")]
CALLED_OTHERWISE = {"square", "residual_layer"}     # mistakes written for the call that the checker makes of an answer


def listed(checker):
    return () if checker.__name__ in CALLED_OTHERWISE else checker.mistakes.items()


MISTAKES = [pytest.param(checker.values[0], sentence, wrong, id=f"{checker.id}-{i}") for checker in CHECKERS
            for i, (sentence, wrong) in enumerate(listed(checker.values[0]))]


def raising(*inputs, **constants):
    raise ValueError("I do not know")


def in_place(result):
    """An answer that changes every array it is given, and then gives `result`."""
    def answer(*inputs, **constants):
        for x in (*inputs, *constants.values()):
            if isinstance(x, np.ndarray) and x.dtype.kind == "f":
                x += 1
        return result

    return answer


NONSENSE = {
    "raises": raising,
    "takes nothing": lambda: 0,
    "words": lambda *inputs, **constants: "words",
    "a number": lambda *inputs, **constants: 3.7,
    "nan": lambda *inputs, **constants: np.nan,
    "infinite": lambda *inputs, **constants: np.inf,
    "too large for a float": lambda *inputs, **constants: 10**400,
    "True": lambda *inputs, **constants: True,
    "a set": lambda *inputs, **constants: {1, 2},
    "an object": lambda *inputs, **constants: object(),
    "a function": lambda *inputs, **constants: raising,
    "nothing in it": lambda *inputs, **constants: (),
    "two nan arrays": lambda *inputs, **constants: (np.full((2, 3), np.nan),) * 2,
    "a value and a way back that raises": lambda *inputs, **constants: (np.ones((2, 3)), raising),
    "a value and a way back to words": lambda *inputs, **constants: (np.ones((2, 3)), lambda *dy: "words"),
    "lists of unequal length": lambda *inputs, **constants: [[1.0], [2.0, 3.0]],
    "an empty array": lambda *inputs, **constants: np.zeros((7, 0)),
    "an array of nan": lambda *inputs, **constants: np.full((5, 4), np.nan),
    "an array of words": lambda *inputs, **constants: np.array(["a", "b"]),
    "an array of objects": lambda *inputs, **constants: np.array([None, raising]),
    "nan like the first input": lambda *inputs, **constants: np.full(np.shape(inputs[0]), np.nan),
    "its first input": lambda *inputs, **constants: inputs[0],
    "all its inputs": lambda *inputs, **constants: inputs,
    "changes its inputs": in_place(0.0),
    "changes its inputs, gives an array": in_place(np.ones(3)),
    "not a function": 3.7,
    "words and not a function": "words",
}


def heard(capsys, checker, answer):
    """(what the checker returned, what the student reads): in the student's kernel a warning is no error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        right = checker(answer)
    return right, capsys.readouterr().out


def test_there_is_something_to_test():
    assert CHAPTERS
    assert all(any(checker.id.startswith(chapter.__name__[-2:]) for checker in CHECKERS) for chapter in CHAPTERS)


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_stub_is_not_answered_yet(capsys, checker):
    assert heard(capsys, checker, lambda *inputs, **constants: None) == (False, "Not answered yet.\n")


@pytest.mark.parametrize(("checker", "sentence", "wrong"), MISTAKES)
def test_a_listed_mistake_is_named_by_its_own_sentence(capsys, checker, sentence, wrong):
    assert heard(capsys, checker, wrong) == (False, f"Not yet. {sentence}\n")


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_is_refused_in_a_sentence_and_never_raises(capsys, checker, nonsense):
    right, sentence = heard(capsys, checker, NONSENSE[nonsense])
    assert right is False
    assert re.fullmatch(r"Not (yet\. \S.*|answered yet\.)\n", sentence, re.DOTALL)
