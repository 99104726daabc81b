"""How an answer is checked: by properties that only a right answer has, and by comparison with well-known mistakes.

    @exercise(mistakes={"The 1/2 is missing.": lambda mu, logvar: ...})
    def kl_to_standard_normal(answer, known):
        rng = np.random.default_rng(0)
        mu, logvar = rng.standard_normal((2, 5, 3))
        kl = known(answer, mu, logvar)                      # calls answer, records the call
        require(kl.shape == (5,), f"One number per example: shape (5,), not {kl.shape}.")
        ...

In a chapter, `exercises.kl_to_standard_normal(my_kl)` prints the verdict and returns True or False; it never raises.
When a property fails, the calls so far are repeated with every known mistake: if one gives the same results as the
student's answer, it is named; if none does, the student reads the sentence of the property.
"""

import functools

from .calls import Calls, Mistake, NotAnswered, agree, describe, is_nothing, require, require_untouched

__all__ = ["Mistake", "agree", "exercise", "require", "require_untouched"]


def exercise(mistakes):
    """Make a checker of a function (answer, known) that raises Mistake; `mistakes` is {sentence: wrong function}."""

    def decorate(check):
        @functools.wraps(check)
        def checker(answer):
            known = Calls()
            try:
                if is_nothing(answer):
                    raise NotAnswered
                check(answer, known)
            except NotAnswered:
                return report("Not answered yet.", False)
            except Mistake as mistake:
                return report(f"Not yet. {name_of_mistake(known, mistakes) or mistake}", False)
            except Exception as error:
                return report(f"Not yet. {name_of_mistake(known, mistakes) or not_what_was_asked(known, error)}", False)
            return report("Right.", True)

        checker.mistakes = mistakes
        return checker

    return decorate


def name_of_mistake(known, mistakes):
    """The sentence of the known mistake that explains every call made so far, or None."""
    for sentence, wrong in mistakes.items():
        try:
            if known.are_those_of(wrong):
                return sentence
        except Exception:
            continue
    return None


def not_what_was_asked(known, error):
    """The sentence for a result that makes the check itself fail."""
    last = f"Your answer gave {describe(known.made[-1][1])}. " if known.made else ""
    return f"{last}That cannot be checked ({error}): what should it return?"


def report(sentence, right):
    """Print the sentence; return `right`."""
    print(sentence)
    return right
