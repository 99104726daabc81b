"""Workers that share a batch: the same mathematics, the same bits each time, and no process left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from scratchvae.models import mlp_autoencoder, mlp_vae
from scratchvae.probability import Gaussian
from scratchvae.training import SGD, Adam, Interrupted, NonFiniteLoss, fit, load_checkpoint
from scratchvae.training.parallel import Processes
from scratchvae.training.parallel.family import Family
from scratchvae.training.turns import turns_of

X = np.random.default_rng(0).random((100, 12), np.float32)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="workers need Linux on x86-64")]


def trained(model, optimizer=Adam, epochs=3, **options):
    records = list(fit(model, X, optimizer=optimizer(model), epochs=epochs, batch_size=33, progress=False, **options))
    return np.concatenate([p.value.ravel() for p in model.parameters().values()]), records


def vae(seed=0, **options):
    return mlp_vae(12, [8], 3, np.random.default_rng(seed), **options)


def autoencoder():
    return mlp_autoencoder(12, [8], 3, np.random.default_rng(0), dtype=np.float64)


@pytest.mark.parametrize("workers", [2, 3])
@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize("optimizer", [Adam, lambda m: SGD(m, lr=0.01, momentum=0.9)])
def test_where_nothing_is_drawn_processes_take_the_steps_of_one_worker(workers, clip, optimizer, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "X", X.astype(np.float64))
    alone, records = trained(autoencoder(), optimizer, clip=clip)
    team, same = trained(autoencoder(), optimizer, clip=clip, workers=workers)
    assert np.allclose(alone, team, rtol=1e-10, atol=1e-12)
    assert np.allclose([r["train"]["reconstruction"] for r in records], [r["train"]["reconstruction"] for r in same])


def test_the_same_seed_and_number_of_workers_give_the_same_bits():
    first, again = (trained(vae(), workers=2, binarization="dynamic")[0] for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, trained(vae(), workers=2, binarization="dynamic", seed=1)[0])


def test_the_workers_compute_different_rows():
    model = vae()
    processes = Processes(model, *turns_of(model, Adam(model)), 2)
    assert np.array_equal(processes.rows(np.arange(5)), [0, 1, 2])
    processes.rank = 1
    assert np.array_equal(processes.rows(np.arange(5)), [3, 4])


def test_processes_learn():
    _, records = trained(vae(), epochs=20, workers=2)
    assert sum(records[-1]["train"].values()) < sum(records[0]["train"].values()) - 0.1


def test_resumed_processes_end_in_the_same_bits(tmp_path):
    whole, _ = trained(vae(), epochs=4, workers=2, binarization="dynamic")
    path = tmp_path / "checkpoint.npz"
    trained(vae(), epochs=2, workers=2, binarization="dynamic", checkpoint=path)
    rest, _ = trained(vae(9), epochs=4, workers=2, binarization="dynamic", checkpoint=path, resume=True)
    assert np.array_equal(whole, rest)


def test_ctrl_c_stops_all_at_one_step_and_it_is_resumed_to_the_same_bits(tmp_path, monkeypatch):
    path, model = tmp_path / "checkpoint.npz", vae()
    forward, calls, parent = model.forward, [], os.getpid()

    def forward_and_ctrl_c(**constants):
        calls.append(1)
        if os.getpid() == parent and len(calls) == 1 + 6:               # after the trial: epoch 2, step 2
            os.kill(parent, signal.SIGINT)
        return forward(**constants)

    monkeypatch.setattr(model, "forward", forward_and_ctrl_c)
    with pytest.raises(Interrupted, match="stopped after 1 epochs and 2 steps; saved"):
        trained(model, epochs=4, workers=2, binarization="dynamic", checkpoint=path)
    assert load_checkpoint(path)[1]["step"] == 2
    whole, records = trained(vae(), epochs=4, workers=2, binarization="dynamic")
    rest, later = trained(vae(9), epochs=4, workers=2, binarization="dynamic", checkpoint=path, resume=True)
    assert np.array_equal(whole, rest)
    assert [r["train"] for r in records[1:]] == [r["train"] for r in later]


@pytest.mark.parametrize("row", [0, -1])
def test_a_loss_that_is_not_finite_is_said_by_whichever_worker_computes_it(row, monkeypatch):
    model = vae(likelihood=Gaussian(1e-3))
    order = np.random.default_rng([0, 2, 1]).permutation(100)
    data = X.copy()
    data[order[:33][row]] = 3e38                                        # finite, but its square is not
    monkeypatch.setattr(sys.modules[__name__], "X", data)
    with pytest.raises(NonFiniteLoss, match="epoch 1, step 1: "):
        trained(model, workers=2)
    assert no_children()


def children():
    """The processes that this one has started and that still are, at work or waiting to be asked how they ended."""
    return {pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


BEFORE = set()


@pytest.fixture(autouse=True)
def _remember_who_was_there_before():
    """Other tests' helpers, a pool's tracker for one, may live as long as the tests do."""
    BEFORE.clear()
    BEFORE.update(children())


def no_children():
    return children() <= BEFORE


def test_no_process_is_left_behind():
    trained(vae(), workers=3)
    assert no_children()


def test_a_worker_that_is_killed_stops_the_training(monkeypatch):
    model = vae()
    forward, parent = model.forward, os.getpid()

    def forward_or_die(**constants):
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return forward(**constants)

    monkeypatch.setattr(model, "forward", forward_or_die)
    with pytest.raises(RuntimeError, match="a worker process has died"):
        trained(model, workers=2)
    assert no_children()


def test_a_worker_that_has_come_to_the_last_barrier_and_ended_is_not_taken_for_dead():
    """The first process may look for the others between their last arrival and its own next look at `arrived`."""
    here, there = multiprocessing.Pipe()
    there.close()
    family = Family(2)
    family.children, family.round, family.arrived[1] = [(0, here)], 3, 3
    family.check_others()
    family.round = 4
    with pytest.raises(RuntimeError, match="a worker process has died"):
        family.check_others()


def test_workers_end_when_the_first_is_killed(tmp_path):
    script = """
        import os, sys
        import numpy as np
        from scratchvae.models import mlp_vae
        from scratchvae.training import Adam, fit

        vae = mlp_vae(12, [8], 3, np.random.default_rng(0))
        forward, parent = vae.forward, os.getpid()

        def say_who(**constants):
            if os.getpid() != parent and not getattr(say_who, "said", False):
                say_who.said = True
                print(os.getpid(), flush=True)
            return forward(**constants)

        vae.forward = say_who
        x = np.random.default_rng(0).random((1_000_000, 12), np.float32)
        list(fit(vae, x, optimizer=Adam(vae), epochs=1, batch_size=32, workers=2, progress=False))
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True) as run:
        worker = int(run.stdout.readline())
        run.kill()
        assert run.stdout.read() == ""                                  # it ends when the worker has closed it, too
    until = time.monotonic() + 10
    while is_running(worker) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_running(worker)


def is_running(process):
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_workers_elsewhere_are_one_clear_sentence(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(ValueError, match="workers can be more than 1 only on Linux on x86-64, but is 2 on win32"):
        trained(vae(), workers=2)
