"""L_k and the effective sample size: the same numbers however the draws are cut into pieces, and an honest name."""

import numpy as np
import pytest

from scratchvae.evaluation import evaluate, evaluate_bound, importance, importance_weights
from scratchvae.models import mlp_iwae, mlp_vae
from scratchvae.probability import Gaussian, SquaredError


def small(make=mlp_vae, **options):
    return make(6, [5], 2, np.random.default_rng(0), dtype=np.float64, **options)


def squared():
    model = small()
    model.likelihood = SquaredError()
    return model


X = np.random.default_rng(1).integers(0, 2, (7, 6)).astype(np.float64)


def test_streamed_sums_are_the_plain_formulas(monkeypatch):
    """One piece at a time, against log mean exp and (sum w)^2 / sum w^2 of all log w at once."""
    seen, model = [], small()
    log_weights = model.log_weights

    def watched(eps, **constants):
        found = log_weights(eps, **constants)
        seen.append(found[0])
        return found

    monkeypatch.setattr(model, "log_weights", watched)
    monkeypatch.setattr(importance, "DRAWS", 10)
    bound, ess = importance_weights(model, X, 34)
    assert [log_w.shape for log_w in seen] == [(7, 10), (7, 10), (7, 10), (7, 4)]
    w = np.exp(np.concatenate(seen, axis=1))
    np.testing.assert_allclose(bound, np.log(w.mean(axis=1)), rtol=1e-13)
    np.testing.assert_allclose(ess, w.sum(axis=1)**2 / (w * w).sum(axis=1), rtol=1e-12)
    assert (ess > 1).all() and (ess < 34).all()


def test_weights_that_would_underflow_do_not():
    """With sigma = 0.001 log w is about -1e6, and exp of it is 0 in float64."""
    bound, ess = importance_weights(small(likelihood=Gaussian(0.001)), X, 250)
    assert (bound < -1e5).all() and np.isfinite(bound).all()
    assert (ess >= 1).all() and (ess <= 250).all()


def test_one_draw_is_worth_one():
    np.testing.assert_allclose(importance_weights(small(), X, 1).ess, 1, rtol=1e-12)


def test_memory_is_bounded(monkeypatch):
    """No call sees more than BLOCK rows, whatever k and N."""
    rows, model = [], small()
    log_weights = model.log_weights
    monkeypatch.setattr(model, "log_weights", lambda eps, *, x: rows.append(eps.shape[0] * eps.shape[1])
                        or log_weights(eps, x=x))
    for k in (1, 30, 100, 1000):
        importance_weights(model, np.tile(X, (300, 1)), k)
    assert max(rows) <= importance.BLOCK


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    first, again, other = (importance_weights(small(), X, 20, seed=seed).bound for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()


def test_the_standard_error_is_that_over_the_images():
    entry = evaluate_bound(small(), X, 20, data="bits")
    bound, _ = importance_weights(small(), X, 20)
    assert entry.value == pytest.approx(-bound.mean(), rel=1e-14)
    assert entry.standard_error == pytest.approx(bound.std(ddof=1) / 7**0.5, rel=1e-12)


def test_more_draws_give_a_better_bound():
    one, five, fifty = (importance_weights(small(), np.tile(X, (200, 1)), k).bound for k in (1, 5, 50))
    for difference in (five - one, fifty - five):
        assert difference.mean() > 4.5 * difference.std() / len(difference)**0.5


@pytest.mark.parametrize(("model", "x", "name"), [
    (small(), X, "-L_20"),
    (small(), X / 2, "surrogate -L_20 (cross-entropy of grey pixels, no likelihood)"),
    (small(likelihood=Gaussian()), X / 2, "-L_20"),
    (squared(), X, "surrogate -L_20 (squared error in place of nats, neither a likelihood nor a bound)"),
])
def test_a_bound_has_an_honest_name(model, x, name):
    assert evaluate_bound(model, x, 20, data="bits").quantity == name


def test_the_loss_of_an_iwae_is_called_by_its_name():
    entry = evaluate(small(mlp_iwae, k=5), X, data="bits")
    assert (entry.quantity, entry.samples) == ("-L_5", 5)


def test_k_must_be_positive():
    with pytest.raises(ValueError, match="k must be positive, but is 0"):
        importance_weights(small(), X, 0)


def test_the_noise_has_the_precision_of_the_images(monkeypatch):
    """float64 noise would make everything after it float64: another time, and other draws."""
    model, seen = mlp_vae(6, [5], 2, np.random.default_rng(0)), []
    log_weights = model.log_weights
    monkeypatch.setattr(model, "log_weights", lambda eps, **c: seen.append(eps.dtype) or log_weights(eps, **c))
    importance_weights(model, X.astype(np.float32), 5)
    assert set(seen) == {np.dtype(np.float32)}
