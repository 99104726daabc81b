"""The choice of an executor."""

from threadpoolctl import threadpool_info

from ...backend import on_host
from ..diagnose import mean_node_size
from .one_thread import OneThread
from .processes import Processes
from .threads import Threads, can_be_replicated

WORTH_IT = 1 << 15          # numbers that an average node makes in each thread: below, one thread is as fast


def executor_for(model, turns, workers, batch_size, example):
    """The executor of a training: as many processes as `workers`, or this one, with threads if they are worth it.

    `example` is what forward is given of one example. ValueError if the work cannot be shared.
    """
    if workers > 1:
        for reason in reasons_against(model, turns):
            raise ValueError(f"workers must be 1 {reason}, but is {workers}")
        return Processes(model, turns[0], workers)
    if next(reasons_against(model, turns), None) is None:
        threads = threads_for(model, turns[0].method, example, batch_size)
        if threads > 1:
            return Threads(model, turns[0].optimizer, threads)
    return OneThread(model)


def reasons_against(model, turns):
    """Why the examples of a batch cannot be shared."""
    if not on_host(model):
        yield "on a GPU"
    if model.coupled:
        yield "for a coupled model, whose examples depend on each other"
    if len(turns) > 1:
        yield "for a model of several turns"
    if not hasattr(turns[0].optimizer, "theta"):
        yield f"for {type(turns[0].optimizer).__name__}, which has no flat vector of the parameters, as Adam has"


def threads_for(model, method, example, batch_size):
    """As many threads as NumPy has for a matrix product, or one; `example` is what the method takes, of one example."""
    cores = max((library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"), default=1)
    forward = getattr(model, method)
    worth_it = cores > 1 and batch_size // cores * mean_node_size(forward, example) >= WORTH_IT
    return cores if worth_it and can_be_replicated(model, method, example) else 1
