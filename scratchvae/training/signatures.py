"""What the signatures of training and evaluation call their arguments."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from ..datasets import Examples, Pixels

Data = np.ndarray | Pixels | Examples          # x alone, or with all that belongs to it
Schedule = Callable[[int], float]              # step -> factor


class Optimizer(Protocol):
    """What `fit` asks of an optimizer; training/optimizers.py says what more makes it quick and resumable."""

    lr: float

    def step(self) -> object:
        """Change the parameters by their gradients, which are zero afterwards."""
