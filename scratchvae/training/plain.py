"""A training on one page. `fit` takes the same steps, to the same bits, and can do more."""

from collections.abc import Iterator

import numpy as np

from ..core import Module
from ..datasets import minibatches
from ..seeds import DRAWS, ORDER, generator
from .signatures import Optimizer


def plain_fit(model: Module, x_train: np.ndarray, *, optimizer: Optimizer, epochs: int, batch_size: int = 128,
              seed: int = 0) -> Iterator[dict[str, float]]:
    """Train, and yield {term: its mean over the epoch's examples} after each epoch, in nats (or the model's unit)."""
    noise = generator(seed, DRAWS)
    for epoch in range(1, epochs + 1):
        sums = dict.fromkeys(model.terms, 0.0)
        for rows in minibatches(len(x_train), batch_size, generator(seed, ORDER, epoch)):
            x = x_train[rows]
            terms, backward = model.forward(x=x, **model.noise(x, noise))
            backward(*(np.full_like(term, 1 / len(x)) for term in terms))          # the loss is the mean over the batch
            optimizer.step()
            for name, term in zip(model.terms, terms, strict=True):
                sums[name] += float(term.sum())
        yield {name: total / len(x_train) for name, total in sums.items()}
