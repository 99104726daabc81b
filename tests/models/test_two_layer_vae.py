"""The VAE of two layers: what it becomes when the second collapses, and how it is trained."""

import itertools
import math
import sys

import numpy as np
import pytest

from scratchvae.evaluation import evaluate, report
from scratchvae.models import IWAE, ByLayer, DReG, LatentModel, TwoLayerLinearGaussian, mlp_two_layer_vae, mlp_vae
from scratchvae.nn import tanh
from scratchvae.probability import DiscretizedLogistic, Gaussian, StandardNormal, VampPrior
from scratchvae.training import Adam, fit, load_parameters
from scratchvae.training.flat import pack

X = np.random.default_rng(0).random((100, 12))


def two_layers(hidden=(8,), prior="normal", seed=1, dtype=np.float64, **options):
    return mlp_two_layer_vae(12, list(hidden), (3, 2), np.random.default_rng(seed), prior=prior, n_components=6,
                             images=X, activation=tanh, dtype=dtype, **options)


def gradients(model, constants, *dterms):
    for p in model.parameters().values():
        p.grad[...] = 0
    _, backward = model.forward(**constants)
    backward(*(np.full(len(X), d) for d in dterms))
    return {name: p.grad.copy() for name, p in model.parameters().items()}


def collapsed(vae, residual):
    """Two layers in which q(z2|x) = p(z2), p(z1|z2) = N(0, I), and the nets of z1 are those of the VAE, blind to z2."""
    model = two_layers(residual=residual)
    for name, p in model.parameters().items():
        if "top" in name or "first.prior" in name or "prior.first" in name:
            p.value[...] = 0
    change = model.posterior.first.change if residual else model.posterior.first
    layer, heads = vae.encoder.nodes[0], vae.encoder.nodes[-1]
    model.posterior.features.nodes[0].W.value[...] = layer.W.value
    model.posterior.features.nodes[0].b.value[...] = layer.b.value
    change.net.nodes = change.net.nodes[-1:]                    # the heads of z1 read what the features are, and z2
    for mine, theirs in ((change.net.nodes[0].mu, heads.mu), (change.net.nodes[0].logvar, heads.logvar)):
        mine.W.value = np.concatenate([theirs.W.value, np.zeros((2, 3))])
        mine.W.grad, mine.b.value = np.zeros_like(mine.W.value), theirs.b.value.copy()
    for mine, theirs in zip(model.observation.decoder.nodes[::2], vae.decoder.nodes[::2], strict=True):
        mine.W.value[...], mine.b.value[...] = 0, theirs.b.value
        mine.W.value[:len(theirs.W.value)] = theirs.W.value
    return model


@pytest.mark.parametrize("residual", [True, False])
def test_where_layer_two_has_collapsed_it_is_the_vae_of_one_layer(residual):
    """The terms of each draw, and the gradient of what both have; the KL of layer 2 is exactly 0."""
    vae = mlp_vae(12, [8], 3, np.random.default_rng(1), activation=tanh, dtype=np.float64)
    model = collapsed(vae, residual)
    eps = np.random.default_rng(2).standard_normal((len(X), 5))
    one = LatentModel(vae.posterior, vae.observation, StandardNormal(3))
    (nll, kl), (nll_1, kl_1, kl_2) = one(x=X, eps=eps[:, :3]), ByLayer(model)(x=X, eps=eps)
    assert (kl_2 == 0).all()
    np.testing.assert_allclose(nll_1, nll, rtol=1e-12)
    np.testing.assert_allclose(kl_1, kl, rtol=1e-12, atol=1e-13)
    ours = gradients(model, {"x": X, "eps": eps}, 1, 1)
    theirs = gradients(one, {"x": X, "eps": eps[:, :3]}, 1, 1)
    for mine, other in (("observation.decoder.nodes.2.W", "observation.decoder.nodes.2.W"),
                        ("posterior.features.nodes.0.W", "posterior.encoder.nodes.0.W")):
        np.testing.assert_allclose(ours[mine], theirs[other], rtol=1e-9, atol=1e-12)


