"""What a flow says of itself is true: its inverse, its log-determinant, and that its density is one."""

import math

import numpy as np
import pytest

from scratchvae.core import Module, Sequential
from scratchvae.nn import MADE, GaussianHeads, Linear, mlp, tanh
from scratchvae.probability import IAF, DiagonalGaussian, Flow, FlowPosterior, Householder, LinearIAF, Planar
from scratchvae.probability.flows import gate, householder, planar, shear

H = 3


def net(n_out, rng):
    """h (M, H) -> (M, n_out), with numbers of order 1 and no bias of 0."""
    linear = Linear(H, n_out, rng, dtype=np.float64)
    for p in linear.parameters().values():
        p.value[...] = 0.6 * rng.standard_normal(p.value.shape)
    return linear


def iaf(Z, rng, reverse=False, turn=0):
    order = np.roll(np.arange(Z)[::-1 if reverse else 1], turn)
    made = MADE(Z, [2 * Z + 2], rng, outputs=2, n_h=H, order=order, activation=tanh, dtype=np.float64)
    for p in made.parameters().values():
        p.value[...] = 0.5 * rng.standard_normal(p.value.shape)
    made.layers[-1].b.value[Z:] += 1.0
    return IAF(made)


STEPS = {
    "planar": lambda Z, rng: Planar(net(2 * Z + 1, rng)),
    "householder": lambda Z, rng: Householder(net(Z, rng)),
    "iaf": iaf,
    "iaf, reversed": lambda Z, rng: iaf(Z, rng, reverse=True),
    "iaf, any order": lambda Z, rng: iaf(Z, rng, turn=1),
    "linear iaf": lambda Z, rng: LinearIAF(net(Z * (Z - 1) // 2, rng)),
}
FLOWS = {name: (name,) for name in STEPS} | {f"three {name}": (name,) * 3 for name in STEPS} | {
    "iaf, there and back": ("iaf", "iaf, reversed", "iaf"), "mixed": ("planar", "householder", "iaf", "linear iaf")}


def flow(kind, Z, seed=0):
    rng = np.random.default_rng(seed)
    return Flow(*(STEPS[name](Z, rng) for name in FLOWS[kind]))


def jacobians(f, z, h):
    """dz'_i/dz_j of each row, (M, Z, Z), by the complex step."""
    columns = [f(z + 1e-30j * unit, h)[0].imag / 1e-30 for unit in np.eye(z.shape[1])]
    return np.stack(columns, axis=2)


@pytest.mark.parametrize("Z", [1, 2, 5])
@pytest.mark.parametrize("kind", FLOWS)
def test_the_log_determinant_is_that_of_the_jacobian(kind, Z):
    f, rng = flow(kind, Z), np.random.default_rng(1)
    z, h = rng.standard_normal((20, Z)), rng.standard_normal((20, H))
    _, log_det = f(z, h)
    expected = np.linalg.slogdet(jacobians(f, z, h))[1]
    np.testing.assert_allclose(log_det, expected, rtol=1e-9, atol=1e-11)
    assert (log_det == 0).all() == all(name in ("householder", "linear iaf") for name in FLOWS[kind])


@pytest.mark.parametrize("Z", [1, 2, 5])
@pytest.mark.parametrize("kind", FLOWS)
def test_the_inverse_brings_z_back(kind, Z):
    f, rng = flow(kind, Z), np.random.default_rng(2)
    z, h = rng.standard_normal((50, Z)), rng.standard_normal((50, H))
    np.testing.assert_allclose(f.inverse(f(z, h)[0], h), z, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(f(f.inverse(z, h), h)[0], z, rtol=1e-7, atol=1e-8)


def test_a_planar_inverse_is_good_to_the_last_digits_where_the_slope_is_not_small():
    f, rng = flow("planar", 4), np.random.default_rng(2)
    z, h = rng.standard_normal((50, 4)), 0.1 * rng.standard_normal((50, H))
    np.testing.assert_allclose(f.inverse(f(z, h)[0], h), z, atol=1e-13)


# ---- densities


def posterior(kind, Z=2, seed=0, k=3):
    """A flow behind a diagonal Gaussian, all of it of x (B, 4)."""
    rng = np.random.default_rng(seed)
    encoder = Sequential(*mlp([4, H], rng, activation=tanh, dtype=np.float64))
    return FlowPosterior(encoder, GaussianHeads(H, Z, rng, dtype=np.float64), *flow(kind, Z, seed).steps)


class Plane:
    """q(z|x) of one x on a grid of 601 x 601 cells, through the inverse, and draws of it."""

    def __init__(self, kind, seed, n=40000):
        q, rng = posterior(kind, seed=seed), np.random.default_rng([seed, 1])
        x = rng.standard_normal((1, 4))
        self.draws, _ = q(x, rng.standard_normal((1, n, 2)))
        low, high = self.draws.min(axis=0), self.draws.max(axis=0)
        self.edges = np.linspace(low - (high - low), high + (high - low), 602)
        centres = (self.edges[1:] + self.edges[:-1]) / 2
        z = np.stack(np.meshgrid(*centres.T, indexing="ij"), axis=-1).reshape(-1, 2)
        self.mass = np.exp(q.log_density(z, x=x)).reshape(601, 601) * (self.edges[1] - self.edges[0]).prod()


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", FLOWS)
def test_a_density_integrates_to_one_and_its_draws_have_it(kind, seed):
    """Through the inverse: of points that are pushed, even a map that is not invertible would keep the mass.

    Draws in each cell of a coarse grid, against the integral of the density over it (chi-square).
    """
    plane = Plane(kind, seed)
    assert math.isclose(plane.mass.sum(), 1, abs_tol=1e-6)
    rows, columns = ([0, *np.searchsorted(edges, np.quantile(z, [0.2, 0.4, 0.6, 0.8])), 601]
                     for z, edges in zip(plane.draws.T, plane.edges.T, strict=True))
    counts, _, _ = np.histogram2d(*plane.draws.T, bins=(plane.edges[rows, 0], plane.edges[columns, 1]))
    p = np.add.reduceat(np.add.reduceat(plane.mass, rows[:-1], axis=0), columns[:-1], axis=1)
    expected = len(plane.draws) * p[p > 1e-3]
    chi2 = ((counts[p > 1e-3] - expected)**2 / expected).sum()
    assert chi2 < len(expected) + 4.5 * math.sqrt(2 * len(expected))


@pytest.mark.parametrize("kind", FLOWS)
def test_log_q_of_a_draw_is_the_density_at_that_place(kind):
    q, rng = posterior(kind, Z=3), np.random.default_rng(6)
    x, eps = rng.standard_normal((5, 4)), rng.standard_normal((5, 2, 3))
    (z, log_q), _ = q.forward(x, eps)
    np.testing.assert_allclose(q.log_density(z, x=x), log_q, rtol=1e-6)
    np.testing.assert_allclose(q.invert(z, x=x), eps, rtol=1e-6, atol=1e-7)


def test_log_q_of_a_draw_is_what_it_is_alone():
    """Law 6: of no other example, and no other draw."""
    q, rng = posterior("mixed", Z=3), np.random.default_rng(6)
    x, eps = rng.standard_normal((5, 4)), rng.standard_normal((5, 2, 3))
    _, log_q = q(x, eps)
    for i in range(5):
        np.testing.assert_allclose(q(x[i:i + 1], eps[i:i + 1, 1:])[1], log_q[2 * i + 1], rtol=1e-12)


# ---- each for itself


def test_every_planar_step_is_invertible_whatever_u_and_w_are():
    """w'v = softplus(w'u) - 1 > -1, so w'z' rises with w'z, and 1 + w'v (1 - t^2) is the determinant, no |.| needed."""
    rng = np.random.default_rng(0)
    u, w = rng.standard_normal((2, 1000, 3)) * rng.choice([0.1, 1, 10], (2, 1000, 1))
    z, b = rng.standard_normal((1000, 3)), rng.standard_normal((1000, 1))
    (image, log_det), _ = planar.forward(z, u, w, b)
    t = np.tanh((z * w).sum(axis=1, keepdims=True) + b)
    v = (image - z) / t
    m = np.log1p(np.exp(-abs((u * w).sum(1)))) + np.maximum((u * w).sum(1), 0) - 1
    np.testing.assert_allclose((v * w).sum(axis=1), m, rtol=1e-7, atol=1e-9)
    assert m.min() < -0.99 and np.isfinite(log_det).all()
    determinant = np.log(1 + (v * w).sum(axis=1) * (1 - t[:, 0]**2))
    near = 1 - t[:, 0]**2 > 1e-6
    np.testing.assert_allclose(log_det[near], determinant[near], rtol=1e-5, atol=1e-8)


def test_far_below_its_bound_a_planar_step_still_has_its_determinant():
    """In float32, w'u = -50: m is -1 to the last digit, and 1 + m (1 - t^2) = t^2."""
    w = np.array([[1.0, 0.0]], np.float32)
    z = np.array([[0.5, 2.0]], np.float32)
    (image, log_det), _ = planar.forward(z, -50 * w, w, np.zeros((1, 1), np.float32))
    np.testing.assert_allclose(log_det, 2 * math.log(math.tanh(0.5)), rtol=1e-5)
    assert image.dtype == log_det.dtype == np.float32


def test_the_planar_step_that_does_nothing():
    """w'u = log(e - 1) along w: then m = 0, v = 0."""
    w = np.random.default_rng(0).standard_normal((5, 3))
    u = math.log(math.e - 1) * w / (w * w).sum(axis=1, keepdims=True)
    z = np.random.default_rng(1).standard_normal((5, 3))
    (image, log_det), _ = planar.forward(z, u, w, np.ones((5, 1)))
    np.testing.assert_allclose(image, z, atol=1e-15)
    np.testing.assert_allclose(log_det, 0, atol=1e-15)


def test_a_reflection_keeps_lengths_and_twice_is_the_identity():
    z, v = np.random.default_rng(0).standard_normal((2, 50, 4))
    mirrored = householder(z, v)
    np.testing.assert_allclose((mirrored**2).sum(axis=1), (z**2).sum(axis=1), rtol=1e-13)
    np.testing.assert_allclose(householder(mirrored, v), z, atol=1e-13)
    np.testing.assert_allclose(householder(z, -3 * v), mirrored, atol=1e-13)
    np.testing.assert_allclose(householder(v, v), -v, atol=1e-13)


@pytest.mark.parametrize("reverse", [False, True])
def test_the_jacobian_of_an_iaf_is_triangular_with_the_gates_on_its_diagonal(reverse):
    f, rng = iaf(4, np.random.default_rng(0), reverse), np.random.default_rng(1)
    z, h = rng.standard_normal((6, 4)), rng.standard_normal((6, H))
    J = jacobians(f, z, h)
    J = J[:, ::-1, ::-1] if reverse else J
    assert (np.triu(J, 1) == 0).all() and (J[:, *np.tril_indices(4)] != 0).all()
    a = f.net(z, h)[:, 4:]
    s = 1 / (1 + np.exp(-(a[:, ::-1] if reverse else a)))
    np.testing.assert_allclose(np.diagonal(J, axis1=1, axis2=2), s, rtol=1e-12)


def test_an_open_gate_does_nothing_and_a_shut_one_leaves_m():
    z, m = np.random.default_rng(0).standard_normal((2, 3, 2))
    open_, log_det = gate(z, m, np.full((3, 2), 800.0))
    assert np.array_equal(open_, z) and (log_det == 0).all()
    shut, log_det = gate(z, m, np.full((3, 2), -800.0))
    assert np.array_equal(shut, m) and (log_det == -1600).all()


def test_an_orthogonal_pair_of_orders_moves_every_latent_by_another():
    """With one order, the first latent is never told of the others; with the second step's reversed, it is."""
    rng = np.random.default_rng(0)
    z, h = rng.standard_normal((1, 4)), rng.standard_normal((1, H))
    one = jacobians(Flow(iaf(4, rng), iaf(4, rng)), z, h)[0]
    two = jacobians(Flow(iaf(4, rng), iaf(4, rng, reverse=True)), z, h)[0]
    assert (one[0, 1:] == 0).all() and (two != 0).all()


def test_a_shear_of_a_diagonal_gaussian_has_every_covariance():
    """S = L D L': the unit triangle of any Cholesky factor and the squares of its diagonal."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((4, 4))
    S = A @ A.T
    C = np.linalg.cholesky(S)
    L, sigma = C / np.diag(C), np.diag(C)
    z = shear(np.diag(sigma), np.tile(L[np.tril_indices(4, -1)], (4, 1)))              # row j is L e_j sigma_j
    np.testing.assert_allclose(z.T @ z, S, rtol=1e-12)


def test_a_product_of_shears_is_a_shear():
    f, rng = flow("three linear iaf", 4), np.random.default_rng(0)
    h = rng.standard_normal((1, H))
    J = jacobians(f, rng.standard_normal((1, 4)), h)[0]
    assert np.array_equal(np.triu(J), np.eye(4))


# ---- the banana, and the liar


class Banana(Module):
    """(m, a) of the step z2' = z2 + z1^2, as nearly as a gate can: s = 1 / 2, m_2 = 2 z1^2, and all is halved."""

    order = (0, 1)

    def forward(self, z, h):
        square = np.stack([0 * z[:, 0], 2 * z[:, 0]**2], axis=1)
        return np.concatenate([square / 2, 0 * z], axis=1), None


def test_one_iaf_step_is_a_banana():
    """z = (e1, e2 + e1^2) / 2, e ~ N(0, I): the density in closed form."""
    f, e = IAF(Banana()), np.random.default_rng(0).standard_normal((100, 2))
    z, log_det = f(e, e)
    np.testing.assert_allclose(z, np.stack([e[:, 0], e[:, 1] + e[:, 0]**2], axis=1) / 2, rtol=1e-13)
    np.testing.assert_allclose(log_det, -2 * math.log(2), rtol=1e-14)
    np.testing.assert_allclose(f.inverse(z, z), e, atol=1e-12)


def liar(z, u, w, b):
    """A planar step without its constraint, and the log|det| that it claims: log|1 + w'u (1 - t^2)|"""
    t = np.tanh(z @ w + b)
    return z + t[:, None] * u, np.log(np.abs(1 + (w @ u) * (1 - t * t)))


def entropies(w_u, grid=200001):
    """(claimed, true) entropy of z' = e + w'u tanh(e), e ~ N(0, 1), in nats: the true one by counting the e of a z'."""
    e, step = np.linspace(-9, 9, grid, retstep=True)
    p = np.exp(-e * e / 2) / math.sqrt(2 * math.pi)
    z, log_det = liar(e[:, None], np.array([w_u]), np.ones(1), 0.0)
    claimed = (p * (0.5 * math.log(2 * math.pi) + e * e / 2 + log_det)).sum() * step
    mass, edges = np.histogram(z[:, 0], bins=4000, weights=p * step)
    density = mass / np.diff(edges)
    used = mass > 0
    return claimed, -(mass[used] * np.log(density[used])).sum()


def test_without_its_constraint_a_planar_step_claims_more_entropy_than_it_has():
    """w'u = -3: 1.142 nats where .678 are true, so a "bound" on log p(x) would be .46 nats too high."""
    claimed, true = entropies(-0.9)
    assert abs(claimed - true) < 0.01
    claimed, true = entropies(-3.0)
    assert abs(claimed - 1.142) < 0.01 and abs(true - 0.678) < 0.01


def test_a_posterior_without_steps_is_the_diagonal_gaussian():
    rng = np.random.default_rng(0)
    q = posterior("planar", Z=3)
    plain = DiagonalGaussian(Sequential(*q.encoder.nodes, q.heads))
    q.flow.steps = ()
    x, eps = rng.standard_normal((5, 4)), rng.standard_normal((5, 2, 3))
    for a, b in zip(q(x, eps), plain(x, eps), strict=True):
        assert np.array_equal(a, b)


def test_a_path_derivative_is_refused():
    q = posterior("iaf")
    with pytest.raises(ValueError, match="diagonal Gaussian to leave out its score term, as DReG does, but is a Flow"):
        q.forward(np.zeros((1, 4)), np.zeros((1, 1, 2)), score=False)
