"""Flows where everything is known: a linear-Gaussian world, and a plane on which every z is tried."""

import math

import numpy as np
import pytest

from scratchvae.core import Module, Sequential
from scratchvae.evaluation import GridPosterior, evaluate_bound
from scratchvae.microbatches import MicroBatches
from scratchvae.models import (
    IWAE,
    HouseholderVAE,
    LatentModel,
    LinearGaussian,
    conv_vae,
    exact_vae,
    flow_posterior,
    flow_vae,
    mlp_flow_vae,
    mlp_prior_vae,
    mlp_vae,
)
from scratchvae.models.flow_vae import STEPS
from scratchvae.nn import GaussianHeads, Linear, mlp, tanh
from scratchvae.probability import (
    DiscretizedLogistic,
    Gaussian,
    Observation,
    Planar,
    Posterior,
    StandardNormal,
    gaussian_kl,
    monte_carlo_kl,
)
from scratchvae.training import Adam, fit

pytestmark = pytest.mark.slow

# ---- the linear-Gaussian world


def linear_world(Z=3, D=6, n=20, seed=0):
    """A LinearGaussian whose posterior is far from diagonal, x (n, D), and the VAE of the best diagonal q."""
    rng = np.random.default_rng(seed)
    world = LinearGaussian(rng.standard_normal((D, Z)), rng.standard_normal(D), 0.3)
    x, _ = world.sample(n, rng)
    return world, x, exact_vae(world)


def behind(vae, kind, **options):
    """The heads of exact_vae, h = x, and a flow."""
    return flow_posterior(kind, Sequential(), vae.encoder, np.random.default_rng(1), **options)


def affine(linear, W, b):
    linear.W.value[...], linear.b.value[...] = W, b


def set_exactly(world, heads, turn, variances):
    """z_0 ~ N(turn^-1 mean(x), variances): so that turn z_0 has the mean and the covariance of p(z|x)."""
    slope = np.linalg.solve(turn, np.linalg.solve(world.M, world.W.T))
    affine(heads.mu, slope.T, -slope @ world.b)
    affine(heads.logvar, 0, np.log(variances))


def log_weights(model, x, k=5):
    eps = np.random.default_rng(7).standard_normal((len(x), k, model.n_latents))
    return model.log_weights(eps, x=x)[0]


def test_the_gap_of_the_best_diagonal_is_the_formula():
    """1/2 (sum log P_jj - log|P|), of the precision P of p(z|x): what a full covariance can win."""
    world, x, vae = linear_world()
    P = world.M / world.s2
    gap = (np.log(np.diag(P)).sum() - np.linalg.slogdet(P)[1]) / 2
    mu, logvar = vae.encode(x)
    np.testing.assert_allclose(world.log_evidence(x) - world.elbo(x, mu, np.diag(np.exp(logvar[0]))), gap, rtol=1e-10)
    assert gap > 0.3


def test_a_linear_iaf_can_be_the_exact_posterior():
    """L D L' = the covariance of p(z|x): then no weight varies, and one draw is log p(x)."""
    world, x, vae = linear_world()
    q = behind(vae, "linear-iaf")
    _, S = world.posterior(x)
    C = np.linalg.cholesky(S)
    L = C / np.diag(C)
    set_exactly(world, q.heads, L, np.diag(C)**2)
    affine(q.flow.steps[0].net, 0, L[np.tril_indices(3, -1)])
    model = LatentModel(q, vae.observation, vae.prior)
    expected = np.tile(world.log_evidence(x)[:, None], 5)
    np.testing.assert_allclose(log_weights(model, x), expected, rtol=1e-10)


def reflections(U):
    """v_1 ... v_Z-1 and signs s, such that U = H(v_1) ... H(v_Z-1) diag(s), for an orthogonal U."""
    A, vs = U.copy(), []
    for j in range(len(U) - 1):
        v = np.where(np.arange(len(U)) < j, 0, A[:, j])
        v[j] += math.copysign(np.linalg.norm(v), v[j])
        A -= 2 * np.outer(v, v @ A) / (v @ v)
        vs.append(v)
    return vs, np.diag(A)


def test_reflections_can_be_the_exact_posterior_and_there_are_z_minus_1_of_them():
    world, x, vae = linear_world()
    q = behind(vae, "householder", steps=2)
    variances, U = np.linalg.eigh(world.posterior(x)[1])
    vs, signs = reflections(U)
    set_exactly(world, q.heads, U * signs, variances)
    for step, v in zip(q.flow.steps, reversed(vs), strict=True):
        affine(step.net, 0, v)
    model = HouseholderVAE(q, vae.observation, 3)
    expected = np.tile(world.log_evidence(x)[:, None], 5)
    np.testing.assert_allclose(log_weights(model, x), expected, rtol=1e-10)


