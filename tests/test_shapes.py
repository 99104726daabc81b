"""Pictures drawn from factors: each factor does what its name says, and no two pictures are alike."""

import math

import numpy as np
import pytest

from scratchvae.datasets import shapes


@pytest.fixture(scope="module")
def factors():
    return shapes.every_combination()


@pytest.fixture(scope="module")
def images(factors):
    return shapes.draw(factors).reshape(-1, 28, 28)


def centers(images):
    """The mean column and row of the white pixels."""
    area = images.sum(axis=(1, 2))
    ticks = np.arange(28)
    return (images.sum(axis=1) @ ticks / area, images.sum(axis=2) @ ticks / area)


def test_there_is_a_picture_for_every_combination(factors, images):
    assert len(factors) == math.prod(shapes.FACTORS.values()) == len(np.unique(factors, axis=0))
    assert images.dtype == np.float32 and set(np.unique(images)) == {0, 1}


def test_no_two_pictures_are_alike(images):
    bits = np.packbits(images.reshape(len(images), -1).astype(bool), axis=1)
    assert len(np.unique(bits, axis=0)) == len(images)


def test_a_step_in_x_or_y_moves_the_shape_by_a_pixel(factors, images):
    column, row = centers(images)
    for k, place, other in ((3, column, row), (4, row, column)):
        table, rest = (values.reshape(tuple(shapes.FACTORS.values())) for values in (place, other))
        np.testing.assert_allclose(np.diff(table, axis=k), 1, atol=1e-5)
        np.testing.assert_allclose(np.diff(rest, axis=k), 0, atol=1e-5)


def test_the_shape_is_whole_wherever_it_is(images):
    area = images.sum(axis=(1, 2)).reshape(3, 4, 8, 100)
    assert (area == area[..., :1]).all()
    assert images[:, 0].any() and images[:, -1].any() and images[:, :, 0].any()          # and the room is used


def test_the_area_is_that_of_the_formula(images):
    """Square 2 r^2, ellipse pi r^2 / 2; the pixels on the border are within the length of the border."""
    area = images.sum(axis=(1, 2)).reshape(3, 4, -1)[:2]
    r = np.array(shapes.RADII)
    exact = np.stack([2 * r**2, math.pi * r**2 / 2])
    perimeter = np.stack([4 * math.sqrt(2) * r, math.pi * 1.55 * r])
    assert (np.abs(area.mean(axis=-1) - exact) < perimeter / 4).all()
    assert (np.diff(images.sum(axis=(1, 2)).reshape(3, 4, 8, 100), axis=1) > 0).all()    # a larger scale is larger


def test_the_ellipse_turns_counterclockwise_by_equal_steps():
    """The angle of its long axis, from the second moments of the white pixels; y points downwards."""
    turns = np.array([[1, 3, k, 5, 5] for k in range(8)])
    for k, image in enumerate(shapes.draw(turns).reshape(8, 28, 28)):
        row, column = np.nonzero(image)
        u, v = column - column.mean(), row.mean() - row
        angle = math.atan2(2 * (u * v).mean(), (u * u).mean() - (v * v).mean()) / 2
        assert angle == pytest.approx(k * math.pi / 16, abs=math.pi / 64)       # a quarter of a step


def test_the_heart_stands_on_its_tip():
    heart = shapes.draw(np.array([[2, 3, 0, 5, 5]])).reshape(28, 28)
    assert np.array_equal(heart[:, 15:], heart[:, 13:0:-1])                  # mirrored at its middle, column 9 + 5
    widths = heart.sum(axis=1)[heart.any(axis=1)]
    assert widths[-1] == 1 < widths.max() and widths.argmax() < len(widths) / 2
    first = np.flatnonzero(heart[heart.any(axis=1).argmax()])
    assert len(first) < np.ptp(first) + 1                                    # two humps, with a gap between them


def test_draws_are_uniform_and_repeatable():
    drawn = shapes.random_factors(20_000, np.random.default_rng(0))
    assert np.array_equal(drawn, shapes.random_factors(20_000, np.random.default_rng(0)))
    for column, size in zip(drawn.T, shapes.FACTORS.values(), strict=True):
        counts = np.bincount(column, minlength=size)
        assert len(counts) == size
        assert (np.abs(counts - 20_000 / size) < 4.5 * math.sqrt(20_000 / size)).all()


def test_a_picture_does_not_depend_on_the_others(factors, images):
    some = np.random.default_rng(1).integers(0, len(factors), 20)
    assert np.array_equal(shapes.draw(factors[some]).reshape(-1, 28, 28), images[some])
    assert shapes.draw(factors[:0]).shape == (0, 784)


@pytest.mark.parametrize(("factors", "said"), [
    (np.zeros((2, 4), int), r"factors must be whole numbers \(N, 5\), but are int64 \(2, 4\)"),
    (np.zeros((2, 5)), "factors must be whole numbers"),
    (np.array([[0, 4, 0, 0, 0]]), "scale must be from 0 to 3, but runs from 4 to 4"),
    (np.array([[0, 0, 0, 0, -1]]), "y must be from 0 to 9, but runs from -1 to -1"),
])
def test_what_is_no_picture_is_refused(factors, said):
    with pytest.raises(ValueError, match=said):
        shapes.draw(factors)
