"""Threads that share a batch: the same mathematics, the same bits each time, and everything put back afterwards."""

import os
import signal
import sys
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from scratchvae.models import conv_vae, mlp_autoencoder, mlp_classifier, mlp_iwae, mlp_vae
from scratchvae.probability import (
    Bernoulli,
    CategoricalPixels,
    ContinuousBernoulli,
    DiscretizedLogistic,
    Gaussian,
    Laplace,
    PixelGaussian,
    SharedGaussian,
)
from scratchvae.training import SGD, Adam, Interrupted, NonFiniteLoss, TextbookAdam, fit
from scratchvae.training.parallel import OneThread, Threads, executor_for
from scratchvae.training.parallel.choose import threads_for
from scratchvae.training.parallel.threads import INTERVAL, divide, replica
from scratchvae.training.turns import turns_of

RNG = np.random.default_rng(0)
X = RNG.random((100, 12), np.float32)


def rng():
    return np.random.default_rng(1)


def flat(model):
    return np.concatenate([p.value.ravel() for p in model.parameters().values()])


def decide(monkeypatch, threads):
    """From here on it is not the size of a step that says how many threads there are."""
    monkeypatch.setattr(sys.modules["scratchvae.training.parallel.choose"], "threads_for", lambda *_: threads)


def trained(model, threads, monkeypatch, x=X, optimizer=Adam, epochs=2, batch_size=33, **options):
    """Batches of 33, and one of a single example: what is dealt out to the last threads is nothing."""
    decide(monkeypatch, threads)
    records = list(fit(model, x, optimizer=optimizer(model), epochs=epochs, batch_size=batch_size, progress=False,
                       **options))
    return flat(model), [record["train"] for record in records]


MODELS = {
    "vae": lambda dtype: mlp_vae(12, [8], 3, rng(), dtype=dtype),
    "autoencoder": lambda dtype: mlp_autoencoder(12, [8], 3, rng(), dtype=dtype),
    "iwae": lambda dtype: mlp_iwae(12, [8], 3, rng(), k=3, dtype=dtype),
    "conv": lambda dtype: conv_vae(2, rng(), likelihood=Bernoulli(), channels=2, dtype=dtype),
}


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("options", [{}, {"clip": 0.5}, {"optimizer": lambda m: SGD(m, lr=0.01, momentum=0.9)}])
@pytest.mark.parametrize("name", MODELS)
def test_threads_take_the_steps_of_one(name, options, threads, monkeypatch):
    x = RNG.random((100 if name != "conv" else 34, 784 if name == "conv" else 12))
    alone, records = trained(MODELS[name](np.float64), 1, monkeypatch, x=x, **options)
    together, same = trained(MODELS[name](np.float64), threads, monkeypatch, x=x, **options)
    assert np.allclose(alone, together, rtol=1e-9, atol=1e-11)
    assert all(np.allclose(list(a.values()), list(b.values())) for a, b in zip(records, same, strict=True))


@pytest.mark.parametrize("long", [7, 100])
def test_a_thread_takes_its_step_in_pieces_and_leaves_none_out(long, monkeypatch):
    alone, _ = trained(MODELS["vae"](np.float64), 1, monkeypatch, x=X.astype(np.float64))
    monkeypatch.setattr(sys.modules["scratchvae.training.parallel.threads"], "LONG", long)
    together, _ = trained(MODELS["vae"](np.float64), 2, monkeypatch, x=X.astype(np.float64))
    assert np.allclose(alone, together, rtol=1e-9, atol=1e-11)


