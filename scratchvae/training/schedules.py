"""Numbers that change with the step: pure functions of it, so that a resumed run goes on exactly where it was.

    fit(..., schedule=cosine(steps=9380))             the step size at step t = 0, 1, ... is optimizer.lr * schedule(t)
    fit(..., weights={"kl": linear(steps=5000)})      the weight of the KL at step t is linear(steps=5000)(t)

A schedule is any function step -> factor. The checkpoint keeps its name; those made here have their settings in it.
"""

import functools
import inspect
import math
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from .signatures import Schedule

Settings = ParamSpec("Settings")


def schedule(factor: Callable[Concatenate[int, Settings], float]) -> Callable[Settings, Schedule]:
    """Make f(step, settings) a maker of schedules: f(settings) is a function step -> factor that knows its name."""

    @functools.wraps(factor)
    def make(*values, **settings):
        given = inspect.signature(factor).bind(0, *values, **settings).arguments     # TypeError for one that is missing
        given = {name: value for name, value in given.items() if name != "step"}
        made = functools.partial(factor, **given)
        said = (f"{name}={getattr(value, '__name__', value)}" for name, value in given.items())
        made.__name__ = f"{factor.__name__}({', '.join(said)})"
        return made

    return make


@schedule
def constant(step: int) -> float:
    """1"""
    return 1.0


@schedule
def step_decay(step: int, every: int, factor: float = 0.5) -> float:
    """factor^n after n times `every` steps."""
    return factor ** (step // every)


@schedule
def cosine(step: int, steps: int, last: float = 0.0) -> float:
    """From 1 to `last` in `steps` steps, along half a wave.     Loshchilov & Hutter 2017, eq. (5), without restarts"""
    along = min(step / steps, 1.0)
    return last + (1 - last) * (1 + math.cos(math.pi * along)) / 2


@schedule
def warm_up(step: int, steps: int, then: Schedule | None = None) -> float:
    """(step + 1) / steps while that is below 1, then 1; or then `then`, a schedule that begins at that step.

    The first steps of Adam rest on few gradients, and may be too long.     Goyal et al. 2017, section 2.2
    """
    if step + 1 < steps:
        return (step + 1) / steps
    return 1.0 if then is None else then(step + 1 - steps)


@schedule
def linear(step: int, steps: int, start: float = 0.0, stop: float = 1.0) -> float:
    """From `start` at step 0 to `stop` at step `steps` - 1, along a line, and `stop` from there on.

    As the weight of the KL: Bowman et al. 2016, section 3.1, and Sonderby et al. 2016, who let it grow linearly.
    """
    return stop if step >= steps - 1 else start + (stop - start) * step / (steps - 1)


@schedule
def cyclical(step: int, steps: int, cycles: int = 4, share: float = 0.5) -> float:
    """In each of `cycles` cycles from 0 to 1 along a line, within `share` of the cycle, then 1.     Fu et al. 2019, (6)

    At step `steps` - 1 and later it is 1, wherever a cycle ends: what is trained last is the bound itself.
    """
    along = step * cycles % steps / steps                                            # of this cycle, in [0, 1)
    return 1.0 if step >= steps - 1 else min(along / share, 1.0)


def value_at(step, weight):
    """What a weight is at a step: a number, or a schedule."""
    return weight(step) if callable(weight) else weight


def name_of(weight):
    """What a checkpoint calls a schedule; a number, or None where there is no schedule, is what it is."""
    return weight.__name__ if callable(weight) else weight