def train_posterior(model, x, steps, lr, k=16, seed=0):
    """Only q learns, by the ELBO, k draws of it a step, the step size falling to 0."""
    optimizer, rng = Adam(model.posterior, lr=lr), np.random.default_rng(seed)
    for t in range(steps):
        log_w, backward = model.log_weights(rng.standard_normal((len(x), k, model.n_latents)), x=x)
        backward(np.full_like(log_w, -1 / log_w.size))
        optimizer.lr = lr * (1 + math.cos(math.pi * t / steps)) / 2
        optimizer.step()


@pytest.mark.parametrize("kind", ["linear-iaf", "iaf"])
def test_training_closes_the_gap(kind):
    """From the best diagonal Gaussian on; the affine flow to 1e-3, the free one, for which this is only one case, less.

    The gap is the mean of log p(x) - log w.
    """
    world, x, vae = linear_world()
    model = LatentModel(behind(vae, kind), vae.observation, vae.prior)
    before, after = [], []
    for gap, steps in ((before, 0), (after, 2000)):
        train_posterior(model, x, steps, lr=0.02)
        gap.append((world.log_evidence(x)[:, None] - log_weights(model, x, k=2000)).mean())
    assert before[0] > 0.3
    assert abs(after[0]) < (1e-3 if kind == "linear-iaf" else 0.03)


# ---- Householder: the KL has a formula


def householder_vae(seed=0, steps=3, D=5, Z=3):
    rng = np.random.default_rng(seed)
    return mlp_flow_vae(D, [7], Z, rng, posterior="householder", steps=steps, activation=tanh, dtype=np.float64)


def test_the_kl_of_a_householder_posterior_is_the_diagonal_one():
    """Draw by draw: log q(z) - log N(z; 0, I) at z is what it was at z_0; so the mean of all is the formula."""
    model, rng = householder_vae(), np.random.default_rng(1)
    x, eps = rng.random((6, 5)), rng.standard_normal((6, 3))
    (z, log_q), _ = model.posterior.forward(x, eps[:, None])
    (mu, logvar, _), _ = model.posterior.start(x)
    np.testing.assert_allclose(log_q - model.prior(z), monte_carlo_kl(mu, logvar, eps=eps), rtol=1e-11, atol=1e-12)
    assert not np.allclose(z, mu + np.exp(logvar / 2) * eps, atol=0.1)                     # and z is another
    np.testing.assert_allclose(model(x=x, eps=eps)[1], gaussian_kl(mu, logvar), rtol=1e-13)


def test_its_two_losses_have_one_expectation_and_one_likelihood():
    model, rng = householder_vae(), np.random.default_rng(1)
    x, eps = rng.random((1, 5)).repeat(20000, axis=0), rng.standard_normal((20000, 3))
    (nll, kl), (nll_drawn, kl_drawn) = model(x=x, eps=eps), LatentModel.forward(model, x=x, eps=eps)[0]
    np.testing.assert_allclose(nll, nll_drawn, rtol=1e-12)
    assert abs(kl_drawn.mean() - kl[0]) < 4.5 * kl_drawn.std() / math.sqrt(len(kl_drawn))
    assert np.ptp(kl) < 1e-12 < kl_drawn.std()


