"""The pictures show what they say."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from scratchvae import plots
from scratchvae.models import mlp_vae


@pytest.fixture
def vae():
    return mlp_vae(16, [5], 2, np.random.default_rng(0))


def test_tile_puts_each_image_in_its_place():
    sheet = plots.tile(np.arange(1, 13).reshape(3, 4), columns=2)
    assert np.array_equal(sheet, [[1, 2, 0, 5, 6, 0], [3, 4, 0, 7, 8, 0], [0] * 6,
                                  [9, 10, 0, 0, 0, 0], [11, 12, 0, 0, 0, 0], [0] * 6])


def test_reconstructions_show_originals_above(vae):
    x = np.random.default_rng(1).random((12, 16), np.float32)
    above, below = plots.reconstructions(vae, x).axes
    assert np.array_equal(above.images[0].get_array(), plots.tile(x, 12))
    assert np.allclose(below.images[0].get_array(), plots.tile(vae.reconstruct(x), 12))


def test_samples_show_means_and_draws_of_the_same_z(vae):
    means, draws = plots.samples(vae, np.random.default_rng(0), n=4).axes
    expected = vae.sample(4, np.random.default_rng(0))
    for axis, images in zip((means, draws), expected, strict=True):
        assert np.array_equal(axis.images[0].get_array(), plots.tile(images, 2))


def test_the_manifold_decodes_its_corners_where_the_axes_say(vae):
    (axis,) = plots.manifold(vae, columns=5).axes
    sheet = axis.images[0].get_array()
    low, high = -1.2815515, 1.2815515                       # quantiles .1 and .9 of N(0, 1)
    top_left = vae.decode(np.array([[low, high]], np.float32)).reshape(4, 4)
    assert np.allclose(sheet[:4, :4], top_left, atol=1e-6)
    assert [t.get_text() for t in axis.get_yticklabels()] == ["1.3", "0.5", "0.0", "-0.5", "-1.3"]


def test_a_manifold_needs_two_latents():
    with pytest.raises(ValueError, match="2 latents to draw its plane, but has 3"):
        plots.manifold(mlp_vae(16, [5], 3, np.random.default_rng(0)))


def test_learning_curves_draw_every_term_and_the_sum():
    records = [{"epoch": e, "train": {"reconstruction": 9.0 - e, "kl": 1.0},
                "test": {"reconstruction": 9.5 - e, "kl": 1.5}} for e in (1, 2, 3)]
    figure = plots.learning_curves(records)
    assert [axis.get_title() for axis in figure.axes] == ["reconstruction", "kl", "reconstruction + kl"]
    train, test = figure.axes[2].lines
    assert list(train.get_ydata()) == [9, 8, 7] and list(test.get_ydata()) == [10, 9, 8]
    assert figure.axes[0].get_ylabel() == "nats an image"


def test_a_figure_is_not_left_open(vae):
    plots.samples(vae, np.random.default_rng(0), n=4)
    assert not plt.get_fignums()
