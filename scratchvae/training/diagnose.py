"""What comes out of each node of a model, seen from outside."""

import sys

import numpy as np

from ..core import Module, walk


class NonFiniteLoss(ArithmeticError):
    """A loss became inf or nan; the message says when and in which node, and where the last good checkpoint is."""


def first_nonfinite(model, method, constants):
    """The name of the first node whose output is not finite when this method of the model runs again."""
    names = {id(part): name for name, part in walk(model) if isinstance(part, Module)}
    culprits = []

    def see(frame, values):
        if not culprits and not all(np.isfinite(v).all() for v in values):
            owner = frame.f_locals.get("self")
            kind = frame.f_code.co_qualname.removesuffix(".forward")
            culprits.append(f"{names[id(owner)]} ({kind})" if names.get(id(owner)) else kind)

    watch_nodes(getattr(model, method), constants, see)
    return culprits[0] if culprits else "none when it is computed again"


def mean_node_size(forward, constants):
    """Of how many numbers the outputs of a node are when forward(**constants) runs, on the average."""
    sizes = []
    watch_nodes(forward, constants, lambda frame, values: sizes.append(sum(v.size for v in values)))
    return sum(sizes) / len(sizes)


def watch_nodes(forward, constants, see):
    """Run forward(**constants); see(frame, outputs) is called at the end of each node in it.

    Python's profiling hook sees every function return; those that return (value, backward) are nodes.
    """
    def watch(frame, event, returned):
        if event == "return" and is_node_result(returned):
            see(frame, returned[0] if isinstance(returned[0], tuple) else (returned[0],))

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        with np.errstate(all="ignore"):
            forward(**constants)
    finally:
        sys.setprofile(before)


def is_node_result(returned):
    """Whether a function returned (value, backward) as a node's forward does: arrays, and a function."""
    if not (isinstance(returned, tuple) and len(returned) == 2 and callable(returned[1])):
        return False
    values = returned[0] if isinstance(returned[0], tuple) else (returned[0],)
    return not isinstance(returned[1], type) and all(hasattr(v, "size") for v in values)
