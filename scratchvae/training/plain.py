"""A training on one page. `fit` takes the same steps, to the same bits, and can do more."""

import numpy as np

from ..datasets import minibatches
from ..seeds import DRAWS, ORDER, generator


def plain_fit(model, x_train, *, optimizer, epochs, batch_size=128, seed=0):
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
