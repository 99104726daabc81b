"""Training: records, reproducibility, and every way it can be stopped without losing anything."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from scratchvae.models import gaussian_noise, mlp_autoencoder, mlp_vae
from scratchvae.probability import Gaussian
from scratchvae.training import (
    SGD,
    Adam,
    CheckpointError,
    Interrupted,
    NonFiniteLoss,
    example_terms,
    fit,
    load_checkpoint,
    mean_terms,
    save_checkpoint,
)

X = np.random.default_rng(0).random((100, 12), np.float32)


def model(seed=0, **options):
    return mlp_vae(12, [8], 3, np.random.default_rng(seed), **options)


def trained(vae=None, epochs=3, optimizer=Adam, **options):
    """(parameters as one vector, records) of a short run."""
    vae = vae or model()
    records = list(fit(vae, X, optimizer=optimizer(vae), epochs=epochs, batch_size=16, progress=False, **options))
    return np.concatenate([p.value.ravel() for p in vae.parameters().values()]), records


def test_a_record_an_epoch_with_the_terms_apart():
    _, records = trained(x_test=X[:30])
    assert [record["epoch"] for record in records] == [1, 2, 3]
    for record in records:
        assert record.keys() == {"epoch", "train", "test", "weights", "seconds", "binarization", "executor"}
        assert record["train"].keys() == record["test"].keys() == {"reconstruction", "kl"}
    assert sum(records[-1]["train"].values()) < sum(records[0]["train"].values())


def test_the_test_terms_are_those_of_the_model_as_it_is():
    vae = model()
    _, records = trained(vae, x_test=X[:30])
    assert records[-1]["test"] == mean_terms(vae, X[:30])


def test_the_train_terms_are_means_over_every_example_of_the_epoch():
    """With a step size of almost nothing, the epoch's mean is that of the untrained model, up to its own noise."""
    vae = model()
    frozen = np.array([sum(example_terms(vae, X, seed=s)["kl"]) / len(X) for s in range(3)])
    (record,) = fit(vae, X, optimizer=SGD(vae, lr=1e-30), epochs=1, batch_size=16, progress=False)
    assert np.allclose(frozen, record["train"]["kl"], rtol=1e-5)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    first, again, other = trained()[0], trained()[0], trained(seed=1)[0]
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_the_loss_is_the_mean_over_the_batch_of_the_weighted_terms():
    """One step of SGD with one batch is lr times the gradient of mean(nll + beta kl)."""
    vae, twin = model(), model()
    before = np.concatenate([p.value.ravel() for p in vae.parameters().values()])
    (_,) = fit(vae, X, optimizer=SGD(vae, lr=0.5), epochs=1, batch_size=100, weights={"kl": 4}, progress=False)
    after = np.concatenate([p.value.ravel() for p in vae.parameters().values()])
    order = np.random.default_rng([0, 2, 1]).permutation(100)
    eps = np.random.default_rng([0, 1]).standard_normal((100, 3), np.float32)
    _, backward = twin.negative_elbo(x=X[order], eps=eps, beta=4)
    backward(np.full(100, 1 / 100, np.float32))
    gradient = np.concatenate([p.grad.ravel() for p in twin.parameters().values()])
    assert np.allclose(after, before - 0.5 * gradient, rtol=1e-5, atol=1e-7)


def test_the_few_of_the_last_batch_are_averaged_over_themselves():
    """Batches of 60 and 40: two steps of SGD, each lr times the gradient of its own mean."""
    vae, twin = model(), model()
    (_,) = fit(vae, X, optimizer=SGD(vae, lr=0.5), epochs=1, batch_size=60, progress=False)
    order, rng = np.random.default_rng([0, 2, 1]).permutation(100), np.random.default_rng([0, 1])
    sgd = SGD(twin, lr=0.5)
    for batch in (order[:60], order[60:]):
        loss, backward = twin.negative_elbo(x=X[batch], **twin.noise(X[batch], rng))
        backward(np.full_like(loss, 1 / len(batch)))
        sgd.step()
    for ours, theirs in zip(vae.parameters().values(), twin.parameters().values(), strict=True):
        assert np.allclose(ours.value, theirs.value, rtol=1e-5, atol=1e-6)


