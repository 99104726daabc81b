"""A KL that follows a capacity: of a linear VAE it is C, shared among the latents as water-filling says."""

import math

import numpy as np
import pytest

from scratchvae.evaluation import evaluate, gauss_hermite
from scratchvae.models import PCA, VAE, Capacity, kl_at_capacity, mlp_vae, water_filling
from scratchvae.nn import GaussianHeads, Linear, tanh
from scratchvae.probability import Gaussian
from scratchvae.training import Adam, cosine, fit, linear, load_checkpoint
from scratchvae.training.flat import pack

X = (np.random.default_rng(0).random((30, 6)) < 0.5).astype(np.float32)


def capacity(gamma=5.0, rise=None, dtype=np.float32):
    vae = mlp_vae(6, [7], 3, np.random.default_rng(0), activation=tanh, dtype=dtype)
    return Capacity(vae, gamma, rise or linear(steps=9, stop=2.0))


def test_the_value_is_the_kl_and_the_slope_changes_its_sign_at_the_capacity():
    kl = np.array([[0.2, 0.5], [1.0, 0.3]])                                     # 1 on the average
    for nats, slope in ((0.9, 4.0), (1.1, -4.0)):
        value, backward = kl_at_capacity.forward(kl, gamma=4.0, nats=nats)
        np.testing.assert_array_equal(value, kl.sum(axis=1))
        np.testing.assert_array_equal(backward(np.array([1.0, 0.5])), slope * np.array([[1, 1], [0.5, 0.5]]))


@pytest.mark.parametrize("nats", [0.01, 50.0])
def test_the_gradient_of_a_minibatch_is_that_of_the_paper(nats):
    """gamma |mean of the KL - C|, not the mean of |KL - C|: by central differences, over all parameters at once."""
    rng = np.random.default_rng(3)
    trained = capacity(3.0, lambda step: nats, np.float64)
    x, eps, theta = X.astype(float), rng.standard_normal((30, 3)), pack(trained.model)
    theta.value += 0.3 * rng.standard_normal(theta.value.size)

    def loss():
        nll, kl = trained(x=x, eps=eps)
        return nll.mean() + 3.0 * abs(kl.mean() - nats)

    trained.forward(x=x, eps=eps)[1](np.full(30, 1 / 30), np.full(30, 1 / 30))
    v, here, h = rng.standard_normal(theta.value.size), theta.value.copy(), 1e-6
    theta.value[...] = here + h * v
    right = loss()
    theta.value[...] = here - h * v
    assert (right - loss()) / (2 * h) == pytest.approx(theta.grad @ v, rel=1e-6)


@pytest.mark.parametrize("nats", [0.5, 1.5])
def test_the_kl_of_a_linear_vae_is_the_capacity_and_shared_by_water_filling(nats):
    """Of all codes of C nats it is the one with the least error: that of the beta whose rate is C."""
    s2, Z, N, eigenvalues, rng = 0.5, 3, 20, np.array([6.0, 2.0, 0.7, 0.3]), np.random.default_rng(0)
    x = rng.standard_normal((N, 4))
    x = np.linalg.qr(x - x.mean(axis=0))[0] * np.sqrt(N * eigenvalues)
    vae = VAE(GaussianHeads(4, Z, rng, dtype=np.float64), Linear(Z, 4, rng, dtype=np.float64), Z,
              Gaussian(math.sqrt(s2)))
    trained, steps = Capacity(vae, 30.0, linear(steps=1500, stop=nats)), 3000
    optimizer, rate, (eps, weights) = Adam(trained, 0.02), cosine(steps=steps), gauss_hermite(2, Z)
    constants = {"x": np.tile(x, (len(eps), 1)), "eps": eps.repeat(N, axis=0)}
    weights = weights.repeat(N) / N
    for step in range(steps):
        optimizer.lr = 0.02 * rate(step)
        trained.forward(**constants)[1](weights, weights)
        optimizer.step()
        trained.after_step()
    betas = np.geomspace(0.1, 12, 4000)
    said = min((water_filling(PCA(x).eigenvalues, Z, s2, beta) for beta in betas), key=lambda w: abs(w.rate - nats))
    rates = trained.kl_per_latent(x).mean(axis=0)
    assert rates.sum() == pytest.approx(nats, abs=0.01)
    np.testing.assert_allclose(np.sort(rates)[::-1], said.rates, atol=0.02)


def test_the_capacity_rises_with_the_steps_of_the_training_and_is_kept_in_a_checkpoint(tmp_path):
    path, asked = tmp_path / "c.npz", []

    def rise(step):
        asked.append(step)
        return 0.1 * step

    options = {"batch_size": 10, "progress": False}
    whole = capacity(rise=rise)
    list(fit(whole, X, optimizer=Adam(whole), epochs=4, **options))
    assert sorted(set(asked)) == list(range(12)) and whole.step.value == 12
    first, second = capacity(rise=rise), capacity(rise=rise)
    list(fit(first, X, optimizer=Adam(first), epochs=2, checkpoint=path, **options))
    list(fit(second, X, optimizer=Adam(second), epochs=4, checkpoint=path, resume=True, **options))
    assert second.step.value == 12 and load_checkpoint(path)[0]["buffers/step"] == 12
    for p, q in zip(whole.parameters().values(), second.parameters().values(), strict=True):
        np.testing.assert_array_equal(p.value, q.value)


def test_records_and_evaluation_show_the_bound():
    trained = capacity()
    records = list(fit(trained, X, x_test=X, optimizer=Adam(trained), epochs=2, batch_size=10, progress=False))
    plain = evaluate(trained.model, X, data="bits")
    assert records[-1]["test"] == pytest.approx(plain.parts, rel=1e-5)
    assert evaluate(trained, X, data="bits").value == pytest.approx(plain.value, rel=1e-6)


def test_it_is_trained_in_one_piece():
    trained = capacity()
    with pytest.raises(ValueError, match="coupled model"):
        fit(trained, X, optimizer=Adam(trained), epochs=1, workers=2)


def test_gamma_must_be_positive():
    with pytest.raises(ValueError, match="gamma must be positive"):
        capacity(gamma=-1.0)
