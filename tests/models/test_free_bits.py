"""Free bits: the mean over the minibatch first, then the max, group by group; and the bound is reported without it."""

import math

import numpy as np
import pytest

from scratchvae.evaluation import active_units, evaluate, evaluate_bound, gauss_hermite, report
from scratchvae.models import (
    IWAE,
    PCA,
    VAE,
    AnalyticKL,
    FreeBits,
    LatentModel,
    best_linear_vae,
    free_bits,
    free_bits_loss,
    mlp_vae,
    water_filling,
)
from scratchvae.nn import GaussianHeads, Linear, tanh
from scratchvae.probability import Gaussian, GaussianMixturePrior, gaussian_kl_per_latent
from scratchvae.training import Adam, cosine, fit, load_parameters
from scratchvae.training.flat import pack

KL = np.array([[0.0, 1.0, 0.3], [0.4, 0.0, 0.5]])                 # means .2, .5, .4
X = (np.random.default_rng(0).random((30, 6)) < 0.5).astype(np.float32)


def vae(seed=0, dtype=np.float32, n_latents=4):
    return mlp_vae(6, [7], n_latents, np.random.default_rng(seed), activation=tanh, dtype=dtype)


def test_the_mean_comes_first_then_the_max_for_each_latent_by_itself():
    """Three public versions give three numbers of the same divergences."""
    mean_then_max = np.maximum(KL.mean(axis=0), 0.25).sum()
    max_then_mean = np.maximum(KL, 0.25).mean(axis=0).sum()
    masked = (KL * (KL > 0.25)).mean(axis=0).sum()
    assert free_bits_loss(KL, 0.25) == pytest.approx(0.25 + 0.5 + 0.4) == pytest.approx(mean_then_max)
    assert len({round(value, 6) for value in (mean_then_max, max_then_mean, masked)}) == 3
    big = np.random.default_rng(0).gamma(0.3, 1.0, (128, 10))     # of the size of a real minibatch
    values = [free_bits_loss(big, 0.25), np.maximum(big, 0.25).mean(axis=0).sum(), (big * (big > 0.25)).mean(0).sum()]
    assert values[1] > values[0] + 1 > values[2] + 1


def test_a_group_of_latents_has_its_bits_together():
    kl = np.array([[0.1, 0.3, 1.0, 0.0], [0.1, 0.1, 0.0, 0.0]])
    assert free_bits_loss(kl, 0.4, groups=2) == pytest.approx(0.4 + 0.5)
    _, backward = free_bits.forward(kl, nats=0.4, groups=2)
    np.testing.assert_array_equal(backward(np.ones(2)), [[0, 0, 1, 1]] * 2)


def test_the_value_is_the_kl_and_the_gradient_is_0_under_the_floor_alone():
    value, backward = free_bits.forward(KL, nats=0.25, groups=3)
    np.testing.assert_array_equal(value, KL.sum(axis=1))
    np.testing.assert_array_equal(backward(np.array([1.0, 2.0])), [[0, 1, 1], [0, 2, 2]])


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_the_gradient_of_a_minibatch_is_that_of_equation_15(groups):
    """By central differences of the very number that the equation names, over all parameters at once."""
    rng, model = np.random.default_rng(3), vae(dtype=np.float64)
    trained, x, eps = FreeBits(model, 1.0, groups), X.astype(float), rng.standard_normal((30, 4))
    theta = pack(model)
    theta.value += 0.3 * rng.standard_normal(theta.value.size)
    groups_kl = trained.kl_per_latent(x).reshape(30, groups, -1).sum(axis=2).mean(axis=0)
    trained.nats = (groups_kl.min() + groups_kl.max()) / 2 + 1e-3          # above some, below some; of one: above it
    assert groups == 1 or 0 < (groups_kl > trained.nats).sum() < groups

    def loss():
        nll, _ = trained(x=x, eps=eps)
        return nll.mean() + free_bits_loss(trained.kl_per_latent(x), trained.nats, groups)

    trained.forward(x=x, eps=eps)[1](np.full(30, 1 / 30), np.full(30, 1 / 30))
    v, here, h = rng.standard_normal(theta.value.size), theta.value.copy(), 1e-6
    theta.value[...] = here + h * v
    right = loss()
    theta.value[...] = here - h * v
    assert (right - loss()) / (2 * h) == pytest.approx(theta.grad @ v, rel=1e-6)


def test_records_and_evaluation_show_the_bound_without_the_max():
    model = vae()
    trained = FreeBits(model, 3.0)
    records = list(fit(trained, X, x_test=X, optimizer=Adam(trained), epochs=3, batch_size=10, progress=False))
    entry, plain = evaluate(trained, X, data="bits"), evaluate(model, X, data="bits")
    assert entry.quantity == "-ELBO" and entry.value == pytest.approx(plain.value, rel=1e-6)
    assert records[-1]["test"] == pytest.approx(plain.parts, rel=1e-5)
    assert entry.parts["kl"] < 3.0 * 4                            # it is no sum of floors
    assert evaluate_bound(trained, X, 5, data="bits") == evaluate_bound(model, X, 5, data="bits")
    names = [e.quantity for e in report(trained, X, data="bits", samples=10)]
    assert names[:2] == ["-ELBO", "-L_10"]