def test_by_layer_is_the_same_loss_in_three_terms():
    model = two_layers()
    eps = np.random.default_rng(2).standard_normal((len(X), 5))
    nll, kl_1, kl_2 = ByLayer(model)(x=X, eps=eps)
    for a, b in zip((nll, kl_1 + kl_2), model(x=X, eps=eps), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    ours, theirs = (gradients(m, {"x": X, "eps": eps}, *ones)
                    for m, ones in ((ByLayer(model), (1, 1, 1)), (model, (1, 1))))
    assert ours.keys() == theirs.keys()
    for name, gradient in ours.items():
        np.testing.assert_allclose(gradient, theirs[name], rtol=1e-9, atol=1e-12)


def test_each_layer_has_a_weight_of_its_own():
    """Without its KL as a cost, layer 2 says more; the other number is the collapse that a large weight makes."""
    found = []
    for weight in (0.0, 50.0):
        model = two_layers()
        list(fit(ByLayer(model), X, optimizer=Adam(model, lr=0.01), epochs=30, progress=False,
                 weights={"kl_2": weight}))
        found.append(evaluate(ByLayer(model), X, data="x").parts["kl_2"])
    assert found[0] > 0.5 and abs(found[1]) < 0.05


def test_the_evaluation_of_a_model_by_layer_is_that_of_the_model():
    model = two_layers()
    ours, theirs = evaluate(ByLayer(model), X, data="x"), evaluate(model, X, data="x")
    assert math.isclose(ours.value, theirs.value, rel_tol=1e-12)
    assert list(ours.parts) == ["reconstruction", "kl_1", "kl_2"]
    assert math.isclose(ours.parts["kl_1"] + ours.parts["kl_2"], theirs.parts["kl"], rel_tol=1e-12)


@pytest.mark.parametrize(("hidden", "residual", "skip", "prior"), [*itertools.product(
    [(), (8,), (8, 6)], [True, False], [True, False], ["normal", "mixture", "vamp"])])
def test_every_composition_trains_in_float32(hidden, residual, skip, prior):
    x = X.astype(np.float32)
    model = two_layers(hidden, prior, dtype=np.float32, residual=residual, skip=skip)
    assert {p.value.dtype for p in model.parameters().values()} == {np.dtype(np.float32)}
    records = list(fit(model, x, optimizer=Adam(model, lr=0.005), epochs=5, batch_size=10, progress=False))
    first, last = (sum(record["train"].values()) for record in (records[0], records[-1]))
    assert last < first
    new, z = model.sample(5, np.random.default_rng(0))
    assert new.shape == (5, 12) and z.shape == (5, 5) and z.dtype == np.float32
    assert model.reconstruct(x).shape == x.shape and model.code(x).shape == (100, 5)


def test_without_a_skip_the_decoder_reads_z1_alone():
    z = np.random.default_rng(0).standard_normal((4, 5))
    other = z.copy()
    other[:, 3:] += 1
    for skip in (True, False):
        model = two_layers(skip=skip)
        assert np.array_equal(model.decode(z), model.decode(other)) == (not skip)


def test_the_vamp_prior_shares_the_encoder_of_the_second_layer():
    model = two_layers(prior="vamp")
    assert isinstance(model.prior.top, VampPrior) and model.prior.top.encoder is model.posterior.top.encoder
    assert [name for name in model.parameters() if name.startswith("prior")] == ["prior.top.u"]
    assert [name for name in two_layers(residual=False).parameters() if name.startswith("prior")] == [
        "prior.first.nodes.0.W", "prior.first.nodes.0.b", "prior.first.nodes.2.mu.W", "prior.first.nodes.2.mu.b",
        "prior.first.nodes.2.logvar.W", "prior.first.nodes.2.logvar.b"]


def test_a_checkpoint_brings_all_back(tmp_path):
    model, again = two_layers(prior="vamp"), two_layers(prior="vamp", seed=9)
    list(fit(model, X, optimizer=Adam(model), epochs=1, progress=False, checkpoint=tmp_path / "a.npz"))
    load_parameters(again, tmp_path / "a.npz")
    assert np.array_equal(pack(model).value, pack(again).value)


MAKERS = {
    "two layers": lambda: two_layers(prior="vamp"),
    "by layer": lambda: ByLayer(two_layers(residual=False)),
    "iwae": lambda: IWAE(two_layers(), 3),
    "dreg": lambda: DReG(two_layers(prior="vamp"), 3),
}


def test_a_composition_of_all_trains_resumes_and_is_evaluated(tmp_path):
    """Two layers, the one a change of the other, under a VampPrior; pixels of 5 levels, and L_5 for a loss."""
    x = np.rint(4 * X) / 4

    def model(seed):
        return IWAE(two_layers(prior="vamp", seed=seed, likelihood=DiscretizedLogistic(5)), 5)

    whole, parts, path = model(1), model(1), tmp_path / "a.npz"
    list(fit(whole, x, optimizer=Adam(whole), epochs=4, batch_size=20, progress=False))
    list(fit(parts, x, optimizer=Adam(parts), epochs=2, batch_size=20, progress=False, checkpoint=path))
    parts = model(2)
    list(fit(parts, x, optimizer=Adam(parts), epochs=4, batch_size=20, progress=False, checkpoint=path, resume=True))
    assert np.array_equal(pack(whole).value, pack(parts).value)
    entries = {e.quantity: e.value for e in report(parts, x, data="x", samples=50, features=lambda x: x)}
    assert entries["-L_50"] < entries["-L_5"] < entries["-ELBO"]


def test_a_report_of_a_model_by_layer():
    entries = {e.quantity: e for e in report(ByLayer(two_layers()), np.rint(X), data="x", samples=20)}
    assert list(entries["-ELBO"].parts) == ["reconstruction", "kl_1", "kl_2"]
    assert entries["-L_20"].value < entries["-ELBO"].value


def trained(make, monkeypatch, threads=1, workers=1):
    model = make()
    monkeypatch.setattr(sys.modules["scratchvae.training.parallel.choose"], "threads_for", lambda *_: threads)
    list(fit(model, X, optimizer=Adam(model), epochs=2, batch_size=33, progress=False, workers=workers))
    return pack(model).value


@pytest.mark.parametrize("name", MAKERS)
def test_two_threads_take_the_steps_of_one(name, monkeypatch):
    alone, together = (trained(MAKERS[name], monkeypatch, threads=n) for n in (1, 2))
    np.testing.assert_allclose(alone, together, rtol=1e-8, atol=1e-10)


@pytest.mark.skipif(sys.platform != "linux", reason="workers need Linux on x86-64")
def test_two_processes_take_the_steps_of_one(monkeypatch):
    monkeypatch.setattr(LatentModel, "noise", lambda self, x, rng: {"eps": 0.7 * np.ones((len(x), self.n_latents))})
    alone, team = (trained(MAKERS["two layers"], monkeypatch, workers=n) for n in (1, 2))
    np.testing.assert_allclose(alone, team, rtol=1e-8, atol=1e-10)


def test_dreg_and_the_bound_have_one_expectation():
    """Of the posterior's gradient, q(z1|x, z2) and q(z2|x), over many batches of draws."""
    model = two_layers(residual=False, likelihood=Gaussian(0.5))
    names = ["posterior.first.net.nodes.2.mu.W", "posterior.features.nodes.0.W", "posterior.top.encoder.nodes.0.W",
             "posterior.top.encoder.nodes.2.logvar.b"]
    rng, difference, size = np.random.default_rng(3), [], []
    for _ in range(300):
        constants = {"x": X, **IWAE(model, 4).noise(X, rng)}
        bound, dreg = (gradients(estimator(model, 4), constants, 1) for estimator in (IWAE, DReG))
        difference.append(np.concatenate([(bound[name] - dreg[name]).ravel() for name in names]))
        size.append(np.concatenate([dreg[name].ravel() for name in names]))
    difference, size = np.array(difference), np.array(size)
    errors = difference.std(axis=0) / math.sqrt(len(difference))
    assert (np.abs(difference.mean(axis=0)) < 5 * errors).all()
    assert (np.abs(size.mean(axis=0)) > 20 * errors).mean() > 0.3


def test_a_trained_linear_model_finds_the_log_evidence():
    """No hidden layers: the family holds the exact posterior, where W1 and W2 can turn to make it diagonal."""
    rng = np.random.default_rng(0)
    truth = TwoLayerLinearGaussian(rng.standard_normal((6, 2)), rng.standard_normal((2, 1)), np.zeros(6), 0.5, 0.3)
    x = truth.sample(2000, rng)[0]
    model = mlp_two_layer_vae(6, [], (2, 1), rng, skip=False, likelihood=Gaussian(0.3**0.5), dtype=np.float64)
    for name, p in model.parameters().items():
        p.value *= "logvar" not in name                         # a variance that depends on a large x may run away
    optimizer = Adam(model, lr=0.02)
    for lr in (0.02, 0.002):
        optimizer.lr = lr
        list(fit(model, x, optimizer=optimizer, epochs=50, batch_size=100, progress=False))
    assert abs(evaluate(model, x, data="x").value + truth.log_evidence(x).mean()) < 0.05
