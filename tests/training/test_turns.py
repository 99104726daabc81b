"""Two networks that play against each other: in each step a turn for each, with a loss and an optimizer of its own."""

import copy
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from scratchvae.core import Sequential, gradients_kept, node
from scratchvae.models import Model, mlp_vae
from scratchvae.nn import Linear
from scratchvae.probability import bernoulli_nll
from scratchvae.training import SGD, Adam, Interrupted, TextbookAdam, cosine, fit, load_checkpoint, mean_terms

X = 3 + 0.5 * np.random.default_rng(0).standard_normal((1000, 1), np.float32)


@node
def powers(x):
    """(x, x^2), about the middle of the plot: between two Gaussians the best critic is linear in them."""
    u = x - 2
    return np.concatenate([u, u * u], axis=1), lambda dy: dy[:, :1] + 2 * u * dy[:, 1:]


class Gan(Model):
    """x = a z + b against a critic of x and x^2.     Goodfellow et al. 2014, algorithm 1, with -log D(G(z)) for G"""

    turns = {"critic_loss": ("real", "made"), "maker_loss": ("fooled",)}                       # noqa: RUF012

    def __init__(self, seed=0, kept=True):
        rng = np.random.default_rng(seed)
        self.maker, self.kept = Linear(1, 1, rng), kept
        self.critic = Sequential(powers, Linear(2, 1, rng))

    def noise(self, x, rng):
        return {"z": rng.standard_normal(x.shape, x.dtype)}

    def critic_loss(self, *, x, z):
        """(-log D(x), -log(1 - D(G(z)))); the maker learns nothing of it."""
        real, real_backward = self.judged(x, 1)
        made, made_backward = self.judged(self.maker(z), 0)

        def backward(dreal, dmade):
            real_backward(dreal)
            made_backward(dmade)

        return (real, made), backward

    def maker_loss(self, *, x, z):
        """(-log D(G(z)),); the critic learns nothing of it."""
        made, maker_backward = self.maker.forward(z)
        fooled, judged_backward = self.judged(made, 1)

        def backward(dfooled):
            if not self.kept:
                maker_backward(judged_backward(dfooled))
                return
            with gradients_kept(self.critic):
                dmade = judged_backward(dfooled)
            maker_backward(dmade)

        return (fooled,), backward

    def judged(self, x, label):
        """-log of the probability that the critic gives this label, (B,)."""
        logits, critic_backward = self.critic.forward(x)
        nll, nll_backward = bernoulli_nll.forward(logits, x=np.full_like(logits, label))
        return nll, lambda dnll: critic_backward(nll_backward(dnll))


def optimizers(gan, kind=lambda module, lr: Adam(module, lr, beta1=0.0)):
    return {"critic_loss": kind(gan.critic, 0.2), "maker_loss": kind(gan.maker, 0.05)}


def trained(gan=None, epochs=3, **options):
    gan = gan or Gan()
    records = list(fit(gan, X, optimizer=options.pop("optimizer", None) or optimizers(gan), epochs=epochs,
                       batch_size=100, progress=False, **options))
    return np.concatenate([p.value.ravel() for p in gan.parameters().values()]), records


def test_the_maker_learns_where_the_data_lie_and_how_far_they_scatter():
    gan = Gan()
    _, records = trained(gan, epochs=60, schedule=cosine(steps=600))
    assert gan.maker.b.value[0] == pytest.approx(3, abs=0.1)
    assert abs(gan.maker.W.value[0, 0]) == pytest.approx(0.5, abs=0.1)
    assert records[0]["executor"] == "1 thread"


def test_the_terms_of_every_turn_are_in_the_record():
    gan = Gan()
    _, (record,) = trained(gan, epochs=1, x_test=X[:50], weights={"made": 2})
    assert list(record["train"]) == list(record["test"]) == list(record["weights"]) == ["real", "made", "fooled"]
    assert record["test"] == mean_terms(gan, X[:50]) and record["weights"] == {"real": 1, "made": 2, "fooled": 1}


def state(module, optimizer):
    arrays = [a for p in module.parameters().values() for a in (p.value, p.grad)]
    return [a.tobytes() for a in (*arrays, *optimizer.state().values())]


