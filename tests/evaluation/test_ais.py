"""Annealed importance sampling: what a walk may change, what it may not, and that it is better than no walk."""

import numpy as np
import pytest

from scratchvae.evaluation import GridPosterior, annealed_importance, importance_weights
from scratchvae.evaluation.ais import powers
from scratchvae.evaluation.hmc import from_posterior, from_prior, hmc
from scratchvae.models import LinearGaussian, exact_vae, mlp_vae
from scratchvae.probability import Bernoulli, Gaussian, SquaredError

pytestmark = pytest.mark.slow


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def bent(rng, likelihood=None, dtype=np.float64):
    """A decoder of two latents whose weights are large enough to bend, and an encoder that says little."""
    vae = mlp_vae(8, [6], 2, rng, likelihood=likelihood, dtype=dtype)
    for module, scale in ((vae.decoder, 3), (vae.encoder, 0.5)):
        for p in module.parameters().values():
            p.value *= scale
    return vae


@pytest.mark.parametrize("likelihood", [Bernoulli(), Gaussian(0.5)])
@pytest.mark.parametrize("base", ["prior", "posterior"])
def test_it_finds_the_integral_of_a_bent_decoder(rng, base, likelihood):
    vae = bent(rng, likelihood)
    x = likelihood.sample(vae.decoder(rng.standard_normal((100, 2))), rng)
    exact = GridPosterior(vae, x).log_evidence
    bound, error, _ = annealed_importance(vae, x, temperatures=40, base=base)
    w = np.exp(bound - exact)
    assert abs(w.mean() - 1) < 4 * w.std() / 10
    assert 0.6 < np.median(np.abs(bound - exact) / error) / 0.6745 < 1.7
    without = importance_weights(vae, x, 16).bound
    assert np.abs(bound - exact).mean() < 0.8 * np.abs(without - exact).mean()


def test_float32_says_the_same_as_float64(rng):
    vae, small = bent(np.random.default_rng(0)), bent(np.random.default_rng(0), dtype=np.float32)
    x = vae.likelihood.sample(vae.decoder(rng.standard_normal((10, 2))), rng)
    bound, error, _ = annealed_importance(vae, x, chains=50, temperatures=60)
    found = annealed_importance(small, x.astype(np.float32), chains=50, temperatures=60)
    assert found.bound.dtype == np.float64
    assert (np.abs(found.bound - bound) < 5 * np.hypot(error, found.standard_error)).all()


def test_one_temperature_is_importance_sampling(rng):
    vae = bent(rng)
    x = vae.likelihood.sample(vae.decoder(rng.standard_normal((400, 2))), rng)
    walk, plain = annealed_importance(vae, x, chains=8, temperatures=1, base="posterior"), importance_weights(vae, x, 8)
    difference = walk.bound - plain.bound
    assert abs(difference.mean()) < 4 * difference.std() / 20


@pytest.mark.parametrize("path_of", [from_prior, from_posterior])
def test_the_force_is_the_gradient_of_reference_and_ratio(rng, path_of):
    vae, h = bent(rng), 1e-6
    x, u, v = (rng.random((6, n)) for n in (8, 2, 2))
    path = path_of(vae, x)
    right, left, (_, dreference, _, dratio) = path(u + h * v), path(u - h * v), path(u)
    for i, gradient in ((0, dreference), (2, dratio)):
        np.testing.assert_allclose((right[i] - left[i]) / (2 * h), (gradient * v).sum(axis=1), rtol=1e-6)


def test_the_path_from_the_posterior_has_as_many_rows_as_chains(rng):
    """x is seen once by the encoder; chain j of image b is row b k + j."""
    vae, x, u = bent(rng), rng.random((3, 8)), rng.standard_normal((12, 2))
    for whole, each in zip(from_posterior(vae, x)(u), from_posterior(vae, x.repeat(4, axis=0))(u), strict=True):
        np.testing.assert_allclose(whole, each, rtol=1e-12)


