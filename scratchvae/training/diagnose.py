"""Where did the first number that is not finite come from?"""

import sys

import numpy as np

from ..core import Module


def first_nonfinite(model, constants):
    """The name of the first node whose output is not finite when `model.forward(**constants)` runs again.

    Python's profiling hook sees every function return; those that return (value, backward) are nodes.
    """
    names = {id(module): name for name, module in submodules(model)}
    culprits = []

    def watch(frame, event, returned):
        if event == "return" and not culprits and is_node_result(returned) and not is_finite(returned[0]):
            owner = frame.f_locals.get("self")
            kind = frame.f_code.co_qualname.removesuffix(".forward")
            culprits.append(f"{names[id(owner)]} ({kind})" if names.get(id(owner)) else kind)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        with np.errstate(all="ignore"):
            model.forward(**constants)
    finally:
        sys.setprofile(before)
    return culprits[0] if culprits else "none on a second look"


def submodules(module, name=""):
    """(name, Module) for the module and all in it, named as its parameters are."""
    yield name, module
    for key, child in vars(module).items():
        children = enumerate(child) if isinstance(child, (list, tuple)) else [(None, child)]
        for i, c in children:
            if isinstance(c, Module):
                path = key if i is None else f"{key}.{i}"
                yield from submodules(c, f"{name}.{path}" if name else path)


def is_node_result(returned):
    """Whether a function returned (value, backward), as a node's forward does."""
    return isinstance(returned, tuple) and len(returned) == 2 and callable(returned[1])


def is_finite(value):
    """Whether all entries of an array, or of a tuple of arrays, are finite."""
    values = value if isinstance(value, tuple) else (value,)
    return all(np.isfinite(v).all() for v in values)
