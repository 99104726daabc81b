"""The terms of a model's loss, over a whole set."""

import numpy as np

from ..backend import make_rng, to_host
from ..datasets import binarize_once

# Every purpose has a generator of its own, make_rng([seed, purpose]). None may be 0: [seed, 0] is the same as seed.
DRAWS, ORDER, TEST, BITS = 1, 2, 3, 4


def example_terms(model, x, binarization="none", seed=0, batch_size=500, y=None):
    """{term: (N,)}: the terms of each example of x, with one draw an example from the given seed; nothing learns."""
    rng = make_rng([seed, TEST], like=x)
    x = binarize_once(x, "none" if binarization == "none" else "static", rng)
    batches = (slice(start, start + batch_size) for start in range(0, len(x), batch_size))
    columns = zip(*(model(x=x[rows], **labels(y, rows), **model.noise(x[rows], rng)) for rows in batches), strict=True)
    return {name: to_host(np.concatenate(column)) for name, column in zip(model.terms, columns, strict=True)}


def mean_terms(model, x, binarization="none", seed=0, y=None):
    """{term: its mean over all examples of x}"""
    return {name: float(term.mean(dtype=np.float64)) for name, term in
            example_terms(model, x, binarization, seed, y=y).items()}


def labels(y, rows):
    """What a model is given beside x: the labels of these rows, if there are any."""
    return {} if y is None else {"y": y[rows]}


def term_weights(model, weights):
    """{term: weight} for every term of the model, in its order."""
    unknown = set(weights or {}) - set(model.terms)
    if unknown:
        raise ValueError(f"weights may name {', '.join(model.terms)}, but names {', '.join(sorted(unknown))}")
    return {name: float((weights or {}).get(name, 1)) for name in model.terms}
