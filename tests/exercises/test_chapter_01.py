"""Chapter 1: right answers are accepted, each known mistake is named, and other wrong answers are told something."""

import math
import re

import numpy as np
import pytest
import scipy.special

from scratchvae.exercises import chapter_01 as exercises
from scratchvae.probability import gaussian_logpdf, log_sum_exp

CHECKERS = [exercises.log_normal, exercises.full_covariance_kl, exercises.closest_gaussian, exercises.jensen_gap,
            exercises.kl_is_zero_only_for_equals]


def log_normal(x, mu, logvar):
    return -(math.log(2 * math.pi) + logvar + (x - mu) ** 2 / np.exp(logvar)).sum(axis=1) / 2


def full_covariance_kl(mu_q, S_q, mu_p, S_p):
    L, M = np.linalg.cholesky(S_q), np.linalg.cholesky(S_p)
    A, w = np.linalg.solve(M, L), np.linalg.solve(M, mu_q - mu_p)
    logs = np.log(np.diag(M)).sum() - np.log(np.diag(L)).sum()
    return ((A**2).sum() + w @ w - len(mu_q)) / 2 + logs


KL = full_covariance_kl


def closest_gaussian(weights, means, variances):
    m = (weights * means).sum()
    return m, (weights * (variances + (means - m) ** 2)).sum()


def jensen_gap(log_w):
    top = log_w.max()
    w = np.exp(log_w - top)
    return math.log(w.mean()) + top - log_w.mean(), (w / w.mean()).var() / 2


def discrete_kl(q, p):
    return scipy.special.rel_entr(q, p).sum()


ANSWERS = dict(zip(CHECKERS, [log_normal, full_covariance_kl, closest_gaussian, jensen_gap, discrete_kl], strict=True))
MISTAKES = [pytest.param(checker, sentence, id=f"{checker.__name__}: {sentence}")
            for checker in CHECKERS for sentence in checker.mistakes]


@pytest.mark.parametrize("checker", CHECKERS, ids=lambda checker: checker.__name__)
def test_the_solution_is_accepted(checker, capsys):
    assert checker(ANSWERS[checker])
    assert capsys.readouterr().out == "Right.\n"


@pytest.mark.parametrize("checker", CHECKERS, ids=lambda checker: checker.__name__)
def test_the_empty_stub_is_not_answered_yet(checker, capsys):
    assert not checker(lambda *given: None)
    assert capsys.readouterr().out == "Not answered yet.\n"


@pytest.mark.parametrize(("checker", "sentence"), MISTAKES)
def test_each_known_mistake_is_named(checker, sentence, capsys):
    assert not checker(checker.mistakes[sentence])
    assert capsys.readouterr().out == f"Not yet. {sentence}\n"


def in_place(x, mu, logvar):
    x -= mu
    return gaussian_logpdf(x, np.zeros_like(x), logvar)


def clipped_kl(q, p):
    return float((q * np.log(np.maximum(q, 1e-12) / np.maximum(p, 1e-12))).sum())


