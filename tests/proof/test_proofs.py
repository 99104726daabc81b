"""The table of proofs: a line for each node and model, of random shapes, values and seeds."""

import subprocess
import sys

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from scratchvae import proof
from scratchvae.proof.proofs import PROOFS, Draw, prove_all


@pytest.mark.parametrize("thing", PROOFS, ids=lambda thing: thing.__qualname__)
@hypothesis.given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-3, 0.3, 1.0, 3.0]))
@hypothesis.settings(max_examples=25, deadline=None, derandomize=True)
def test_every_backward_is_proven(thing, seed, scale):
    PROOFS[thing](Draw(np.random.default_rng(seed), scale))


def test_the_table_says_what_was_proven():
    rows = list(prove_all())
    assert len(rows) == len(PROOFS)
    assert all(complex_step <= 1e-12 and error is None for _, complex_step, _, error in rows)


def test_whoever_proves_a_node_of_his_own_imports_no_model():
    code = ("import sys; from scratchvae.proof import prove, ProofError, stop_gradient; "
            "print([name for name in sys.modules if name.startswith('scratchvae.')])")
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "scratchvae.proof.prove" in loaded and "models" not in loaded and "scratchvae.nn" not in loaded


def test_the_table_is_there_when_it_is_asked_for():
    assert proof.PROOFS is PROOFS and proof.prove_all is prove_all
    with pytest.raises(AttributeError, match="no attribute 'disprove'"):
        proof.disprove  # noqa: B018
