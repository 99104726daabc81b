"""The contender from this library: `fit`, and what is measured of a model, as anyone would call them."""

import numpy as np

from scratchvae.datasets import Pixels
from scratchvae.evaluation import importance_weights
from scratchvae.training import Adam, fit, mean_terms


def slices(workload, workers):
    """A generator: each `next` trains for one slice. Between two slices there are no workers, and nothing spins."""
    model = workload.model()
    return fit(model, Pixels(workload.images()), optimizer=Adam(model, workload.lr), epochs=10**6,
               batch_size=workload.batch, weights=workload.weights, workers=workers, progress=False)


def again(task, workload):
    """A generator: each `next` does the task once."""
    model, x = workload.model(), workload.bits()
    while True:
        yield TASKS[task](model, x)


TASKS = {
    "bound": lambda model, x: importance_weights(model, x, 1000).bound.mean(),
    "elbo": mean_terms,
    "sample": lambda model, x: model.sample(len(x), np.random.default_rng(0)),
}
