"""A VAE with an autoregressive decoder is a latent-variable model as any other: every number of evaluation/ is its."""

import itertools
import math

import numpy as np
import pytest

from scratchvae.evaluation import (
    GridPosterior,
    annealed_importance,
    evaluate,
    evaluate_bound,
    exact_elbo,
    importance_weights,
    rate_distortion,
    report,
)
from scratchvae.models import IWAE, AnalyticKL, DecoderDropout, DReG, FreeBits, LatentModel, made_vae, mlp_vae
from scratchvae.nn import causal_window, tanh
from scratchvae.training import Adam, fit

pytestmark = pytest.mark.slow

BITS = np.array(list(itertools.product([0.0, 1.0], repeat=8)))
X = BITS[np.random.default_rng(0).integers(0, 256, 300)]


def vae(seed=0, dtype=np.float64, **options):
    """Of images of 2 x 4 bits, with a decoder that makes z matter, and an encoder that is good enough for it."""
    rng = np.random.default_rng(seed)
    model = made_vae((2, 4), [9], 2, rng, activation=tanh, dtype=dtype, **options)
    for p in model.observation.parameters().values():
        p.value += (0.4 * rng.standard_normal(p.value.shape)).astype(dtype)
    return model


@pytest.fixture(scope="module")
def world():
    """The model and log p(x) of all 256 images, from a grid of z."""
    model = vae()
    return model, GridPosterior(model, BITS, points=61, coarse_points=25).log_evidence


def test_log_p_sums_to_one_over_all_images(world):
    assert np.exp(world[1]).sum() == pytest.approx(1, abs=1e-6)


def test_its_parts_and_its_kl_are_those_it_says(world):
    model, rng = world[0], np.random.default_rng(1)
    eps = rng.standard_normal((300, 2))
    nll, kl = model(x=X, eps=eps)
    mu, logvar = model.encode(X)
    np.testing.assert_allclose(nll, model.observation(mu + np.exp(logvar / 2) * eps, x=X), rtol=1e-13)
    np.testing.assert_allclose(kl, model.kl_per_latent(X).sum(axis=1), rtol=1e-13)
    terms = rate_distortion(model, X)
    difference = terms.rate - terms.rate_sampled
    assert abs(difference.mean()) < 4.5 * difference.std() / math.sqrt(300)


def test_the_same_vae_with_a_decoder_that_does_not_look_has_the_terms_of_a_vae():
    plain = mlp_vae(6, [5], 2, np.random.default_rng(0), dtype=np.float64)
    x, eps = np.random.default_rng(1).random((7, 6)), np.random.default_rng(2).standard_normal((7, 2))
    for ours, theirs in zip(AnalyticKL(plain)(x=x, eps=eps), plain(x=x, eps=eps), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13)


def test_bounds_lie_below_log_p_and_come_nearer(world):
    model, log_p = world
    exact = exact_elbo(model, BITS, *model.encode(BITS), n=30)
    assert (exact < log_p).all()
    sampled = evaluate(model, BITS, data="bits")
    assert abs(sampled.value + exact.mean()) < 4.5 * sampled.standard_error and sampled.quantity == "-ELBO"
    assert sampled.likelihood == "autoregressive Bernoulli" and sampled.unit == "nats"
    bounds = [evaluate_bound(model, BITS, k, data="bits").value for k in (1, 10, 1000)]
    assert bounds[0] > bounds[1] > bounds[2] and abs(bounds[2] + log_p.mean()) < 0.02
    weights = np.exp(importance_weights(model, BITS, 2000).bound - log_p)
    assert abs(weights.mean() - 1) < 4.5 * weights.std() / 16


@pytest.mark.parametrize("base", ["prior", "posterior"])
def test_ais_is_unbiased_for_it(world, base):
    """Its steps follow the gradient of log p(x|z) in z."""
    model, log_p = world
    found = annealed_importance(model, BITS[::4], temperatures=20, leapfrogs=4, base=base)
    ratio = np.exp(found.bound - log_p[::4])
    assert abs(ratio.mean() - 1) < 4.5 * ratio.std() / 8 and np.median(found.acceptance) > 0.4


def test_the_report_has_all_its_numbers(world):
    model, log_p = world
    names = {e.quantity: e.value for e in report(model, BITS, data="bits", samples=300, features=lambda x: x)}
    assert abs(names["-L_300"] + log_p.mean()) < 0.02 and names["-ELBO"] > names["-L_300"]
    assert {"rate", "distortion", "active units", "reconstruction error at mu"} <= names.keys()
    assert any(name.startswith("Frechet") for name in names)


@pytest.mark.parametrize("estimator", [IWAE, DReG])
def test_it_is_trained_on_the_bound_of_burda_too(estimator):
    model = estimator(made_vae((2, 4), [9], 2, np.random.default_rng(0)), 5)
    x = X.astype(np.float32)
    records = list(fit(model, x, x_test=x, optimizer=Adam(model, 1e-2), epochs=6, batch_size=50, progress=False))
    losses = [record["test"]["negative_bound"] for record in records]
    assert losses[-1] < losses[0] < 1.3 * 8 * math.log(2)


def test_its_draws_have_its_density(world):
    model, log_p = world
    x, z = model.sample(20_000, np.random.default_rng(0))
    counts = np.bincount((x @ 2.0 ** np.arange(8)[::-1]).astype(int), minlength=256)
    np.testing.assert_allclose(counts / 20_000, np.exp(log_p), atol=0.006)
    assert z.shape == (20_000, 2) and set(np.unique(x)) <= {0, 1}


def test_a_window_is_seen_and_nothing_beyond():
    model = vae(radius=1)
    z, x = np.zeros((8, 2)), np.tile(X[3], (8, 1))
    change = model.observation.decoder(np.where(np.eye(8) > 0, 1 - x, x), z) != model.observation.decoder(x, z)
    assert np.array_equal(change.T, causal_window(2, 4, 1))


