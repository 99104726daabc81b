"""The checkers of chapter 12: they accept the solutions, name each known mistake, and are not fooled by others."""

import math
import warnings

import numpy as np
import pytest

from scratchvae.evaluation import active_units, frechet_distance
from scratchvae.exercises import chapter_12 as exercises
from scratchvae.models import mlp_vae
from scratchvae.probability import log_mean_exp


def said(capsys, name, answer):
    """(what the checker returned, what the student reads): in the student's kernel a warning is no error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        right = getattr(exercises, name)(answer)
    return right, capsys.readouterr().out.strip()


def solved_bound(log_w):
    m = log_w.max(axis=1, keepdims=True)
    return (m + np.log(np.exp(log_w - m).mean(axis=1, keepdims=True)))[:, 0]


def solved_weights(log_w):
    w = np.exp(log_w - log_w.max(axis=1, keepdims=True))
    return w / w.sum(axis=1, keepdims=True)


def solved_ess(log_w):
    return 1 / (solved_weights(log_w)**2).sum(axis=1)


SOLUTIONS = {
    "bound": solved_bound,
    "iwae_gradient": lambda log_w, dlog_w: (solved_weights(log_w)[:, :, None] * dlog_w).sum(axis=1),
    "effective_sample_size": solved_ess,
    "active_count": lambda mu, logvar: int((mu.var(axis=0) > 0.01).sum()),
    "diagonal_frechet": lambda m_a, var_a, m_b, var_b:
        ((m_a - m_b)**2).sum() + ((np.sqrt(var_a) - np.sqrt(var_b))**2).sum(),
}
OTHERWISE_RIGHT = {   # other ways of writing a right answer
    "bound": lambda log_w: np.logaddexp.reduce(log_w, axis=1) - math.log(log_w.shape[1]),
    "iwae_gradient": lambda log_w, dlog_w: np.einsum("bk,bkp->bp", solved_weights(log_w), dlog_w),
    "effective_sample_size": lambda log_w: np.exp(2 * np.logaddexp.reduce(log_w, axis=1)
                                                  - np.logaddexp.reduce(2 * log_w, axis=1)),
    "active_count": lambda mu, logvar: np.count_nonzero(((mu - mu.mean(axis=0))**2).mean(axis=0) > 0.01),
    "diagonal_frechet": lambda m_a, var_a, m_b, var_b:
        float(np.sum((m_a - m_b)**2) + np.sum(var_a + var_b - 2 * np.sqrt(var_a * var_b))),
}
UNLISTED = [
    ("bound", lambda log_w: solved_bound(log_w) + 0.1, "With one draw"),
    ("bound", lambda log_w: np.median(log_w, axis=1), "log 2"),
    ("bound", lambda log_w: solved_bound(log_w)[:, None], "shape (5,)"),
    ("bound", lambda log_w: solved_bound(2 * log_w) / 2, "log 2"),
    ("bound", lambda log_w: solved_bound(log_w.clip(-2500, 700)), "+1000"),
    ("bound", lambda log_w: solved_bound(log_w[:, :2]), "exactly -2000"),
    ("bound", lambda log_w: solved_bound(np.sort(log_w, axis=1)[:, 1:] if log_w.shape[1] > 2 else log_w), "Not yet"),
    ("bound", lambda log_w: log_w.__isub__(log_w.max(axis=1, keepdims=True)).sum(axis=1), "You changed an array"),
    ("bound", lambda: 0.0, "stopped with TypeError"),
    ("iwae_gradient", lambda log_w, dlog_w: 2 * SOLUTIONS["iwae_gradient"](log_w, dlog_w), "With one draw"),
    ("iwae_gradient", lambda log_w, dlog_w: SOLUTIONS["iwae_gradient"](log_w / 2, dlog_w), "complex step"),
    ("iwae_gradient", lambda log_w, dlog_w: SOLUTIONS["iwae_gradient"](log_w[:, ::-1], dlog_w), "far larger"),
    ("iwae_gradient", lambda log_w, dlog_w: solved_weights(log_w) @ dlog_w[0], "With one draw"),
    ("iwae_gradient", lambda log_w, dlog_w: solved_weights(log_w), "shape (5, 3)"),
    ("iwae_gradient", lambda log_w, dlog_w: SOLUTIONS["iwae_gradient"](log_w.clip(-30), dlog_w), "must not change"),
    ("effective_sample_size", lambda log_w: solved_ess(log_w) + 0.5, "Seven equal"),
    ("effective_sample_size", lambda log_w: np.sqrt(solved_ess(log_w)), "Seven equal"),
    ("effective_sample_size", lambda log_w: solved_ess(2 * log_w), "1.6"),
    ("effective_sample_size", lambda log_w: solved_ess(log_w).round(), "1.6"),
    ("effective_sample_size", lambda log_w: (solved_weights(log_w) > 0.01).sum(axis=1), "1.6"),
    ("effective_sample_size", lambda log_w: solved_weights(log_w), "shape (5,)"),
    ("effective_sample_size", lambda log_w: solved_ess(log_w.clip(-700)), "must not change"),
    ("active_count", lambda mu, logvar: int((mu.var(axis=0) > 0.02).sum()), "exactly one"),
    ("active_count", lambda mu, logvar: int((mu.var(axis=0) > 0.005).sum()), "exactly one"),
    ("active_count", lambda mu, logvar: int((np.ptp(mu, axis=0) > 0.01).sum()), "exactly one"),
    ("active_count", lambda mu, logvar: 4, "no latent is active"),
    ("active_count", lambda mu, logvar: mu.shape[1], "no latent is active"),
    ("active_count", lambda mu, logvar: [1, 0, 1], "One number"),
    ("diagonal_frechet", lambda m_a, var_a, m_b, var_b: np.abs(m_a - m_b).sum(), "only the means"),
    ("diagonal_frechet", lambda m_a, var_a, m_b, var_b:
        ((m_a - m_b)**2).sum() + 2 * ((np.sqrt(var_a) - np.sqrt(var_b))**2).sum(), "= 4"),
    ("diagonal_frechet", lambda m_a, var_a, m_b, var_b:
        ((m_a - m_b)**2).sum() + ((np.sqrt(var_a) - np.sqrt(var_b))**2 / var_a).sum(), "both sides"),
    ("diagonal_frechet", lambda m_a, var_a, m_b, var_b:
        ((m_a - m_b)**2).sum() + (np.sqrt(var_a).sum() - np.sqrt(var_b).sum())**2, "the library's"),
    ("diagonal_frechet", lambda m_a, var_a, m_b, var_b: m_a - m_b, "One number"),
    ("diagonal_frechet", lambda m_a, var_a, m_b, var_b: 1.0, "0 from itself"),
]
KNOWN = [(name, sentence, wrong) for name in SOLUTIONS for sentence, wrong in getattr(exercises, name).mistakes.items()]


def test_every_checker_has_its_solution():
    assert set(SOLUTIONS) == {name for name, thing in vars(exercises).items() if hasattr(thing, "mistakes")}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_is_right(capsys, name):
    assert said(capsys, name, SOLUTIONS[name]) == (True, "Right.")


@pytest.mark.parametrize("name", OTHERWISE_RIGHT)
def test_another_way_of_writing_it_is_right_too(capsys, name):
    assert said(capsys, name, OTHERWISE_RIGHT[name]) == (True, "Right.")


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_stub_is_not_answered(capsys, name):
    assert said(capsys, name, lambda *a: None) == (False, "Not answered yet.")


@pytest.mark.parametrize(("name", "sentence", "wrong"), KNOWN, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(KNOWN)])
def test_each_known_mistake_is_named(capsys, name, sentence, wrong):
    assert said(capsys, name, wrong) == (False, f"Not yet. {sentence}")


@pytest.mark.parametrize(("name", "wrong", "useful"), UNLISTED, ids=[f"{u[0]}-{i}" for i, u in enumerate(UNLISTED)])
def test_other_wrong_answers_are_refused(capsys, name, wrong, useful):
    right, heard = said(capsys, name, wrong)
    assert not right
    assert heard.startswith("Not yet. ") and useful in heard


def test_the_solutions_agree_with_the_library():
    rng = np.random.default_rng(0)
    log_w = rng.standard_normal((4, 6))
    assert np.allclose(solved_bound(log_w), log_mean_exp(log_w), rtol=1e-13)
    vae = mlp_vae(5, [4], 3, rng, dtype=np.float64)
    x = rng.random((20, 5))
    assert SOLUTIONS["active_count"](*vae.encode(x)) == active_units(vae, x).count
    a = rng.standard_normal((6, 2))
    a = np.linalg.qr(a - a.mean(axis=0))[0] * [3.0, 5.0]                 # no correlation, by construction
    b = a * [0.5, 2.0] + [1.0, -2.0]
    moments = (f(axis=0, **options) for c in (a, b) for f, options in ((c.mean, {}), (c.var, {"ddof": 1})))
    by_hand = SOLUTIONS["diagonal_frechet"](*moments)
    assert np.isclose(frechet_distance(a, b), by_hand, rtol=1e-12)
