"""PCA, probabilistic PCA, mixtures and scores are those of scikit-learn."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from scratchvae.datasets import LEVELS, load, pixels
from scratchvae.evaluation import auc
from scratchvae.evaluation.disentanglement import in_bins, mutual_information, mutual_information_gap
from scratchvae.models import PCA, fit_ppca
from scratchvae.probability import GaussianMixture, em

AVAILABLE = "parity with scikit-learn needs scikit-learn, which `make parity` installs"
decomposition = pytest.importorskip("sklearn.decomposition", reason=AVAILABLE)
metrics = pytest.importorskip("sklearn.metrics", reason=AVAILABLE)
mixture = pytest.importorskip("sklearn.mixture", reason=AVAILABLE)

seeds = st.integers(0, 2**32 - 1)
forty_examples = hypothesis.settings(max_examples=40, deadline=None, derandomize=True)


def cloud(rng, N, D):
    """N points whose variances along D random directions are well apart."""
    turned = np.linalg.qr(rng.standard_normal((D, D)))[0]
    return rng.standard_normal((N, D)) * 1.5 ** np.arange(D) @ turned + 3 * rng.standard_normal(D)


@hypothesis.given(seed=seeds, D=st.integers(2, 9))
@forty_examples
def test_principal_components(seed, D):
    """scikit-learn divides the covariance by N - 1."""
    rng = np.random.default_rng(seed)
    N, k = 200, int(rng.integers(1, D))
    x = cloud(rng, N, D)
    ours, theirs = PCA(x), decomposition.PCA(k, svd_solver="full").fit(x)
    sign = np.sign((ours.U[:, :k] * theirs.components_.T).sum(axis=0))
    np.testing.assert_allclose(ours.U[:, :k] * sign, theirs.components_.T, atol=1e-9)
    np.testing.assert_allclose(ours.eigenvalues[:k] * N / (N - 1), theirs.explained_variance_, rtol=1e-10)
    np.testing.assert_allclose(ours.encode(x, k) * sign, theirs.transform(x), atol=1e-8)
    np.testing.assert_allclose(ours.reconstruct(x, k), theirs.inverse_transform(theirs.transform(x)), atol=1e-8)


@hypothesis.given(seed=seeds, D=st.integers(2, 9))
@forty_examples
def test_probabilistic_pca(seed, D):
    """Its score is the log-likelihood of Tipping & Bishop's model, of a covariance divided by N - 1."""
    rng = np.random.default_rng(seed)
    N, k = 200, int(rng.integers(1, D))
    x = cloud(rng, N, D)
    pca, theirs = PCA(x), decomposition.PCA(k, svd_solver="full").fit(x)
    pca.eigenvalues = pca.eigenvalues * N / (N - 1)
    ours = fit_ppca(pca, k)
    np.testing.assert_allclose(ours.s2, theirs.noise_variance_, rtol=1e-10)
    np.testing.assert_allclose(ours.W @ ours.W.T + ours.s2 * np.eye(D), theirs.get_covariance(), atol=1e-9)
    np.testing.assert_allclose(ours.log_evidence(x), theirs.score_samples(x), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours.log_evidence(x).mean(), theirs.score(x), rtol=1e-10)


def test_pca_of_the_digits():
    x = pixels(load("digits").x_train, LEVELS["digits"]).astype(np.float64)
    ours, theirs = PCA(x), decomposition.PCA(10, svd_solver="full").fit(x)
    np.testing.assert_allclose(np.abs((ours.U[:, :10] * theirs.components_.T).sum(axis=0)), 1, rtol=1e-9)
    np.testing.assert_allclose(ours.eigenvalues[:10] * len(x) / (len(x) - 1), theirs.explained_variance_, rtol=1e-9)


@hypothesis.given(seed=seeds, K=st.integers(1, 4), D=st.integers(1, 5))
@forty_examples
def test_the_densities_and_posteriors_of_a_gaussian_mixture(seed, K, D):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((K, D, D))
    covariances = A @ A.swapaxes(1, 2) + 0.1 * np.eye(D)
    ours = GaussianMixture(rng.dirichlet(np.ones(K)), rng.standard_normal((K, D)), covariances)
    theirs = mixture.GaussianMixture(K)
    theirs.weights_, theirs.means_, theirs.covariances_ = ours.weights, ours.means, ours.covariances
    theirs.precisions_cholesky_ = np.linalg.inv(ours.triangles).swapaxes(1, 2)
    x = 3 * rng.standard_normal((20, D))
    np.testing.assert_allclose(ours.log_likelihood(x), theirs.score_samples(x), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours.posterior(x)[0], theirs.predict_proba(x), atol=1e-9)


def test_thirty_steps_of_em():
    x = load("old-faithful").x_train
    start = GaussianMixture.start(x, 3, np.random.default_rng(8))
    *_, last = em(start, x, steps=30)
    theirs = mixture.GaussianMixture(3, max_iter=30, tol=0, reg_covar=0, weights_init=start.weights,
                                     means_init=start.means, precisions_init=np.linalg.inv(start.covariances))
    with pytest.warns(Warning, match="did not converge"):
        theirs.fit(x)
    np.testing.assert_allclose(last.mixture.weights, theirs.weights_, rtol=1e-8)
    np.testing.assert_allclose(last.mixture.means, theirs.means_, rtol=1e-8)
    np.testing.assert_allclose(last.mixture.covariances, theirs.covariances_, rtol=1e-7)
    np.testing.assert_allclose(last.log_likelihood, theirs.score_samples(x).sum(), rtol=1e-10)


@hypothesis.given(scores=st.lists(st.integers(-5, 5), min_size=1), odd=st.lists(st.integers(-5, 5), min_size=1))
@forty_examples
def test_the_area_under_the_roc_curve(scores, odd):
    labels = [0] * len(scores) + [1] * len(odd)
    expected = metrics.roc_auc_score(labels, scores + odd)
    assert auc(np.array(scores), np.array(odd)) == pytest.approx(expected, abs=1e-12)


@hypothesis.given(seed=seeds)
@forty_examples
def test_mutual_information_and_its_gap(seed):
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, 4, (300, 2))
    factors[:2] = [[0, 0], [1, 1]]
    z = factors @ rng.standard_normal((2, 3)) + rng.standard_normal((300, 3))
    expected = np.array([[metrics.mutual_info_score(cells, v) for v in factors.T] for cells in in_bins(z, 20).T])
    np.testing.assert_allclose(mutual_information(z, factors), expected, rtol=1e-10, atol=1e-12)
    best = np.sort(expected, axis=0)[::-1]
    gap = np.mean([(best[0, k] - best[1, k]) / metrics.mutual_info_score(v, v) for k, v in enumerate(factors.T)])
    assert mutual_information_gap(z, factors) == pytest.approx(gap, rel=1e-9, abs=1e-12)
