"""A VAE with a learned prior: the encoder is used twice, the KL term has a limit, and training goes on as ever."""

import math
import sys

import numpy as np
import pytest

from scratchvae.core import Sequential
from scratchvae.evaluation import evaluate, rate_distortion, report
from scratchvae.models import (
    IWAE,
    VAE,
    DReG,
    LatentModel,
    make_prior,
    mlp_prior_vae,
    mlp_vae,
    pseudo_inputs,
    with_input_gradients,
)
from scratchvae.models.priors import PRIORS
from scratchvae.nn import GaussianHeads, mlp, tanh
from scratchvae.probability import AggregatePosterior, Gaussian, VampPrior
from scratchvae.training import Adam, fit, load_parameters
from scratchvae.training.flat import pack

X = np.random.default_rng(0).random((100, 12))


def vae(prior="vamp", seed=1, dtype=np.float64, **options):
    return mlp_prior_vae(12, [8], 3, np.random.default_rng(seed), prior=prior, n_components=6, images=X, dtype=dtype,
                         activation=tanh, **options)


def gradients(model, constants, *dterms):
    for p in model.parameters().values():
        p.grad[...] = 0
    terms, backward = model.forward(**constants)
    backward(*(np.full_like(term, d) for term, d in zip(terms, dterms, strict=True)))
    return {name: p.grad.copy() for name, p in model.parameters().items()}


def test_the_encoders_gradient_is_the_sum_of_its_two_uses():
    """On x, and on the pseudo-inputs: each use alone has an encoder of its own, with the same values."""
    model = vae()
    constants = {"x": X, **model.noise(X, np.random.default_rng(2))}
    both = gradients(model, constants, 1, 1)
    other = vae()                                            # the same draws, so the same values
    apart = LatentModel(model.posterior, model.observation, VampPrior(other.posterior.encoder, X[:6]))
    apart.prior.u.value[...] = model.prior.u.value
    found = gradients(apart, constants, 1, 1)
    for name, gradient in both.items():
        twice = found.get(name.replace("posterior.", "prior."), 0) if name.startswith("posterior.") else 0
        np.testing.assert_allclose(gradient, found[name] + twice, rtol=1e-10, atol=1e-12)
        if name.startswith("posterior."):
            assert np.abs(twice).max() > 1e-3


def test_every_parameter_has_one_name_and_a_checkpoint_brings_all_back(tmp_path):
    model = vae()
    assert [name for name in model.parameters() if "prior" in name] == ["prior.u"]
    assert len({id(p) for p in model.parameters().values()}) == len(model.parameters())
    list(fit(model, X, optimizer=Adam(model), epochs=2, progress=False, checkpoint=tmp_path / "a.npz"))
    again = vae(seed=9)
    load_parameters(again, tmp_path / "a.npz")
    eps = np.random.default_rng(3).standard_normal((len(X), 3))
    for a, b in zip(model(x=X, eps=eps), again(x=X, eps=eps), strict=True):
        assert np.array_equal(a, b)


def test_a_training_that_was_stopped_goes_on_as_if_it_had_not(tmp_path):
    whole, parts = vae(), vae()
    list(fit(whole, X, optimizer=Adam(whole), epochs=4, progress=False))
    for epochs, resume in ((2, False), (4, True)):
        list(fit(parts, X, optimizer=Adam(parts), epochs=epochs, progress=False, checkpoint=tmp_path / "a.npz",
                 resume=resume))
        if not resume:
            parts = vae(seed=5)
    assert np.array_equal(pack(whole).value, pack(parts).value)


def trained(make, monkeypatch, threads=1, workers=1):
    model = make()
    monkeypatch.setattr(sys.modules["scratchvae.training.parallel.choose"], "threads_for", lambda *_: threads)
    records = list(fit(model, X, optimizer=Adam(model), epochs=3, batch_size=33, progress=False, workers=workers))
    assert records[-1]["executor"] == (f"{workers} processes" if workers > 1 else
                                       f"{threads} thread{'s' if threads > 1 else ''}")
    return pack(model).value, [record["train"] for record in records]


MAKERS = {
    "vamp": lambda: vae("vamp"),
    "mixture": lambda: vae("mixture"),
    "aggregate": lambda: aggregate(X[:20]),
    "iwae of vamp": lambda: IWAE(vae("vamp"), 3),
    "dreg of vamp": lambda: DReG(vae("vamp"), 3),
}


def aggregate(x, **options):
    model = vae("normal", **options)
    return LatentModel(model.posterior, model.observation, AggregatePosterior(model.encoder, x))


@pytest.mark.parametrize("name", MAKERS)
def test_two_threads_take_the_steps_of_one(name, monkeypatch):
    alone, records = trained(MAKERS[name], monkeypatch)
    together, same = trained(MAKERS[name], monkeypatch, threads=2)
    np.testing.assert_allclose(alone, together, rtol=1e-8, atol=1e-10)
    assert all(np.allclose(list(a.values()), list(b.values())) for a, b in zip(records, same, strict=True))


def constant_noise(monkeypatch):
    """Processes draw their own noise; with noise that is no draw they can be compared with one."""
    monkeypatch.setattr(LatentModel, "noise", lambda self, x, rng: {"eps": 0.7 * np.ones((len(x), self.n_latents))})