@pytest.mark.parametrize("kept", [True, False])
def test_a_turn_changes_nothing_of_the_other_network(kept, monkeypatch):
    """Values, gradients and moments, before the backward of a turn and after its step."""
    gan = Gan()
    both, unchanged = optimizers(gan), []

    def watch(method, *other):
        forward, step, before = getattr(gan, method), both[method].step, []

        def loss(*, x, z):
            before[:] = state(*other)
            return forward(x=x, z=z)

        def step_and_compare():
            step()
            unchanged.append(before == state(*other))

        monkeypatch.setattr(gan, method, loss)
        monkeypatch.setattr(both[method], "step", step_and_compare)

    watch("critic_loss", gan.maker, both["maker_loss"])
    watch("maker_loss", gan.critic, both["critic_loss"])
    trained(gan, epochs=1, optimizer=both)
    assert unchanged == [True] * 20


def test_what_a_turn_leaves_in_the_other_network_does_not_reach_its_next_step():
    assert np.array_equal(trained(Gan())[0], trained(Gan(kept=False))[0])


def test_each_turn_has_noise_of_its_own_for_the_same_rows(monkeypatch):
    gan, seen = Gan(), []
    noise = gan.noise

    def noise_and_note(x, rng):
        seen.append((x, noise(x, rng)))
        return seen[-1][1]

    monkeypatch.setattr(gan, "noise", noise_and_note)
    trained(gan, epochs=1)
    for (x, critics), (same_x, makers) in zip(seen[1::2], seen[2::2], strict=True):             # after the trial
        assert np.array_equal(x, same_x) and not np.array_equal(critics["z"], makers["z"])


@pytest.mark.parametrize("kind", [Adam, lambda module, lr: SGD(module, lr, momentum=0.5)])
def test_a_resumed_game_ends_in_the_same_bits(tmp_path, kind):
    def played(epochs, seed=0, **options):
        gan = Gan(seed)
        return trained(gan, epochs, optimizer=optimizers(gan, kind), **options)[0]

    path = tmp_path / "checkpoint.npz"
    played(2, checkpoint=path)
    assert np.array_equal(played(4), played(4, seed=9, checkpoint=path, resume=True))
    assert load_checkpoint(path)[1]["plan"]["lr"] == {"critic_loss": 0.2, "maker_loss": 0.05}


def test_ctrl_c_between_two_turns_ends_after_both_and_is_resumed_to_the_same_bits(tmp_path, monkeypatch):
    gan, path, calls = Gan(), tmp_path / "checkpoint.npz", []
    noise = gan.noise

    def noise_and_ctrl_c(x, rng):
        calls.append(1)
        if len(calls) == 1 + 2 * 13 + 1:                                # after the trial: step 14, the critic's turn
            os.kill(os.getpid(), signal.SIGINT)
        return noise(x, rng)

    monkeypatch.setattr(gan, "noise", noise_and_ctrl_c)
    with pytest.raises(Interrupted, match="stopped after 1 epochs and 4 steps; saved"):
        trained(gan, checkpoint=path)
    rest, later = trained(Gan(9), checkpoint=path, resume=True)
    whole, records = trained()
    assert np.array_equal(whole, rest) and [r["train"] for r in records[1:]] == [r["train"] for r in later]


RUN = """
    import sys
    sys.path.insert(0, sys.argv[2])
    from test_turns import X, Gan, fit, optimizers

    gan = Gan()
    for record in fit(gan, X, optimizer=optimizers(gan), epochs=8, batch_size=2, checkpoint=sys.argv[1], resume=True,
                      progress=False):
        print(record["epoch"], flush=True)
"""


def start(path):
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(RUN), path, Path(__file__).parent],
                            stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_game_that_is_killed_and_resumed_ends_in_the_same_bits(tmp_path):
    killed, whole = str(tmp_path / "killed.npz"), str(tmp_path / "whole.npz")
    with start(killed) as run:
        assert run.stdout.readline() == "1\n"
        run.kill()
    assert load_checkpoint(killed)[1]["epoch"] < 8
    for path in (killed, whole):
        with start(path) as run:
            run.stdout.read()
        assert run.returncode == 0
    one, other = (load_checkpoint(path)[0] for path in (killed, whole))
    assert one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


# ---- what is refused


def small_vae():
    return mlp_vae(12, [8], 3, np.random.default_rng(0))


def stale(vae):
    old = Adam(vae)
    Adam(vae)
    return old


def another_decoder(vae):
    optimizer = Adam(vae)
    vae.decoder = copy.deepcopy(vae.decoder)
    return optimizer