OTHERS = [
    (exercises.log_normal, lambda x, mu, logvar: log_normal(x, mu, logvar)[:, None], r"shape \(5,\), not \(5, 1\)"),
    (exercises.log_normal, lambda x, mu, logvar: log_normal(x, -mu, logvar), "not the logarithm of the formula"),
    (exercises.log_normal, lambda x, mu, logvar: log_normal(x, mu, logvar) + 0.5, "what is left of the formula there"),
    (exercises.log_normal, lambda x, mu, logvar: log_normal(x, mu, 1.1 * logvar), "not the logarithm of the formula"),
    (exercises.log_normal, lambda x, mu, logvar: -(math.log(2 * math.pi) + logvar + np.abs(x - mu) * np.exp(-logvar / 2)
                                                   ).sum(axis=1) / 2, "density integrates to"),
    (exercises.log_normal, in_place, "You changed an array"),
    (exercises.log_normal, lambda x, mu: 0, "stopped with TypeError"),
    (exercises.log_normal, lambda x, mu, logvar: 0.0, r"shape \(5,\), not \(\)"),
    (exercises.full_covariance_kl, lambda *given: KL(*given) + 0.3, "two equal Gaussians the KL must be 0"),
    (exercises.full_covariance_kl, lambda *given: KL(*given) ** 2, "as in the formula of one dimension"),
    (exercises.full_covariance_kl, lambda *given: np.array([KL(*given)]), r"not an array of shape \(1,\)"),
    (exercises.full_covariance_kl, lambda *given: 0.0, r"KL\(N\(2, 1\) \|\| N\(0, 1\)\) must be"),
    (exercises.full_covariance_kl, lambda m, S, n, T: KL(m, S, n, T) + KL(n, T, m, S), "must be 2"),
    (exercises.full_covariance_kl, lambda m, S, n, T: KL(m, S, n, S), "With a diagonal S_q and S_p = I"),
    (exercises.full_covariance_kl, lambda m, S, n, T: KL(m, S, n, T) * (1 + abs(np.tril(T, -1)).sum()), "other units"),
    (exercises.closest_gaussian, lambda w, m, v: (0.0, 1.0), "one Gaussian"),
    (exercises.closest_gaussian, lambda w, m, v: float(w @ m), "Return two numbers"),
    (exercises.closest_gaussian, lambda w, m, v: (w @ m, -1.0), "A variance is positive"),
    (exercises.closest_gaussian, lambda w, m, v: (m, v), "two numbers, not arrays"),
    (exercises.closest_gaussian, lambda w, m, v: (np.median(m), w @ v), "is closer to p than your"),
    (exercises.closest_gaussian, lambda w, m, v: (w @ m, 1.001 * closest_gaussian(w, m, v)[1]), "one Gaussian"),
    (exercises.closest_gaussian, lambda w, m, v: (w @ m, closest_gaussian(w, m, v)[1] + 1e-3 * w.min() * (len(w) > 1)),
     "can still fall"),
    (exercises.jensen_gap, lambda a: 0.1, "Return two numbers"),
    (exercises.jensen_gap, lambda a: (math.log(np.exp(a).mean()) - a.mean(), np.var(np.exp(a) / np.exp(a).mean()) / 2),
     r"With all log-weights moved by [-+]2000"),
    (exercises.jensen_gap, lambda a: (jensen_gap(a)[0] * 1.01, jensen_gap(a)[1]), "The gap of random weights is"),
    (exercises.jensen_gap, lambda a: (jensen_gap(a)[0], jensen_gap(a)[0]), r"Var\(w / E w\) / 2 of random weights is"),
    (exercises.jensen_gap, lambda a: (jensen_gap(a)[0], np.array([jensen_gap(a)[1]])), "not arrays"),
    (exercises.jensen_gap, lambda a: (log_sum_exp(a), 1.0), "Equal weights have no gap"),
    (exercises.kl_is_zero_only_for_equals, clipped_kl, "the KL is infinite, but yours is"),
    (exercises.kl_is_zero_only_for_equals, lambda q, p: q * np.log(q / p), r"not an array of shape \(5,\)"),
    (exercises.kl_is_zero_only_for_equals, lambda q, p: (q * np.log(q / p)).sum(), "because 0 log 0 = 0; yours is nan"),
    (exercises.kl_is_zero_only_for_equals, lambda q, p: max(0.0, float(np.log(q / p).mean())), "sum_i q_i log"),
    (exercises.kl_is_zero_only_for_equals, lambda q, p: float(((q - p) ** 2).sum()), "sum_i q_i log"),
    (exercises.kl_is_zero_only_for_equals, lambda q, p: discrete_kl(q, p) if (p > 0).all() else math.inf,
     "Between .1, 0. and itself"),
]


@pytest.mark.parametrize(("checker", "answer", "sentence"), OTHERS)
def test_other_wrong_answers_are_told_something_useful(checker, answer, sentence, capsys):
    assert not checker(answer)
    said = capsys.readouterr().out
    assert said.startswith("Not yet. ")
    assert re.search(sentence, said), said


@pytest.mark.parametrize("answer", [
    lambda log_w: (jensen_gap(log_w)[0], np.var(np.exp(log_w - log_sum_exp(log_w) + math.log(len(log_w))), ddof=1) / 2),
    lambda log_w: list(jensen_gap(log_w)),
])
def test_other_ways_to_be_right_are_accepted(answer):
    assert exercises.jensen_gap(answer)
