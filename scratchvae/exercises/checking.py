"""How an answer is checked: by properties that only a right one has, and by the mistakes that are well known.

    @exercise(mistakes={"The 1/2 is missing.": lambda mu, logvar: ...})
    def kl_to_standard_normal(answer, known):
        rng = np.random.default_rng(0)
        mu, logvar = rng.standard_normal((2, 5, 3))
        kl = known(answer, mu, logvar)                      # calls answer, remembers the call
        require(kl.shape == (5,), f"One number per example: shape (5,), not {kl.shape}.")
        ...

In a chapter, `exercises.kl_to_standard_normal(my_kl)` prints what was found and returns True or False; it never raises.
When a property fails, the calls made so far are made on every known mistake too: the one that gives what the
student's answer gives is named; if there is none, the sentence of the property is what the student reads.
"""

import functools

import numpy as np


class Mistake(Exception):
    """What is wrong with an answer, in a sentence for the student."""


def require(condition, sentence):
    """Mistake(sentence) unless the condition holds."""
    if not condition:
        raise Mistake(sentence)


def require_untouched(answer, *inputs):
    """Mistake if the answer changes an array that it is given."""
    given = [np.copy(x) if isinstance(x, np.ndarray) else x for x in inputs]
    with np.errstate(all="ignore"):
        answer(*given)
    require(all(np.array_equal(a, b) for a, b in zip(given, inputs, strict=True) if isinstance(b, np.ndarray)),
            "You changed an array that you were given (a *= b does that); make a new one.")


def agree(a, b, tolerance=1e-9):
    """Whether two answers (numbers, arrays or tuples of them) have the same shape and the same values."""
    if isinstance(a, tuple) or isinstance(b, tuple):
        return (isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b)
                and all(agree(p, q, tolerance) for p, q in zip(a, b, strict=True)))
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True))


class NotAnswered(Exception):
    """The stub still returns nothing."""


class Calls:
    """Calls an answer and remembers what it was given and what it gave."""

    def __init__(self):
        self.made = []

    def __call__(self, answer, *inputs, **constants):
        given = [np.copy(x) if isinstance(x, np.ndarray) else x for x in inputs]
        result = answer(*inputs, **constants)
        if result is None or result is ...:
            raise NotAnswered
        self.made.append((given, constants, result))
        return result

    def are_those_of(self, wrong):
        """Whether the wrong function gives what the answer gave, in every call."""
        with np.errstate(all="ignore"):
            return bool(self.made) and all(agree(wrong(*inputs, **constants), result)
                                           for inputs, constants, result in self.made)


def exercise(mistakes):
    """Make a checker of a function (answer, known) that raises Mistake; `mistakes` is {sentence: wrong function}."""

    def decorate(check):
        @functools.wraps(check)
        def checker(answer):
            known = Calls()
            try:
                check(answer, known)
            except NotAnswered:
                return report("Not answered yet.", False)
            except Mistake as mistake:
                return report(f"Not yet. {name_of_mistake(known, mistakes) or mistake}", False)
            except Exception as error:
                named = name_of_mistake(known, mistakes)
                return report(f"Not yet. {named or f'Your answer stopped with {type(error).__name__}: {error}'}", False)
            return report("Right.", True)

        checker.mistakes = mistakes
        return checker

    return decorate


def name_of_mistake(known, mistakes):
    for sentence, wrong in mistakes.items():
        try:
            if known.are_those_of(wrong):
                return sentence
        except Exception:
            continue
    return None


def report(sentence, right):
    print(sentence)
    return right
