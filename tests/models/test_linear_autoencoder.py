"""A linear autoencoder is PCA; a tied one owns its weights once; a linear denoiser is the Wiener filter."""

import numpy as np
import pytest

from scratchvae.models import DenoisingAutoencoder, linear_autoencoder, mlp_autoencoder
from scratchvae.nn import tanh
from scratchvae.probability import SquaredError
from scratchvae.proof import prove
from scratchvae.training import SGD


def plane_data(rng, n=200):
    """Points of 6 dimensions, with variances 9, 4, 1, ... along random directions."""
    turned, _ = np.linalg.qr(rng.standard_normal((6, 6)))
    return rng.standard_normal((n, 6)) * [3, 2, 1, 0.8, 0.6, 0.5] @ turned + 0.3


def principal_angles(A, B):
    """Angles between the row spaces of A and B, by sines: exact where they are small."""
    a, b = np.linalg.qr(A.T)[0], np.linalg.qr(B.T)[0]
    return np.arcsin(np.minimum(np.linalg.svd(b - a @ (a.T @ b), compute_uv=False), 1))


@pytest.mark.parametrize("tied", [False, True])
def test_its_subspace_is_that_of_pca(tied):
    rng = np.random.default_rng(0)
    x = plane_data(rng)
    model = linear_autoencoder(6, 2, rng, tied=tied, dtype=np.float64)
    optimizer = SGD(model, lr=0.01, momentum=0.9)
    for _ in range(5000):
        _, backward = model.forward(x=x)
        backward(np.full(len(x), 1 / len(x)))
        optimizer.step()
    _, s, components = np.linalg.svd(x - x.mean(axis=0))
    W = model.decoder.W.value.T if tied else model.decoder.W.value
    assert principal_angles(W, components[:2]).max() < 1e-6
    discarded = (s[2:]**2).sum() / len(x)
    np.testing.assert_allclose(model(x=x)[0].mean(), discarded, rtol=1e-9)
    np.testing.assert_allclose(model.reconstruct(x.mean(axis=0, keepdims=True))[0], x.mean(axis=0), atol=1e-6)
    if tied:
        np.testing.assert_allclose(W @ W.T, np.eye(2), atol=1e-6)


@pytest.mark.parametrize("hidden", [[], [7], [9, 7]])
def test_tied_autoencoders_are_proven_and_smaller(hidden):
    rng = np.random.default_rng(1)
    model = mlp_autoencoder(12, hidden, 3, rng, activation=tanh, distance=SquaredError(), tied=True, dtype=np.float64)
    free = mlp_autoencoder(12, hidden, 3, rng, activation=tanh, distance=SquaredError(), dtype=np.float64)
    x = rng.random((5, 12))
    prove(model, x=x)
    weights = [sum(p.value.size for p in m.parameters().values() if p.value.ndim == 2) for m in (model, free)]
    assert 2 * weights[0] == weights[1]
    assert model.encode(x).shape == (5, 3) and model.reconstruct(x).shape == x.shape


def test_with_something_to_corrupt_it_denoises():
    rng = np.random.default_rng(2)
    model = linear_autoencoder(4, 2, rng, corrupt=lambda x, rng: 0 * x)
    assert isinstance(model, DenoisingAutoencoder)
    assert (model.noise(np.ones((3, 4), np.float32), rng)["corrupted"] == 0).all()
