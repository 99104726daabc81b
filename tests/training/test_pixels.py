"""Images that stay uint8 until a batch is made of them: the same training as on the floats, to the bit."""

import numpy as np
import pytest

from scratchvae.datasets import Pixels, pixels
from scratchvae.models import mlp_vae
from scratchvae.training import Adam, fit

IMAGES = np.random.default_rng(0).integers(0, 17, (50, 3, 4), np.uint8)


def trained(x, **options):
    model = mlp_vae(12, [8], 3, np.random.default_rng(0))
    (record,) = fit(model, x, x_test=x, optimizer=Adam(model), epochs=1, batch_size=20, progress=False, **options)
    return np.concatenate([p.value.ravel() for p in model.parameters().values()]), record["train"], record["test"]


@pytest.mark.parametrize("binarization", ["none", "dynamic", "static"])
def test_pixels_made_in_time_train_to_the_same_bits(binarization):
    theta, *terms = trained(pixels(IMAGES, 16), binarization=binarization)
    same, *same_terms = trained(Pixels(IMAGES, 16), binarization=binarization)
    assert np.array_equal(theta, same) and terms == same_terms


@pytest.mark.parametrize("rows", [slice(3, 9), np.array([4, 0, 4]), slice(None)])
def test_pixels_are_those_of_the_images(rows):
    x = Pixels(IMAGES, 16, np.float64)
    assert x.shape == (50, 12) and len(x) == 50 and x.dtype == np.float64
    assert np.array_equal(x[rows], pixels(IMAGES, 16, np.float64)[rows])


def test_floats_are_no_images():
    with pytest.raises(ValueError, match="images must be uint8"):
        Pixels(pixels(IMAGES, 16))


def test_a_level_above_white_is_found_before_the_first_step():
    with pytest.raises(ValueError, match="levels must be the value of a white pixel, but is 8 where"):
        trained(Pixels(IMAGES, 8))
