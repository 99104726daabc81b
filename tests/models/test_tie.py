"""A decoder that can do all has the same bound at every rate; one that cannot has a hill, whose top is the truth."""

import math

import numpy as np
import pytest

from scratchvae.core import Module
from scratchvae.models import Tie, two_rows
from scratchvae.probability import AutoregressiveObservation, BernoulliMixture

SHARPNESS = np.linspace(0, 4, 81)


def eight_bits():
    rng = np.random.default_rng(0)
    return Tie(BernoulliMixture(np.array([0.5, 0.3, 0.2]), rng.uniform(0.05, 0.95, (3, 8))))


@pytest.fixture(params=[two_rows, eight_bits], ids=["4 bits", "8 bits"])
def world(request):
    return request.param()


def test_the_truth_is_a_density(world):
    assert world.p.sum() == pytest.approx(1, abs=1e-12) and len(world.x) == 2 ** world.x.shape[1]


def test_the_strong_decoder_has_log_p_at_every_rate(world):
    curve = world.curve(SHARPNESS)
    np.testing.assert_allclose(curve.strong, world.log_p(), rtol=1e-12)
    assert curve.rate[0] == pytest.approx(0, abs=1e-12) and (np.diff(curve.rate) > 0).all()
    assert curve.rate[-1] > 0.4


def test_and_with_any_code_whatever(world):
    rng = np.random.default_rng(1)
    for K in (2, 3, 8):
        q = rng.dirichlet(np.full(K, 0.3), len(world.x))
        found = world.bounds(q)
        assert found.strong == pytest.approx(world.log_p(), rel=1e-12) and 0 < found.rate < math.log(K)
    certain = world.bounds(np.eye(2)[(world.x[:, 0]).astype(int)])        # z is the first bit: no doubt is left
    assert certain.strong == pytest.approx(world.log_p(), rel=1e-12)


def test_the_weak_decoder_has_a_hill_whose_top_is_the_truth(world):
    """At sharpness 1 q is the posterior of a model with independent bits, the one that made them."""
    curve = world.curve(SHARPNESS)
    top = int(curve.weak.argmax())
    assert SHARPNESS[top] == pytest.approx(1) and curve.weak[top] == pytest.approx(world.log_p(), rel=1e-12)
    assert (np.diff(curve.weak[:top + 1]) > -1e-12).all() and (np.diff(curve.weak[top:]) < 0).all()
    assert curve.weak[top] > curve.weak[0] + 0.1 and curve.weak[top] > curve.weak[-1] + 0.01


def test_without_a_rate_the_weak_decoder_has_the_entropies_of_the_bits(world):
    on = world.p @ world.x
    assert world.bounds(world.code(0)).weak == pytest.approx((on * np.log(on) + (1 - on) * np.log(1 - on)).sum())


def test_with_a_prior_that_no_other_code_matches_no_rate_is_the_only_optimum(world):
    curve = world.curve(SHARPNESS)
    fixed = curve.strong - curve.marginal_kl
    assert fixed[0] == pytest.approx(world.log_p(), rel=1e-12) and (fixed[1:] < world.log_p()).all()
    assert fixed.argmax() == 0


def test_the_bounds_are_what_enumeration_of_the_three_densities_says(world):
    """sum_x p*(x) sum_z q(z|x) (log p(x|z) + log p(z) - log q(z|x)), each density a table of its own."""
    q = world.code(0.6)
    q_z = world.p @ q
    strong = world.p[:, None] * q / q_z
    on = strong.T @ world.x
    weak = np.stack([np.prod(np.where(world.x > 0, m, 1 - m), axis=1) for m in on], axis=1)
    np.testing.assert_allclose([strong.sum(axis=0), weak.sum(axis=0)], 1, rtol=1e-12)
    found = world.bounds(q)
    for p_x, prior, expected in ((strong, q_z, found.strong), (weak, q_z, found.weak),
                                 (strong, np.full(len(q_z), 1 / len(q_z)), found.strong - found.marginal_kl)):
        log_w = np.log(p_x) + np.log(prior) - np.log(q)
        assert world.p @ (q * log_w).sum(axis=1) == pytest.approx(expected, rel=1e-12)


class TableDecoder(Module):
    """The logits of p(x_d = 1 | x_<d, z) from a table p(x|z) (2^D, K), z being the number of its column, (M, 1)."""

    def __init__(self, table):
        self.table, self.order = table, np.arange(len(table).bit_length() - 1)

    def forward(self, x, z):
        D = len(self.order)
        tables = self.table.T.reshape(-1, *[2] * D)
        logits = np.empty(x.shape)
        for row, (bits, k) in enumerate(zip(x.astype(int), z[:, 0].astype(int), strict=True)):
            for d in range(D):
                off, on = tables[(k, *bits[:d])].reshape(2, -1).sum(axis=1)
                logits[row, d] = np.log(on / off)
        return logits, lambda dy: (None, 0 * z)


def test_an_autoregressive_observation_says_every_table():
    """The decoder that can do all is one of the library's own kind: a product of its conditionals is q(x|z)."""
    world = two_rows()
    q = world.code(0.7)
    table = world.p[:, None] * q / (world.p @ q)
    p = AutoregressiveObservation(TableDecoder(table), np.random.default_rng(0))
    for k in (0, 1):
        nll = p(np.full((16, 1), float(k)), x=world.x)
        np.testing.assert_allclose(np.exp(-nll), table[:, k], rtol=1e-10)


def test_a_code_that_knows_everything_costs_the_entropy():
    world = two_rows()
    found = world.bounds(np.eye(16))
    assert found.rate == pytest.approx(-world.log_p()) and found.strong == pytest.approx(world.log_p())
