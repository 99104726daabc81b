"""What the chapters call: `show` the library's own code, and `compare` a number with its formula."""

import inspect

import numpy as np
from IPython.display import display
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer


def show(*things: object) -> None:
    """Display the source of functions, nodes and classes as it is in the library: the code that runs.

    Of an object that has no source of its own, the class is shown.
    """
    for thing in things:
        source = inspect.unwrap(thing) if callable(thing) and not inspect.isclass(thing) else thing
        if not (inspect.isclass(source) or inspect.isroutine(source) or inspect.ismodule(source)):
            source = type(source)
        code = inspect.getsource(source).rstrip()
        html = highlight(code, PythonLexer(), HtmlFormatter(noclasses=True, nobackground=True))
        display({"text/html": html, "text/plain": code}, raw=True)


def compare(what: str, left: float | np.ndarray, right: float | np.ndarray, tolerance: float) -> None:
    """Print both sides of an equation and assert that they agree to `tolerance`, an absolute difference.

    left and right are numbers, or arrays of one shape, or an array and a number that all its entries must equal. Of
    arrays, the largest difference counts and the first entries are printed. AssertionError, also if one is empty.
    """
    left, right = np.asarray(left), np.asarray(right)
    assert left.shape == right.shape or left.ndim == 0 or right.ndim == 0, (
        f"{what}: the two sides have the shapes {left.shape} and {right.shape}")
    assert left.size > 0 and right.size > 0, f"{what}: there is nothing to compare"
    difference = float(np.max(np.abs(left - right)))
    sides = " = ".join(f"{side.flat[0]:.10g}" + (" ..." if side.size > 1 else "") for side in (left, right))
    print(f"{what}:  {sides}   (difference {difference:.1e}, allowed {tolerance:.1e})")
    assert difference <= tolerance, f"{what}: the two sides differ by {difference:.3g}, more than {tolerance:.3g}"
