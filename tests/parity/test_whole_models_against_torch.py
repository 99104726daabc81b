"""The VAE of chapter 8 and the convolutional one of chapter 10 as PyTorch's users write them, weights copied."""

import itertools

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from agreement import assert_gradient, tensor, torch

from scratchvae import nn
from scratchvae.models import conv_vae, mlp_vae
from scratchvae.probability import Bernoulli, Gaussian
from scratchvae.training import Adam

T, D = torch.nn, torch.distributions
ACTIVATIONS = {"relu": T.ReLU, "elu": T.ELU, "tanh": T.Tanh, "sigmoid": T.Sigmoid}


class TorchVAE(T.Module):
    """`body` makes the features of x; `decoder` the logits of x, or its mean where sigma is given."""

    def __init__(self, body, n_features, n_latents, decoder, sigma=None):
        super().__init__()
        self.body, self.decoder, self.sigma = body, decoder, sigma
        self.mu, self.logvar = T.Linear(n_features, n_latents), T.Linear(n_features, n_latents)
        self.double()

    def forward(self, x, eps):
        """(-log p(x|z), KL), each (B,)"""
        h = self.body(x)
        q = D.Normal(self.mu(h), torch.exp(0.5 * self.logvar(h)))
        z = q.loc + q.scale * eps
        y = self.decoder(z)
        p = D.Bernoulli(logits=y, validate_args=False) if self.sigma is None else D.Normal(y, self.sigma)
        prior = D.Normal(torch.zeros_like(z), torch.ones_like(z))
        return -p.log_prob(x).flatten(1).sum(1), D.kl_divergence(q, prior).sum(1)

    def layers(self):
        """The layers that have weights, from x to z and back."""
        return [f for net in (self.body, self.mu, self.logvar, self.decoder) for f in net.modules()
                if hasattr(f, "weight")]


def torch_mlp_vae(sizes, activation, sigma):
    def mlp(sizes):
        return [f for pair in itertools.pairwise(sizes) for f in (T.Linear(*pair), activation())]

    *there, n_latents = sizes
    return TorchVAE(T.Sequential(*mlp(there)), there[-1], n_latents, T.Sequential(*mlp(sizes[::-1])[:-1]), sigma)


def torch_conv_vae(n_latents, c, activation, sigma=None):
    body = T.Sequential(T.Conv2d(1, c, 4, 1, 2), activation(), T.Conv2d(c, c, 4, 2, 1), activation(),
                        T.Conv2d(c, 2 * c, 4, 2, 1), activation(), T.Flatten())
    decoder = T.Sequential(
        T.Linear(n_latents, 98 * c), activation(), T.Unflatten(1, (2 * c, 7, 7)),
        T.ConvTranspose2d(2 * c, c, 4, 2, 1), activation(),
        T.ConvTranspose2d(c, c, 4, 2, 1, output_padding=1), activation(), T.ConvTranspose2d(c, 1, 4, 1, 2))
    return TorchVAE(body, 98 * c, n_latents, decoder, sigma)


def as_torch(a, layer, c):
    """A weight or bias of ours, in the shape and order of PyTorch's layer.

    Images have their channels last here and first there, which also reorders the 7 x 7 x 2c numbers of a flat image.
    """
    if isinstance(layer, T.Conv2d | T.ConvTranspose2d):
        return a if a.ndim == 1 else a.reshape(4, 4, -1, a.shape[1]).transpose(3, 2, 0, 1)
    if c is None or 98 * c not in a.shape:
        return a.T
    flat = np.arange(98 * c).reshape(7, 7, 2 * c).transpose(2, 0, 1).ravel()
    return np.take(a, flat, axis=a.shape.index(98 * c)).T


