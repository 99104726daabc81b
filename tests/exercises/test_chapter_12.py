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


def row_by_row(f):
    """An answer that treats one example at a time, with Python's own numbers."""
    return lambda log_w, *more: np.array([f(row, *rest) for row, *rest in zip(log_w.tolist(), *more, strict=True)])


def bound_of_row(row):
    return max(row) + math.log(math.fsum(math.exp(a - max(row)) for a in row) / len(row))


def ess_of_row(row):
    w = [math.exp(a - max(row)) for a in row]
    return math.fsum(w)**2 / math.fsum(a * a for a in w)


def gradient_of_row(row, dlog_w):
    return np.average(dlog_w, axis=0, weights=[math.exp(a - max(row)) for a in row])


def from_the_best_draw(log_w):
    """The weights divided by the largest of the row, which is found by its place."""
    return np.exp(log_w - np.take_along_axis(log_w, log_w.argmax(axis=1)[:, None], axis=1))


def softmax_by_logaddexp(log_w):
    return np.exp(log_w - np.logaddexp.reduce(log_w, axis=1)[:, None])


OTHERWISE_RIGHT = [   # other ways of writing a right answer
    ("bound", lambda log_w: np.logaddexp.reduce(log_w, axis=1) - math.log(log_w.shape[1])),
    ("bound", row_by_row(bound_of_row)),
    ("bound", lambda log_w: log_w.max(axis=1) + np.log(from_the_best_draw(log_w).mean(axis=1))),
    ("bound", lambda log_w: log_w.max(axis=-1) + np.log(np.exp(log_w.T - log_w.max(axis=-1)).sum(axis=0))
        - np.log(log_w.shape[-1])),
    ("bound", log_mean_exp),
    ("iwae_gradient", lambda log_w, dlog_w: np.einsum("bk,bkp->bp", solved_weights(log_w), dlog_w)),
    ("iwae_gradient", lambda log_w, dlog_w: (solved_weights(log_w)[:, None] @ dlog_w)[:, 0]),
    ("iwae_gradient", lambda log_w, dlog_w: np.einsum("bk,bkp->bp", softmax_by_logaddexp(log_w), dlog_w)),
    ("iwae_gradient", row_by_row(gradient_of_row)),
    ("iwae_gradient", lambda log_w, dlog_w: (log_mean_exp.forward(log_w)[1](np.ones(len(log_w)))[:, :, None]
                                             * dlog_w).sum(axis=1)),
    ("effective_sample_size", lambda log_w: np.exp(2 * np.logaddexp.reduce(log_w, axis=1)
                                                   - np.logaddexp.reduce(2 * log_w, axis=1))),
    ("effective_sample_size", lambda log_w: 1 / np.square(softmax_by_logaddexp(log_w)).sum(axis=1)),
    ("effective_sample_size", row_by_row(ess_of_row)),
    ("effective_sample_size", lambda log_w: from_the_best_draw(log_w).sum(axis=1)**2
        / (from_the_best_draw(log_w)**2).sum(axis=1)),
    ("active_count", lambda mu, logvar: np.count_nonzero(((mu - mu.mean(axis=0))**2).mean(axis=0) > 0.01)),
    ("diagonal_frechet", lambda m_a, var_a, m_b, var_b:
        float(np.sum((m_a - m_b)**2) + np.sum(var_a + var_b - 2 * np.sqrt(var_a * var_b)))),
]


def minus(pivot, tiny=0.0):
    """The three answers with the weights exp(log w - pivot(log w)) and, if it is asked for, a small number added."""
    def weights(log_w):
        return np.exp(log_w - pivot(log_w))

    def normalized(log_w):
        return weights(log_w) / (weights(log_w).sum(axis=1, keepdims=True) + tiny)

    return {"bound": lambda log_w: (pivot(log_w) + np.zeros((len(log_w), 1)))[:, 0]
            + np.log(weights(log_w).mean(axis=1) + tiny),
            "iwae_gradient": lambda log_w, dlog_w: (normalized(log_w)[:, :, None] * dlog_w).sum(axis=1),
            "effective_sample_size": lambda log_w: 1 / (normalized(log_w)**2 + tiny).sum(axis=1)}


def clipped(log_w):
    """A softmax that is right for log weights of a usual size."""
    return solved_weights(np.clip(log_w - log_w.max(), -700, 0))


WRONG_PIVOTS = {   # what is taken out of each row, and what the student reads
    "the largest of all rows": (lambda log_w: log_w.max(), exercises.ONE_FOR_ALL),
    "the largest of all rows, as an array": (lambda log_w: np.max(log_w, keepdims=True), exercises.ONE_FOR_ALL),
    "the mean": (lambda log_w: log_w.mean(axis=1, keepdims=True), exercises.NOT_THE_LARGEST),
    "the first draw": (lambda log_w: log_w[:, :1], exercises.NOT_THE_LARGEST),
    "the smallest": (lambda log_w: log_w.min(axis=1, keepdims=True), exercises.NOT_THE_LARGEST),
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
    *[(name, minus(lambda log_w: log_w.max(), 1e-20)[name], "not one for all rows")
      for name in ("bound", "iwae_gradient", "effective_sample_size")],
    ("bound", lambda log_w: log_w.max() + np.log(np.exp(np.clip(log_w - log_w.max(), -700, 0)).mean(axis=1)),
     "not one for all rows"),
    ("iwae_gradient", lambda log_w, dlog_w: (clipped(log_w)[:, :, None] * dlog_w).sum(axis=1), "not one for all rows"),
    ("effective_sample_size", lambda log_w: 1 / (clipped(log_w)**2).sum(axis=1), "not one for all rows"),
    ("effective_sample_size", lambda log_w: np.nan_to_num(minus(np.max)["effective_sample_size"](log_w), nan=1.0),
     "not one for all rows"),
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


@pytest.mark.parametrize(("name", "answer"), OTHERWISE_RIGHT,
                         ids=[f"{a[0]}-{i}" for i, a in enumerate(OTHERWISE_RIGHT)])
def test_another_way_of_writing_it_is_right_too(capsys, name, answer):
    assert said(capsys, name, answer) == (True, "Right.")


@pytest.mark.parametrize("name", ["bound", "iwae_gradient", "effective_sample_size"])
@pytest.mark.parametrize("pivot", WRONG_PIVOTS)
def test_taking_out_another_number_than_the_largest_of_the_row_is_named(capsys, name, pivot):
    taken_out, sentence = WRONG_PIVOTS[pivot]
    assert said(capsys, name, minus(taken_out)[name]) == (False, f"Not yet. {sentence}")


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
