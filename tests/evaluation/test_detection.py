"""The area under the ROC curve is a probability, counted over all pairs."""

import numpy as np
import pytest

from scratchvae.evaluation import auc


def by_pairs(scores, odd_scores):
    difference = odd_scores[None, :] - scores[:, None]
    return (difference > 0).mean() + (difference == 0).mean() / 2


@pytest.mark.parametrize("decimals", [15, 1, 0])
def test_it_counts_pairs_and_half_of_the_ties(decimals):
    rng = np.random.default_rng(0)
    scores, odd = rng.standard_normal(50).round(decimals), (rng.standard_normal(30) + 0.5).round(decimals)
    assert auc(scores, odd) == pytest.approx(by_pairs(scores, odd), abs=1e-14)


def test_the_ends_and_the_middle():
    low, high = np.arange(5.0), np.arange(5.0) + 5
    assert (auc(low, high), auc(high, low), auc(low, low)) == (1, 0, 0.5)


def test_only_the_order_counts():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, 40))
    assert auc(a, b) == auc(np.exp(a), np.exp(b)) == pytest.approx(1 - auc(b, a), abs=1e-15)
