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
    x, z = vae.sample(4, np.random.default_rng(0))
    for axis, images in zip((means, draws), (vae.decode(z), x), strict=True):
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


def test_a_strip_has_its_labels_beside_it_and_its_ticks_below():
    rows = {"a": np.zeros((3, 16)), "b": np.arange(48.0).reshape(3, 16) / 48}
    (axis,) = plots.strips(rows, [-1.0, 0.0, 0.25], "t").axes
    assert np.array_equal(axis.images[0].get_array(), plots.tile(np.concatenate(list(rows.values())), 3))
    assert [t.get_text() for t in axis.get_xticklabels()] == ["-1", "0", "0.25"]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["a", "b"]
    assert list(axis.get_xticks()) == [2.5, 7.5, 12.5] and list(axis.get_yticks()) == [2.5, 7.5]


def test_traversals_decode_one_latent_at_a_time(vae):
    z, values = np.array([0.3, -0.7], np.float32), [-2.0, 0.0, 2.0]
    (axis,) = plots.traversals(vae, z, [1, 0], values).axes
    codes = np.array([[0.3, v] for v in values] + [[v, -0.7] for v in values], np.float32)
    assert np.allclose(axis.images[0].get_array(), plots.tile(vae.decode(codes), 3), atol=1e-6)
    assert [t.get_text() for t in axis.get_yticklabels()] == ["z2", "z1"]


def test_the_map_shows_every_code_in_the_colour_and_marker_of_its_class():
    rng = np.random.default_rng(2)
    z, labels = rng.standard_normal((60, 2)), np.repeat(np.arange(10), 6)
    (axis,) = plots.latent_map(z, labels, names=list("abcdefghij")).axes
    assert all(np.array_equal(dots.get_offsets(), z[labels == k]) for k, dots in enumerate(axis.collections))
    assert len({tuple(dots.get_facecolor()[0]) for dots in axis.collections}) == 10
    assert len({dots.get_paths()[0].vertices.tobytes() for dots in axis.collections}) == 10
    in_legend, on_map = axis.get_legend().get_texts(), axis.texts
    assert [t.get_text() for t in in_legend] == [t.get_text() for t in on_map] == [*"abcdefghij"]
    assert axis.texts[3].get_position() == tuple(np.median(z[labels == 3], axis=0))


@pytest.mark.parametrize("z", [np.zeros((11, 3)), np.zeros((11, 2))])
def test_a_map_has_two_latents_and_ten_classes_at_most(z):
    with pytest.raises(ValueError, match=f"but there are {z.shape[1]} latents and 11 classes"):
        plots.latent_map(z, np.arange(11))


def test_a_sweep_draws_each_curve_over_what_was_tried():
    curves = {"KL": [1.0, 2.0, 3.0], "-ELBO": ([9.0, 8.0, 7.0], [0.1, 0.2, 0.3])}
    (axis,) = plots.sweep([2, 10, 50], curves, "number of latents", log=True).axes
    assert [list(bars.lines[0].get_ydata()) for bars in axis.containers] == [[1, 2, 3], [9, 8, 7]]
    assert [t.get_text() for t in axis.get_xticklabels()] == ["2", "10", "50"] and axis.get_xscale() == "log"
    bars = axis.containers[1].lines[2][0].get_segments()
    assert np.allclose([segment[:, 1] for segment in bars], [[8.9, 9.1], [7.8, 8.2], [6.7, 7.3]])


def test_lines_of_one_bound_cross_the_rate_distortion_plane():
    (axis,) = plots.rate_distortion_plane([40, 15, 1], [72, 92, 190], ["low", "middle", "high"]).axes
    dots, *lines = axis.lines
    assert np.array_equal(dots.get_xydata(), [[40, 72], [15, 92], [1, 190]])
    said = {t.get_text(): t.get_position() for t in axis.texts}
    bounds = {text: place for text, place in said.items() if text.startswith("-ELBO ")}
    assert len(lines) > len(bounds) > 3 and set(said) - set(bounds) == {"low", "middle", "high"}
    for text, (rate, distortion) in bounds.items():
        assert rate + distortion == pytest.approx(float(text.removeprefix("-ELBO ")))
