"""Priors: a density is tested by its own sampler, and by what is known of it exactly."""

import math
import tracemalloc

import numpy as np
import pytest

from scratchvae.core import Sequential
from scratchvae.evaluation import log_aggregate
from scratchvae.nn import GaussianHeads, Linear, mlp, tanh
from scratchvae.probability import (
    AggregatePosterior,
    GaussianMixturePrior,
    StandardNormal,
    TwoLayerPrior,
    VampPrior,
    bounded_between,
    gaussian_mixture_logpdf,
    log_sum_exp,
)
from scratchvae.probability.between import unbounded
from scratchvae.probability.priors.gaussian_mixture import draw_from_mixture

D, K, Z = 5, 7, 2


def encoder(seed=0, n_latents=Z, **options):
    """Its sigma lies between about 1/3 and 1."""
    rng = np.random.default_rng(seed)
    heads = GaussianHeads(6, n_latents, rng, dtype=np.float64)
    heads.mu.W.value *= 3
    heads.logvar.b.value -= 1
    return Sequential(*mlp([D, 6], rng, activation=tanh, dtype=np.float64, **options), heads)


def pixels(n=K, seed=1):
    return np.random.default_rng(seed).uniform(0.02, 0.98, (n, D))


def mixture():
    prior = GaussianMixturePrior(3, Z, np.random.default_rng(5), dtype=np.float64)
    prior.logits.value[...], prior.logvar.value[...] = [0.5, -0.5, 0], [[0, -1], [-1, 0.5], [0.3, -0.7]]
    prior.mu.value *= 2
    return prior


def weighted_vamp():
    prior = VampPrior(encoder(), pixels(), learned_weights=True)
    prior.logits.value[...] = np.random.default_rng(2).standard_normal(K)
    return prior


def far_mixture():
    prior = GaussianMixturePrior(2, 1, np.random.default_rng(5), dtype=np.float64)
    prior.mu.value[...], prior.logvar.value[...] = [[-2.5], [1.5]], [[-1], [0]]
    return prior


def two_layers(top):
    """p(z1|z2), whose mean and variance move with z2."""
    first = GaussianHeads(1, 1, np.random.default_rng(0), dtype=np.float64)
    first.mu.W.value[...], first.logvar.W.value[...], first.logvar.b.value[...] = 0.8, 0.3, -1
    return TwoLayerPrior(top, first, 1)


PRIORS = {
    "standard normal": lambda: StandardNormal(Z),
    "mixture": mixture,
    "VampPrior": lambda: VampPrior(encoder(), pixels()),
    "weighted VampPrior": weighted_vamp,
    "aggregate posterior": lambda: AggregatePosterior(encoder(), pixels(40)),
    "two layers": lambda: two_layers(StandardNormal(1)),
    "two layers under a mixture": lambda: two_layers(far_mixture()),
    "two layers under a VampPrior": lambda: two_layers(VampPrior(encoder(n_latents=1), pixels())),
}


@pytest.fixture(params=PRIORS)
def prior(request):
    return PRIORS[request.param]()


def grid(limit=12, points=401):
    axis = np.linspace(-limit, limit, points)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2), (axis[1] - axis[0]) ** 2


def assert_means_are_integrals(prior, draws=20000):
    """E f(z) over the prior's own draws is sum_g f(z_g) p(z_g) area: for its moments, and for f = log p, its entropy.

    Normalization alone does not see a sampler of another density.
    """
    z, area = grid()
    log_p = prior(z)
    p = np.exp(log_p) * area
    assert abs(p.sum() - 1) < 1e-8
    own = prior.sample(draws, np.random.default_rng(3), np.float64)
    tests = {"log p": prior(own), "z1": own[:, 0], "z2": own[:, 1], "z1 z2": own[:, 0] * own[:, 1],
             "z1^2": own[:, 0] ** 2, "z2^2": own[:, 1] ** 2}
    known = {"log p": log_p, "z1": z[:, 0], "z2": z[:, 1], "z1 z2": z[:, 0] * z[:, 1],
             "z1^2": z[:, 0] ** 2, "z2^2": z[:, 1] ** 2}
    for name, values in tests.items():
        error = values.std() / math.sqrt(draws)
        assert abs(values.mean() - p @ known[name]) < 4.5 * error, name


def test_the_samples_of_a_prior_have_its_density(prior):
    assert_means_are_integrals(prior)


def test_samples_are_of_the_size_and_precision_asked_for(prior):
    for dtype in (np.float32, np.float64):
        z = prior.sample(11, np.random.default_rng(0), dtype)
        assert z.shape == (11, prior.n_latents) and z.dtype == dtype


