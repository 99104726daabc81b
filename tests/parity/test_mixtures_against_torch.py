"""Mixtures are those of torch.distributions: one k for the whole of x."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
from agreement import tensor, torch

from scratchvae.probability import BernoulliMixture, GaussianMixture

D = torch.distributions
mixtures = hypothesis.given(seed=st.integers(0, 2**32 - 1), K=st.integers(1, 5), n=st.integers(1, 6))
some_examples = hypothesis.settings(max_examples=40, deadline=None, derandomize=True)


def assert_same(ours, components, x):
    theirs = D.MixtureSameFamily(D.Categorical(tensor(ours.weights)), components)
    np.testing.assert_allclose(ours.log_likelihood(x), theirs.log_prob(tensor(x)).numpy(), rtol=1e-10, atol=1e-10)


@mixtures
@some_examples
def test_gaussians(seed, K, n):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((K, n, n))
    ours = GaussianMixture(rng.dirichlet(np.ones(K)), rng.standard_normal((K, n)), A @ A.swapaxes(1, 2) + np.eye(n))
    components = D.MultivariateNormal(tensor(ours.means), covariance_matrix=tensor(ours.covariances))
    assert_same(ours, components, 3 * rng.standard_normal((20, n)))


@mixtures
@some_examples
def test_bernoullis(seed, K, n):
    rng = np.random.default_rng(seed)
    ours = BernoulliMixture(rng.dirichlet(np.ones(K)), rng.uniform(0.01, 0.99, (K, n)))
    components = D.Independent(D.Bernoulli(tensor(ours.means)), 1)
    assert_same(ours, components, rng.integers(0, 2, (20, n)).astype(float))