def one_thread(monkeypatch):
    """Where forward is called for each step and for the trial at the call, but not asked how large its nodes are."""
    monkeypatch.setattr(sys.modules["scratchvae.training.parallel.choose"], "threads_for", lambda *_: 1)


@pytest.mark.parametrize("binarization", ["dynamic", "static"])
def test_binarized_training_sees_only_black_and_white(binarization, monkeypatch):
    vae, seen = model(), []
    forward = vae.forward
    monkeypatch.setattr(vae, "forward", lambda *, x, eps: seen.append(x) or forward(x=x, eps=eps))
    one_thread(monkeypatch)
    list(fit(vae, X, optimizer=Adam(vae), epochs=2, batch_size=100, binarization=binarization, progress=False))
    one, two = (x[np.argsort(order)] for x, order in
                zip(seen[1:], (np.random.default_rng([0, 2, e]).permutation(100) for e in (1, 2)), strict=True))
    assert set(np.unique(one)) == {0.0, 1.0}
    assert np.array_equal(one, two) == (binarization == "static")


@pytest.mark.parametrize("make", [lambda rng: mlp_autoencoder(12, [8], 3, rng),
                                  lambda rng: mlp_autoencoder(12, [], 8, rng, corrupt=gaussian_noise),
                                  lambda rng: mlp_vae(12, [8], 3, rng, likelihood=Gaussian(0.5))])
def test_every_model_learns(make):
    _, records = trained(make(np.random.default_rng(0)), epochs=20)
    assert sum(records[-1]["train"].values()) < sum(records[0]["train"].values())


def test_clipping_bounds_the_step():
    moved = [np.linalg.norm(trained(epochs=1, optimizer=lambda m: SGD(m, lr=1e-3), clip=clip)[0] - trained_start())
             for clip in (None, 0.01)]
    assert moved[1] <= 7 * 1e-3 * 0.01 * 1.001 < moved[0]


def trained_start():
    return np.concatenate([p.value.ravel() for p in model().parameters().values()])


# ---- stopping and going on


@pytest.mark.parametrize("optimizer", [Adam, lambda m: SGD(m, lr=0.01, momentum=0.9)])
@pytest.mark.parametrize("binarization", ["dynamic", "static", "none"])
def test_a_resumed_run_ends_in_the_same_bits(tmp_path, optimizer, binarization):
    whole, records = trained(epochs=4, optimizer=optimizer, binarization=binarization)
    path = tmp_path / "checkpoint.npz"
    trained(epochs=2, optimizer=optimizer, binarization=binarization, checkpoint=path)
    rest, later = trained(model(seed=9), epochs=4, optimizer=optimizer, binarization=binarization, checkpoint=path,
                          resume=True)
    assert np.array_equal(whole, rest)
    assert [r["train"] for r in records[2:]] == [r["train"] for r in later]
    assert [r["epoch"] for r in load_checkpoint(path)[1]["records"]] == [1, 2, 3, 4]


def test_ctrl_c_in_the_middle_of_an_epoch_saves_and_is_resumed_to_the_same_bits(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.npz"
    vae = model()
    forward, calls = vae.forward, []

    def forward_and_ctrl_c(**constants):
        calls.append(1)
        if len(calls) == 1 + 10:                            # after the trial: epoch 2, step 3
            os.kill(os.getpid(), signal.SIGINT)
        return forward(**constants)

    monkeypatch.setattr(vae, "forward", forward_and_ctrl_c)
    one_thread(monkeypatch)
    with pytest.raises(Interrupted, match=r"stopped after 1 epochs and 3 steps; saved in .*checkpoint.npz"):
        trained(vae, epochs=4, checkpoint=path)
    facts = load_checkpoint(path)[1]
    assert (facts["epoch"], facts["step"]) == (1, 3)
    whole, records = trained(epochs=4)
    rest, later = trained(model(seed=9), epochs=4, checkpoint=path, resume=True)
    assert np.array_equal(whole, rest)
    assert [r["train"] for r in records[1:]] == [r["train"] for r in later]


def test_ctrl_c_works_as_ever_once_training_is_over():
    before = signal.getsignal(signal.SIGINT)
    trained(epochs=1)
    assert signal.getsignal(signal.SIGINT) is before


RUN = """
    import sys
    import numpy as np
    from scratchvae.models import mlp_vae
    from scratchvae.training import Adam, fit

    x = np.random.default_rng(0).random((4000, 50), np.float32)
    vae = mlp_vae(50, [64], 4, np.random.default_rng(0))
    for record in fit(vae, x, optimizer=Adam(vae), epochs=6, batch_size=8, checkpoint=sys.argv[1], resume=True,
                      progress=False):
        print(record["epoch"], flush=True)
"""


def start(path):
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(RUN), path], stdout=subprocess.PIPE, text=True)


