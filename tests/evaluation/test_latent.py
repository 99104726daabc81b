"""Ways through latent space: their ends, their lengths, their angles; of batches as of single codes."""

import math

import numpy as np
import pytest

from scratchvae.evaluation import attribute_vector, lerp, slerp, traverse

T = np.linspace(0, 1, 11)
WAYS = pytest.mark.parametrize("way", [lerp, slerp])


@pytest.fixture
def codes():
    return np.random.default_rng(0).standard_normal((2, 5, 8))


def unit(z):
    return z / np.linalg.norm(z, axis=-1, keepdims=True)


def on_the_sphere(codes, radius):
    return radius * unit(codes)


@WAYS
def test_a_way_begins_and_ends_at_its_ends(way, codes):
    z0, z1 = codes
    np.testing.assert_allclose(way(z0, z1, 0), z0, rtol=1e-15)
    np.testing.assert_allclose(way(z0, z1, 1), z1, rtol=1e-15)


@WAYS
def test_the_way_back_is_the_way_there_reversed(way, codes):
    z0, z1 = codes
    np.testing.assert_allclose(way(z0, z1, T), way(z1, z0, T)[:, ::-1], atol=1e-14)


@WAYS
def test_a_batch_of_ways_is_each_way_by_itself(way, codes):
    z0, z1 = codes
    together = way(z0, z1, T)
    assert together.shape == (5, 11, 8) and way(z0, z1, 0.3).shape == (5, 8) and way(z0[0], z1[0], T).shape == (11, 8)
    for i in range(5):
        for j, t in enumerate(T):
            np.testing.assert_allclose(together[i, j], way(z0[i], z1[i], t), atol=1e-15)
            np.testing.assert_allclose(together[i, j], way(z0, z1, t)[i], atol=1e-15)


def test_many_ways_at_one_time_are_not_one_way_at_many_times():
    """Where the batch is as long as t, an axis taken for the other would not be seen by its length."""
    z0, z1 = np.random.default_rng(1).standard_normal((2, 3, 4))
    t = np.array([0.1, 0.5, 0.8])
    np.testing.assert_allclose(slerp(z0, z1, t)[1, 2], slerp(z0[1], z1[1], 0.8), atol=1e-15)


@WAYS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays(way, dtype, codes):
    z0, z1 = codes.astype(dtype)
    assert way(z0, z1, T).dtype == way(z0, z1, 0.5).dtype == dtype


@WAYS
def test_codes_of_other_shapes_are_refused(way, codes):
    with pytest.raises(ValueError, match=r"z1 must have the shape of z0, \(5, 8\), but has \(4, 8\)"):
        way(codes[0], codes[1, :4], 0.5)


def test_the_straight_line_has_constant_steps_beyond_its_ends_too(codes):
    steps = np.diff(lerp(*codes, np.linspace(-2, 3, 11)), axis=1)
    np.testing.assert_allclose(steps, np.broadcast_to((codes[1] - codes[0])[:, None] / 2, steps.shape), atol=1e-14)


def test_half_way_on_the_straight_line_is_too_near_to_the_origin():
    """Of draws from N(0, I), |z|^2 / Z has mean 1; half-way it has mean 1/2 on the line, 1 on the great circle."""
    z0, z1 = np.random.default_rng(2).standard_normal((2, 1000, 200))
    for way, expected in ((lerp, 0.5), (slerp, 1.0)):
        squares = (way(z0, z1, 0.5) ** 2).mean(axis=1)
        assert abs(squares.mean() - expected) < 4 * squares.std() / math.sqrt(1000)


@pytest.mark.parametrize("radius", [1e-3, 1.0, 40.0])
def test_the_great_circle_keeps_the_length_and_turns_evenly(codes, radius):
    z0, z1 = on_the_sphere(codes, radius)
    path = slerp(z0, z1, T)
    np.testing.assert_allclose(np.linalg.norm(path, axis=-1), radius, rtol=1e-13)
    cosines = (unit(path) * unit(z0)[:, None]).sum(axis=-1)
    theta = np.arccos((unit(z0) * unit(z1)).sum(axis=-1))
    np.testing.assert_allclose(cosines, np.cos(theta[:, None] * T), atol=1e-13)
    np.testing.assert_allclose(unit(path[:, 5]), unit(z0 + z1), atol=1e-13)           # t = 1/2: the bisector


