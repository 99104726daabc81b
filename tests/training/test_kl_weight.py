"""The weight of the KL reaches 1 exactly, whatever the sizes; and what is watched on the test set is without it."""

import numpy as np
import pytest

from scratchvae.evaluation import evaluate
from scratchvae.models import mlp_vae
from scratchvae.training import Adam, cyclical, fit, linear

SIZES = [(1, 1, 1), (7, 3, 2), (10, 10, 4), (12, 5, 3), (9, 2, 1)]          # examples, a batch, epochs
RISES = {"linear": linear, "cyclical": cyclical,
         "one long cycle": lambda steps: cyclical(steps, cycles=1, share=1.0),
         "cycles that do not divide": lambda steps: cyclical(steps, cycles=3, share=1.0)}


def train(n, size, epochs, weight, dtype=np.float32):
    rng = np.random.default_rng(0)
    vae, x = mlp_vae(6, [5], 2, rng, dtype=dtype), (rng.random((n, 6)) < 0.5).astype(dtype)
    asked = []

    def noted(step):
        asked.append((step, weight(step)))
        return asked[-1][1]

    records = list(fit(vae, x, x_test=x, optimizer=Adam(vae), epochs=epochs, batch_size=size, progress=False,
                       weights={"kl": noted}))
    return vae, x, records, asked


@pytest.mark.parametrize(("n", "size", "epochs"), SIZES)
@pytest.mark.parametrize("rise", RISES)
def test_the_last_step_of_a_training_is_on_the_bound_itself(n, size, epochs, rise):
    """Not (steps - 1) / steps of it: no fence post is missing, with a last batch that is not full either."""
    steps = epochs * -(-n // size)
    _, _, records, asked = train(n, size, epochs, RISES[rise](steps=steps))
    assert asked[-1] == (steps - 1, 1) and records[-1]["weights"]["kl"] == 1
    assert all(0 <= weight <= 1 for _, weight in asked)


def test_a_line_rises_by_the_same_with_every_step():
    weights = np.array([linear(steps=9)(t) for t in range(9)])
    np.testing.assert_allclose(np.diff(weights), 1 / 8, rtol=1e-12)
    assert weights[0] == 0 and weights[-1] == 1


@pytest.mark.parametrize("weight", [lambda step: 0.0, linear(steps=30), lambda step: 4.0],
                         ids=["always 0", "rising", "always 4"])
def test_what_is_watched_on_the_test_set_is_the_bound_without_the_weight(weight):
    """Under a weight near 0 the weighted loss is lowest in the first epochs, which are the worst."""
    vae, x, records, _ = train(12, 4, 3, weight)
    entry = evaluate(vae, x, data="bits")
    assert records[-1]["test"] == entry.parts and entry.quantity == "-ELBO"
    assert sum(records[-1]["test"].values()) == pytest.approx(entry.value, rel=1e-6)
    assert records[-1]["test"]["kl"] > 0


def test_the_terms_of_the_training_set_are_without_it_too():
    records = train(12, 12, 1, lambda step: 0.0)[2]
    assert records[0]["train"]["kl"] > 0 and records[0]["weights"]["kl"] == 0