def parameters_in(path):
    arrays, _ = load_checkpoint(path)
    return {name: a for name, a in arrays.items() if name.startswith(("parameters/", "optimizer/"))}


@pytest.mark.slow
def test_a_run_killed_in_the_middle_of_an_epoch_and_resumed_ends_in_the_same_bits(tmp_path):
    killed, whole = str(tmp_path / "killed.npz"), str(tmp_path / "whole.npz")
    with start(killed) as run:
        assert run.stdout.readline() == "1\n"
        assert run.stdout.readline() == "2\n"
        time.sleep(0.05)                                    # an epoch takes longer: the third is under way
        run.kill()
    assert load_checkpoint(killed)[1]["epoch"] < 6
    with start(killed) as run:
        assert run.wait() == 0
    with start(whole) as run:
        assert run.wait() == 0
    one, other = parameters_in(killed), parameters_in(whole)
    assert one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


# ---- what goes wrong is said


def test_a_loss_that_is_not_finite_names_epoch_step_and_node_and_keeps_the_checkpoint(tmp_path):
    path = tmp_path / "checkpoint.npz"
    vae = model(likelihood=Gaussian(0.1))
    trained(vae, epochs=1, checkpoint=path)
    before = path.read_bytes()

    class Exploding(Adam):
        def step(self):
            super().step()
            if int(self.t) == 10:
                vae.decoder.nodes[2].b.value[:] = np.inf

    with pytest.raises(NonFiniteLoss, match=r"epoch 2, step 4: .* decoder\.nodes\.2 \(Linear\); the last good"):
        trained(vae, epochs=3, optimizer=Exploding, checkpoint=path, resume=True)
    assert path.read_bytes() == before


def test_a_node_that_overflows_is_named():
    vae = model()
    vae.encoder.nodes[2].logvar.b.value[:] = 200
    with pytest.raises(NonFiniteLoss, match="epoch 1, step 1: .*reparameterize"):
        trained(vae)


@pytest.mark.parametrize(("options", "sentence"), [
    ({"x": X[0]}, r"x \(12,\) of the train set cannot be given to the model: .*12"),
    ({"x": X[:, :5]}, r"x \(100, 5\) of the train set cannot be given to the model: .*12"),
    ({"x_test": X[:, :5]}, r"x \(100, 5\) of the test set cannot be given to the model: .*12"),
    ({"x": X.astype(np.float64)}, "x_train must be float32 as the model is, but is float64"),
    ({"x_test": X.astype(np.float64)}, "x_test must be float32 as the model is, but is float64"),
    ({"x": (255 * X).astype(np.uint8)}, r"x_train must lie in \[0, 1\]"),
    ({"x": X[:0]}, r"in the train set, x must have a row for each example, but is empty: its shape is \(0, 12\)"),
    ({"y_train": np.zeros(9)}, "in the train set, y must have a row for each of the 100 rows of x, but has 9"),
    ({"y_train": np.zeros(100, int)}, r"x \(100, 12\), y \(100,\) of the train set cannot be .*unexpected keyword"),
    ({"x": 255 * X}, r"x_train must lie in \[0, 1\] for a Bernoulli, but runs from"),
    ({"x": X * np.nan}, "x_train must be finite, but 1200 entries are nan"),
    ({"x_test": 255 * X}, r"x_test must lie in \[0, 1\]"),
    ({"weights": {"beta": 4}}, "weights may name reconstruction, kl, but names beta"),
    ({"weights": {"kl": "4"}}, "weights of kl must be a number or a schedule, but is '4'"),
    ({"weights": {"kl": np.nan}}, "weights of kl must be a number or a schedule, but is nan"),
    ({"binarization": "fresh"}, "binarization must be one of dynamic, static, none, but is 'fresh'"),
    ({"batch_size": 0}, "batch_size must be positive, but is 0"),
    ({"epochs": 0}, "epochs must be positive, but is 0"),
    ({"clip": -1.0}, "clip must be positive, but is -1.0"),
])
def test_bad_input_is_one_clear_sentence_before_anything_is_done(tmp_path, options, sentence):
    vae = model()
    options = {"epochs": 1, "progress": False, "checkpoint": tmp_path / "checkpoint.npz", **options}
    x = options.pop("x", X)
    with pytest.raises(ValueError, match=sentence):
        fit(vae, x, optimizer=Adam(vae), **options)                 # at the call, not when the first epoch is asked for
    assert not os.listdir(tmp_path)


