"""Each building block and each model that is proven has a twin in PyTorch: the same values, the same gradients.

The proofs of the library bring random shapes and numbers; here, in place of `prove`, the twin is asked.
"""

import functools

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from agreement import agree
from model_twins import MODEL_TWINS
from twins import TWINS

from scratchvae.proof import proofs

EVERY = TWINS | MODEL_TWINS


def test_everything_that_is_proven_has_a_twin():
    assert {thing.__qualname__ for thing in proofs.PROOFS} == {thing.__qualname__ for thing in EVERY}


@pytest.mark.parametrize("thing", EVERY, ids=lambda thing: thing.__qualname__)
@hypothesis.given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([0.1, 1.0, 3.0]))
@hypothesis.settings(max_examples=25, deadline=None, derandomize=True)
def test_values_and_gradients_are_those_of_autograd(thing, seed, scale):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proofs, "prove", functools.partial(agree, EVERY[thing]))
        proofs.PROOFS[thing](proofs.Draw(np.random.default_rng(seed), scale))
