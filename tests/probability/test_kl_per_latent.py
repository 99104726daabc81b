"""The divergence of each latent alone: its sum, its formula and its float32."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from scratchvae.probability import gaussian_kl, gaussian_kl_per_latent


def test_their_sum_is_the_divergence_and_so_is_the_sum_of_their_gradients():
    rng = np.random.default_rng(0)
    mu, logvar, dkl = rng.standard_normal((5, 3)), rng.standard_normal((5, 3)), rng.standard_normal(5)
    kl, backward = gaussian_kl_per_latent.forward(mu, logvar)
    total, total_backward = gaussian_kl.forward(mu, logvar)
    np.testing.assert_allclose(kl.sum(axis=1), total, rtol=1e-13)
    for a, b in zip(backward(np.tile(dkl[:, None], 3)), total_backward(dkl), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


@pytest.mark.parametrize(("mu", "logvar"), [(0.0, 0.0), (1.5, -1.0), (-0.3, 0.8)])
def test_each_is_the_integral_that_it_stands_for(mu, logvar):
    q, p = norm(mu, np.exp(logvar / 2)), norm()
    integral = quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), -20, 20)[0]
    found = gaussian_kl_per_latent(np.array([[mu, 0.0]]), np.array([[logvar, 0.0]]))
    np.testing.assert_allclose(found, [[integral, 0]], atol=1e-9)


def test_a_latent_that_is_its_prior_has_none():
    assert not gaussian_kl_per_latent(np.zeros((2, 3), np.float32), np.zeros((2, 3), np.float32)).any()
