"""Which layer of a two-layer model carries the information."""

from typing import NamedTuple

import numpy as np

from .over_examples import batches, mean_and_error, seen


class LayerKL(NamedTuple):
    """Of each image, (N,), in nats, at one z ~ q(z|x): their means are the KL of each layer, and may be added.

    first       log q(z1|x, z2) - log p(z1|z2)
    second      log q(z2|x) - log p(z2)
    """

    first: np.ndarray
    second: np.ndarray

    def mean(self, name):
        """(mean, standard error) of the named layer."""
        return mean_and_error(getattr(self, name))


def layer_kl(model, x, binarization=None, seed=0):
    """The KL of each layer, of every image of x (N, D), for a model whose posterior and prior have `layers`.

    KL(q(z|x) || p(z)) = E KL(q(z1|x, z2) || p(z1|z2)) + KL(q(z2|x) || p(z2)), the chain rule: at the draws of
    `rate_distortion` the sum is its rate_sampled, to rounding. A single one may be negative; a mean of 0 in the second
    layer is its collapse.
    """
    constants, rng = seen(x, binarization, seed)
    first, second = zip(*(layer_kl_of_batch(model, few.pop("x"), rng, **few) for few in batches(constants)),
                        strict=True)
    return LayerKL(np.concatenate(first), np.concatenate(second))


def layer_kl_of_batch(model, x, rng, **condition):
    """[first, second] of a few images, each (B,), in float64."""
    eps = rng.standard_normal((len(x), 1, model.n_latents), x.dtype)
    (z, *log_q), _ = model.posterior.layers(x, eps, **condition)
    log_p, _ = model.prior.layers(z.astype(np.float64), **condition)
    return [q.astype(np.float64) - p for q, p in zip(log_q, log_p, strict=True)]
