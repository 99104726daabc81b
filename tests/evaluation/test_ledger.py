"""A number carries what it is, and is called nothing better."""

import dataclasses
import json
import math

import pytest

from scratchvae.evaluation import Entry
from scratchvae.probability import Bernoulli, CategoricalPixels, Gaussian, Laplace, SharedGaussian

FACTS = {"value": 86.764, "standard_error": 0.25, "unit": "nats", "data": "mnist", "split": "test", "images": 10000,
         "binarization": "dynamic", "samples": 5000, "seed": 0, "likelihood": "Bernoulli"}


@pytest.mark.parametrize("name", ["log-likelihood", "-log-likelihood", "Log-Likelihood (IWAE)", "log likelihood",
                                  "negative log-likelihood", "loglikelihood", "log p(x)", "-log p(x)", "NLL",
                                  "test nll", "log-evidence"])
def test_no_bound_is_called_a_log_likelihood(name):
    with pytest.raises(ValueError, match="only an exact value may be called") as refusal:
        Entry(quantity=name, **FACTS)
    assert "\n" not in str(refusal.value)
    bound = Entry(quantity="-L_5000", **FACTS)
    with pytest.raises(ValueError, match="only an exact value may be called"):
        dataclasses.replace(bound, quantity=name)
    exact = Entry(quantity=name, **FACTS | {"samples": 0}, exact=True)
    assert str(exact).startswith(name)


def test_nothing_drawn_is_exact():
    with pytest.raises(ValueError, match="exact must be False of a value made from draws, but there are 5000 an image"):
        Entry(quantity="log p(x)", **FACTS, exact=True)


def test_an_entry_is_not_renamed_behind_its_back():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Entry(quantity="-L_5000", **FACTS).quantity = "log-likelihood"


@pytest.mark.parametrize("name", ["-ELBO", "-L_5000", "distortion", "surrogate -ELBO (cross-entropy of grey pixels, "
                                  "no likelihood)", "rate", "KL of the aggregate posterior"])
def test_honest_names_pass(name):
    assert Entry(quantity=name, **FACTS).quantity == name


def test_it_prints_all_that_it_knows():
    assert str(Entry(quantity="-L_5000", **FACTS)) == (
        "-L_5000 = 86.76 +- 0.25 nats an image; likelihood Bernoulli, mnist test, 10000 images, binarization dynamic, "
        "5000 sample(s) an image, seed 0")
    parts = {"reconstruction": 60.5, "kl": 26.264}
    assert "nats an image (reconstruction 60.50 + kl 26.26); " in str(Entry(quantity="-ELBO", parts=parts, **FACTS))
    units = FACTS | {"value": 22, "standard_error": math.nan, "samples": 0, "unit": "of 50 latents"}
    assert str(Entry(quantity="active units", per="", **units)).startswith("active units = 22.00 of 50 latents; ")


def test_json_has_every_field_and_no_nan():
    entry = Entry(quantity="active units", per="", **FACTS | {"standard_error": math.nan})
    facts = json.loads(entry.to_json())
    assert facts["standard_error"] is None and set(facts) == {field.name for field in dataclasses.fields(Entry)}
    assert facts["likelihood"] == "Bernoulli" and facts["samples"] == 5000


def test_a_likelihood_is_described_by_its_numbers():
    assert Bernoulli().describe() == "Bernoulli"
    assert Gaussian(0.3).describe() == "Gaussian(sigma=0.3)"
    assert SharedGaussian(0.25).describe() == "SharedGaussian(sigma=0.25)"
    assert Laplace(0.2).describe() == "Laplace(scale=0.2)"
    assert CategoricalPixels(17).describe() == "CategoricalPixels(levels=17)"
