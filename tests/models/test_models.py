"""What a model offers beside its loss: codes, images of codes, reconstructions."""

import itertools

import numpy as np
import pytest

from scratchvae.models import gaussian_noise, mlp_autoencoder, mlp_vae
from scratchvae.nn import sigmoid, tanh
from scratchvae.probability import Bernoulli, Gaussian, SquaredError
from scratchvae.training.flat import pack

X = np.random.default_rng(0).random((7, 9), np.float32)


@pytest.fixture
def rng():
    return np.random.default_rng(1)


@pytest.mark.parametrize("hidden", [[], [5], [6, 4]])
def test_a_vae_has_the_layers_it_was_asked_for(rng, hidden):
    vae = mlp_vae(9, hidden, 3, rng, activation=tanh)
    widths = [9, *hidden]
    expected = sum(a * b + b for a, b in itertools.pairwise(widths)) + 2 * (widths[-1] * 3 + 3)
    widths = [3, *reversed(hidden), 9]
    expected += sum(a * b + b for a, b in itertools.pairwise(widths))
    assert pack(vae).value.size == expected
    mu, logvar = vae.encode(X)
    assert mu.shape == logvar.shape == (7, 3) and vae.decode(mu).shape == (7, 9)


def test_the_vae_of_the_book_has_784_400_20_400_784(rng):
    vae = mlp_vae(784, [400], 20, rng)
    assert [p.value.shape for p in vae.parameters().values()] == [
        (784, 400), (400,), (400, 20), (20,), (400, 20), (20,), (20, 400), (400,), (400, 784), (784,)]


def test_a_vae_reconstructs_from_the_mean_of_its_posterior(rng):
    vae = mlp_vae(9, [5], 3, rng)
    mu, _ = vae.encode(X)
    assert np.array_equal(vae.reconstruct(X), sigmoid(vae.decoder(mu)))
    assert np.ptp(vae.reconstruct(X), axis=0).min() > 0         # it depends on x


def test_the_squared_error_stands_where_a_likelihood_does(rng):
    vae, x = mlp_vae(3, [4], 2, rng, likelihood=SquaredError(), dtype=np.float64), rng.random((5, 3))
    distance, _ = vae(x=x, eps=np.zeros((5, 2)))
    np.testing.assert_allclose(distance, ((vae.reconstruct(x) - x) ** 2).sum(axis=1), rtol=1e-13)


def test_the_terms_of_a_vae_are_those_of_its_parts(rng):
    vae = mlp_vae(9, [5], 3, rng, likelihood=Gaussian(0.4))
    eps = vae.noise(X, rng)["eps"]
    mu, logvar = vae.encode(X)
    y = vae.decoder(mu + np.exp(logvar / 2) * eps)
    nll, kl = vae(x=X, eps=eps)
    assert np.allclose(nll, vae.likelihood(y, x=X), rtol=1e-6)
    assert np.allclose(kl, (mu**2 + np.exp(logvar) - 1 - logvar).sum(axis=1) / 2, rtol=1e-5)
    assert np.allclose(vae.negative_elbo(x=X, eps=eps, beta=3.0)[0], nll + 3 * kl, rtol=1e-6)


def test_the_means_and_the_draws_of_new_images_are_of_the_same_z(rng):
    vae = mlp_vae(9, [5], 3, rng, likelihood=Gaussian(1e-4))
    draws, z = vae.sample(50, rng)
    means = vae.decode(z)
    assert np.abs(draws - means).max() < 6e-4 and np.ptp(means, axis=0).min() > 0.1


@pytest.mark.parametrize(("distance", "mean"), [(Bernoulli(), sigmoid), (SquaredError(), lambda y: y)])
def test_an_autoencoder_reconstructs_through_its_code(rng, distance, mean):
    ae = mlp_autoencoder(9, [6], 4, rng, distance=distance)
    assert ae.encode(X).shape == (7, 4)
    assert np.array_equal(ae.reconstruct(X), mean(ae.decoder(ae.encoder(X))))
    assert np.allclose(ae(x=X)[0], distance(ae.decoder(ae.encoder(X)), x=X))


def test_the_autoencoders_of_the_book_have_their_sizes(rng):
    def shapes(model):
        return [p.value.shape for name, p in model.parameters().items() if name.endswith("W")]

    assert shapes(mlp_autoencoder(784, [256], 64, rng)) == [(784, 256), (256, 64), (64, 256), (256, 784)]
    assert shapes(mlp_autoencoder(784, [], 256, rng, corrupt=gaussian_noise)) == [(784, 256), (256, 784)]


@pytest.mark.parametrize("call", [lambda vae, x: vae.encode(x), lambda vae, x: vae.reconstruct(x),
                                  lambda vae, x: vae(x=x, eps=np.zeros((7, 3), np.float32))])
def test_images_of_another_size_are_one_clear_sentence(rng, call):
    with pytest.raises(ValueError, match=r"x must have shape \(B, 9\), but has \(7, 8\)"):
        call(mlp_vae(9, [5], 3, rng), X[:, :8])


def test_noise_of_the_wrong_shape_is_one_clear_sentence(rng):
    with pytest.raises(ValueError, match=r"eps must have the shape of mu, \(7, 3\), but has \(1, 3\)"):
        mlp_vae(9, [5], 3, rng)(x=X, eps=np.zeros((1, 3), np.float32))


@pytest.mark.parametrize("sigma", [0, -1.0, float("nan")])
def test_a_gaussian_needs_a_positive_sigma(sigma):
    with pytest.raises(ValueError, match="sigma must be positive"):
        Gaussian(sigma)


def test_nothing_is_drawn_from_a_distance(rng):
    with pytest.raises(ValueError, match="must be a density to draw x from, but SquaredError is a distance"):
        mlp_vae(9, [5], 3, rng, likelihood=SquaredError()).sample(2, rng)
