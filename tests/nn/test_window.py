"""A restricted MADE sees its window: all of it, from any depth, and nothing beyond."""

import itertools

import numpy as np
import pytest

from scratchvae.nn import MADE, causal_window, restricted, tanh
from scratchvae.probability import bernoulli_nll
from scratchvae.proof import prove

KINDS = {"one layer": {"hidden": [15]}, "three layers": {"hidden": [15, 20, 15]}, "linear": {"hidden": []},
         "narrow and direct": {"hidden": [4, 5], "direct": True}, "two outputs": {"hidden": [16], "outputs": 2},
         "condition": {"hidden": [14, 12], "n_h": 3}, "condition and direct": {"hidden": [7], "n_h": 2, "direct": True}}


def net(kind, D=12, may=None, seed=0, dtype=np.float64, **options):
    """With all parameters drawn anew, and not restricted where `may` is None."""
    rng = np.random.default_rng(seed)
    made = MADE(D, rng=rng, activation=tanh, dtype=dtype, **{**KINDS[kind], **options})
    for p in made.parameters().values():
        p.value[...] = rng.standard_normal(p.value.shape)
    return made if may is None else restricted(made, may)


def told(made, n):
    V = made.layers[0].V
    return () if V is None else (np.full((n, len(V.value)), 0.2),)


def jacobian(made, D):
    """[output, input] at a small x, where every tanh has a slope, by the complex step."""
    x = 0.1 * np.random.default_rng(5).standard_normal(D) + 1e-30j * np.eye(D)
    return (made(x, *told(made, D)).imag.T / 1e-30).reshape(-1, D, D)


def test_the_window_of_radius_1_is_the_left_and_the_three_above():
    may = causal_window(3, 4, 1)
    assert [np.flatnonzero(row).tolist() for row in may] == [
        [], [0], [1], [2], [0, 1], [0, 1, 2, 4], [1, 2, 3, 5], [2, 3, 6], [4, 5], [4, 5, 6, 8], [5, 6, 7, 9],
        [6, 7, 10]]


def test_a_window_as_large_as_the_image_is_all_that_comes_before():
    assert np.array_equal(causal_window(3, 4, 4), np.tri(12, k=-1, dtype=bool))
    assert not causal_window(3, 4, 0).any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("radius", [0, 1, 2])
def test_an_output_sees_all_of_its_window_and_nothing_beyond(kind, radius):
    may = causal_window(3, 4, radius)
    J = jacobian(net(kind, may=may), 12)
    assert (J[:, ~may] == 0).all() and (J[:, may] != 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_restriction_to_all_of_the_past_changes_no_mask(kind):
    order = np.random.default_rng(1).permutation(12)
    free, told_all = net(kind, order=order), net(kind, order=order, may=np.ones((12, 12), bool))
    for before, after in zip(free.layers, told_all.layers, strict=True):
        assert np.array_equal(before.mask.value, after.mask.value)


def test_in_another_order_a_window_is_what_is_in_it_and_comes_before():
    order = np.random.default_rng(1).permutation(12)
    may, place = causal_window(3, 4, 1) | causal_window(3, 4, 1).T, np.argsort(order)
    J = jacobian(net("three layers", order=order, may=may), 12)
    assert np.array_equal(J[0] != 0, may & (place[:, None] > place))


@pytest.mark.parametrize("kind", ["one layer", "condition", "narrow and direct"])
def test_the_product_of_its_bernoullis_sums_to_one(kind):
    made = net(kind, 8, causal_window(2, 4, 1))
    x = np.array(list(itertools.product([0.0, 1.0], repeat=8)))
    np.testing.assert_allclose(np.exp(-bernoulli_nll(made(x, *told(made, 256)), x=x)).sum(), 1, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_proven(kind):
    made = net(kind, may=causal_window(3, 4, 1), dtype=np.float32)
    prove(made, np.random.default_rng(2).standard_normal((5, 12)), *told(made, 5))
