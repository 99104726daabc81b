"""The report of a model: each number there, consistent with the others, under its own name."""

import json
import math

import numpy as np
import pytest

from scratchvae.evaluation import (
    as_json,
    as_table,
    evaluate,
    evaluate_bound,
    frechet_distance,
    frechet_floor,
    rate_distortion,
    report,
)
from scratchvae.models import mlp_autoencoder, mlp_iwae, mlp_vae
from scratchvae.probability import Gaussian, SquaredError
from scratchvae.seeds import PICTURES

X = np.random.default_rng(0).random((240, 6), np.float32)


def model(make=mlp_vae, **options):
    return make(6, [5], 2, np.random.default_rng(1), **options)


def squared():
    vae = model()
    vae.likelihood = SquaredError()
    return vae


def by_name(entries):
    return {entry.quantity: entry for entry in entries}


def test_the_numbers_agree_with_each_other_and_with_those_taken_alone():
    options = {"data": "toys", "binarization": "dynamic", "seed": 3}
    found = by_name(report(model(), X, samples=20, features=lambda x: x, **options))
    assert list(found) == [
        "-ELBO", "-L_20", "effective sample size", "distortion", "rate", "KL of the aggregate posterior",
        "mutual information of x and z, at most log N = 5.48", "active units", "reconstruction error at mu",
        "Frechet distance of 120 mean images, on a classifier's features", "its floor, 120 images from 120 others"]
    assert found["-ELBO"] == evaluate(model(), X, **options)
    assert found["-L_20"] == evaluate_bound(model(), X, 20, **options)
    value = {name: entry.value for name, entry in found.items()}
    assert math.isclose(value["-ELBO"], value["distortion"] + value["rate"], rel_tol=1e-5)
    assert 1 < value["effective sample size"] < 20 and value["-L_20"] < value["-ELBO"]
    terms = rate_distortion(model(), X, "dynamic", seed=3)
    for term, name in {"distortion": "distortion", "rate": "rate", "marginal_kl": "KL of the aggregate posterior",
                       "mutual_information": "mutual information of x and z, at most log N = 5.48"}.items():
        assert (found[name].value, found[name].standard_error) == terms.mean(term)
    for name, entry in found.items():
        assert (entry.data, entry.split, entry.images, entry.binarization, entry.seed, entry.likelihood) == (
            "toys", "test", 240, "dynamic", 3, "Bernoulli"), name


def test_the_reconstruction_error_is_that_of_the_pixels_the_model_sees():
    vae = model(likelihood=Gaussian(0.3))
    entry = by_name(report(vae, X, data="toys", samples=2))["reconstruction error at mu"]
    assert math.isclose(entry.value, ((X - vae.reconstruct(X)) ** 2).sum(axis=1).mean(), rel_tol=1e-5)
    assert entry.samples == 0 and entry.unit == "squared pixels"
    bits = by_name(report(model(), np.full_like(X, 0.5), data="toys", binarization="dynamic", samples=2))
    assert bits["reconstruction error at mu"].value > 6 * 0.2               # of 0 and 1, and none of them is 1/2


def test_the_frechet_distance_is_of_mean_images_and_its_floor_of_real_ones():
    seen = []
    found = report(model(), X, data="toys", samples=2, features=lambda x: seen.append(x) or x)[-2:]
    (real, made), n = seen, 120
    assert np.shares_memory(real, X) and made.shape == (n, 6) and ((made > 0) & (made < 1)).all()
    assert found[1].value < 0.1 < found[0].value and found[0].value < 2 * frechet_distance(made, X)
    rng = np.random.default_rng([0, PICTURES])
    rng.standard_normal((n, 2), np.float32)
    others = X[rng.permutation(240)[:n]]
    assert [entry.value for entry in found] == [frechet_distance(made, others), frechet_floor(X, n, rng)]


@pytest.mark.parametrize("images", [1, 3])
def test_a_few_images_have_a_report_too(images):
    found = by_name(report(model(), X[:images], data="toys", binarization="dynamic", samples=2, features=lambda x: x))
    assert found["-ELBO"].images == images and not any("Frechet" in name for name in found)


def test_every_model_is_called_what_it_is():
    assert list(by_name(report(model(mlp_iwae, k=3), X, data="toys", binarization="static", samples=7)))[:3] == [
        "-ELBO", "-L_3", "-L_7"]
    same = [entry.quantity for entry in report(model(mlp_iwae, k=3), X, data="toys", binarization="static", samples=3)]
    assert same.count("-L_3") == 1
    names = list(by_name(report(squared(), X, data="toys")))
    assert names[0].startswith("surrogate") and not any("-L_" in name or "sample size" in name for name in names)
    assert list(by_name(report(model(mlp_autoencoder), X, data="toys"))) == ["cross-entropy", "reconstruction error"]


@pytest.mark.parametrize("make", [model, squared, lambda: model(mlp_autoencoder)])
def test_the_table_and_the_json_hold_every_entry(make):
    entries = report(make(), X, data="toys", samples=2, features=lambda x: x)
    facts = json.loads(as_json(entries))
    assert [fact["quantity"] for fact in facts] == [entry.quantity for entry in entries]
    assert len(as_json(entries).splitlines()) == len(entries) + 2
    head, empty, *rows = as_table(entries).splitlines()
    assert head.startswith("toys test, 240 images, binarization none") and head.endswith("seed 0") and not empty
    assert all(row.startswith("| ") and row.count("|") == 6 for row in rows)
    for entry in entries:
        (row,) = [row for row in rows if row.startswith(f"| {entry.quantity} ")]
        assert f"{entry.value:.2f}" in row and entry.unit in row