def copied(what):
    def make(vae):
        optimizer, p = Adam(vae), vae.decoder.nodes[0].W
        setattr(p, what, getattr(p, what).copy())
        return optimizer

    return make


@pytest.mark.parametrize(("make", "name"), [
    (lambda vae: Adam(small_vae()), r"encoder\.nodes\.0\.W is in none"),
    (lambda vae: SGD(small_vae()), r"encoder\.nodes\.0\.W is in none"),
    (lambda vae: TextbookAdam(small_vae()), r"encoder\.nodes\.0\.W is in none"),
    (lambda vae: Adam(vae.decoder), r"encoder\.nodes\.0\.W is in none"),
    (lambda vae: TextbookAdam(vae.encoder), r"decoder\.nodes\.0\.W is in none"),
    (stale, r"encoder\.nodes\.0\.W is in none"),
    (another_decoder, r"decoder\.nodes\.0\.W is in none"),
    (copied("value"), r"decoder\.nodes\.0\.W is in none"),
    (copied("grad"), r"decoder\.nodes\.0\.W is in none"),
])
def test_an_optimizer_of_other_parameters_is_refused_at_once(make, name):
    vae = small_vae()
    with pytest.raises(ValueError, match=f"^optimizer must be made of this model as it is now.* but {name}"):
        fit(vae, np.zeros((5, 12), np.float32), optimizer=make(vae), epochs=1)


class Both(Model):
    """Two models in one."""

    def __init__(self, vae):
        self.one, self.two = vae, Linear(2, 2, np.random.default_rng(0))


@pytest.mark.parametrize("kind", [Adam, TextbookAdam])
def test_an_optimizer_that_learns_more_than_the_model_is_refused(kind):
    vae = small_vae()
    with pytest.raises(ValueError, match=r"298 numbers from encoder\.nodes\.0\.W on, but learns 304"):
        fit(vae, np.zeros((5, 12), np.float32), optimizer=kind(Both(vae)), epochs=1)


def test_the_textbook_adam_reads_its_parameters_anew_and_may_find_other_arrays():
    vae = small_vae()
    optimizer = TextbookAdam(vae)
    for p in vae.parameters().values():
        p.value = p.value.copy()
    before = vae.decoder.nodes[0].W.value.copy()
    list(fit(vae, np.ones((5, 12), np.float32), optimizer=optimizer, epochs=1, progress=False))
    assert not np.array_equal(before, vae.decoder.nodes[0].W.value)


@pytest.mark.parametrize(("options", "sentence"), [
    ({"optimizer": lambda gan: Adam(gan)}, "with the methods critic_loss, maker_loss, but is for critic_loss"),
    ({"optimizer": lambda gan: {"critic_loss": Adam(gan.critic)}}, "methods critic_loss, maker_loss, but is for crit"),
    ({"optimizer": lambda gan: optimizers(gan) | {"forward": None}}, "but is for critic_loss, maker_loss, forward"),
    ({"optimizer": lambda gan: {"critic_loss": TextbookAdam(gan), "maker_loss": TextbookAdam(gan.maker)}},
     r"but maker\.W is in more than one"),
    ({"workers": 2}, "workers must be 1 for a model of several turns, but is 2"),
    ({"weights": {"kl": 1}}, "weights may name real, made, fooled, but names kl"),
])
def test_what_does_not_fit_several_turns_is_one_sentence(options, sentence):
    gan = Gan()
    options = {**options, "optimizer": options.get("optimizer", optimizers)(gan)}
    with pytest.raises(ValueError, match=sentence):
        fit(gan, X, epochs=1, **options)


def test_two_terms_of_one_name_are_refused():
    gan = Gan()
    gan.turns = {"critic_loss": ("loss", "made"), "maker_loss": ("loss",)}
    with pytest.raises(ValueError, match="terms of all turns must have different names, but are loss, made, loss"):
        fit(gan, X, optimizer=optimizers(gan), epochs=1)


def test_a_method_that_gives_another_number_of_terms_is_refused():
    gan = Gan()
    gan.turns = {"critic_loss": ("real",), "maker_loss": ("fooled",)}
    with pytest.raises(ValueError, match=r"critic_loss must give a term of shape \(B,\) for each of real, but of 1"):
        fit(gan, X, optimizer=optimizers(gan), epochs=1)
