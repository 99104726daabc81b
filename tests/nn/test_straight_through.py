"""The straight-through estimator: the value of one thing, the gradient of another."""

import numpy as np
import pytest

from scratchvae.core import Sequential
from scratchvae.nn import Linear, straight_through
from scratchvae.probability import softmax
from scratchvae.proof import prove


def x(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def test_the_value_is_hard_and_the_gradient_goes_to_soft_unchanged():
    soft, dy = x(3, 4), x(3, 4, seed=1)
    y, backward = straight_through.forward(soft, hard=np.rint(soft))
    assert np.array_equal(y, np.rint(soft)) and not np.array_equal(y, soft)
    assert np.array_equal(backward(dy), dy)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"hard must have the shape of soft, \(3, 4\), but has \(4,\)"):
        straight_through(x(3, 4), hard=np.ones(4))


def test_a_choice_of_one_of_k_learns_as_if_it_were_its_probabilities():
    """Straight-through over a softmax: forward chooses one class, backward is that of the probabilities."""
    class Choice(Sequential):
        def forward(self, a):
            p, p_backward = super().forward(a)
            y, y_backward = straight_through.forward(p, hard=np.eye(3, dtype=p.dtype)[p.argmax(axis=1)])
            return y, lambda dy: p_backward(y_backward(dy))

    choice = Choice(Linear(4, 3, np.random.default_rng(0)), softmax)
    chosen = choice(x(5, 4).astype(np.float32))
    assert set(np.unique(chosen)) == {0, 1} and (chosen.sum(axis=1) == 1).all()
    assert prove(choice, x(5, 4), as_if=Sequential(*choice.nodes)).complex_step <= 1e-12
