"""What is trained: the same model, data, batch and optimizer for every contender."""

import dataclasses
import os
import tempfile
from pathlib import Path

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
    hidden: int = 400                # of the MLP alone, and its latents
    latents: int = 20
    mapped: bool = False             # images from a file, read as they are needed, and as many as a slice has

    def model(self, dtype=np.float32):
        """The model in scratchvae, from a fixed seed."""
        return MODELS[self.kind](np.random.default_rng(0), dtype, self)

    def images(self):
        """The images of a slice, uint8 (steps x batch, 28, 28); the whole training set stays in memory behind them."""
        n = self.steps * self.batch
        return mapped_images(n) if self.mapped else load("mnist").x_train[:n]

    def bits(self):
        """The first test images, binarized at 1/2: `steps` of them, float32 (steps, 784)."""
        return (load("mnist").x_test[:self.steps].reshape(-1, 784) > 127).astype(np.float32)

    @property
    def weights(self):
        """The weights of the terms, as `fit` takes them."""
        return None if self.beta == 1 else {"kl": self.beta}


MODELS = {
    "mlp": lambda rng, dtype, w: mlp_vae(784, [w.hidden], w.latents, rng, dtype=dtype),
    "conv": lambda rng, dtype, w: conv_vae(10, rng, dtype=dtype),
    "iwae": lambda rng, dtype, w: mlp_iwae(784, [200, 200], 50, rng, k=50, activation=tanh, dtype=dtype),
}


def mapped_images(n):
    """n images, those of MNIST again and again, uint8 (n, 28, 28), in a file that is mapped into memory."""
    path = Path(tempfile.gettempdir()) / f"scratchvae-mnist-{n}.npy"
    if not path.exists():
        images, part = load("mnist").x_train, path.with_suffix(f".{os.getpid()}")
        file = np.lib.format.open_memmap(part, "w+", np.uint8, (n, 28, 28))
        for start in range(0, n, len(images)):
            file[start:start + len(images)] = images[:n - start]
        file.flush()
        part.rename(path)
    return np.load(path, mmap_mode="r")


WORKLOADS = {
    "mlp-128": Workload("MLP VAE 784-400-20, batch 128", "mlp", batch=128, steps=150),
    "mlp-32": Workload("MLP VAE 784-400-20, batch 32", "mlp", batch=32, steps=300),
    "mlp-512": Workload("MLP VAE 784-400-20, batch 512", "mlp", batch=512, steps=50),
    "conv-128": Workload("convolutional VAE of chapter 10, batch 128", "conv", batch=128, steps=20,
                         lr=5e-4, beta=5.0),
    "iwae-20": Workload("IWAE 784-200-200-50, tanh, batch 20, k = 50", "iwae", batch=20, steps=40),
}

CONTROLS = {         # one thing grows, the rest is mlp-128: {what: {its value: workload}}
    "hidden units": {n: Workload(f"{n} hidden units", "mlp", 128, steps=max(10, 40_000 // (n + 200)), hidden=n)
                     for n in (200, 400, 800, 1600, 3200)},
    "batch": {n: Workload(f"batch of {n}", "mlp", n, steps=max(20, min(400, 20_000 // n))) for n in
              (8, 32, 128, 512, 2048)},
    "latents": {n: Workload(f"{n} latents", "mlp", 128, steps=100, latents=n) for n in (2, 8, 32, 128, 512)},
    "images": {n: Workload(f"{n} images", "mlp", 128, steps=n // 128, mapped=True) for n in
               (6_000, 20_000, 60_000, 200_000, 600_000)},
}
SCALING = {f"{what}-{n}": workload for what, points in CONTROLS.items() for n, workload in points.items()}
EVALUATION = {
    "bound": Workload("L_1000 of 1000 images", "mlp", batch=1, steps=1000, warm_up=1),
    "elbo": Workload("the test -ELBO of 10 000 images", "mlp", batch=1, steps=10_000, warm_up=1),
    "sample": Workload("10 000 new images", "mlp", batch=1, steps=10_000, warm_up=1),
}
ALL = WORKLOADS | SCALING | EVALUATION