def pairs(ours, theirs, c=None):
    """(name, our Parameter, its value as PyTorch lays it out, PyTorch's) for every parameter of both."""
    layers = [f for f in theirs.layers() for _ in range(2)]
    tensors = [p for f in theirs.layers() for p in (f.weight, f.bias)]
    for (name, p), layer, t in zip(ours.parameters().items(), layers, tensors, strict=True):
        yield name, p, lambda a, layer=layer: as_torch(a, layer, c), t


def copy_weights(ours, theirs, rng, c=None):
    """Random biases too: at 0 many mistakes cannot be seen."""
    for _, p, turned, t in pairs(ours, theirs, c):
        if p.value.ndim == 1:
            p.value[:] = 0.1 * rng.standard_normal(p.value.shape)
        t.data = tensor(turned(p.value))


def assert_same(ours, theirs, x, eps, beta, rtol=1e-10, c=None):
    """Terms, loss and gradients of both."""
    loss, backward = ours.negative_elbo(x=x, eps=eps, beta=beta)
    weights = np.linspace(0.5, 1.5, len(x)) / len(x)
    backward(weights)
    theirs.zero_grad()
    images = tensor(x) if c is None else tensor(x.reshape(-1, 1, 28, 28))
    nll, kl = theirs(images, tensor(eps))
    (tensor(weights) @ (nll + beta * kl)).backward()
    np.testing.assert_allclose(ours(x=x, eps=eps)[0], nll.detach().numpy(), rtol=rtol)
    np.testing.assert_allclose(ours(x=x, eps=eps)[1], kl.detach().numpy(), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(loss, (nll + beta * kl).detach().numpy(), rtol=rtol)
    for name, p, turned, t in pairs(ours, theirs, c):
        assert_gradient(turned(p.grad), t.grad.numpy(), name, rtol)


@hypothesis.given(seed=st.integers(0, 2**32 - 1), sizes=st.lists(st.integers(1, 9), min_size=2, max_size=5),
                  B=st.integers(1, 9), activation=st.sampled_from(sorted(ACTIVATIONS)),
                  sigma=st.sampled_from([None, 0.1, 1.0]), beta=st.sampled_from([1.0, 0.3, 5.0]))
@hypothesis.settings(max_examples=60, deadline=None, derandomize=True)
def test_the_vae_and_ten_steps_of_adam(seed, sizes, B, activation, sigma, beta):
    rng = np.random.default_rng(seed)
    ours = mlp_vae(sizes[0], sizes[1:-1], sizes[-1], rng, activation=getattr(nn, activation), dtype=np.float64,
                   likelihood=Bernoulli() if sigma is None else Gaussian(sigma))
    theirs = torch_mlp_vae(sizes, ACTIVATIONS[activation], sigma)
    copy_weights(ours, theirs, rng)
    x, eps = rng.random((B, sizes[0])), rng.standard_normal((B, sizes[-1]))
    optimizer, their_optimizer = Adam(ours, lr=0.01), torch.optim.Adam(theirs.parameters(), lr=0.01)
    for _ in range(10):
        assert_same(ours, theirs, x, eps, beta)
        optimizer.step()
        their_optimizer.step()
        for name, p, turned, t in pairs(ours, theirs):
            np.testing.assert_allclose(turned(p.value), t.detach().numpy(), rtol=1e-8, atol=1e-8, err_msg=name)
            t.data = tensor(turned(p.value))                        # rounding does not pile up over the steps


@pytest.mark.parametrize(("activation", "sigma"), [("relu", None), ("elu", 0.5)])
def test_the_convolutional_vae(activation, sigma):
    rng = np.random.default_rng(0)
    ours = conv_vae(5, rng, activation=getattr(nn, activation), channels=4, dtype=np.float64,
                    likelihood=Bernoulli() if sigma is None else Gaussian(sigma))
    theirs = torch_conv_vae(5, 4, ACTIVATIONS[activation], sigma)
    copy_weights(ours, theirs, rng, c=4)
    assert_same(ours, theirs, rng.random((3, 784)), rng.standard_normal((3, 5)), 5.0, c=4)
