"""How an answer is called: safely, and with a record of its inputs and results."""

import copy

import numpy as np


class Mistake(Exception):
    """What is wrong with an answer, in a sentence for the student."""


class NotAnswered(Exception):
    """The stub still returns nothing."""


def require(condition, sentence):
    """Raises Mistake(sentence) unless the condition holds."""
    if not condition:
        raise Mistake(sentence)


def require_untouched(answer, *inputs, **constants):
    """Raises Mistake if the answer changes an array that it is given (known(answer, ...) checks that too)."""
    given, given_constants = kept((inputs, constants))
    with np.errstate(all="ignore"):
        call(answer, *given, **given_constants)
    require_same((inputs, constants), (given, given_constants))


def require_same(before, after):
    """Raises Mistake if the arrays that were given are no longer the same after the call."""
    require(all(a.tobytes() == b.tobytes() for a, b in zip(arrays_in(before), arrays_in(after), strict=True)),
            "You changed an array that you were given (a *= b does that); make a new one.")


def kept(given):
    """A copy of what is given: arrays, generators, and tuples, lists and dicts of them; all else is not copied."""
    if isinstance(given, tuple | list):
        return type(given)(kept(x) for x in given) if type(given) in (tuple, list) else given
    if isinstance(given, dict):
        return {name: kept(x) for name, x in given.items()}
    return copy.deepcopy(given) if isinstance(given, np.ndarray | np.random.Generator) else given


def arrays_in(given):
    """The arrays of numbers in what is given, in order."""
    if isinstance(given, tuple | list):
        return [a for x in given for a in arrays_in(x)]
    if isinstance(given, dict):
        return arrays_in(list(given.values()))
    return [given] if isinstance(given, np.ndarray) and given.dtype != object else []


def agree(a, b, tolerance=1e-9):
    """Whether two answers (numbers, arrays, or tuples of them) have the same shape and values; False for all else."""
    if isinstance(a, tuple) or isinstance(b, tuple):
        return (isinstance(a, tuple | list) and isinstance(b, tuple | list) and len(a) == len(b)
                and all(agree(p, q, tolerance) for p, q in zip(a, b, strict=True)))
    try:
        a, b = np.asarray(a), np.asarray(b)
        return a.shape == b.shape and bool(np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True))
    except (TypeError, ValueError):          # words, lists of unequal length
        return False


def call(answer, *inputs, **constants):
    """The result of the answer; Mistake if it raises an error, NotAnswered if it is still the stub."""
    require(callable(answer), f"A function is to be checked, and this is {describe(answer)}.")
    try:
        result = answer(*inputs, **constants)
    except (Mistake, NotAnswered):           # from a checker's wrapper around the answer
        raise
    except NotImplementedError:
        raise NotAnswered from None
    except Exception as error:
        raise Mistake(f"Your answer stopped with {type(error).__name__}: {error}") from error
    if is_nothing(result) or (isinstance(result, tuple | list) and len(result) > 0 and all(map(is_nothing, result))):
        raise NotAnswered
    return result


def is_nothing(result):
    """Whether this is the result of a stub."""
    return result is None or result is ...


def describe(result):
    """What a result is, in a few words."""
    if isinstance(result, np.ndarray):
        return f"an array of shape {result.shape} and dtype {result.dtype}"
    if isinstance(result, tuple | list):
        return f"a {type(result).__name__} of {len(result)}"
    return f"{result!r:.40}, of type {type(result).__name__}"


class Calls:
    """Calls an answer and records its inputs and its results."""

    def __init__(self):
        self.made = []

    def __call__(self, answer, *inputs, **constants):
        given = kept((inputs, constants))
        result = call(answer, *inputs, **constants)
        require_same(given, (inputs, constants))
        self.made.append((given, kept(result)))
        return result

    def are_those_of(self, wrong):
        """Whether the wrong function gives the same result as the answer, in every call."""
        with np.errstate(all="ignore"):
            return bool(self.made) and all(agree(wrong(*inputs, **constants), result)
                                           for (inputs, constants), result in kept(self.made))