def test_each_thread_has_the_labels_of_its_rows(monkeypatch):
    x, y = X.astype(np.float64), np.argmax(X[:, :3], axis=1)
    alone, together = (trained(mlp_classifier(12, [8], 3, rng(), dtype=np.float64), n, monkeypatch, x=x, y_train=y)[0]
                       for n in (1, 2))
    assert np.allclose(alone, together, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("likelihood", [Bernoulli, CategoricalPixels, ContinuousBernoulli, DiscretizedLogistic,
                                        Gaussian, Laplace, PixelGaussian, SharedGaussian])
def test_a_thread_may_have_no_examples(likelihood):
    vae = mlp_vae(12, [8], 3, rng(), likelihood=likelihood())
    terms, backward = vae.forward(**example(vae, X[:0]))
    backward(*terms)
    assert all(term.shape == (0,) for term in terms) and not any(p.grad.any() for p in vae.parameters().values())


def test_what_is_changed_between_two_epochs_is_changed_for_every_thread(monkeypatch):
    def halfway_wider(threads):
        decide(monkeypatch, threads)
        vae = mlp_vae(12, [8], 3, rng(), likelihood=Gaussian(0.1), dtype=np.float64)
        for _ in fit(vae, X.astype(np.float64), optimizer=Adam(vae), epochs=2, progress=False):
            vae.likelihood.sigma = 2.0
        return flat(vae)

    assert np.allclose(halfway_wider(1), halfway_wider(2), rtol=1e-9, atol=1e-11)


def test_the_same_seed_and_number_of_threads_give_the_same_bits(monkeypatch):
    first, again = (trained(MODELS["vae"](np.float32), 2, monkeypatch, binarization="dynamic")[0] for _ in range(2))
    assert np.array_equal(first, again)


def test_a_resumed_training_ends_in_the_same_bits(tmp_path, monkeypatch):
    whole, _ = trained(MODELS["vae"](np.float32), 2, monkeypatch, epochs=4)
    path = tmp_path / "checkpoint.npz"
    trained(MODELS["vae"](np.float32), 2, monkeypatch, checkpoint=path)
    rest, _ = trained(MODELS["vae"](np.float32), 2, monkeypatch, epochs=4, checkpoint=path, resume=True)
    assert np.array_equal(whole, rest)


def blas():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_while_the_threads_work_a_matrix_product_is_one_threads(monkeypatch):
    vae, seen = MODELS["vae"](np.float32), []
    noise = vae.noise

    def noise_and_limits(x, rng):
        seen.append((set(blas()), sys.getswitchinterval()))
        return noise(x, rng)

    monkeypatch.setattr(vae, "noise", noise_and_limits)
    trained(vae, 2, monkeypatch, epochs=1)
    assert all(at_work == ({1}, pytest.approx(INTERVAL)) for at_work in seen[1:]) and len(seen) == 1 + 4


def test_everything_is_put_back_when_a_step_fails(monkeypatch):
    before = blas(), sys.getswitchinterval(), threading.active_count()
    x = X.copy()
    x[50] = 3e38                                                            # finite, but its square is not
    with pytest.raises(NonFiniteLoss, match="epoch 1, step [123]: the first node with such an output is"):
        trained(mlp_vae(12, [8], 3, rng(), likelihood=Gaussian(1e-3)), 2, monkeypatch, x=x)
    assert before == (blas(), sys.getswitchinterval(), threading.active_count())


def test_what_goes_wrong_in_another_thread_is_raised(monkeypatch):
    vae = mlp_vae(12, [8], 3, rng())
    likelihood = Bernoulli()

    def fail_elsewhere(logits, *, x):
        if threading.current_thread() is not threading.main_thread():
            raise ZeroDivisionError("elsewhere")
        return likelihood.forward(logits, x=x)

    monkeypatch.setattr(vae.likelihood, "forward", fail_elsewhere)
    with pytest.raises(ZeroDivisionError, match="elsewhere"):
        trained(vae, 2, monkeypatch)


def test_ctrl_c_stops_after_a_step(tmp_path, monkeypatch):
    vae = MODELS["vae"](np.float32)
    noise, calls = vae.noise, []

    def noise_and_ctrl_c(x, rng):
        calls.append(len(x))
        if len(calls) == 1 + 2:                                             # the trial at the call, and two steps
            os.kill(os.getpid(), signal.SIGINT)
        return noise(x, rng)

    monkeypatch.setattr(vae, "noise", noise_and_ctrl_c)
    with pytest.raises(Interrupted, match="stopped after 0 epochs and 2 steps; saved"):
        trained(vae, 2, monkeypatch, checkpoint=tmp_path / "checkpoint.npz")
    assert calls == [1, 33, 33]


def example(model, x):
    return {"x": x, **model.noise(x, rng())}


@pytest.mark.parametrize(("build", "batch_size", "worth_it"), [
    (lambda: mlp_vae(784, [400], 20, rng()), 32, False),
    (lambda: mlp_vae(784, [400], 20, rng()), 128, False),
    (lambda: mlp_vae(784, [400], 20, rng()), 512, True),
    (lambda: mlp_iwae(784, [200, 200], 50, rng(), k=50), 20, True),
    (lambda: conv_vae(10, rng()), 128, True),
])
def test_large_steps_are_shared_and_small_ones_are_not(build, batch_size, worth_it):
    one = example(build(), np.zeros((1, 784), np.float32))
    with threadpool_limits(2):
        expected = 2 if worth_it and max(blas()) == 2 else 1                # on one core there is nothing to share
        assert threads_for(build(), "forward", one, batch_size) == expected
    with threadpool_limits(1):
        assert threads_for(build(), "forward", one, batch_size) == 1


def test_a_model_whose_replicas_would_lead_back_to_it_has_one_thread(monkeypatch):
    vae = conv_vae(10, rng())
    one, decode = example(vae, np.zeros((1, 784), np.float32)), vae.decoder.forward
    with threadpool_limits(2):
        if max(blas()) < 2:
            pytest.skip("on one core there is nothing to share")
        assert threads_for(vae, "forward", one, 128) == 2
        monkeypatch.setattr(vae.decoder, "forward", lambda z: decode(z))    # a copy of it would be the same function
        assert threads_for(vae, "forward", one, 128) == 1
    assert not any(p.grad.any() for p in vae.parameters().values())


def test_an_optimizer_without_a_flat_vector_has_one_thread(monkeypatch):
    decide(monkeypatch, 2)
    for optimizer, kind in ((Adam, Threads), (TextbookAdam, OneThread)):
        vae = MODELS["vae"](np.float32)
        executor = executor_for(vae, turns_of(vae, optimizer(vae)), 1, 33, example(vae, X[:1]))
        assert type(executor) is kind


@pytest.mark.parametrize(("examples", "n"), [(33, 2), (1, 3), (0, 2), (10, 4)])
def test_examples_are_divided_as_numpy_divides_them(examples, n):
    parts = [np.arange(examples)[rows] for rows in divide(examples, n)]
    assert all(map(np.array_equal, parts, np.array_split(np.arange(examples), n)))


def test_a_replica_shares_values_and_owns_its_gradients():
    vae = MODELS["vae"](np.float32)
    other = replica(vae)
    for p, q in zip(vae.parameters().values(), other.parameters().values(), strict=True):
        assert q is not p and q.value is p.value and not np.shares_memory(q.grad, p.grad)
