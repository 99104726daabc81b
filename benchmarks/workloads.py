"""What is trained: the same model, data, batch and optimizer for every contender."""

import dataclasses

import numpy as np

from scratchvae.datasets import load
from scratchvae.models import conv_vae, mlp_iwae, mlp_vae
from scratchvae.nn import tanh


@dataclasses.dataclass(frozen=True)
class Workload:
    """A training on MNIST, in slices: one epoch of `fit` over the first steps x batch images, all of it timed.

    Before the first slice that counts, `warm_up` steps: the moments of Adam that fade become subnormal numbers, slow to
    compute with, after about 800 steps.
    """

    title: str
    kind: str
    batch: int
    steps: int
    warm_up: int = 1000
    lr: float = 1e-3
    beta: float = 1.0

    def model(self, dtype=np.float32):
        """The model in scratchvae, from a fixed seed."""
        return MODELS[self.kind](np.random.default_rng(0), dtype)

    def images(self):
        """The images of a slice, uint8 (steps x batch, 28, 28); the whole training set stays in memory behind them."""
        return load("mnist").x_train[:self.steps * self.batch]

    @property
    def weights(self):
        """The weights of the terms, as `fit` takes them."""
        return None if self.beta == 1 else {"kl": self.beta}


MODELS = {
    "mlp": lambda rng, dtype: mlp_vae(784, [400], 20, rng, dtype=dtype),
    "conv": lambda rng, dtype: conv_vae(10, rng, dtype=dtype),
    "iwae": lambda rng, dtype: mlp_iwae(784, [200, 200], 50, rng, k=50, activation=tanh, dtype=dtype),
}

WORKLOADS = {
    "mlp-128": Workload("MLP VAE 784-400-20, batch 128", "mlp", batch=128, steps=150),
    "mlp-32": Workload("MLP VAE 784-400-20, batch 32", "mlp", batch=32, steps=300),
    "mlp-512": Workload("MLP VAE 784-400-20, batch 512", "mlp", batch=512, steps=50),
    "conv-128": Workload("convolutional VAE of chapter 10, batch 128", "conv", batch=128, steps=20,
                         lr=5e-4, beta=5.0),
    "iwae-20": Workload("IWAE 784-200-200-50, tanh, batch 20, k = 50", "iwae", batch=20, steps=40),
}
