"""A ledger entry says what the number is, and the number is that."""

import json
import math

import numpy as np
import pytest

from scratchvae.datasets import Pixels, pixels
from scratchvae.evaluation import evaluate, report
from scratchvae.models import mlp_autoencoder, mlp_vae
from scratchvae.probability import Gaussian, SquaredError
from scratchvae.training import example_terms

X = np.random.default_rng(0).random((1203, 6), np.float32)
BITS = (X > 0.5).astype(np.float32)


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def test_the_entry_is_the_mean_over_every_image_with_its_parts_and_error(rng):
    vae = mlp_vae(6, [5], 2, rng)
    terms = example_terms(vae, X, "dynamic", seed=3)
    total = sum(term.astype(float) for term in terms.values())
    entry = evaluate(vae, X, data="toys", binarization="dynamic", seed=3)
    assert math.isclose(entry.value, total.mean()) and math.isclose(sum(entry.parts.values()), entry.value)
    assert math.isclose(entry.standard_error, total.std(ddof=1) / math.sqrt(1203))
    assert (entry.images, entry.samples, entry.seed, entry.split) == (1203, 1, 3, "test")


def test_the_terms_are_those_of_the_model_example_by_example(rng):
    vae = mlp_vae(6, [5], 2, rng)
    eps = np.random.default_rng([0, 3]).standard_normal((1203, 2), np.float32)
    nll, kl = vae(x=BITS, eps=eps)
    terms = example_terms(vae, BITS, batch_size=1203)
    assert np.array_equal(terms["reconstruction"], nll) and np.array_equal(terms["kl"], kl)
    in_parts = example_terms(vae, BITS, batch_size=100)
    assert np.allclose(in_parts["reconstruction"], nll, rtol=1e-4) and np.allclose(in_parts["kl"], kl, rtol=1e-4)


@pytest.mark.parametrize(("make", "x", "binarization", "quantity"), [
    (mlp_vae, X, "dynamic", "-ELBO"),
    (mlp_vae, X, "static", "-ELBO"),
    (mlp_vae, BITS, "none", "-ELBO"),
    (mlp_vae, X, "none", "surrogate -ELBO (cross-entropy of grey pixels, no likelihood)"),
    (lambda *a: mlp_vae(*a, likelihood=Gaussian(0.3)), X, "none", "-ELBO"),
    (mlp_autoencoder, X, "none", "cross-entropy"),
    (lambda *a: mlp_autoencoder(*a, distance=SquaredError()), X, "none", "squared error"),
])
def test_a_number_is_called_what_it_is(rng, make, x, binarization, quantity):
    assert evaluate(make(6, [5], 2, rng), x, data="toys", binarization=binarization).quantity == quantity


def test_an_entry_reads_as_a_line_and_as_json(rng):
    entry = evaluate(mlp_autoencoder(6, [5], 2, rng, distance=SquaredError()), X, data="toys")
    assert "squared pixels an image" in str(entry) and "toys test, 1203 images, binarization none" in str(entry)
    assert json.loads(entry.to_json())["value"] == entry.value


def test_a_single_image_has_no_standard_error(rng):
    assert math.isnan(evaluate(mlp_vae(6, [5], 2, rng), X[:1], data="toys").standard_error)


def test_pixels_are_as_good_as_the_array_they_stand_for():
    """Pixels stay whole numbers until they are needed: the name of the number has to see them, too."""
    images = np.random.default_rng(0).integers(0, 256, (30, 4, 4), np.uint8)
    vae = mlp_vae(16, [5], 2, np.random.default_rng(1))
    for options in ({}, {"binarization": "dynamic"}):
        assert evaluate(vae, Pixels(images), data="d", **options) == evaluate(vae, pixels(images), data="d", **options)
        found, expected = (report(vae, x, data="d", samples=3, features=lambda x: x, **options)
                           for x in (Pixels(images), pixels(images)))
        assert [str(e) for e in found] == [str(e) for e in expected]


def test_a_distance_without_a_name_says_what_it_is():
    for distance, name in ((Gaussian(2.0), "distance by Gaussian(sigma=2)"), (SquaredError(), "squared error")):
        model = mlp_autoencoder(6, [5], 2, np.random.default_rng(1), distance=distance)
        assert evaluate(model, X, data="d").quantity == name
