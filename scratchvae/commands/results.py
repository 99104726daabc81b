"""`scratchvae results`: the numbers one may quote, made again."""

import functools
from concurrent.futures import ProcessPoolExecutor

from ..book.experiments import PAPERS, sweep
from ..book.results import measure, table
from ..book.trained import keep
from .options import positive


def add_to(command):
    """The options of `results`."""
    command.set_defaults(run=run)
    command.description = (
        "Train the networks of the papers, as scratchvae/book/experiments.py sets them up, measure -L_5000 on the "
        "whole test sets, keep weights and records in data/trained/ and print the table of the README. What is "
        "interrupted goes on from its checkpoints.")
    add = command.add_argument
    add("--samples", type=positive(int), default=5000, help="draws of z an image for the bound")
    add("--workers", type=positive(int), default=2, help="networks trained at a time, each on one thread")
    add("--out", default="runs/results", help="the folder of the checkpoints")


def run(arguments):
    """Train and measure the networks of the papers, keep them in data/trained/ and print the table."""
    a = arguments
    with ProcessPoolExecutor(a.workers) as executor:
        for outcome, facts in sweep(functools.partial(measure, folder=a.out, draws=a.samples), PAPERS, executor):
            keep(outcome.experiment.name, outcome.model(), **facts)
    print(table())
    return 0
