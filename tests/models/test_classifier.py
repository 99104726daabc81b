"""The classifier learns labels, and its features are what its head sees."""

import math

import numpy as np
import pytest

from scratchvae.datasets import LEVELS, load, pixels
from scratchvae.models import mlp_classifier
from scratchvae.training import Adam, fit, mean_terms


@pytest.fixture(scope="module")
def digits():
    data = load("digits")
    return (pixels(data.x_train, LEVELS["digits"]), data.y_train, pixels(data.x_test, LEVELS["digits"]), data.y_test)


def test_zero_weights_cost_log_k(digits):
    x, y, _, _ = digits
    model = mlp_classifier(64, [16], 10, np.random.default_rng(0))
    model.head.W.value[:] = 0
    np.testing.assert_allclose(model(x=x, y=y)[0], math.log(10), rtol=1e-6)


def test_twenty_examples_are_learned_by_heart(digits):
    x, y = digits[0][:20], digits[1][:20]
    model = mlp_classifier(64, [32], 10, np.random.default_rng(0))
    for _ in fit(model, x, y_train=y, optimizer=Adam(model, 0.01), epochs=100, batch_size=20, progress=False):
        pass
    assert model(x=x, y=y)[0].mean() < 0.01
    assert model.accuracy(x, y) == 1


def test_digits_are_recognised(digits):
    x, y, x_test, y_test = digits
    model = mlp_classifier(64, [64, 32], 10, np.random.default_rng(0))
    records = list(fit(model, x, y_train=y, x_test=x_test, y_test=y_test, optimizer=Adam(model, 3e-3), epochs=20,
                       batch_size=32, progress=False))
    assert model.accuracy(x_test, y_test) > 0.9                        # the last 360 are by other writers: about 0.93
    assert records[-1]["test"] == mean_terms(model, x_test, y=y_test)
    assert records[-1]["train"]["cross_entropy"] < records[0]["train"]["cross_entropy"] < math.log(10)


def test_probabilities_predictions_and_features_agree(digits):
    x, y, _, _ = digits
    model = mlp_classifier(64, [16, 8], 10, np.random.default_rng(0))
    p = model.probabilities(x)
    assert model.features(x).shape == (len(x), 8)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(p.argmax(axis=1), model.predict(x))
    assert model.accuracy(x, model.predict(x)) == 1
    np.testing.assert_allclose(model(x=x, y=y)[0], -np.log(p[np.arange(len(y)), y]), rtol=1e-4)


def test_without_a_hidden_layer_the_features_are_x(digits):
    x = digits[0]
    model = mlp_classifier(64, [], 10, np.random.default_rng(0))
    assert model.features(x) is x


def test_labels_stay_with_their_images(digits):
    """The order of a training is shuffled, of both alike: the label of an image is written on it, and is learned."""
    y = np.arange(200) % 10
    x = np.eye(10, dtype=np.float32)[y]
    model = mlp_classifier(10, [], 10, np.random.default_rng(0))
    list(fit(model, x, y_train=y, optimizer=Adam(model, 0.1), epochs=20, batch_size=7, progress=False))
    assert model.accuracy(x, y) == 1


def test_too_few_labels_are_one_sentence(digits):
    x, y, _, _ = digits
    model = mlp_classifier(64, [], 10, np.random.default_rng(0))
    with pytest.raises(ValueError, match="in the train set, y must have a row for each of the 1437 rows"):
        next(fit(model, x, y_train=y[:-1], optimizer=Adam(model), epochs=1))


def test_pixels_that_are_not_finite_are_refused(digits):
    x = digits[0].copy()
    x[3, 4] = np.nan
    with pytest.raises(ValueError, match="x_train must be finite, but 1 entries are not"):
        mlp_classifier(64, [], 10, np.random.default_rng(0)).check(x, "x_train")