def test_a_reflection_that_does_not_depend_on_x_is_of_no_use():
    """z U' into a decoder whose first layer is W does what z does in one whose first layer is U' W."""
    model, rng = householder_vae(), np.random.default_rng(1)
    for step in model.posterior.flow.steps:
        step.net.W.value[...] = 0
    vae = mlp_vae(5, [7], 3, np.random.default_rng(0), activation=tanh, dtype=np.float64)
    U = model.posterior.flow(np.eye(3), np.ones((3, 7)))[0]                                # row j is the image of e_j
    vae.decoder.nodes[0].W.value[...] = U @ vae.decoder.nodes[0].W.value
    x, eps = rng.random((6, 5)), rng.standard_normal((6, 3))
    for a, b in zip(model(x=x, eps=eps), vae(x=x, eps=eps), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


@pytest.mark.parametrize("kind", ["householder", "planar", "iaf", "linear-iaf"])
def test_each_step_depends_on_x(kind):
    """The same eps, z_0 at the same place, another x: another z."""
    model, rng = mlp_flow_vae(5, [7], 3, np.random.default_rng(0), posterior=kind), np.random.default_rng(1)
    z, h = np.tile(rng.standard_normal(3), (2, 1)), rng.standard_normal((2, 7))
    for step in model.posterior.flow.steps:
        assert (np.diff(step(z, h)[0], axis=0) != 0).any()


# ---- the constructor


@pytest.mark.parametrize("kind", ["gaussian", *STEPS])
def test_the_nets_start_as_those_of_mlp_vae(kind):
    model = mlp_flow_vae(6, [5, 4], 3, np.random.default_rng(3), posterior=kind)
    vae = mlp_vae(6, [5, 4], 3, np.random.default_rng(3))
    theirs = [p.value for p in vae.encoder.parameters().values()] + [p.value for p in vae.decoder.parameters().values()]
    ours = [p.value for p in model.parameters().values()]
    assert all(any(np.array_equal(a, b) for b in ours) for a in theirs)
    assert model.dtype == np.float32 and type(model.prior) is StandardNormal
    if kind == "gaussian":
        assert len(ours) == len(theirs)
    else:
        assert len(model.posterior.flow.steps) == STEPS[kind]


def test_a_planar_flow_starts_as_the_vae():
    """At h = 0 each of its steps is the identity, and nearly so elsewhere."""
    vae = mlp_vae(6, [5], 3, np.random.default_rng(3), dtype=np.float64)
    model = mlp_flow_vae(6, [5], 3, np.random.default_rng(3), posterior="planar", dtype=np.float64)
    rng = np.random.default_rng(4)
    x, eps = rng.random((8, 6)), rng.standard_normal((8, 2, 3))
    np.testing.assert_allclose(model.log_weights(eps, x=x)[0], vae.log_weights(eps, x=x)[0], atol=0.1)
    z = rng.standard_normal((8, 3))
    np.testing.assert_allclose(model.posterior.flow(z, np.zeros((8, 5)))[0], z, atol=1e-13)


@pytest.mark.parametrize("kind", STEPS)
def test_it_trains_resumes_and_is_an_iwae(kind, tmp_path):
    """In float32; interrupted and resumed it ends in the same bits."""
    x = (np.random.default_rng(0).random((256, 6)) < np.linspace(0.05, 0.95, 6)).astype(np.float32)

    def trained(epochs, checkpoint=None, resume=False, wrap=lambda model: model):
        model = wrap(mlp_flow_vae(6, [8], 3, np.random.default_rng(1), posterior=kind))
        records = list(fit(model, x, optimizer=Adam(model, lr=0.01), epochs=epochs, batch_size=64, progress=False,
                           checkpoint=checkpoint, resume=resume))
        return model, records

    model, records = trained(6)
    first, last = (sum(r["train"].values()) for r in (records[0], records[-1]))
    assert last < first - 0.2
    trained(3, tmp_path / "half.npz")
    resumed, _ = trained(6, tmp_path / "half.npz", resume=True)
    for a, b in zip(model.parameters().values(), resumed.parameters().values(), strict=True):
        assert a.value.dtype == np.float32 and np.array_equal(a.value, b.value)
    iwae, records = trained(2, wrap=lambda model: IWAE(model, 4))
    assert iwae.quantity == "-L_4" and np.isfinite(records[-1]["train"]["negative_bound"])


def test_two_processes_share_the_masks_and_learn():
    """The masks of a MADE are Buffers. The same number of processes gives the same bits."""
    x, ends = (np.random.default_rng(0).random((256, 6)) < np.linspace(0.05, 0.95, 6)).astype(np.float32), []
    for _ in range(2):
        model = mlp_flow_vae(6, [8], 3, np.random.default_rng(1), posterior="iaf")
        records = list(fit(model, x, optimizer=Adam(model, lr=0.01), epochs=4, batch_size=64, progress=False,
                           workers=2))
        ends.append(np.concatenate([p.value.ravel() for p in model.parameters().values()]))
        assert sum(records[-1]["train"].values()) < sum(records[0]["train"].values()) - 0.2
    assert np.array_equal(*ends)
    assert all(mask.value.dtype == bool for mask in model.buffers().values())


def test_a_convolutional_vae_can_have_a_flow_too():
    vae = conv_vae(3, np.random.default_rng(0), channels=2)
    model = flow_vae(vae, "iaf", np.random.default_rng(1))
    assert type(model.posterior.encoder) is MicroBatches and len(vae.encoder.nodes) == 9
    x = np.random.default_rng(2).random((20, 784)).astype(np.float32)
    terms, backward = model.forward(x=x, **model.noise(x, np.random.default_rng(3)))
    backward(*(np.ones_like(term) for term in terms))
    assert all(np.abs(p.grad).max() > 0 for p in model.posterior.parameters().values())


@pytest.mark.parametrize("kind", STEPS)
def test_a_flow_stands_behind_a_learned_prior_and_any_likelihood_too(kind):
    """A VampPrior's encoder is that of the posterior, nets and all: each parameter is in the model once."""
    rng = np.random.default_rng(0)
    x = (rng.integers(0, 5, (128, 6)) / 4).astype(np.float32)
    vae = mlp_prior_vae(6, [8], 3, rng, prior="vamp", n_components=4, likelihood=DiscretizedLogistic(5))
    model = IWAE(flow_vae(vae, kind, rng), 5)
    assert model.model.prior is vae.prior and type(model.model) is LatentModel
    ours, theirs = ({id(p) for p in m.parameters().values()} for m in (model, vae))
    assert theirs < ours
    records = list(fit(model, x, optimizer=Adam(model, lr=0.01), epochs=6, batch_size=32, progress=False))
    assert records[-1]["train"]["negative_bound"] < records[0]["train"]["negative_bound"] - 0.2
    assert evaluate_bound(model.model, x, 50, data="five greys").quantity == "-L_50"


@pytest.mark.parametrize(("build", "sentence"), [
    (lambda: mlp_flow_vae(4, [3], 2, np.random.default_rng(0), posterior="radial"),
     "one of gaussian, planar, householder, iaf, linear-iaf, but is 'radial'"),
    (lambda: mlp_flow_vae(4, [3], 2, np.random.default_rng(0), posterior="linear-iaf", steps=2), "two shears are one"),
    (lambda: mlp_flow_vae(4, [3], 2, np.random.default_rng(0), posterior="iaf", steps=0), "at least 1, but is 0"),
    (lambda: mlp_flow_vae(4, [3], 2, np.random.default_rng(0), posterior="iaf").encode(np.zeros((1, 4), np.float32)),
     "must be a diagonal Gaussian to have"),
])
def test_what_cannot_be_is_one_sentence(build, sentence):
    with pytest.raises(ValueError, match=sentence):
        build()


# ---- a plane on which every z is tried


def bent_world(seed=5):
    """Two latents, a nonlinear decoder with little noise, four x: posteriors that are bent."""
    rng = np.random.default_rng(seed)
    decoder = Sequential(*mlp([2, 6], rng, activation=tanh, dtype=np.float64), Linear(6, 3, rng, dtype=np.float64))
    for p in decoder.parameters().values():
        p.value[...] = rng.standard_normal(p.value.shape)
    observation = Observation(decoder, Gaussian(0.5))
    return observation, observation.sample(rng.standard_normal((4, 2)), rng)


def fitted(kind, observation, x, **options):
    """The best q of its kind, of each x (a table would do: h tells the few x apart)."""
    rng = np.random.default_rng(2)
    encoder = Sequential(*mlp([3, 16], rng, activation=tanh, dtype=np.float64),
                         GaussianHeads(16, 2, rng, dtype=np.float64))
    vae = mlp_vae(3, [16], 2, rng, dtype=np.float64).with_encoder(encoder)
    vae = LatentModel(vae.posterior, observation, StandardNormal(2))
    if kind != "gaussian":
        posterior = flow_posterior(kind, Sequential(*encoder.nodes[:-1]), encoder.nodes[-1], rng, activation=tanh,
                                   **options)
        vae = LatentModel(posterior, observation, StandardNormal(2))
    train_posterior(vae, x, 1500, lr=0.02, k=32)
    return vae


KINDS = {"gaussian": {}, "linear-iaf": {}, "householder": {"steps": 1}, "planar": {"steps": 1}, "iaf": {"steps": 2},
         "planar, four": {"steps": 4}}


@pytest.fixture(scope="module")
def plane():
    observation, x = bent_world()
    models = {name: fitted(name.split(",")[0], observation, x, **options) for name, options in KINDS.items()}
    return x, GridPosterior(models["gaussian"], x, points=241), models


def log_q_on(grid, model, x):
    """log q(z|x) at the points of the grid of each x, (B, G)."""
    if hasattr(model.posterior, "encode"):
        return grid.log_q(*model.encode(x))
    return np.stack([model.posterior.log_density(z, x=x[i:i + 1]) for i, z in enumerate(grid.z)])


def test_a_more_flexible_posterior_is_nearer_to_the_true_one(plane):
    """Mean field, full covariance (two ways to it), planar, IAF; and four planar steps are nearer than one."""
    x, grid, models = plane
    kl = {kind: grid.kl(log_q_on(grid, model, x)).mean() for kind, model in models.items()}
    assert kl["gaussian"] > 1.3 * kl["linear-iaf"] > 1.3 * kl["planar"] > 1.3 * kl["iaf"] > 0, kl
    assert kl["planar"] > 3 * kl["planar, four"]
    assert math.isclose(kl["linear-iaf"], kl["householder"], rel_tol=0.05)


def test_elbo_and_kl_are_log_p_on_the_grid(plane):
    """For each kind, and the ELBO that is summed over the grid is the mean of log w over draws."""
    x, grid, models = plane
    for model in models.values():
        log_q = log_q_on(grid, model, x)
        np.testing.assert_allclose(np.exp(log_q).sum(axis=1) * grid.area, 1, atol=1e-6)
        np.testing.assert_allclose(grid.elbo(log_q) + grid.kl(log_q), grid.log_evidence, atol=1e-6)
        log_w = log_weights(model, x, k=20000)
        assert (abs(log_w.mean(axis=1) - grid.elbo(log_q)) < 4.5 * log_w.std(axis=1) / math.sqrt(20000)).all()


# ---- the liar's flow


class Liar(Posterior):
    """z = mean(x) + sd z', z' one planar step of the noise: with w'u >= -1 or without, whoever gives u and w."""

    def __init__(self, world, s, u, w, b):
        self.world, self.s, self.u, self.w, self.b = world, s, u, w, b

    def forward(self, x, eps):
        mean, S = self.world.posterior(x)
        e = eps.reshape(-1, 1)
        t = np.tanh(self.s * e * self.w + self.b)
        slope = self.s * np.abs(1 + self.u * self.w * (1 - t * t)) * math.sqrt(S[0, 0])
        z = mean.repeat(eps.shape[1], axis=0) + math.sqrt(S[0, 0]) * (self.s * e + self.u * t)
        return (z, -(e * e + math.log(2 * math.pi))[:, 0] / 2 - np.log(slope[:, 0])), None


class Around(Module):
    """A step that sees z as it lies from a centre(h) of each x."""

    def __init__(self, step, centre):
        self.step, self.centre = step, centre

    def forward(self, z, h):
        (z, log_det), _ = self.step.forward(z - self.centre(h), h)
        return (z + self.centre(h), log_det), None


class Fixed(Module):
    """(u, w, b), whatever h is."""

    def __init__(self, *numbers):
        self.numbers = np.array([numbers])

    def forward(self, h):
        return self.numbers.repeat(len(h), axis=0), None


LIE = math.exp(0.494), 1.395, -10.405, 4.111       # s, u, w, b: found by making the claim as high as it will go


def claims(posterior, vae, x):
    """log w of 4000 draws for each x, (B, 4000)."""
    return log_weights(LatentModel(posterior, vae.observation, vae.prior), x, k=4000)


def test_the_liars_flow_has_a_bound_above_log_p():
    """w'u = -14.5: where the line is folded, two eps have one z, and each claims the density of itself alone.

    The "bound" is .57 nats above log p(x), which is known, and the mean weight, p(x) / p(x) for an honest q, is not 1.
    """
    world, x, vae = linear_world(Z=1)
    claimed = claims(Liar(world, *LIE), vae, x) - world.log_evidence(x)[:, None]
    np.testing.assert_allclose(claimed.mean(axis=1), 0.566, atol=0.1)
    assert np.exp(claimed).mean() > 1.5


def test_the_same_numbers_in_the_step_of_the_library_give_a_bound():
    """softplus moves u until w'u > -1."""
    world, x, vae = linear_world(Z=1)
    q, (s, u, w, b) = behind(vae, "planar", steps=1), LIE
    sd = math.sqrt(world.posterior(x)[1][0, 0])                    # z_0 = mean + s sd eps; w'z_0 + b is that of Liar
    q.heads.logvar.b.value += 2 * math.log(s)
    q.flow.steps = (Around(Planar(Fixed(u * sd, w / sd, b)), lambda x_: world.posterior(x_)[0]),)
    honest = claims(q, vae, x) - world.log_evidence(x)[:, None]
    assert (honest.mean(axis=1) < 0).all()
    assert abs(np.exp(honest).mean() - 1) < 0.1
