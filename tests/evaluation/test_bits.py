"""Bits a pixel, and the noise that makes a density of whole numbers."""

import math

import numpy as np
import pytest

from scratchvae.datasets import dequantize
from scratchvae.evaluation import bits_per_dim
from scratchvae.probability import DiscretizedLogistic, Gaussian

RNG = np.random.default_rng(0)


def test_a_uniform_mass_and_a_uniform_density_cost_8_bits_a_pixel():
    assert math.isclose(bits_per_dim(784 * math.log(256), 784), 8)
    assert math.isclose(bits_per_dim(0.0, 784, levels=256), 8)
    assert np.allclose(bits_per_dim(np.array([0.0, 784 * math.log(2)]), 784, levels=256), [8, 9])


@pytest.mark.parametrize(("levels", "dtype"), [(255, np.float32), (16, np.float64)])
def test_noise_spreads_a_level_evenly_over_its_bin(levels, dtype):
    images = RNG.integers(0, levels + 1, (500, 8, 8)).astype(np.uint8)
    y = dequantize(images, np.random.default_rng(1), levels, dtype)
    assert y.shape == (500, 64) and y.dtype == dtype and y.min() >= 0 and y.max() <= 1
    u = y.astype(np.float64) * (levels + 1) - images.reshape(500, 64)
    assert u.min() > -1e-4 and u.max() < 1 + 1e-4
    assert abs(u.mean() - 0.5) < 5 / math.sqrt(12 * u.size) and abs(u.var() - 1 / 12) < 5 / math.sqrt(180 * u.size)
    assert np.array_equal(y, dequantize(images, np.random.default_rng(1), levels, dtype))


def test_a_density_of_noisy_pixels_bounds_the_mass_of_their_level():
    """log P(k) = log integral over the bin of p(y) dy >= E_u log p((k + u) / 256) - log 256, by Jensen."""
    image = np.full((20_000, 1, 1), 100, np.uint8)
    y = dequantize(image, np.random.default_rng(2), dtype=np.float64)
    for sigma in (0.3, 0.01, 0.002):
        edges = [math.erf((k / 256 - 0.39) / sigma / math.sqrt(2)) / 2 for k in (100, 101)]
        exact = -math.log2(edges[1] - edges[0])
        bound = bits_per_dim(Gaussian(sigma)(np.full_like(y, 0.39), x=y), 1, levels=256)
        error = bound.std() / math.sqrt(len(bound))
        assert bound.mean() > exact - 5 * error
        assert sigma == 0.002 or abs(bound.mean() - exact) < 0.02


def test_the_discretized_logistic_needs_no_noise():
    y = np.array([[100 / 255, math.log(1e-6)]])
    assert bits_per_dim(DiscretizedLogistic(256)(y, x=np.array([[100 / 255]])), 1)[0] < 1e-6
