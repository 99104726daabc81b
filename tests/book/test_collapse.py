"""The study of chapter 13: each cure is in the model and its weights; the bound that is compared is the true one."""

import dataclasses

import numpy as np
import pytest

from scratchvae.book.collapse import CURES, PLAIN, MadeExperiment, measure
from scratchvae.book.experiments import run
from scratchvae.datasets import LEVELS, load, pixels
from scratchvae.evaluation import evaluate
from scratchvae.models import AnalyticKL, DecoderDropout, FreeBits
from scratchvae.training.schedules import value_at

TINY = dataclasses.replace(PLAIN, name="tiny", hidden=(70,), n_latents=3, epochs=2)
VARIANTS = {"plain": {}, "linear": {"rise": "linear"}, "cyclical": {"rise": "cyclical"},
            "free bits": {"free_bits": 0.5}, "dropout": {"dropout": 0.5}, "window": {"window": 1},
            "beta": {"beta": 0.5},
            "all": {"rise": "linear", "free_bits": 0.2, "dropout": 0.3, "window": 2, "beta": 2.0}}


@pytest.mark.parametrize("what", VARIANTS.values(), ids=VARIANTS)
def test_a_run_is_trained_recorded_and_measured_by_its_true_bound(what):
    outcome = run(dataclasses.replace(TINY, **what))
    found, model = measure(outcome, draws=5), outcome.model().one_draw
    x = pixels(load("digits").x_test, LEVELS["digits"])
    entry = evaluate(model, x, data="digits", binarization="dynamic")
    assert entry.quantity == "-ELBO" and found["-ELBO"] == entry.value and found["kl"] == entry.parts["kl"]
    assert found["-L_5"] < found["-ELBO"] and 0 <= found["active"] <= 3 and len(outcome.records) == 2


def test_each_cure_is_what_it_says():
    def model(**what):
        return dataclasses.replace(TINY, **what).model()

    assert type(model()) is AnalyticKL and model(free_bits=0.3).nats == 0.3 and model(dropout=0.4).rate == 0.4
    both = model(free_bits=0.3, dropout=0.4)
    assert isinstance(both, FreeBits) and isinstance(both.model, DecoderDropout)
    seen = [sum(layer.mask.value.sum() for layer in m.observation.decoder.layers) for m in (model(), model(window=1))]
    assert seen[1] < 0.2 * seen[0]


@pytest.mark.parametrize("steps", [1, 7, 100])
def test_every_rise_ends_at_beta(steps):
    for what, end in (({}, 1), ({"rise": "linear", "beta": 0.5}, 0.5), ({"rise": "cyclical"}, 1), ({"beta": 4.0}, 4)):
        weight = dataclasses.replace(TINY, **what).weights(steps)["kl"]
        assert value_at(steps - 1, weight) == end
    halfway = dataclasses.replace(TINY, rise="linear").weights(100)["kl"]
    assert [halfway(t) for t in (0, 49, 99)] == [0, 1, 1]


def test_the_study_has_every_cure_with_three_seeds_and_names_of_its_own():
    assert len(CURES) == 21 == len({e.name for e in CURES})
    assert {e.seed for e in CURES} == {0, 1, 2} and all(e.data == "digits" for e in CURES)
    assert len({dataclasses.replace(e, name="", seed=0) for e in CURES}) == 7


def test_the_seed_is_that_of_the_parameters():
    a, b, c = (next(iter(dataclasses.replace(TINY, seed=s).model().parameters().values())).value for s in (0, 0, 1))
    assert np.array_equal(a, b) and not np.array_equal(a, c)


@pytest.mark.parametrize(("what", "sentence"), [({"k": 5}, "k must be 1 for a VAE with a MADE"),
                                                ({"rise": "cyclical", "beta": 2.0}, "beta must be 1 where")])
def test_what_cannot_be_is_one_sentence(what, sentence):
    with pytest.raises(ValueError, match=sentence):
        MadeExperiment("wrong", **what)