class ProductOfMixtures(GaussianMixturePrior):
    """The wrong density: log-sum-exp over k in each dimension, then the sum over the dimensions."""

    def __call__(self, z):
        log_pi = self.logits.value - log_sum_exp(self.logits.value)
        d = z[:, None] - self.mu.value
        log_normal = -(math.log(2 * math.pi) + self.logvar.value + d * d * np.exp(-self.logvar.value)) / 2
        return log_sum_exp((log_pi[:, None] + log_normal).swapaxes(1, 2)).sum(axis=1)


@pytest.mark.parametrize("n", [2, 10, 40])
def test_a_joint_mixture_is_no_product_of_mixtures(n):
    """Of two far components the product has 2^n modes, and gives the draws of the two (n - 1) log 2 nats too little."""
    joint = GaussianMixturePrior(2, n, np.random.default_rng(0), dtype=np.float64)
    joint.mu.value[...] = [[-20], [20]]
    product = ProductOfMixtures(2, n, np.random.default_rng(0), dtype=np.float64)
    product.mu.value[...] = joint.mu.value
    z = joint.sample(4000, np.random.default_rng(1), np.float64)
    np.testing.assert_allclose(joint(z) - product(z), (n - 1) * math.log(2), rtol=1e-9)
    entropy = n / 2 * math.log(2 * math.pi * math.e) + math.log(2)
    assert abs(joint(z).mean() + entropy) < 4.5 * math.sqrt(n / 2 / 4000)


def test_the_product_is_normalized_too_and_only_its_own_sampler_accuses_it():
    wrong = ProductOfMixtures(2, 2, np.random.default_rng(0), dtype=np.float64)
    wrong.mu.value[...] = [[-3], [3]]
    z, area = grid()
    assert abs(np.exp(wrong(z)).sum() * area - 1) < 1e-9
    with pytest.raises(AssertionError):
        assert_means_are_integrals(wrong)