def test_the_paths_end_at_the_same_density(rng):
    """reference + ratio is log p(x, z), from the posterior's side with the volume that T changes."""
    vae, x, z = bent(rng), rng.random((5, 8)), rng.standard_normal((5, 2))
    joint = vae.log_joint(z, x=x)[0]
    reference, _, ratio, _ = from_prior(vae, x)(z)
    np.testing.assert_allclose(reference + ratio, joint, rtol=1e-12)
    eps = vae.posterior.invert(z, x=x)[:, 0]
    reference, _, ratio, _ = from_posterior(vae, x)(eps)
    volume = vae.encode(x)[1].sum(axis=1) / 2 + np.log(2 * np.pi)
    np.testing.assert_allclose(reference + ratio, joint + volume, rtol=1e-12)


@pytest.mark.parametrize(("b", "step"), [(0.3, 0.4), (1.0, 0.3), (1.0, 0.7)])
def test_a_transition_leaves_its_density_as_it_is(rng, b, step):
    """f_b of a linear model is Gaussian: exact draws of it, moved once or many times, keep mean and variance."""
    model = LinearGaussian(np.array([[1.5], [0.5]]), np.zeros(2), 0.4)
    vae, n = exact_vae(model), 20000
    x = np.tile([[1.0, -1.0]], (n, 1))
    precision = 1 + b * (2.5 / 0.4)                                  # log f_b = -u^2 / 2 - b |x - W u|^2 / (2 s2)
    mean = b * (1.5 - 0.5) / 0.4 / precision
    u = mean + rng.standard_normal((n, 1)) / np.sqrt(precision)

    path = from_prior(vae, x)
    before, here = u, path(u)
    for _ in range(5):
        u, here, chance = hmc(path, u, here, b, np.full(n, step), 3, rng)
    assert 0.3 < chance.mean() < 0.999 and np.corrcoef(u[:, 0], before[:, 0])[0, 1] < 0.5
    for kept, again in zip(here, path(u), strict=True):
        np.testing.assert_array_equal(kept, again)
    assert abs(u.mean() - mean) < 4 / np.sqrt(precision * n)
    assert abs(u.var() * precision - 1) < 4 * np.sqrt(2 / n)


def test_a_step_far_too_long_is_refused_and_not_a_warning(rng):
    vae = bent(rng, Gaussian(0.01))
    path, u = from_prior(vae, rng.random((4, 8))), rng.standard_normal((4, 2))
    there, _, chance = hmc(path, u, path(u), 1.0, np.full(4, 1e200), 5, rng)
    assert np.array_equal(there, u) and (chance == 0).all()


def test_the_gradients_of_the_model_stay_as_they_were(rng):
    vae = bent(rng)
    for p in vae.parameters().values():
        p.grad[...] = 7
    annealed_importance(vae, rng.integers(0, 2, (3, 8)).astype(float), chains=2, temperatures=3)
    assert all((p.grad == 7).all() for p in vae.parameters().values())


def test_memory_is_bounded_and_the_seed_decides(rng, monkeypatch):
    vae, rows = bent(rng), []
    x = rng.integers(0, 2, (50, 8)).astype(float)
    decode = vae.decoder.forward
    monkeypatch.setattr(vae.decoder, "forward", lambda z: rows.append(len(z)) or decode(z))
    first, again, other = (annealed_importance(vae, x, chains=5, temperatures=4, seed=seed, rows=60).bound
                           for seed in (0, 0, 1))
    assert max(rows) == 60
    assert np.array_equal(first, again) and (first != other).all()


def test_the_powers_rise_from_0_to_1():
    for T in (1, 2, 5, 1000):
        b = powers(T)
        assert len(b) == T + 1 and b[0] == 0 and b[-1] == 1 and (np.diff(b) > 0).all()


@pytest.mark.parametrize(("options", "sentence"), [
    ({"chains": 0}, "chains must be at least 1, but is 0"),
    ({"temperatures": 0}, "temperatures must be at least 1, but is 0"),
    ({"base": "q"}, "base must be prior or posterior, but is 'q'"),
])
def test_what_cannot_be_is_one_sentence(rng, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        annealed_importance(bent(rng), np.zeros((2, 8)), **options)


def test_a_distance_has_no_evidence(rng):
    vae = bent(rng)
    vae.likelihood = SquaredError()
    with pytest.raises(ValueError, match="the squared error is no density"):
        annealed_importance(vae, np.zeros((2, 8)))
