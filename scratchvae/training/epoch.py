"""One epoch: the minibatches of a fresh order, a step each, until they are done or somebody presses Ctrl-C."""

import time

from ..datasets import minibatches
from ..seeds import DRAWS, ORDER, generator
from .diagnose import NonFiniteLoss
from .resume import save
from .step import draw, take_step


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, after the step was finished and, if there is a checkpoint, all of it saved."""


def train_an_epoch(run, interrupted, progress):
    """The steps of this epoch that are still to be done; all of it saved if they are interrupted."""
    seed, executor = run.plan["seed"], run.executor
    order = generator(seed, ORDER, run.epoch + 1, like=run.train.x)
    batches = list(minibatches(len(run.train), run.plan["batch_size"], order))
    with executor.at_work(interrupted):
        if executor.rank:
            run.rng = generator(seed, DRAWS, run.epoch + 1, executor.rank)
            for rows in batches[:run.step]:
                draw(executor, run.train, rows, run.rng)                    # as in the steps that are done
        for rows in batches[run.step:]:
            start = time.perf_counter()
            next_step(run, rows)
            run.seconds += time.perf_counter() - start
            if executor.rank == 0:
                progress()
            if executor.stop:
                save(run)
                raise Interrupted(run.where_it_stopped())


def next_step(run, rows):
    """Take the next step of a run, and add its terms to those of the epoch."""
    t = run.steps_done
    try:
        sums = take_step(run.executor, run.turns, run.train, rows, run.rng, weights=run.weights_at(t),
                         rate=run.schedule(t), clip=run.plan["clip"])
    except NonFiniteLoss as error:
        raise run.non_finite(f"the loss is not finite at epoch {run.epoch + 1}, step {run.step + 1}: the first node "
                             f"with such an output is {error}") from None
    run.step += 1
    for name, total in sums.items():
        run.totals[name] += total
