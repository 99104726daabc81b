"""What fit is given to learn from: arrays of any shape and kind, with whatever else the model's forward asks for."""

import math

import numpy as np
import pytest

from scratchvae.core import Parameter
from scratchvae.datasets import Examples
from scratchvae.models import Model, mlp_classifier, mlp_vae
from scratchvae.training import Adam, example_terms, fit, mean_terms

X = np.random.default_rng(0).random((60, 12), np.float32)


def rng():
    return np.random.default_rng(1)


def vae():
    return mlp_vae(12, [8], 3, rng())


def flat(model):
    return np.concatenate([p.value.ravel() for p in model.parameters().values()])


def trained(model, x, **options):
    records = list(fit(model, x, optimizer=Adam(model, 0.02), batch_size=16, progress=False,
                       **{"epochs": 2, **options}))
    return flat(model), records


class Unigram(Model):
    """p(x) = prod_t softmax(logits)[x_t] over the first `lengths` tokens of each row"""

    terms = ("negative_log_likelihood",)

    def __init__(self, n_tokens):
        self.logits = Parameter(np.zeros(n_tokens, np.float32))

    def forward(self, *, x, lengths):
        counted = (np.arange(x.shape[1]) < lengths[:, None])[..., None]
        counts = ((x[..., None] == np.arange(len(self.logits.value))) * counted).sum(axis=1).astype(np.float32)
        p = np.exp(self.logits.value) / np.exp(self.logits.value).sum()

        def backward(dnll):
            self.logits.grad += dnll @ (counts.sum(axis=1, keepdims=True) * p - counts)

        return (-counts @ np.log(p),), backward


def test_tokens_with_lengths_are_data():
    """Rows of whole numbers (N, T): what it learns is how often each token stands within the lengths."""
    draws = rng().choice(3, (400, 5), p=[0.7, 0.2, 0.1])
    lengths = rng().integers(1, 6, 400)
    x = np.where(np.arange(5) < lengths[:, None], draws, 2)                     # behind its end a row is filled with 2
    model = Unigram(3)
    test = Examples(x[:9, :4], lengths=lengths[:9])                             # another T is no matter
    _, records = trained(model, Examples(x, lengths=lengths), x_test=test, epochs=30)
    seen = draws[np.arange(5) < lengths[:, None]]
    p = np.exp(model.logits.value) / np.exp(model.logits.value).sum()
    assert np.allclose(p, np.bincount(seen) / len(seen), atol=0.03)
    assert records[-1]["test"] == mean_terms(model, test)


class Mean(Model):
    """p(x) = N(mu, I) of arrays of any shape"""

    terms = ("negative_log_likelihood",)

    def __init__(self, shape):
        self.mu = Parameter(np.zeros(shape, np.float32))

    def forward(self, *, x):
        d = x - self.mu.value
        axes = tuple(range(1, d.ndim))

        def backward(dnll):
            self.mu.grad -= np.tensordot(dnll, d, axes=1)

        return ((d * d + math.log(2 * math.pi)).sum(axis=axes) / 2,), backward


@pytest.mark.parametrize("shape", [(60, 2, 3, 2), (60, 12), (60,)])
def test_x_has_the_shape_that_the_model_asks_for(shape):
    x = X.ravel()[:math.prod(shape)].reshape(shape)
    model = Mean(shape[1:])
    trained(model, x, epochs=100, x_test=x)
    assert np.allclose(model.mu.value, x.mean(axis=0), atol=0.05)


def test_a_file_mapped_into_memory_trains_to_the_same_bits(tmp_path):
    np.save(tmp_path / "x.npy", X)
    assert np.array_equal(trained(vae(), np.load(tmp_path / "x.npy", mmap_mode="r"))[0], trained(vae(), X)[0])


