"""Convolutions: adjoint to each other to the last digit, and equal to the plain formula."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from scratchvae.core import Sequential
from scratchvae.models import conv_vae
from scratchvae.nn import (
    Conv2d,
    ConvTranspose2d,
    GaussianHeads,
    Linear,
    Reshape,
    elu,
    flatten,
    fold,
    glorot_uniform,
    unfold,
)
from scratchvae.proof import prove

kernels = st.fixed_dictionaries({"kernel": st.integers(1, 5), "stride": st.integers(1, 4),
                                 "padding": st.integers(0, 3)})
channels = st.tuples(st.integers(1, 9), st.integers(1, 9))
seeds = st.integers(0, 2**32 - 1)


def images(rng, how, c, more=7):
    """Random images, as small as the kernel allows or a little larger, and not square."""
    least = max(1, how["kernel"] - 2 * how["padding"])
    return rng.standard_normal((rng.integers(1, 4), *(least + rng.integers(0, more, 2)), c))


def layer(kind, c, rng, **how):
    made = kind(*c, how.pop("kernel"), rng, dtype=np.float64, **how)
    made.b.value[:] = rng.standard_normal(made.b.value.shape)
    return made


def close(a, b, tolerance=1e-12):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(1, np.abs(b).max(initial=0)))


@hypothesis.given(seeds, kernels)
@hypothesis.settings(max_examples=60, deadline=None, derandomize=True)
def test_fold_is_the_adjoint_of_unfold(seed, how):
    rng = np.random.default_rng(seed)
    x = images(rng, how, 3)
    patches = unfold(x, **how)
    dpatches = rng.standard_normal(patches.shape)
    close((patches * dpatches).sum(), (x * fold(dpatches, size=x.shape[1:3], **how)).sum())


def test_unfold_reads_what_its_docstring_says():
    x = np.arange(2 * 4 * 5 * 3, dtype=float).reshape(2, 4, 5, 3)
    patches = unfold(x, kernel=3, stride=2, padding=1)
    assert patches.shape == (2, 2, 3, 27)
    patches = patches.reshape(2, 2, 3, 3, 3, 3)
    for i, j, a, b in np.ndindex(2, 3, 3, 3):
        r, c = 2 * i + a - 1, 2 * j + b - 1
        expected = x[:, r, c] if 0 <= r < 4 and 0 <= c < 5 else np.zeros((2, 3))
        np.testing.assert_array_equal(patches[:, i, j, a, b], expected)


@hypothesis.given(seeds, kernels, channels)
@hypothesis.settings(max_examples=60, deadline=None, derandomize=True)
def test_the_layers_are_the_plain_products(seed, how, c):
    """The fast way of correlation.py against unfold(x) W + b and fold(x W') + b."""
    rng = np.random.default_rng(seed)
    conv = layer(Conv2d, c, rng, **how)
    x = images(rng, how, c[0])
    y = conv(x)
    close(y, unfold(x, **how) @ conv.W.value + conv.b.value)
    back = layer(ConvTranspose2d, c[::-1], rng, **how)
    if min(back.size_out(y)) < 1:
        return
    close(back(y), fold(y @ back.W.value.T, size=back.size_out(y), **how) + back.b.value)


@hypothesis.given(seeds, kernels, channels)
@hypothesis.settings(max_examples=60, deadline=None, derandomize=True)
def test_transposed_convolution_is_the_adjoint(seed, how, c):
    """<Conv x, y> = <x, ConvT y> with the same W, for every size of x: output_padding says which."""
    rng = np.random.default_rng(seed)
    conv = Conv2d(*c, how["kernel"], rng, stride=how["stride"], padding=how["padding"], dtype=np.float64)
    x = images(rng, how, c[0], more=9)
    x = x[:, :min(x.shape[1:3]), :min(x.shape[1:3])]                       # square: one output_padding for both sides
    left = conv(x)
    y = rng.standard_normal(left.shape)
    rest = (x.shape[1] + 2 * how["padding"] - how["kernel"]) % how["stride"]
    back = ConvTranspose2d(*c[::-1], how["kernel"], rng, stride=how["stride"], padding=how["padding"],
                           output_padding=rest, dtype=np.float64)
    back.W = conv.W
    right = back(y)
    assert right.shape == x.shape
    scale = np.abs(left * y).sum()
    assert abs((left * y).sum() - (x * right).sum()) <= 1e-12 * scale


def test_no_images_give_no_images():
    f = Conv2d(2, 3, 3, np.random.default_rng(0), padding=1)
    y, backward = f.forward(np.zeros((0, 5, 5, 2), np.float32))
    assert y.shape == (0, 5, 5, 3)
    assert backward(y).shape == (0, 5, 5, 2)


def test_the_signal_keeps_its_variance():
    """Glorot's promise, in the middle of an image, there and back."""
    rng = np.random.default_rng(0)
    for stride in (1, 2):
        f = Conv2d(32, 32, 4, rng, stride=stride, padding=1, dtype=np.float64)
        x = rng.standard_normal((8, 32, 32, 32))
        y, backward = f.forward(x)
        n_in, n_out = 16 * 32, 16 * 32 / stride**2
        inner = slice(4, -4)
        assert y[:, inner, inner].var() == pytest.approx(2 * n_in / (n_in + n_out), rel=0.1)
        dx = backward(rng.standard_normal(y.shape))
        assert dx[:, inner, inner].var() == pytest.approx(2 * n_out / (n_in + n_out), rel=0.1)
    assert glorot_uniform(3, 4, rng).shape == (3, 4)


@pytest.mark.parametrize(("kind", "how"), [
    (Conv2d, {"kernel": 4, "stride": 2, "padding": 1}), (Conv2d, {"kernel": 3, "padding": 1}),
    (ConvTranspose2d, {"kernel": 4, "stride": 2, "padding": 1}), (ConvTranspose2d, {"kernel": 3, "padding": 1})])
def test_the_first_weights_know_how_many_numbers_are_summed_at_each_pixel(kind, how):
    """Counted inside an image, away from its edges: of ones through weights of one, there and back."""
    told = []

    def ones(n_in, n_out, rng, shape):
        told.extend([n_in, n_out])
        return np.ones(shape)

    conv = kind(3, 5, rng=np.random.default_rng(0), init=ones, dtype=np.float64, **how)
    y, backward = conv.forward(np.ones((1, 24, 24, 3)))
    dx = backward(np.ones_like(y))
    assert told == [y[:, 4:-4, 4:-4].mean(), dx[:, 4:-4, 4:-4].mean()]


def test_what_is_wrong_is_said_in_a_sentence():
    rng = np.random.default_rng(0)
    f = Conv2d(2, 3, 4, rng, padding=1)
    with pytest.raises(ValueError, match=r"x must have shape \(B, height, width, 2\), but has \(5, 4\)"):
        f(np.zeros((5, 4), np.float32))
    with pytest.raises(ValueError, match="at least 2 pixels a side for a kernel of 4 with padding 1, but has 1"):
        f(np.zeros((1, 1, 7, 2), np.float32))
    with pytest.raises(ValueError, match="output_padding must be at least 0 and below stride 2, but is 2"):
        ConvTranspose2d(2, 3, 4, rng, stride=2, output_padding=2)
    with pytest.raises(ValueError, match="a kernel of 1 with stride 1 and padding 1 makes -1 x -1"):
        ConvTranspose2d(2, 3, 1, rng, padding=1)(np.zeros((1, 1, 1, 2), np.float32))
    with pytest.raises(ValueError, match="kernel must be at least 1, but is 0"):
        Conv2d(2, 3, 0, rng)
    with pytest.raises(ValueError, match="padding must be at least 0, but is -1"):
        Conv2d(2, 3, 3, rng, padding=-1)


def test_reshape_and_flatten_undo_each_other():
    x = np.random.default_rng(0).standard_normal((3, 24))
    np.testing.assert_array_equal(Sequential(Reshape(2, 3, 4), flatten)(x), x)


def test_the_convolutional_vae_says_of_many_images_what_it_says_of_each():
    rng = np.random.default_rng(0)
    vae = conv_vae(2, rng, channels=2, dtype=np.float64)
    x = rng.random((21, 784))
    eps = vae.noise(x, rng)["eps"]
    each = [vae(x=x[i:i + 1], eps=eps[i:i + 1]) for i in range(len(x))]
    for whole, parts in zip(vae(x=x, eps=eps), zip(*each, strict=True), strict=True):
        close(whole, np.concatenate(parts))


def test_the_convolutional_vae_has_the_published_shapes():
    vae = conv_vae(10, np.random.default_rng(0))

    def shapes(nodes, x):
        found = []
        for f in nodes:
            x = f(x)
            found.append(x.shape[1:])
        return list(dict.fromkeys(found))

    x, z = np.zeros((2, 784), np.float32), np.zeros((2, 10), np.float32)
    assert shapes(vae.encoder.nodes[:-1], x) == [(28, 28, 1), (29, 29, 32), (14, 14, 32), (7, 7, 64), (3136,)]
    assert [m.shape for m in vae.encode(x)] == [(2, 10), (2, 10)]
    assert shapes(vae.decoder.nodes, z) == [(3136,), (7, 7, 64), (14, 14, 32), (29, 29, 32), (28, 28, 1), (784,)]


def test_the_convolutional_vae_has_an_activation_after_every_layer_but_the_last():
    vae = conv_vae(10, np.random.default_rng(0), activation=elu)
    for net in (vae.encoder, vae.decoder):
        kinds = "".join("w" if isinstance(f, Conv2d | ConvTranspose2d | Linear | GaussianHeads) else "a"
                        for f in net.nodes if f is elu or hasattr(f, "W") or isinstance(f, GaussianHeads))
        assert kinds == "wawawaw"


def test_the_whole_convolutional_vae_is_proven():
    rng = np.random.default_rng(0)
    vae = conv_vae(3, rng, activation=elu, channels=2)
    x = rng.random((2, 784))
    prove(vae, x=x, **vae.noise(x, rng))
