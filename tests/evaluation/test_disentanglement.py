"""Scores of disentanglement: 1 where each factor has its own latent, chance where none has, and blind to names."""

import math

import numpy as np
import pytest

from scratchvae.datasets import shapes
from scratchvae.evaluation import disentanglement, factor_vote, mutual_information, mutual_information_gap

pytestmark = pytest.mark.slow

FACTORS = np.indices((3, 4, 5, 6)).reshape(4, -1).T.repeat(20, axis=0)         # (7200, 4), independent


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def turned(z, degrees):
    """z with its latents 0 and 1, and 2 and 3, turned into each other."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return z @ np.kron(np.eye(2), [[c, -s], [s, c]])


def standardized(z):
    return (z - z.mean(axis=0)) / z.std(axis=0)


def test_a_latent_for_each_factor_scores_one(rng):
    z = FACTORS.astype(np.float32)
    assert mutual_information_gap(z, FACTORS) == pytest.approx(1, abs=1e-12)
    assert factor_vote(z, FACTORS, rng) == 1
    np.testing.assert_allclose(mutual_information(z, FACTORS), np.diag(np.log([3, 4, 5, 6])), atol=1e-13)


def test_what_is_shared_by_two_latents_is_no_gap(rng):
    z = np.repeat(FACTORS, 2, axis=1).astype(float)
    assert mutual_information_gap(z, FACTORS) == pytest.approx(0, abs=1e-12)
    assert mutual_information(z, FACTORS).shape == (8, 4)


def test_a_turned_code_scores_less_though_it_says_the_same(rng):
    z = standardized(FACTORS) + 0.3 * rng.standard_normal(FACTORS.shape)
    gaps = [mutual_information_gap(turned(z, degrees), FACTORS) for degrees in (0, 15, 30, 45)]
    votes = [factor_vote(turned(z, degrees), FACTORS, rng) for degrees in (0, 45)]
    assert (np.diff(gaps) < -0.05).all() and gaps[-1] < 0.1
    assert votes[0] == 1 and votes[1] < 0.8


def test_noise_knows_nothing(rng):
    """The counts find (bins - 1)(values - 1) / 2N nats in independent noise, and the votes are right 1 in K times."""
    z = rng.uniform(size=(7200, 30))
    known = mutual_information(z, FACTORS, bins=10)
    sizes = FACTORS.max(axis=0) + 1
    errors = 4 * np.sqrt(2 * 9 * (sizes - 1)) / (2 * 7200) / math.sqrt(30)      # 2N I is chi-squared with 9 (V - 1)
    assert (np.abs(known.mean(axis=0) - 9 * (sizes - 1) / (2 * 7200)) < errors).all()
    assert mutual_information_gap(z, FACTORS) < 0.01
    score = factor_vote(z, FACTORS, rng, votes=4000)
    assert abs(score - 1 / 4) < 4 * math.sqrt(3 / 16 / 4000)


def test_information_is_that_of_the_joint_distribution(rng):
    """A noisy copy of a fair bit, wrong with probability p: log 2 - H(p) nats."""
    bit = np.repeat([0, 1], 5000)[:, None]
    wrong = np.tile(np.repeat([True, False], [500, 4500]), 2)[:, None]
    z = np.where(wrong, 1 - bit, bit).astype(float)
    entropy = -(0.1 * math.log(0.1) + 0.9 * math.log(0.9))
    np.testing.assert_allclose(mutual_information(z, bit), [[math.log(2) - entropy]], atol=1e-14)


def test_order_and_scale_and_sign_do_not_matter(rng):
    z = standardized(FACTORS) + 0.3 * rng.standard_normal(FACTORS.shape)
    changed = z[:, [2, 0, 3, 1]] * 2.0 ** np.array([-9, 0, 3, 12])
    assert mutual_information_gap(changed, FACTORS) == pytest.approx(mutual_information_gap(z, FACTORS), abs=1e-14)
    assert mutual_information_gap(-z, FACTORS) == pytest.approx(mutual_information_gap(z, FACTORS), abs=0.01)
    score = factor_vote(z, FACTORS, np.random.default_rng(1))
    assert 0.5 < score == factor_vote(-changed, FACTORS, np.random.default_rng(1))


def test_the_mean_of_a_collapsed_latent_counts_and_its_draw_does_not(rng):
    """q(z|x) = N(0.01 v, 1) is nearly the prior: 1 / (2 * 100^2) nats a unit of variance. Its mean looks perfect."""
    means = standardized(FACTORS)
    copies = np.concatenate([means, 0.01 * means], axis=1)
    draws = copies + np.concatenate([0 * means, rng.standard_normal(means.shape)], axis=1)
    assert mutual_information_gap(copies, FACTORS) == pytest.approx(0, abs=1e-12)
    assert mutual_information_gap(draws, FACTORS) > 0.95


def test_a_constant_latent_knows_nothing(rng):
    z = np.concatenate([FACTORS, np.zeros((len(FACTORS), 1))], axis=1)
    np.testing.assert_allclose(mutual_information(z, FACTORS)[4], 0, atol=1e-15)
    with pytest.raises(ValueError, match="z must vary in every latent, but latent 4 is constant: leave it out"):
        factor_vote(z, FACTORS, rng)


def test_pixels_of_the_shapes_are_no_disentangled_code(rng):
    """And the factors themselves, in any units, are: on the pictures of the chapter."""
    factors = shapes.every_combination()
    assert mutual_information_gap(factors * [1.0, -2, 3, 0.1, 5], factors) == pytest.approx(1, abs=1e-12)
    assert factor_vote(factors * [1.0, -2, 3, 0.1, 5], factors, rng) == 1
    pixels = shapes.draw(factors)[:, 28 * 14 + 4:28 * 14 + 24]
    assert mutual_information_gap(pixels, factors) < 0.1


def test_a_score_is_repeatable():
    z = standardized(FACTORS)
    assert factor_vote(z, FACTORS, np.random.default_rng(3)) == factor_vote(z, FACTORS, np.random.default_rng(3))


@pytest.mark.parametrize(("z", "factors", "said"), [
    (np.zeros((5, 2)), np.zeros((4, 2), int), "must be of the same N examples, at least 2, but have shapes"),
    (np.full((4, 2), np.inf), FACTORS[::2000], "z must be finite, but 8 entries are not"),
    (np.zeros((4, 2)), FACTORS[::2000] + 0.5, "factors must be whole numbers from 0"),
    (np.zeros((4, 2)), FACTORS[::2000] - 1, "factors must be whole numbers from 0"),
    (np.zeros((4, 2)), FACTORS[:4], "factors must vary, but column 0 is constant"),
    (np.zeros((4, 1)), FACTORS[::2000], "z must have at least 2 latents for a gap"),
])
def test_what_cannot_be_scored_is_refused(z, factors, said):
    with pytest.raises(ValueError, match=said):
        mutual_information_gap(z, factors)


class Encoder:
    """A VAE, as far as a score looks: q(z|x) = N(x, exp(logvar))."""

    def describe(self):
        return "Bernoulli"

    def __init__(self, logvar):
        self.logvar = np.array(logvar)

    def encode(self, x):
        return x, np.broadcast_to(self.logvar, x.shape)


def test_the_scores_of_a_model_are_those_of_draws_and_say_what_they_are():
    """A latent for each factor, and a collapsed copy of each: their means would make the gap 0."""
    x = np.concatenate([standardized(FACTORS), 0.01 * standardized(FACTORS)], axis=1)
    gap, score = disentanglement(Encoder(4 * [-12.0] + 4 * [0.0]), x, FACTORS, data="numbers", split="all", seed=3)
    assert gap.value > 0.95 and score.value == 1
    assert (gap.quantity, gap.images, gap.samples, gap.seed) == ("mutual information gap (MIG)", 7200, 1, 3)
    assert "FactorVAE score = 1.00 of 1; likelihood Bernoulli, numbers all, 7200 images" in str(score)
    mean = disentanglement(Encoder(8 * [-60.0]), x, FACTORS, data="numbers")[0]
    assert mean.value == pytest.approx(0, abs=0.01)


def test_the_collapsed_latents_have_no_vote():
    """And where all have collapsed, the vote is right by chance."""
    x = np.concatenate([standardized(FACTORS)[:, :1], np.zeros((7200, 3))], axis=1)
    votes = [disentanglement(Encoder([-12.0, 0, 0, 0]), scale * x, FACTORS, data="numbers")[1].value
             for scale in (1, 0.001)]
    assert (np.abs(np.array(votes) - 1 / 4) < 4 * math.sqrt(3 / 16 / 800)).all()