def test_the_great_circle_goes_on_beyond_its_ends():
    z0, z1 = np.eye(3)[:2]
    np.testing.assert_allclose(slerp(z0, z1, np.array([-1, 2, 3, 4])), [-z1, -z0, -z1, z0], atol=1e-15)


def test_it_is_the_published_formula_for_other_lengths_too(codes):
    z0, z1 = codes[:, 0]
    theta = math.acos(unit(z0) @ unit(z1))
    expected = (math.sin(0.7 * theta) * z0 + math.sin(0.3 * theta) * z1) / math.sin(theta)
    np.testing.assert_allclose(slerp(z0, z1, 0.3), expected, atol=1e-14)


def test_without_a_turn_it_is_the_straight_line(codes):
    z = codes[0]
    for z0, z1 in ((z, z), (z, 3 * z), (z, 0 * z), (0 * z, z), (0 * z, 0 * z)):
        np.testing.assert_allclose(slerp(z0, z1, T), lerp(z0, z1, T), atol=1e-14)


@pytest.mark.parametrize("small", [1e-3, 1e-6, 1e-7, 1e-8, 1e-9, 1e-12])
def test_a_small_turn_is_turned(small):
    """The angle of half the way is half the angle, however small: nothing jumps where lerp takes over."""
    z0, z1 = np.array([1.0, 0.0]), np.array([math.cos(small), math.sin(small)])
    np.testing.assert_allclose(slerp(z0, z1, 0.5)[1], math.sin(small / 2), rtol=1e-9)


def test_opposite_codes_have_no_shortest_way(codes):
    z0, z1 = codes.copy()
    z1[3] = -2 * z0[3]
    with pytest.raises(ValueError, match="must not be opposite"):
        slerp(z0, z1, T)


def test_a_traversal_moves_one_latent_and_leaves_the_others(codes):
    z, values = codes[0].astype(np.float32), np.array([-3.0, 0.5, 3.0])
    before = z.copy()
    for moved, start in ((traverse(z, 2, values), z), (traverse(z[0], 2, values)[None], z[:1])):
        assert moved.shape == (len(start), 3, 8) and moved.dtype == np.float32
        assert np.array_equal(moved[..., 2], np.tile(values, (len(start), 1)))
        others = [0, 1, 3, 4, 5, 6, 7]
        assert np.array_equal(moved[..., others], np.repeat(start[:, None, others], 3, axis=1))
    assert np.array_equal(z, before)


@pytest.mark.parametrize("dimension", [-1, 8])
def test_a_traversal_of_a_latent_that_is_not_there(dimension, codes):
    with pytest.raises(ValueError, match=f"dimension must be one of 0 to 7, but is {dimension}"):
        traverse(codes[0], dimension, T)


def test_an_attribute_is_found_where_it_was_put():
    """A shift added to some codes comes back, within the errors of two means; and exactly, of the same codes."""
    rng = np.random.default_rng(3)
    shift = np.array([1.0, 0, 0, -2.0])
    z = rng.standard_normal((500, 4))
    np.testing.assert_allclose(attribute_vector(z + shift, z), shift, atol=1e-14)
    found = attribute_vector(rng.standard_normal((500, 4)) + shift, z[:300])
    assert (np.abs(found - shift) < 4 * math.sqrt(1 / 500 + 1 / 300)).all()
    assert attribute_vector(z.astype(np.float32), z.astype(np.float32)).dtype == np.float32


def test_an_attribute_that_nobody_has(codes):
    with pytest.raises(ValueError, match="z_without must hold at least one code"):
        attribute_vector(codes[0], codes[1, :0])