def test_it_is_trained_in_one_piece():
    trained = FreeBits(vae(), 0.5)
    with pytest.raises(ValueError, match="coupled model"):
        fit(trained, X, optimizer=Adam(trained), epochs=1, workers=2)
    big = FreeBits(mlp_vae(784, [200], 4, np.random.default_rng(0)), 0.5)
    x = np.zeros((512, 784), np.float32)
    record = next(fit(big, x, optimizer=Adam(big), epochs=1, batch_size=512, progress=False))
    assert record["executor"] == "1 thread"


def test_its_checkpoint_is_that_of_the_model(tmp_path):
    trained, path = FreeBits(vae(), 0.5), tmp_path / "c.npz"
    list(fit(trained, X, optimizer=Adam(trained), epochs=2, batch_size=10, progress=False, checkpoint=path))
    other = vae(seed=5)
    load_parameters(other, path)
    for p, q in zip(trained.parameters().values(), other.parameters().values(), strict=True):
        np.testing.assert_array_equal(p.value, q.value)


def test_with_no_floor_in_reach_it_takes_the_steps_of_the_vae():
    values = []
    for make in (lambda m: m, AnalyticKL, lambda m: FreeBits(m, 1e-12)):
        trained = make(vae(dtype=np.float64))
        list(fit(trained, X.astype(float), optimizer=Adam(trained), epochs=3, batch_size=10, progress=False))
        values.append(np.concatenate([p.value.ravel() for p in trained.parameters().values()]))
    for other in values[1:]:
        np.testing.assert_allclose(other, values[0], rtol=1e-9, atol=1e-12)


def test_a_linear_vae_lets_all_latents_live_and_its_bound_is_lower_for_it():
    """Two would live without. A trade, and no cure; and no latent has less than what is free."""
    s2, free, Z, N = 0.5, 0.3, 4, 20
    eigenvalues = np.array([6.0, 2.0, 0.45, 0.3, 0.2])
    rng = np.random.default_rng(0)
    x = rng.standard_normal((N, 5))
    x = np.linalg.qr(x - x.mean(axis=0))[0] * np.sqrt(N * eigenvalues)
    model = VAE(GaussianHeads(5, Z, rng, dtype=np.float64), Linear(Z, 5, rng, dtype=np.float64), Z,
                Gaussian(math.sqrt(s2)))
    trained, steps = FreeBits(model, free), 4000
    optimizer, rate, (eps, weights) = Adam(trained, 0.02), cosine(steps=steps), gauss_hermite(2, Z)
    constants = {"x": np.tile(x, (len(eps), 1)), "eps": eps.repeat(N, axis=0)}
    weights = weights.repeat(N) / N
    for step in range(steps):
        optimizer.lr = 0.02 * rate(step)
        trained.forward(**constants)[1](weights, weights)
        optimizer.step()
    rates, (nll, kl) = trained.kl_per_latent(x).mean(axis=0), model(**constants)
    said, best = water_filling(eigenvalues, Z, s2), best_linear_vae(PCA(x), Z, s2)
    assert said.alive == 2 and active_units(model, x).count == 4 and rates.min() > free - 2e-3
    assert weights @ (nll + kl) > 0.1 - said.elbo                                       # -ELBO: the bound is worse
    distortion, best_distortion = weights @ nll, weights @ best(**constants)[0]
    floored, best_floored = free_bits_loss(rates[None], free), free_bits_loss(said.rates[None], free)
    assert distortion + floored < best_distortion + best_floored                         # eq. (15): its loss is better


def test_the_kl_of_each_latent_is_that_of_the_encoder():
    model = AnalyticKL(vae())
    np.testing.assert_allclose(model.kl_per_latent(X), gaussian_kl_per_latent(*model.encode(X)))
    np.testing.assert_allclose(model.kl_per_latent(X).sum(axis=1), model(x=X, eps=np.zeros((30, 4), np.float32))[1],
                               rtol=1e-6)


@pytest.mark.parametrize("model", [
    lambda m: LatentModel(m.posterior, m.observation, GaussianMixturePrior(3, 4, np.random.default_rng(0))),
    lambda m: IWAE(m, 5)])
def test_a_model_whose_kl_has_no_formula_is_one_clear_sentence(model):
    with pytest.raises(ValueError, match="model must be trained on -ELBO and have q"):
        FreeBits(model(vae()), 0.5)


@pytest.mark.parametrize(("options", "sentence"), [
    ({"nats": 0}, "nats must be positive"), ({"nats": 1.0, "groups": 3}, "groups must divide the 4 latents")])
def test_wrong_settings_are_one_clear_sentence(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        FreeBits(vae(), **options)
