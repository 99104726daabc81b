"""The learning rate over time: pure functions of the step, so that a resumed run goes on exactly where it was.

    fit(..., schedule=cosine(steps=9380))         the rate of step t = 0, 1, ... is optimizer.lr * schedule(t)

A schedule is any function step -> factor. The checkpoint keeps its name; those made here have their settings in it.
"""

import functools
import math


def schedule(factor):
    """Make f(step, *, settings) a maker of schedules: f(settings) is a function step -> factor that knows its name."""

    @functools.wraps(factor)
    def make(**settings):
        made = functools.partial(factor, **settings)
        said = (f"{name}={getattr(value, '__name__', value)}" for name, value in settings.items())
        made.__name__ = f"{factor.__name__}({', '.join(said)})"
        made(0)                                    # a missing setting is missed here, not in the first step
        return made

    return make


@schedule
def constant(step):
    """1"""
    return 1.0


@schedule
def stairs(step, *, every, factor=0.5):
    """factor^n after n times `every` steps: down by stairs."""
    return factor ** (step // every)


@schedule
def cosine(step, *, steps, last=0.0):
    """From 1 to `last` in `steps` steps, along half a wave.     Loshchilov & Hutter 2017, eq. (5), without restarts"""
    along = min(step / steps, 1.0)
    return last + (1 - last) * (1 + math.cos(math.pi * along)) / 2


@schedule
def warm_up(step, *, steps, then=None):
    """(step + 1) / steps while that is below 1, then 1; or then `then`, a schedule that begins at that step.

    The first steps of Adam rest on few gradients, and may be too long.     Goyal et al. 2017, section 2.2
    """
    if step + 1 < steps:
        return (step + 1) / steps
    return 1.0 if then is None else then(step + 1 - steps)


def name_of(function):
    """What a checkpoint calls a schedule, or None if there is none."""
    return None if function is None else function.__name__
