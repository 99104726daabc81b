"""The latents that a model uses."""

from typing import NamedTuple

import numpy as np

from ..models import LatentModel
from ..training.signatures import Data
from .over_examples import posterior_means, seen


class ActiveUnits(NamedTuple):
    """variances (Z,): Var_x(E[z_j|x]) of each latent; count: how many are above the threshold."""

    variances: np.ndarray
    count: int


def active_units(model: LatentModel, x: Data, binarization: str | None = None, seed: int = 0,
                 threshold: float = 0.01) -> ActiveUnits:
    """The latents whose mean moves with x: Var_x(E[z_j|x]) > 0.01 over all of x (N, D).     Burda et al. 2016, eq. (17)

    The variance over these N images is that of mu_j(x) = E_q[z_j|x]; a collapsed latent has one mu_j for every x.
    Bits are drawn once, from `seed`, where the model sees bits. Raises ValueError for x that Examples refuses.
    """
    variances = posterior_means(model, *seen(x, binarization, seed)).var(axis=0)
    return ActiveUnits(variances, int((variances > threshold).sum()))