def test_a_checkpoint_is_never_overwritten_by_a_new_run(tmp_path):
    path = tmp_path / "checkpoint.npz"
    trained(epochs=1, checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=r"already there; resume=True .--resume. goes on"):
        trained(epochs=1, checkpoint=path)
    assert path.read_bytes() == before


def test_a_damaged_checkpoint_is_not_resumed_and_not_overwritten(tmp_path):
    path = tmp_path / "checkpoint.npz"
    trained(epochs=1, checkpoint=path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="damaged"):
        trained(epochs=2, checkpoint=path, resume=True)
    assert len(path.read_bytes()) == 1000


@pytest.mark.parametrize(("changed", "sentence"), [
    ({"seed": 1}, "was trained with seed = 0; it cannot be resumed with 1"),
    ({"weights": {"kl": 2}}, "was trained with weights"),
    ({"settings": {"latents": 4}}, "was trained with latents = None"),
    ({"optimizer": SGD}, "was trained with lr = 0.001"),
    ({"optimizer": lambda m: SGD(m, lr=0.001)}, "another model or optimizer"),
    ({"vae": mlp_vae(12, [9], 3, np.random.default_rng(0))}, "another model or optimizer"),
])
def test_a_run_is_resumed_only_as_what_it_was(tmp_path, changed, sentence):
    path = tmp_path / "checkpoint.npz"
    trained(epochs=1, checkpoint=path)
    with pytest.raises(CheckpointError, match=sentence):
        trained(epochs=2, checkpoint=path, resume=True, **changed)


def test_a_checkpoint_that_does_not_know_a_part_of_the_plan_is_not_asked_for_it(tmp_path):
    """As one of an earlier version, when there was no such part."""
    path = tmp_path / "checkpoint.npz"
    trained(epochs=1, checkpoint=path)
    arrays, facts = load_checkpoint(path)
    del facts["plan"]["schedule"], facts["plan"]["workers"]
    save_checkpoint(path, arrays, facts)
    rest, _ = trained(model(seed=9), epochs=3, checkpoint=path, resume=True)
    assert np.array_equal(rest, trained(epochs=3)[0])


def test_a_checkpoint_is_resumed_with_as_many_workers(tmp_path):
    path = tmp_path / "checkpoint.npz"
    trained(epochs=1, checkpoint=path)
    with pytest.raises(CheckpointError, match="was trained with workers = 1; it cannot be resumed with 2"):
        trained(epochs=2, checkpoint=path, resume=True, workers=2)


def test_a_checkpoint_that_is_there_already_is_found_at_the_call(tmp_path):
    path, vae = tmp_path / "checkpoint.npz", model()
    trained(epochs=1, checkpoint=path)
    with pytest.raises(CheckpointError, match="already there"):
        fit(vae, X, optimizer=Adam(vae), epochs=1, checkpoint=path)
