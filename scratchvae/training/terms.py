"""The terms of a model's loss, over a whole set."""

import numpy as np

from ..datasets import binarize_once


def example_terms(model, x, binarization="none", seed=0, batch_size=500):
    """{term: (N,)}: the terms of each example of x, with one draw an example from the given seed; nothing learns."""
    rng = np.random.default_rng([seed, 3])
    x = binarize_once(x, "none" if binarization == "none" else "static", rng)
    batches = (x[start:start + batch_size] for start in range(0, len(x), batch_size))
    columns = zip(*(model(x=batch, **model.noise(batch, rng)) for batch in batches), strict=True)
    return {name: np.concatenate(column) for name, column in zip(model.terms, columns, strict=True)}


def mean_terms(model, x, binarization="none", seed=0):
    """{term: its mean over all examples of x}"""
    return {name: float(term.mean(dtype=np.float64)) for name, term in
            example_terms(model, x, binarization, seed).items()}


def term_weights(model, weights):
    """{term: weight} for every term of the model, in its order."""
    unknown = set(weights or {}) - set(model.terms)
    if unknown:
        raise ValueError(f"weights may name {', '.join(model.terms)}, but names {', '.join(sorted(unknown))}")
    return {name: float((weights or {}).get(name, 1)) for name in model.terms}
