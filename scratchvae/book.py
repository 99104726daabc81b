"""What the chapters call: the library's own code, shown, and a number held against its formula."""

import inspect

import numpy as np
from IPython.display import Code, display


def show(*things):
    """Display the source of functions, nodes and classes as it stands in the library: the code that runs."""
    for thing in things:
        source = inspect.getsource(inspect.unwrap(thing) if not inspect.isclass(thing) else thing)
        display(Code(source.rstrip(), language="python"), exclude=["text/latex"])


def compare(what, left, right, tolerance):
    """Print both sides of an equation and assert that they agree to `tolerance`, an absolute difference.

    left and right are numbers or arrays; of arrays, the largest difference counts and the first entries are printed.
    """
    left, right = np.asarray(left), np.asarray(right)
    difference = float(np.max(np.abs(left - right), initial=0))
    sides = " = ".join(f"{side.flat[0]:.10g}" + (" ..." if side.size > 1 else "") for side in (left, right))
    print(f"{what}:  {sides}   (difference {difference:.1e}, allowed {tolerance:.1e})")
    assert difference <= tolerance, f"{what}: the two sides differ by {difference:.3g}, more than {tolerance:.3g}"
