"""The contender from this library: `fit`, as anyone would call it."""

from scratchvae.datasets import Pixels
from scratchvae.training import Adam, fit


def slices(workload, workers):
    """A generator: each `next` trains for one slice. Between two slices there are no workers, and nothing spins."""
    model = workload.model()
    return fit(model, Pixels(workload.images()), optimizer=Adam(model, workload.lr), epochs=10**6,
               batch_size=workload.batch, weights=workload.weights, workers=workers, progress=False)
