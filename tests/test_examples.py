"""The data as one object: rows of every array belong together, whatever their shape and kind."""

import numpy as np
import pytest

from scratchvae.datasets import Examples, Pixels, binarize, pixels

X = np.random.default_rng(5).random((10, 4), np.float32)
Y = np.arange(10)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("rows", [slice(2, 5), np.array([7, 0, 7])])
def test_a_batch_has_the_same_rows_of_every_array(rows):
    tokens = np.arange(50).reshape(10, 5)
    batch = Examples(X, y=Y, tokens=tokens).batch(rows, rng())
    assert list(batch) == ["x", "y", "tokens"]
    assert np.array_equal(batch["x"], X[rows]) and np.array_equal(batch["y"], Y[rows])
    assert np.array_equal(batch["tokens"], tokens[rows])


@pytest.mark.parametrize("x", [X, X[:, 0], X.reshape(10, 2, 2, 1), np.arange(30).reshape(10, 3)])
def test_x_may_have_any_shape_and_be_whole_numbers(x):
    examples = Examples(x)
    assert len(examples) == 10 and examples.x is x
    batch = examples.batch(slice(4, 6), rng())["x"]
    assert np.array_equal(batch, x[4:6]) and batch.dtype == x.dtype


def test_a_file_that_is_mapped_into_memory_is_data(tmp_path):
    np.save(tmp_path / "x.npy", X)
    examples = Examples(np.load(tmp_path / "x.npy", mmap_mode="r"), binarization="dynamic")
    assert np.array_equal(examples.batch(np.array([3, 1]), rng())["x"], binarize(X[[3, 1]], rng()))


def test_images_stay_bytes_until_a_batch_is_asked_for():
    images = rng().integers(0, 17, (10, 2, 2), np.uint8)
    assert np.array_equal(Examples(Pixels(images, 16)).batch(slice(3), rng())["x"], pixels(images[:3], 16))


def test_dynamic_bits_are_drawn_for_each_batch_and_static_ones_are_not():
    dynamic, generator = Examples(X, binarization="dynamic"), rng()
    first, second = (dynamic.batch(slice(10), generator)["x"] for _ in range(2))
    assert set(np.unique(first)) == {0, 1} and not np.array_equal(first, second)
    assert np.array_equal(first, binarize(X, rng()))
    assert np.array_equal(Examples(X, binarization="static").batch(slice(10), rng())["x"], X)


@pytest.mark.parametrize("binarization", ["static", "dynamic"])
def test_bits_can_be_drawn_once_and_for_all(binarization):
    drawn = Examples(X, y=Y, binarization=binarization).drawn(rng(1))
    assert np.array_equal(drawn.x, binarize(X, rng(1))) and drawn.arrays["y"] is Y
    assert np.array_equal(drawn.batch(slice(10), rng())["x"], drawn.x)


def test_grey_pixels_are_not_drawn():
    examples, generator = Examples(X), rng()
    assert examples.drawn(generator) is examples and generator.random() == rng().random()


def test_some_rows_are_examples_too():
    some = Examples(X, y=Y, binarization="static")[5:]
    assert len(some) == 5 and some.binarization == "static" and np.array_equal(some.arrays["y"], Y[5:])


def test_a_bare_array_becomes_examples_and_examples_stay_what_they_are():
    made = Examples.of(X, y=Y, c=None, binarization="static")
    assert list(made.arrays) == ["x", "y"] and made.binarization == "static"
    assert Examples.of(X).binarization == "none" and Examples.of(made, y=None) is made


@pytest.mark.parametrize(("make", "sentence"), [
    (lambda: Examples(X, y=Y[:9]), "y must have a row for each of the 10 rows of x, but has 9"),
    (lambda: Examples(X[:0]), r"x must have a row for each example, but is empty: its shape is \(0, 4\)"),
    (lambda: Examples([1.0, 2.0]), r"x must be an array with a row for each example, but is \[1.0, 2.0\]"),
    (lambda: Examples(X, y=np.array(3)), r"y must be an array with a row for each example, but is array\(3\)"),
    (lambda: Examples(X, binarization="fresh"), "binarization must be one of dynamic, static, none, but is 'fresh'"),
    (lambda: Examples(Y, binarization="dynamic"), "binarization must be none where x is int64"),
    (lambda: Examples.of(Examples(X), y=Y), "^y must be left out where the data are Examples: they say it themselves"),
    (lambda: Examples.of(Examples(X), binarization="none"), "^binarization must be left out where the data are"),
])
def test_what_cannot_be_is_said_in_a_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