@pytest.mark.parametrize("binarization", ["none", "static", "dynamic"])
@pytest.mark.parametrize("workers", [1, 2])
def test_examples_train_to_the_same_bits_as_bare_arrays(binarization, workers):
    bare, records = trained(vae(), X, x_test=X[:9], binarization=binarization, workers=workers)
    whole, same = trained(vae(), Examples(X, binarization=binarization), x_test=X[:9], workers=workers)
    assert np.array_equal(bare, whole) and [r["test"] for r in records] == [r["test"] for r in same]
    assert same[0]["binarization"] == binarization


def test_labels_may_be_beside_the_array_or_in_the_examples():
    y = np.argmax(X[:, :3], axis=1)
    bare, records = trained(mlp_classifier(12, [8], 3, rng()), X, y_train=y, x_test=X[:9], y_test=y[:9])
    whole, same = trained(mlp_classifier(12, [8], 3, rng()), Examples(X, y=y), x_test=Examples(X[:9], y=y[:9]))
    assert np.array_equal(bare, whole) and records[-1]["test"] == same[-1]["test"]


def test_a_test_set_may_say_its_own_binarization():
    bits = (X > 0.5).astype(np.float32)
    model = vae()
    _, records = trained(model, Examples(X, binarization="dynamic"), x_test=Examples(bits))
    assert records[-1]["test"] == mean_terms(model, bits) != mean_terms(model, bits, seed=1)


def test_the_seed_moves_the_test_terms():
    """With a step of almost nothing it is the draws of the test set alone that differ."""
    first, other = (list(fit(model, X, x_test=X, optimizer=Adam(model, 1e-30), epochs=1, seed=seed, progress=False))
                    for seed, model in ((0, vae()), (1, vae())))
    assert first[0]["test"]["reconstruction"] != other[0]["test"]["reconstruction"]
    assert first[0]["test"]["kl"] == other[0]["test"]["kl"]


@pytest.mark.parametrize("binarization", ["none", "static", "dynamic"])
def test_the_terms_of_examples_are_those_of_the_bare_array(binarization):
    one, other = (example_terms(vae(), x, seed=3, batch_size=7, **options) for x, options in (
        (Examples(X, binarization=binarization), {}), (X, {"binarization": binarization})))
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(("options", "sentence"), [
    ({"binarization": "none"}, "in the train set, binarization must be left out where the data are Examples"),
    ({"y_train": X[:, 0]}, "in the train set, y must be left out where the data are Examples"),
    ({"x_train": X, "x_test": Examples(X), "binarization": "dynamic"}, "in the test set, binarization must be left"),
    ({"x_test": Examples(X), "y_test": X[:, 0]}, "in the test set, y must be left out"),
    ({"x_train": Examples(X, c=X.astype(float))}, "c_train must be float32 as the model is, but is float64"),
])
def test_what_is_said_twice_or_does_not_go_together_is_refused(options, sentence):
    model = vae()
    with pytest.raises(ValueError, match=sentence):
        fit(model, optimizer=Adam(model), epochs=1, **{"x_train": Examples(X), **options})


def test_labels_that_the_test_set_lacks_are_missed_before_any_work():
    model, y = mlp_classifier(12, [8], 3, rng()), np.argmax(X[:, :3], axis=1)
    with pytest.raises(ValueError, match=r"x \(60, 12\) of the test set cannot be given to the model: .*'y'"):
        fit(model, X, y_train=y, x_test=X, optimizer=Adam(model), epochs=1)


def test_numbers_beyond_0_and_1_are_not_binarized():
    model = Mean((12,))
    with pytest.raises(ValueError, match=r"x_train must be probabilities in \[0, 1\] if it is to be binarized, but"):
        fit(model, 3 * X, optimizer=Adam(model), epochs=1, binarization="static")


@pytest.mark.parametrize("x", [None, [1.0, 2.0], 3.0])
def test_what_is_no_array_is_refused(x):
    model = vae()
    with pytest.raises(ValueError, match="in the train set, x must be an array with a row for each example, but is"):
        fit(model, x, optimizer=Adam(model), epochs=1)
