"""An autoregressive p(x|z) is a density of all images, its sampler draws from it, and dropout touches no target."""

import itertools

import numpy as np
import pytest
from scipy.stats import chisquare

from scratchvae.nn import MADE, causal_window, restricted, tanh
from scratchvae.probability import AutoregressiveObservation, Bernoulli, Observation, ObservationModel, bernoulli_nll
from scratchvae.proof import prove

D, Z = 8, 2
ALL = np.array(list(itertools.product([0.0, 1.0], repeat=D)))
ORDERS = {"rows": None, "a permutation": np.random.default_rng(1).permutation(D), "backwards": np.arange(D)[::-1]}


def observation(order=None, radius=None, seed=0, draws=16, scale=1.0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    made = MADE(D, [12], rng, n_h=Z, order=order, activation=tanh, input_grad=False, dtype=dtype)
    for p in made.parameters().values():
        p.value[...] = scale * rng.standard_normal(p.value.shape)
    if radius is not None:
        restricted(made, causal_window(2, 4, radius))
    return AutoregressiveObservation(made, rng, draws)


def probabilities(p, z, **seen):
    """p(x|z) of all 2^8 images."""
    return np.exp(-p(np.tile(z, (len(ALL), 1)), x=ALL, **seen))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("radius", [None, 1])
def test_it_sums_to_one_over_all_images_at_every_z(order, radius):
    p = observation(ORDERS[order], radius)
    for z in ([0.0, 0.0], [1.5, -0.7]):
        assert probabilities(p, z).sum() == pytest.approx(1, abs=1e-12)


def test_under_a_mask_that_does_not_depend_on_x_it_is_a_density_too():
    seen = np.tile(np.random.default_rng(0).random(D) < 0.5, (len(ALL), 1)).astype(float)
    assert probabilities(observation(), [0.3, 0.1], seen=seen).sum() == pytest.approx(1, abs=1e-12)


def test_each_factor_is_told_the_true_pixels_before_it():
    """p(x) / p(x with another last pixel) is the odds of the last logit, and so on: the chain rule, by marginals."""
    order = np.random.default_rng(1).permutation(D)
    p, z = observation(order), np.array([[0.4, -1.0]])
    table = probabilities(p, z[0]).reshape((2,) * D).transpose(order)         # axis i: the i-th pixel in the order
    x = ALL[137]
    logits = p.decoder(x[None], z)[0]
    for i, d in enumerate(order):
        marginal = table[tuple(int(x[e]) for e in order[:i])].sum(axis=tuple(range(1, D - i)))
        assert np.log(marginal[1] / marginal[0]) == pytest.approx(logits[d], abs=1e-10)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_sampler_draws_from_its_own_density(order, seed):
    p, z, n = observation(ORDERS[order], seed=seed, scale=0.5), np.array([0.5, -0.5]), 40_000
    x = p.sample(np.tile(z, (n, 1)), np.random.default_rng(seed))
    counts = np.bincount((x @ 2.0 ** np.arange(D)[::-1]).astype(int), minlength=len(ALL))
    expected = n * probabilities(p, z)
    rare = expected < 5
    counts, expected = (np.append(a[~rare], a[rare].sum()) for a in (counts, expected))
    keep = expected > 0
    assert chisquare(counts[keep], expected[keep]).pvalue > 1e-3


def test_each_z_has_a_draw_of_its_own():
    p = observation()
    z = np.repeat([[3.0, 0.0], [-3.0, 0.0]], 4000, axis=0)
    x = p.sample(z, np.random.default_rng(0))
    for few, one in ((x[:4000], z[0]), (x[4000:], z[-1])):
        np.testing.assert_allclose(few.mean(axis=0), probabilities(p, one) @ ALL, atol=0.04)


def test_the_mean_is_an_estimate_of_the_mean_that_comes_nearer_with_more_draws():
    z = np.random.default_rng(4).standard_normal((20, Z))
    exact = np.stack([probabilities(observation(), one) @ ALL for one in z])
    errors = [np.abs(observation(draws=n).mean(z) - exact).mean() for n in (4, 64, 1024)]
    assert errors[0] > 2 * errors[1] > 4 * errors[2] and errors[2] < 4e-3
    p = observation()
    assert np.array_equal(p.mean(z), p.mean(z)) and np.array_equal(p.mean(z)[7:9], p.mean(z[7:9]))


def test_a_pixel_sees_what_comes_before_it_and_z():
    """Through the loss: what a pixel says is in the terms of those after it alone, and in its own as a target."""
    p, x, z = observation(radius=1), np.tile(ALL[77], (D, 1)), np.tile([0.2, 0.1], (D, 1))
    logits = p.decoder(x, z)
    flipped = np.where(np.eye(D) > 0, 1 - x, x)
    seen = p.decoder(flipped, z) != logits                         # [e, d]: a change of pixel e changes a_d
    assert np.array_equal(seen.T, causal_window(2, 4, 1))
    assert (p.decoder(x, z + np.array([0.1, 0])) != logits).all()


def test_dropout_is_of_what_the_decoder_is_shown_and_never_of_the_targets():
    p, rng = observation(), np.random.default_rng(3)
    z, nothing, x = rng.standard_normal((len(ALL), Z)), np.zeros_like(ALL), ALL
    blind = p.decoder(np.full_like(ALL, 0.5), z)                   # what is said without a look at x
    np.testing.assert_array_equal(p(z, x=x, seen=nothing), bernoulli_nll(blind, x=x))
    np.testing.assert_array_equal(p(z, x=x, seen=np.ones_like(ALL)), p(z, x=x))
    seen = (rng.random(x.shape) < 0.5).astype(float)
    shown = np.where(seen > 0, x, 0.5)
    np.testing.assert_allclose(p(z, x=x, seen=seen), bernoulli_nll(p.decoder(shown, z), x=x), rtol=1e-13)
    last = np.ones_like(ALL)
    last[:, p.decoder.order[-1]] = 0                               # nobody sees the last pixel: it is a target alone
    np.testing.assert_array_equal(p(z, x=x, seen=last), p(z, x=x))


def test_a_dropped_pixel_is_neither_black_nor_white():
    p, z = observation(), np.zeros((1, Z))
    seen = np.ones((1, D))
    seen[0, 0] = 0
    black, white = np.zeros((1, D)), np.eye(D)[:1]
    a, b = (p.decoder(np.where(seen > 0, x, 0.5), z) for x in (black, white))
    np.testing.assert_array_equal(a, b)
    assert (p(z, x=black, seen=seen) != p(z, x=black)).all() and (p(z, x=white, seen=seen) != p(z, x=white)).all()


def test_its_gradient_in_z_is_proven_with_and_without_dropout():
    rng = np.random.default_rng(0)
    for order in ORDERS.values():
        p, x = observation(order, dtype=np.float32), ALL[rng.integers(0, 256, 6)]
        prove(p, rng.standard_normal((6, Z)), x=x)
        prove(p, rng.standard_normal((6, Z)), x=x, seen=(rng.random(x.shape) < 0.5).astype(float))


def test_it_is_an_observation_model_as_the_other():
    p, other = observation(), Observation(None, Bernoulli())
    assert isinstance(p, ObservationModel) and isinstance(other, ObservationModel)
    assert p.describe() == "autoregressive Bernoulli" and p.unit == "nats" and p.is_density
    assert p.flaw(ALL) == "" and p.flaw(0.5 * ALL) == other.flaw(0.5 * ALL) != ""
    with pytest.raises(ValueError, match=r"x_test must lie in \[0, 1\]"):
        p.check(2 * ALL, "x_test")
    assert p.sample(np.zeros((3, Z), np.float32), np.random.default_rng(0)).dtype == np.float32
