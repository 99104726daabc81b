"""The bound, its surrogate and DReG: what they share, and what keeps them apart."""

import numpy as np
import pytest

from scratchvae.core import Buffer
from scratchvae.models import IWAE, VAE, DReG, LinearGaussian, TableEncoder, mlp_iwae
from scratchvae.nn import tanh
from scratchvae.probability import Gaussian, gaussian_kl, gaussian_logpdf


def small(k, estimator=IWAE):
    return mlp_iwae(5, [4], 2, np.random.default_rng(0), k=k, activation=tanh, likelihood=Gaussian(0.7),
                    estimator=estimator, dtype=np.float64)


def look(model, n=6, seed=1):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 5))
    return {"x": x, **model.noise(x, rng)}


def gradients(model, forward, *dloss, **constants):
    for p in model.parameters().values():
        p.grad[...] = 0
    _, backward = forward(**constants)
    backward(*dloss)
    return {name: p.grad.copy() for name, p in model.parameters().items()}


def test_every_image_has_draws_of_its_own_from_the_standard_normal():
    eps = small(5).noise(np.zeros((20000, 5)), np.random.default_rng(0))["eps"]
    assert eps.shape == (20000, 5, 2) and len(np.unique(eps)) == eps.size
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (4, 3, 96)):
        assert abs((eps**power).mean() - moment) < 4.5 * (variance / eps.size) ** 0.5


def test_parameters_and_buffers_have_the_names_of_the_model_so_a_checkpoint_of_one_is_one_of_the_other():
    model = small(2)
    model.model.encoder.running_mean = Buffer(np.zeros(5))
    assert model.parameters() == model.model.parameters()
    assert model.buffers() == model.model.buffers() and list(model.buffers()) == ["encoder.running_mean"]


def test_one_draw_is_the_elbo_of_that_draw():
    """L_1 of one draw is log p(x|z) + log p(z) - log q(z|x), written here without the library's log_weights."""
    model = small(1)
    constants = look(model)
    (negative_bound,) = model(**constants)
    mu, logvar = model.encode(constants["x"])
    z = mu + np.exp(logvar / 2) * constants["eps"][:, 0]
    zero = np.zeros_like(z)
    elbo = -model.observation(z, x=constants["x"]) + gaussian_logpdf(z, zero, zero) \
        - gaussian_logpdf(z, mu, logvar)
    np.testing.assert_allclose(-negative_bound, elbo, rtol=1e-13)


def test_the_mean_log_weight_is_the_vaes_bound():
    """E log w = -(reconstruction + KL) of the VAE: the same draws, and E of the two forms of the KL."""
    model = small(20000)
    constants = look(model, n=3)
    log_w, _ = model.log_weights(constants["eps"], x=constants["x"])
    mu, logvar = model.encode(constants["x"])
    z = mu[:, None] + np.exp(logvar / 2)[:, None] * constants["eps"]
    nll = np.stack([model.observation(z[:, i], x=constants["x"]) for i in range(model.k)], axis=1)
    difference = log_w + nll + gaussian_kl(mu, logvar)[:, None]
    error = difference.std(axis=1) / model.k**0.5
    assert (np.abs(difference.mean(axis=1)) < 4.5 * error).all()


def test_the_bound_is_the_log_of_the_mean_and_never_below_the_mean_of_the_logs():
    model = small(7)
    constants = look(model)
    log_w, _ = model.log_weights(constants["eps"], x=constants["x"])
    (negative_bound,) = model(**constants)
    np.testing.assert_allclose(-negative_bound, np.log(np.exp(log_w).mean(axis=1)), rtol=1e-12)
    assert (-negative_bound > log_w.mean(axis=1)).all()


