"""The training on one page takes the steps of fit."""

import numpy as np
import pytest

from scratchvae.models import mlp_autoencoder, mlp_vae
from scratchvae.training import SGD, Adam, TextbookAdam, fit, plain_fit


@pytest.mark.parametrize("optimizer", [Adam, TextbookAdam, lambda model: SGD(model, momentum=0.9)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [mlp_vae, mlp_autoencoder])
def test_it_takes_the_steps_of_fit_to_the_same_bits(make, dtype, optimizer):
    x = np.random.default_rng(0).random((100, 12), dtype)
    one, other = (make(12, [8], 3, np.random.default_rng(1), dtype=dtype) for _ in range(2))
    settings = {"epochs": 3, "batch_size": 33, "seed": 4}
    page = list(plain_fit(one, x, optimizer=optimizer(one), **settings))
    records = list(fit(other, x, optimizer=optimizer(other), progress=False, **settings))
    assert page == [record["train"] for record in records] and records[0]["executor"] == "1 thread"
    for p, q in zip(one.parameters().values(), other.parameters().values(), strict=True):
        assert np.array_equal(p.value, q.value)