def chains(n, flips=0.1):
    """Images of 4 x 4 bits along which a bit stays what it was before with probability 0.9, and its entropy in nats."""
    rng = np.random.default_rng(0)
    changes = rng.random((n, 16)) < flips
    changes[:, 0] = rng.random(n) < 0.5
    entropy = math.log(2) - 15 * (flips * math.log(flips) + (1 - flips) * math.log(1 - flips))
    return (np.cumsum(changes, axis=1) % 2).astype(np.float32), entropy


def train(model, x, epochs=40):
    """The record of each epoch, with the terms of x after it."""
    return list(fit(model, x, x_test=x, optimizer=Adam(model, 1e-2), epochs=epochs, batch_size=100, progress=False))


def strong(radius=None):
    return made_vae((4, 4), [32], 2, np.random.default_rng(1), radius=radius)


def test_a_strong_decoder_lets_z_go_and_one_that_sees_no_pixel_needs_it():
    """And it is right to: while the KL falls the bound rises, to the entropy of the data, nearly."""
    x, entropy = chains(2000)
    early, *_, late = (record["test"] for record in train(strong(), x)[9:])
    assert early["kl"] > 1.1 > 0.6 > late["kl"] and sum(late.values()) < sum(early.values()) - 0.1
    assert sum(late.values()) == pytest.approx(entropy, abs=0.08)
    blind = train(strong(radius=0), x)[-1]["test"]
    assert blind["kl"] > 2 and sum(blind.values()) > entropy + 1


def test_dropout_is_of_the_training_and_not_of_the_model():
    model = vae(dtype=np.float32)
    trained, x = DecoderDropout(model, 0.7), X.astype(np.float32)
    noise = trained.noise(x, np.random.default_rng(0))
    assert set(noise) == {"eps", "seen"} and set(np.unique(noise["seen"])) == {0, 1}
    assert noise["seen"].mean() == pytest.approx(0.3, abs=0.03) and noise["seen"].dtype == np.float32
    assert np.array_equal(noise["eps"], model.noise(x, np.random.default_rng(0))["eps"])
    dropped, whole = (evaluate(m, x, data="bits") for m in (trained, trained.one_draw))
    assert dropped.quantity == "-ELBO with 0.7 of the decoder's inputs dropped" and whole.quantity == "-ELBO"
    assert list(dropped.parts) == ["reconstruction with dropout", "kl"]
    assert whole == evaluate(model, x, data="bits") and dropped.value != whole.value
    assert evaluate_bound(trained, x, 5, data="bits") == evaluate_bound(model, x, 5, data="bits")
    quantities = [e.quantity for e in report(trained, x, data="bits", samples=5)]
    assert quantities[:3] == ["-ELBO", dropped.quantity, "-L_5"]


@pytest.mark.parametrize("wrap", [lambda m: DecoderDropout(m, 0.5), lambda m: FreeBits(m, 0.2),
                                  lambda m: FreeBits(DecoderDropout(m, 0.5), 0.2), lambda m: m])
def test_every_cure_trains_and_resumes_to_the_same_bits(tmp_path, wrap):
    x, ends = X.astype(np.float32), []
    for stops in ((4,), (2, 4)):
        for epochs in stops:
            model = wrap(made_vae((2, 4), [9], 2, np.random.default_rng(0)))
            list(fit(model, x, x_test=x, optimizer=Adam(model), epochs=epochs, batch_size=50, progress=False,
                     checkpoint=tmp_path / f"{len(stops)}.npz", resume=True))
        ends.append(np.concatenate([p.value.ravel() for p in model.parameters().values()]))
    assert np.array_equal(*ends)
    assert evaluate(model.one_draw, x, data="bits").quantity == "-ELBO"


def test_free_bits_on_a_model_with_dropout_says_both():
    trained = FreeBits(DecoderDropout(vae(dtype=np.float32), 0.5), 0.2)
    assert trained.quantity == "-ELBO with 0.5 of the decoder's inputs dropped" and trained.coupled
    assert isinstance(trained.one_draw, AnalyticKL) and trained.one_draw.quantity == "-ELBO"
    assert set(trained.noise(X[:3].astype(np.float32), np.random.default_rng(0))) == {"eps", "seen"}


def test_what_makes_a_strong_decoder_keep_z_makes_its_bound_no_better():
    """Each is a trade: the true -ELBO, without dropout and without a max, beside the KL."""
    x, found = chains(2000)[0], []
    for model in (strong(), FreeBits(strong(), 0.7), DecoderDropout(strong(), 0.5)):
        train(model, x)
        found.append(evaluate(model.one_draw, x, data="chains"))
    plain, free, dropped = found
    assert plain.parts["kl"] < 0.6 < 1.2 < min(free.parts["kl"], dropped.parts["kl"])
    assert plain.value < min(free.value, dropped.value)


def test_the_networks_are_as_wide_as_they_were_asked_to_be():
    model = made_vae((8, 8), [128], 8, np.random.default_rng(0))
    shapes = [p.value.shape for p in model.parameters().values()]
    assert shapes == [(64, 128), (128,), (128, 8), (8,), (128, 8), (8,), (64, 128), (128,), (8, 128), (192, 64), (64,),
                      (8, 64)]
    assert isinstance(model.model, LatentModel)
    assert all(p.value.dtype == np.float32 for p in model.parameters().values())


def test_a_rate_that_is_no_probability_is_one_clear_sentence():
    with pytest.raises(ValueError, match=r"rate must lie in \[0, 1\], but is 1\.5"):
        DecoderDropout(vae(), 1.5)