@pytest.mark.skipif(sys.platform != "linux", reason="workers need Linux on x86-64")
@pytest.mark.parametrize("name", ["vamp", "mixture", "aggregate"])
def test_two_processes_take_the_steps_of_one(name, monkeypatch):
    constant_noise(monkeypatch)
    alone, records = trained(MAKERS[name], monkeypatch)
    team, same = trained(MAKERS[name], monkeypatch, workers=2)
    np.testing.assert_allclose(alone, team, rtol=1e-8, atol=1e-10)
    assert all(np.allclose(list(a.values()), list(b.values())) for a, b in zip(records, same, strict=True))


def test_pseudo_inputs_learn(monkeypatch):
    model = vae()
    before = model.prior.inputs()[0]
    list(fit(model, X, optimizer=Adam(model, lr=0.01), epochs=3, progress=False))
    assert np.abs(model.prior.inputs()[0] - before).max(axis=1).min() > 1e-3


def test_the_best_prior_leaves_the_mutual_information_which_is_at_most_log_n():
    """Of 50 examples that it knows: the rate is I(x; z), each draw of it below log 50. Of others, what it costs."""
    x, others = X[:50], X[50:]
    model = aggregate(x, likelihood=Gaussian(0.05))
    optimizer = Adam(model, lr=0.01)
    list(fit(model, x, optimizer=optimizer, epochs=300, batch_size=50, progress=False))
    terms = rate_distortion(model, x)
    assert terms.rate_sampled.max() <= math.log(50) + 1e-12
    np.testing.assert_allclose(terms.rate_sampled, terms.mutual_information, rtol=1e-9, atol=1e-10)
    assert np.abs(terms.marginal_kl).max() < 1e-10
    assert terms.rate_sampled.mean() > 0.95 * math.log(50)               # it says which of the 50
    assert rate_distortion(model, others).rate_sampled.mean() > 2 * math.log(50)


def test_no_prior_is_better_on_these_examples_than_the_aggregate_posterior():
    normal = vae("normal")
    list(fit(normal, X, optimizer=Adam(normal, lr=0.01), epochs=20, progress=False))
    best = LatentModel(normal.posterior, normal.observation, AggregatePosterior(normal.encoder, X))
    entries = {e.quantity: e.value for e in report(best, X, data="x", samples=20)}
    before = {e.quantity: e.value for e in report(normal, X, data="x", samples=20)}
    assert abs(entries["KL of the aggregate posterior"]) < 1e-6 < before["KL of the aggregate posterior"]
    information = next(q for q in entries if q.startswith("mutual information"))
    assert abs(entries[information] - before[information]) < 1e-9
    assert entries["distortion"] == before["distortion"]


@pytest.mark.parametrize("name", PRIORS)
def test_a_prior_by_its_name_has_the_nets_of_mlp_vae(name):
    model, plain = vae(name), mlp_vae(12, [8], 3, np.random.default_rng(1), activation=tanh, dtype=np.float64)
    assert isinstance(model, VAE) == (name == "normal") and model.n_latents == 3
    for p, q in zip(plain.parameters().values(), model.parameters().values(), strict=False):
        assert np.array_equal(p.value, q.value)
    value = evaluate(model, X, data="x")
    assert "-ELBO" in value.quantity and math.isfinite(value.value)


@pytest.mark.parametrize("name", PRIORS)
def test_in_float32_everything_is_float32(name):
    x = X.astype(np.float32)
    model = vae(name, dtype=np.float32)
    assert {p.value.dtype for p in model.parameters().values()} == {np.dtype(np.float32)}
    terms = model(x=x, **model.noise(x, np.random.default_rng(0)))
    assert {term.dtype for term in terms} == {np.dtype(np.float32)}
    assert model.sample(5, np.random.default_rng(0))[1].dtype == np.float32


def test_pseudo_inputs_are_images_or_nearly_black():
    u = pseudo_inputs(6, 12, np.random.default_rng(0), X)
    assert len({tuple(row) for row in u} & {tuple(row) for row in X}) == 6
    u = pseudo_inputs(6, 12, np.random.default_rng(0))
    assert u.shape == (6, 12) and 0.04 < u.mean() < 0.06 and 0.005 < u.std() < 0.015
    assert vae("vamp").prior.u.value.shape == (6, 12)


@pytest.mark.parametrize(("call", "message"), [
    (lambda rng: make_prior("gaussian", 3, rng), "prior must be normal, mixture or vamp, but is 'gaussian'"),
    (lambda rng: make_prior("vamp", 3, rng), "a VampPrior needs the encoder of the posterior"),
    (lambda rng: pseudo_inputs(101, 12, rng, X), "n_components must be at most 100, the number of images, but is 101"),
])
def test_what_cannot_be_made_is_one_clear_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(0))


def test_layers_that_ended_backpropagation_go_on():
    rng = np.random.default_rng(0)
    net = Sequential(*mlp([4, 3], rng, input_grad=False, dtype=np.float64), GaussianHeads(3, 2, rng, dtype=np.float64))
    x, d = np.ones((2, 4)), np.ones((2, 2))
    assert net.forward(x)[1](d, d) is None
    assert with_input_gradients(net).forward(x)[1](d, d).shape == x.shape