def direct(z, logits, mu, logvar):
    """The density with the square as it stands, in float64, a few rows at a time."""
    z, logits, mu, logvar = (a.astype(np.float64) for a in (z, logits, mu, logvar))
    return np.concatenate([log_sum_exp(logits - log_sum_exp(logits) - (
        math.log(2 * math.pi) + logvar + (rows[:, None] - mu) ** 2 * np.exp(-logvar)).sum(axis=2) / 2)
        for rows in np.array_split(z, max(1, len(z) // 20))])


@pytest.mark.parametrize("low", [-2, -8, -14])
@pytest.mark.parametrize("offset", [0, 30])
def test_the_error_of_the_multiplied_square_is_what_the_docstring_says(low, offset):
    """sigma down to 1/1000; an offset of all z and mu, which a square measured from 0 would feel, costs nothing."""
    rng = np.random.default_rng(0)
    mu, logvar = rng.standard_normal((50, 8)) + offset, rng.uniform(low, 0, (50, 8))
    k = rng.integers(0, 50, 300)
    near = mu[k] + np.exp(logvar[k] / 2) * rng.standard_normal((300, 8))
    for z in (near, rng.standard_normal((300, 8)) + offset):
        size = ((z - mu.mean(axis=0)) ** 2).sum(axis=1) * np.exp(-logvar).max()
        log_p, exact = gaussian_mixture_logpdf(z, np.zeros(50), mu, logvar), direct(z, np.zeros(50), mu, logvar)
        assert (np.abs(log_p - exact) < 1e-15 + 4e-16 * (size + np.abs(exact))).all()


def test_in_float32_nothing_is_lost_but_the_rounding_of_what_is_given_and_returned():
    rng = np.random.default_rng(1)
    given = [a.astype(np.float32) for a in (rng.standard_normal((200, 40)), rng.standard_normal(500),
                                            rng.standard_normal((500, 40)), rng.uniform(-10, 0, (500, 40)))]
    log_p = gaussian_mixture_logpdf(*given)
    assert log_p.dtype == np.float32
    np.testing.assert_allclose(log_p, direct(*given), rtol=1e-6)


def test_hundreds_of_components_take_no_array_of_all_pairs_and_latents():
    """2000 z, 500 components, 40 latents: M K Z numbers in float64 would be 320 MB."""
    rng = np.random.default_rng(2)
    given = rng.standard_normal((2000, 40)), np.zeros(500), rng.standard_normal((500, 40)), np.zeros((500, 40))
    tracemalloc.start()
    log_p, backward = gaussian_mixture_logpdf.forward(*given)
    backward(np.ones_like(log_p))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * 2000 * 500 * 8


def test_components_are_drawn_as_numpy_draws_them():
    logits, mu = np.random.default_rng(0).standard_normal(9), 100.0 * np.arange(9)[:, None]
    z = draw_from_mixture(1000, np.random.default_rng(1), np.float64, logits, mu, np.zeros((9, 1)))
    k = np.random.default_rng(1).choice(9, size=1000, p=np.exp(logits) / np.exp(logits).sum())
    assert np.array_equal(np.rint(z[:, 0] / 100), k)


def test_with_the_data_for_pseudo_inputs_a_vamp_prior_is_the_aggregate_posterior():
    x, q, z = pixels(30), encoder(), np.random.default_rng(4).standard_normal((50, Z))
    expected = log_aggregate(z, *q(x))
    for prior in (AggregatePosterior(q, x), VampPrior(q, x, bounds=None), VampPrior(q, x),
                  VampPrior(q, x, bounds=(-1, 3)), VampPrior(q, x, learned_weights=True)):
        np.testing.assert_allclose(prior(z), expected, rtol=1e-11)


def test_pseudo_inputs_start_where_they_are_told_and_stay_in_the_range_of_x():
    u = pixels()
    prior = VampPrior(encoder(), u)
    np.testing.assert_allclose(prior.inputs()[0], u, rtol=1e-12)
    prior.u.value[...] = 50 * np.random.default_rng(0).standard_normal(u.shape)
    assert prior.inputs()[0].min() >= 0 and prior.inputs()[0].max() <= 1
    black_and_white = VampPrior(encoder(), np.eye(D))
    np.testing.assert_allclose(black_and_white.inputs()[0], np.clip(np.eye(D), 0.01, 0.99), rtol=1e-12)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 1), (-0.5, 7)])
def test_the_range_and_its_inverse(low, high):
    y = np.linspace(low, high, 50)[1:-1]
    a = unbounded(y, low=low, high=high)
    np.testing.assert_allclose(bounded_between(a, low=low, high=high), y, rtol=1e-12, atol=1e-12)
    assert (np.diff(bounded_between(np.linspace(-9, 9), low=low, high=high)) > 0).all()


def test_a_pseudo_input_at_the_edge_still_learns():
    """Where hardtanh has no gradient any more."""
    prior = VampPrior(encoder(), np.zeros((3, D)))
    log_p, backward = prior.forward(np.ones((4, Z)))
    backward(np.ones_like(log_p))
    assert (prior.u.grad != 0).all()


@pytest.mark.parametrize("value", [-0.1, 1.1, 255, np.nan])
def test_pseudo_inputs_outside_of_the_range_are_refused(value):
    u = pixels()
    u[2, 3] = value
    with pytest.raises(ValueError, match="what is to stay between 0 and 1 must start there, but runs from"):
        VampPrior(encoder(), u)


def test_an_encoder_that_gives_its_input_no_gradient_is_refused():
    with pytest.raises(ValueError, match="encoder must give a gradient to its input.*input_grad=False"):
        VampPrior(encoder(input_grad=False), pixels())
    AggregatePosterior(encoder(input_grad=False), pixels())              # its x is data


def test_the_question_whether_it_gives_one_leaves_no_gradient():
    q = encoder()
    VampPrior(q, pixels())
    assert all((p.grad == 0).all() for p in q.parameters().values())


def test_without_learned_weights_every_pseudo_input_has_the_same():
    fixed, learned = VampPrior(encoder(), pixels()), VampPrior(encoder(), pixels(), learned_weights=True)
    assert learned.parameters().keys() - fixed.parameters().keys() == {"logits"}
    assert fixed.buffers().keys() == {"logits"} and learned.buffers().keys() == set()


def test_one_pseudo_input_is_one_gaussian():
    """log K is not forgotten: of K equal pseudo-inputs the density is that of one."""
    u, z = pixels(1), np.random.default_rng(0).standard_normal((9, Z))
    one, many = (VampPrior(encoder(), u.repeat(n, axis=0)) for n in (1, 500))
    np.testing.assert_allclose(many(z), one(z), rtol=1e-12)


def test_an_encoder_without_hidden_layers_will_do():
    heads = GaussianHeads(D, Z, np.random.default_rng(0), dtype=np.float64)
    assert VampPrior(heads, pixels()).n_latents == Z
    assert Linear(D, Z, np.random.default_rng(0)).input_grad
