"""The same weights, data and noise in PyTorch's autograd: the same loss, the same gradients, the same Adam."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from scratchvae.models import mlp_vae
from scratchvae.nn import elu, relu, softplus, tanh
from scratchvae.probability import Bernoulli, Gaussian
from scratchvae.training import Adam, TextbookAdam

torch = pytest.importorskip("torch")

ACTIVATIONS = {"relu": relu, "elu": elu, "tanh": tanh, "softplus": softplus}


class Twin:
    """A VAE of scratchvae written again for autograd, on the same parameters."""

    def __init__(self, vae, activation):
        self.vae, self.activation = vae, getattr(torch.nn.functional, activation)
        self.parameters = {name: torch.tensor(p.value, requires_grad=True) for name, p in vae.parameters().items()}

    def layer(self, name, h):
        return h @ self.parameters[f"{name}.W"] + self.parameters[f"{name}.b"]

    def hidden(self, side, n_hidden, h):
        for i in range(n_hidden):
            h = self.activation(self.layer(f"{side}.nodes.{2 * i}", h))
        return h

    def loss(self, x, eps, n_hidden, beta):
        h, last = self.hidden("encoder", n_hidden, x), f"encoder.nodes.{2 * n_hidden}"
        mu, logvar = self.layer(f"{last}.mu", h), self.layer(f"{last}.logvar", h)
        q = torch.distributions.Normal(mu, torch.exp(0.5 * logvar))
        z = q.loc + q.scale * eps
        y = self.layer(f"decoder.nodes.{2 * n_hidden}", self.hidden("decoder", n_hidden, z))
        if isinstance(self.vae.likelihood, Bernoulli):
            nll = torch.nn.functional.binary_cross_entropy_with_logits(y, x, reduction="none").sum(1)
        else:
            nll = -torch.distributions.Normal(y, self.vae.likelihood.sigma).log_prob(x).sum(1)
        kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum(1)
        return nll + beta * kl


@hypothesis.given(seed=st.integers(0, 2**32 - 1), sizes=st.tuples(*[st.integers(1, 9)] * 4), n_hidden=st.integers(0, 3),
                  activation=st.sampled_from(sorted(ACTIVATIONS)), sigma=st.sampled_from([None, 0.1, 1.0]),
                  beta=st.sampled_from([1.0, 0.3, 5.0]))
@hypothesis.settings(max_examples=60, deadline=None, derandomize=True)
def test_loss_gradients_and_ten_steps_of_adam_agree(seed, sizes, n_hidden, activation, sigma, beta):
    B, D, H, Z = sizes
    rng = np.random.default_rng(seed)
    vae = mlp_vae(D, [H] * n_hidden, Z, rng, activation=ACTIVATIONS[activation], dtype=np.float64,
                  likelihood=Bernoulli() if sigma is None else Gaussian(sigma))
    twin = Twin(vae, activation)
    x, eps = rng.random((B, D)), rng.standard_normal((B, Z))
    ours, theirs = Adam(vae, lr=0.01), torch.optim.Adam(twin.parameters.values(), lr=0.01)
    for _ in range(10):
        loss, backward = vae.negative_elbo(x=x, eps=eps, beta=beta)
        backward(np.full(B, 1 / B))
        theirs.zero_grad()
        loss_twin = twin.loss(torch.tensor(x), torch.tensor(eps), n_hidden, beta)
        loss_twin.mean().backward()
        assert np.allclose(loss, loss_twin.detach().numpy(), rtol=1e-10, atol=1e-10)
        for name, p in vae.parameters().items():
            assert np.allclose(p.grad, twin.parameters[name].grad.numpy(), rtol=1e-10, atol=1e-10), name
        ours.step()
        theirs.step()
        for name, p in vae.parameters().items():
            assert np.allclose(p.value, twin.parameters[name].detach().numpy(), rtol=1e-8, atol=1e-8), name
            twin.parameters[name].data[:] = torch.tensor(p.value)       # rounding does not pile up over the steps


def test_textbook_adam_is_the_one_of_torch():
    rng = np.random.default_rng(0)
    vae = mlp_vae(5, [4], 2, rng, dtype=np.float64)
    twins = {name: torch.tensor(p.value, requires_grad=True) for name, p in vae.parameters().items()}
    ours, theirs = TextbookAdam(vae, lr=0.02), torch.optim.Adam(twins.values(), lr=0.02)
    for _ in range(50):
        for name, p in vae.parameters().items():
            g = rng.standard_normal(p.value.shape)
            p.grad += g
            twins[name].grad = torch.tensor(g)
        ours.step()
        theirs.step()
    assert all(np.allclose(p.value, twins[name].detach().numpy(), rtol=1e-10, atol=1e-12)
               for name, p in vae.parameters().items())