def test_the_surrogate_has_the_gradient_of_the_bound_and_another_value():
    model = small(5)
    constants = look(model)
    dloss = np.random.default_rng(2).standard_normal(6)
    v = model.weights(**constants)
    np.testing.assert_allclose(v.sum(axis=1), 1, rtol=1e-13)
    of_bound = gradients(model, model.forward, dloss, **constants)
    of_surrogate = gradients(model, model.surrogate, dloss, v=v, **constants)
    for name, gradient in of_bound.items():
        np.testing.assert_allclose(of_surrogate[name], gradient, rtol=1e-11, atol=1e-13)
    assert (np.abs(model.surrogate(v=v, **constants)[0] - model(**constants)[0]) > 1e-3).all()


def test_dreg_has_the_value_of_the_bound_and_its_gradient_for_the_decoder():
    model = small(5)
    dreg = DReG(model.model, 5)
    constants, dloss = look(model), np.ones(6)
    np.testing.assert_array_equal(dreg(**constants)[0], model(**constants)[0])
    ours, theirs = (gradients(model, m.forward, dloss, **constants) for m in (dreg, model))
    for name, gradient in ours.items():
        same = np.allclose(gradient, theirs[name], rtol=1e-12, atol=1e-14)
        assert same == name.startswith("decoder")


def test_dreg_and_the_bound_have_one_expectation():
    """Over many draws of eps the two gradients of the encoder differ by nothing but noise, and DReG has less of it."""
    model = small(3)
    n = 40000
    table = TableEncoder(n, 2)
    table.mu.value[...], table.logvar.value[...] = [0.5, -0.3], [-0.2, 0.4]
    constants = {"x": np.tile(look(model, n=1)["x"], (n, 1)),
                 "eps": np.random.default_rng(3).standard_normal((n, 3, 2))}
    found = {}
    for estimator in (IWAE, DReG):
        other = estimator(model.model.with_encoder(table), 3)
        by_name = gradients(other, other.forward, np.ones(n), **constants)
        found[estimator] = np.concatenate([by_name["encoder.mu"], by_name["encoder.logvar"]], axis=1)
    difference = found[IWAE] - found[DReG]
    assert (np.abs(difference.mean(axis=0)) < 4.5 * difference.std(axis=0) / n**0.5).all()
    assert (np.abs(found[DReG].mean(axis=0)) > 20 * found[DReG].std(axis=0) / n**0.5).any()
    assert (found[DReG].var(axis=0) < found[IWAE].var(axis=0)).all()


def exact(k, estimator):
    """A linear-Gaussian model of orthogonal columns, whose posterior is diagonal, and stands in the encoder's place."""
    rng = np.random.default_rng(4)
    W = np.linalg.qr(rng.standard_normal((5, 2)))[0] * [2.0, 1.0]
    truth = LinearGaussian(W, rng.standard_normal(5), 0.3)
    x, _ = truth.sample(8, rng)
    mean, covariance = truth.posterior(x)
    table = TableEncoder(8, 2)
    table.mu.value[...], table.logvar.value[...] = mean, np.log(np.diag(covariance))
    return truth, estimator(VAE(table, truth.decoder(), 2, Gaussian(0.3**0.5)), k), x


@pytest.mark.parametrize("k", [1, 2, 50])
def test_with_the_posterior_for_q_every_draw_gives_log_p(k):
    truth, model, x = exact(k, IWAE)
    (negative_bound,) = model(x=x, **model.noise(x, np.random.default_rng(5)))
    np.testing.assert_allclose(-negative_bound, truth.log_evidence(x), rtol=1e-12)


def test_with_the_posterior_for_q_dreg_is_silent_and_the_bounds_gradient_is_not():
    for estimator, silent in ((DReG, True), (IWAE, False)):
        _, model, x = exact(4, estimator)
        found = gradients(model, model.forward, np.ones(8), x=x, **model.noise(x, np.random.default_rng(6)))
        assert (max(np.abs(found[name]).max() for name in ("encoder.mu", "encoder.logvar")) < 1e-12) == silent


def test_k_must_be_at_least_one():
    with pytest.raises(ValueError, match=r"k, the draws of z for each x, must be at least 1, but is 0"):
        small(0)
