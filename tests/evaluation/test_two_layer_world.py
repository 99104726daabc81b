"""Every estimator on a model of two layers whose log p(x), posterior and layer KLs are known exactly."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from scratchvae.evaluation import (
    GridPosterior,
    active_units,
    annealed_importance,
    annealed_upper_bound,
    evaluate,
    evaluate_bound,
    importance_weights,
    layer_kl,
    rate_distortion,
    report,
)
from scratchvae.models import IWAE, DReG, TwoLayerLinearGaussian, exact_two_layer_vae

pytestmark = pytest.mark.slow

D, N1, N2, S1, S2 = 5, 3, 2, 0.6, 0.4


def general(seed=0, sizes=(D, N1, N2)):
    rng, (d, n1, n2) = np.random.default_rng(seed), sizes
    return TwoLayerLinearGaussian(rng.standard_normal((d, n1)), rng.standard_normal((n1, n2)), rng.standard_normal(d),
                                  S1, S2)


def aligned(seed=0):
    """W1 with orthogonal columns, and W2 such that W2' W1' Cov(x|z2)^-1 W1 W2 is diagonal: so both posteriors are."""
    rng = np.random.default_rng(seed)
    a, c = np.array([2.0, 1.4, 0.9]), np.array([1.5, 0.7])
    W1 = np.linalg.qr(rng.standard_normal((D, N1)))[0] * a
    W2 = np.linalg.qr(rng.standard_normal((N1, N2)))[0] * c * np.sqrt(S1 + S2 / a**2)[:, None]
    return TwoLayerLinearGaussian(W1, W2, rng.standard_normal(D), S1, S2)


class World:
    """`wider` is added to the best log-variances: weights of a q that is narrower than p(z|x) have no variance."""

    def __init__(self, truth, residual, wider=0.0):
        self.truth, self.model = truth, exact_two_layer_vae(truth, residual)
        for name, p in self.model.posterior.parameters().items():
            if name.endswith("logvar.b") and "prior" not in name:
                p.value += wider
        self.x, self.z = truth.sample(300, np.random.default_rng(1))
        self.log_p = truth.log_evidence(self.x)

    def gap(self):
        """KL(q || p(z|x)) = 1/2 (sum_j log P_jj - log|P|) for each layer, P the inverse covariance of its posterior."""
        second, first = self.truth.second_posterior(self.x), self.truth.first_posterior(self.x, self.z[:, N1:])
        P = [np.linalg.inv(covariance) for _, covariance in (first, second)]
        return sum(np.log(np.diag(p)).sum() - np.linalg.slogdet(p)[1] for p in P) / 2


@pytest.fixture(params=["aligned", "general"])
def world(request):
    return World({"aligned": aligned, "general": general}[request.param](), residual=False)


@pytest.fixture(params=[False, True], ids=["direct", "residual"])
def wide(request):
    return World(general(), request.param, wider=1.0)


@pytest.fixture(params=[False, True], ids=["direct", "residual"])
def exact(request):
    return World(aligned(), request.param)


def mean_is(expected, values, errors=4.5):
    return abs(values.mean() - expected) < errors * values.std(ddof=1) / math.sqrt(len(values))


def joint(truth):
    """The mean and the covariance of [z1, z2, x], from their definition."""
    W1, W2 = truth.W1, truth.W2
    C11 = W2 @ W2.T + truth.s1 * np.eye(len(W2))
    Cz = np.block([[C11, W2], [W2.T, np.eye(W2.shape[1])]])
    V = np.concatenate([W1, np.zeros((len(W1), W2.shape[1]))], axis=1)
    mean = np.concatenate([np.zeros(len(Cz)), truth.b])
    return mean, np.block([[Cz, Cz @ V.T], [V @ Cz, V @ Cz @ V.T + truth.s2 * np.eye(len(W1))]])


def conditional(mean, S, unknown, known, value):
    """Mean and covariance of the unknown coordinates of N(mean, S), given the known."""
    gain = S[np.ix_(unknown, known)] @ np.linalg.inv(S[np.ix_(known, known)])
    return (mean[unknown] + (value - mean[known]) @ gain.T,
            S[np.ix_(unknown, unknown)] - gain @ S[np.ix_(known, unknown)])


@pytest.mark.parametrize("make", [aligned, general])
def test_the_exact_model_is_what_conditioning_its_joint_density_gives(make):
    truth = make()
    x, z = truth.sample(7, np.random.default_rng(2))
    mean, S = joint(truth)
    first, second, data = np.split(np.arange(N1 + N2 + D), [N1, N1 + N2])
    known = np.r_[second, data]
    np.testing.assert_allclose(truth.log_evidence(x), multivariate_normal(mean[data], S[np.ix_(data, data)]).logpdf(x))
    for ours, theirs in (
            (truth.second_posterior(x), conditional(mean, S, second, data, x)),
            (truth.first_posterior(x, z[:, N1:]), conditional(mean, S, first, known, np.c_[z[:, N1:], x]))):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("make", [aligned, general])
def test_its_draws_have_its_moments(make):
    truth, n = make(), 100_000
    x, z = truth.sample(n, np.random.default_rng(3))
    both, (mean, S) = np.c_[z, x], joint(truth)
    error = np.sqrt(np.outer(np.diag(S), np.diag(S)) / n)
    assert (np.abs(both.mean(axis=0) - mean) < 5 * np.sqrt(np.diag(S) / n)).all()
    assert (np.abs(np.cov(both.T) - S) < 8 * error).all()


@pytest.mark.parametrize("make", [aligned, general])
def test_the_layer_kls_sum_to_the_kl_of_both(make):
    truth = make()
    x = truth.sample(20, np.random.default_rng(2))[0]
    first, second = truth.layer_kl(x)
    assert first.min() > 0 and second.min() > 0
    np.testing.assert_allclose(first + second, truth.kl(x), rtol=1e-10)


def test_with_the_exact_posterior_every_number_is_log_p(exact):
    model, x, log_p = exact.model, exact.x, exact.log_p
    np.testing.assert_allclose(importance_weights(model, x, 3).bound, log_p, rtol=1e-10)
    for entry in (evaluate(model, x, data="exact"), evaluate_bound(model, x, 2, data="exact"),
                  evaluate(IWAE(model, 4), x, data="exact"), evaluate(DReG(model, 4), x, data="exact")):
        assert math.isclose(entry.value, -log_p.mean(), rel_tol=1e-10)
    annealed = annealed_importance(model, x, chains=2, temperatures=3, base="posterior")
    np.testing.assert_allclose(annealed.bound, log_p, rtol=1e-9)


def test_with_the_exact_posterior_the_gradient_of_dreg_is_silent(exact):
    """And so every score term was left out, and nothing else: also where q(z1|x, z2) is a change of the prior."""
    model = DReG(exact.model, 4)
    (_,), backward = model.forward(x=exact.x, **model.noise(exact.x, np.random.default_rng(5)))
    backward(np.ones(len(exact.x)))
    silent = {name for name, p in model.parameters().items() if np.abs(p.grad).max() < 1e-8}
    assert silent >= {name for name in model.parameters() if "top" in name or "change" in name or "first.net" in name}


@pytest.mark.parametrize(("truth", "exact"), [(aligned(), True), (general(), False)])
@pytest.mark.parametrize("residual", [True, False])
def test_the_elbo_lacks_what_is_known(truth, exact, residual):
    """KL(q || p(z|x)), one number for every x; log p(x) - ELBO of each x has it for its mean."""
    world = World(truth, residual)
    gap, draws = world.gap(), 200
    assert gap < 1e-12 if exact else gap > 0.1
    eps = np.random.default_rng(2).standard_normal((len(world.x), draws, N1 + N2))
    lacks = world.log_p[:, None] - world.model.log_weights(eps, x=world.x)[0]
    assert np.abs(lacks).max() < 1e-9 if exact else mean_is(gap, lacks.ravel())


def test_the_mean_weight_is_p_of_x(wide):
    """And so every L_k is below log p(x), and rises."""
    assert mean_is(1, np.exp(importance_weights(wide.model, wide.x, 2000).bound - wide.log_p))
    one, ten, many = (importance_weights(wide.model, wide.x, k, seed=k).bound for k in (1, 10, 1000))
    assert one.mean() < ten.mean() < many.mean() < wide.log_p.mean() + 0.01
    assert abs((many - wide.log_p).mean()) < 0.02


@pytest.mark.parametrize("base", ["prior", "posterior"])
def test_ais_is_unbiased(wide, base):
    bound, error, _ = annealed_importance(wide.model, wide.x[:100], temperatures=30, leapfrogs=5, base=base)
    assert mean_is(1, np.exp(bound - wide.log_p[:100]))
    assert np.median(np.abs(bound - wide.log_p[:100]) / error) < 1.2


@pytest.mark.parametrize("base", ["prior", "posterior"])
def test_the_reverse_walk_bounds_from_above(wide, base):
    upper = annealed_upper_bound(wide.model, wide.x, wide.z, chains=4, temperatures=40, leapfrogs=3, base=base)
    assert mean_is(1, np.exp(wide.log_p - upper))


def test_a_grid_holds_log_p_exactly():
    """One latent in each layer."""
    world = World(general(sizes=(3, 1, 1)), residual=False)
    grid = GridPosterior(world.model, world.x[:3], limit=10)
    np.testing.assert_allclose(grid.log_evidence, world.log_p[:3], rtol=1e-8)


@pytest.mark.parametrize("residual", [True, False])
def test_the_kl_of_each_layer_is_the_exact_one(residual):
    world = World(aligned(), residual)
    found = layer_kl(world.model, world.x)
    for name, exact in zip(("first", "second"), world.truth.layer_kl(world.x), strict=True):
        assert mean_is(0, getattr(found, name) - exact)
        assert found.mean(name)[0] == pytest.approx(exact.mean(), abs=0.3)


def test_the_kls_of_the_layers_sum_to_the_rate(world):
    found, terms = layer_kl(world.model, world.x), rate_distortion(world.model, world.x)
    np.testing.assert_allclose(found.first + found.second, terms.rate_sampled, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(terms.rate, terms.rate_sampled, rtol=1e-7, atol=1e-9)
    assert terms.mutual_information is None


def test_a_second_layer_that_says_nothing_has_no_kl():
    truth = TwoLayerLinearGaussian(aligned().W1, np.zeros((N1, N2)), np.zeros(D), 1.0, S2)
    model, x = exact_two_layer_vae(truth), truth.sample(50, np.random.default_rng(0))[0]
    found = layer_kl(model, x)
    np.testing.assert_allclose(found.second, 0, atol=1e-12)
    assert found.first.mean() > 1 and active_units(model, x).count <= N1 + 1


def test_the_collapse_of_the_second_layer_costs_nothing_where_the_first_can_do_all():
    """W1 L in place of W1, L L' = W2 W2' + s1 I, and W2 = 0: the same p(x), and every nat in layer 1."""
    truth = general()
    L = np.linalg.cholesky(truth.W2 @ truth.W2.T + S1 * np.eye(N1))
    alone = TwoLayerLinearGaussian(truth.W1 @ L, np.zeros((N1, N2)), truth.b, 1.0, S2)
    x = truth.sample(50, np.random.default_rng(0))[0]
    np.testing.assert_allclose(alone.log_evidence(x), truth.log_evidence(x), rtol=1e-10)
    assert truth.layer_kl(x)[1].mean() > 0.5 and np.abs(alone.layer_kl(x)[1]).max() < 1e-12


def test_the_report_gives_the_exact_values_within_their_errors(wide):
    entries = {e.quantity: e for e in report(wide.model, wide.x, data="exact", samples=300, features=lambda x: x)}
    assert abs(entries["-L_300"].value + wide.log_p.mean()) < 0.05
    assert entries["active units"].value == N1 + N2
    assert entries["distortion"].value + entries["rate"].value == pytest.approx(entries["-ELBO"].value)
    names = [name for name in entries if name.startswith("Frechet")]
    assert math.isfinite(entries[names[0]].value)


@pytest.mark.parametrize("estimator", [IWAE, DReG])
def test_an_iwae_of_it_has_its_bound(wide, estimator):
    entries = {e.quantity: e.value for e in report(estimator(wide.model, 50), wide.x, data="exact", samples=100)}
    assert list(entries)[:3] == ["-ELBO", "-L_50", "-L_100"]
    assert abs(entries["-L_50"] + wide.log_p.mean()) < 0.1


def test_new_examples_have_the_moments_of_p_of_x(world):
    x, _ = world.model.sample(50_000, np.random.default_rng(0))
    _, S = joint(world.truth)
    np.testing.assert_allclose(np.cov(x.T), S[N1 + N2:, N1 + N2:], atol=0.35)


def test_shapes_that_do_not_fit_are_one_clear_sentence():
    with pytest.raises(ValueError, match=r"W1 must have shape \(D, Z1\), W2 \(Z1, Z2\) and b \(D,\)"):
        TwoLayerLinearGaussian(np.zeros((5, 3)), np.zeros((2, 2)), np.zeros(5), 1.0, 1.0)
    with pytest.raises(ValueError, match="s1 must be positive"):
        TwoLayerLinearGaussian(np.zeros((5, 3)), np.zeros((3, 2)), np.zeros(5), 0.0, 1.0)
