"""Chapter 2: right answers are accepted, each known mistake is named, and other wrong answers are told something."""

import math
import re

import numpy as np
import pytest

from scratchvae.exercises import chapter_02 as exercises
from scratchvae.probability import log_sum_exp

CHECKERS = [exercises.vectorized_e_step, exercises.bound_for_any_q, exercises.covariance_with_prior, exercises.bic,
            exercises.broken_e_step]


def e_step(x, weights, means, variances):
    d = x[:, None] - means
    log_joint = np.log(weights) - (np.log(2 * np.pi * variances) + d**2 / variances).sum(axis=2) / 2
    return np.exp(log_joint - log_sum_exp(log_joint)[:, None])


def e_step_with_loops(x, weights, means, variances):
    q = np.zeros((len(x), len(weights)))
    for b in range(len(x)):
        for k in range(len(weights)):
            q[b, k] = math.log(weights[k])
            for j in range(x.shape[1]):
                d, v = x[b, j] - means[k, j], variances[k, j]
                q[b, k] -= (math.log(2 * math.pi * v) + d * d / v) / 2
        q[b] = np.exp(q[b] - q[b].max())
        q[b] /= q[b].sum()
    return q


def with_a_loop_over_components(x, weights, means, variances):
    logs = [np.log(w) - (np.log(v) + (x - m) ** 2 / v).sum(axis=1) / 2
            for w, m, v in zip(weights, means, variances, strict=True)]
    return np.exp(np.stack(logs, axis=1) - log_sum_exp(np.stack(logs, axis=1))[:, None])


def with_a_loop_over_dimensions(x, weights, means, variances):
    a = np.log(weights) + 0 * x[:, :1]
    for j in range(x.shape[1]):
        a = a - (np.log(variances[:, j]) + (x[:, [j]] - means[:, j]) ** 2 / variances[:, j]) / 2
    return np.exp(a - log_sum_exp(a)[:, None])


def hidden_loop(x, weights, means, variances):
    return e_step_with_loops(x, weights, means, variances)


def without_logarithm(x, weights, means, variances):
    d = x[:, None] - means
    joint = weights * (np.exp(-(d**2) / variances / 2) / np.sqrt(2 * np.pi * variances)).prod(axis=2)
    return joint / joint.sum(axis=1, keepdims=True)


def bound(log_joint, q):
    safe = np.where(q > 0, q, 1)
    return (q * (log_joint - np.log(safe))).sum(axis=1)


def covariance(x, q, ridge):
    d = x - np.average(x, axis=0, weights=q)
    return (np.einsum("b,bi,bj->ij", q, d, d) + ridge * np.eye(x.shape[1])) / q.sum()


def bic(log_likelihood, n, K, D):
    return -2 * log_likelihood + (K - 1 + K * D + K * D * (D + 1) // 2) * math.log(n)


def tempered(mixture, x):
    a = mixture.log_joint(x) / 2
    return np.exp(a - log_sum_exp(a)[:, None])


ANSWERS = dict(zip(CHECKERS, [e_step, bound, covariance, bic, tempered], strict=True))
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


def right(mixture, x):
    return mixture.posterior(x)[0]


OTHERS = [
    (exercises.vectorized_e_step, e_step_with_loops, "there is still a loop in it"),
    (exercises.vectorized_e_step, hidden_loop, "there is still a loop in it"),
    (exercises.vectorized_e_step, with_a_loop_over_components, "there is still a loop in it"),
    (exercises.vectorized_e_step, with_a_loop_over_dimensions, "there is still a loop in it"),
    (exercises.vectorized_e_step, without_logarithm, "Points far away give nan"),
    (exercises.vectorized_e_step, lambda x, w, m, v: e_step(x, w, m, v)[..., None], r"shape \(7, 4\), not \(7, 4, 1\)"),
    (exercises.vectorized_e_step, lambda x, w, m, v: np.full((len(x), len(w)), 0.5), "Each row must sum to 1"),
    (exercises.vectorized_e_step, lambda x, w, m, v: e_step(x, w, m + 0.01, v), "not what the loops give"),
    (exercises.vectorized_e_step, lambda x, w, m, v: e_step(x * (abs(x) < 100), w, m, v), "Far away from all"),
    (exercises.bound_for_any_q, lambda a, q: bound(a, q) + 1, "must touch log p"),
    (exercises.bound_for_any_q, lambda a, q: bound(a, q)[:, None], r"shape \(6,\), not \(6, 1\)"),
    (exercises.bound_for_any_q, lambda a, q: 2 * log_sum_exp(a) - bound(a, q), "above log p"),
    (exercises.bound_for_any_q, lambda a, q: 2 * bound(a, q) - log_sum_exp(a), "must be log p.x. for any q"),
    (exercises.bound_for_any_q, lambda a, q: bound(a, np.clip(q, 1e-3, 1)), "must touch|for any q|add nothing"),
    (exercises.bound_for_any_q, lambda a, q: (q * (np.log(np.exp(a)) - np.log(np.where(q > 0, q, 1)))).sum(axis=1),
     "must be lower by 2000"),
    (exercises.covariance_with_prior, lambda x, q, ridge: covariance(x, q, ridge)[0], r"shape \(2, 2\), not \(2,\)"),
    (exercises.covariance_with_prior, lambda x, q, ridge: np.tril(covariance(x, q, ridge)), "symmetric"),
    (exercises.covariance_with_prior, lambda x, q, ridge: np.cov(x.T, bias=True), "With ridge = 0"),
    (exercises.covariance_with_prior, lambda x, q, ridge: covariance(x, q, 3 * ridge), "single point"),
    (exercises.covariance_with_prior, lambda x, q, r: covariance(x, q, r) * (1.3 if r and q.sum() > 1 else 1),
     "the bound plus the log-prior rises"),
    (exercises.covariance_with_prior, lambda x, q, ridge: covariance(x, q, ridge) + (ridge > 0) * (q.sum() > 1) * 1e-3,
     "Near the maximum, but not on it"),
    (exercises.bic, lambda *given: [bic(*given)], r"not an array of shape \(1,\)"),
    (exercises.bic, lambda *given: bic(*given) + 1, "BIC must be 0"),
    (exercises.bic, lambda log_likelihood, n, K, D: -3 * log_likelihood + bic(0, n, K, D), "changes by -3"),
    (exercises.bic, lambda log_likelihood, n, K, D: bic(log_likelihood, n, K, D + 1), "you count"),
    (exercises.bic, lambda log_likelihood, n, K, D: bic(log_likelihood, n, K, D) - math.log(n) * K, "you count"),
    (exercises.broken_e_step, lambda mixture, x: 2 * right(mixture, x), "Your q is no distribution"),
    (exercises.broken_e_step, lambda mixture, x: right(mixture, x)[:, 0], r"shape \(272, 2\), not \(272,\)"),
    (exercises.broken_e_step, lambda mixture, x: np.eye(2)[np.zeros(len(x), int)], "EM stopped before"),
    (exercises.broken_e_step, lambda mixture, x: exercises.softmax(2 * mixture.log_joint(x)),
     "In 60 steps the log-likelihood never fell"),
    (exercises.broken_e_step, lambda mixture: None, "stopped with TypeError"),
]


@pytest.mark.parametrize(("checker", "answer", "sentence"), OTHERS)
def test_other_wrong_answers_are_told_something_useful(checker, answer, sentence, capsys):
    assert not checker(answer)
    said = capsys.readouterr().out
    assert said.startswith("Not yet. ")
    assert re.search(sentence, said), said


@pytest.mark.parametrize("answer", [
    lambda mixture, x: 0.5 * right(mixture, x) + 0.25,                       # unsure
    lambda mixture, x: np.roll(right(mixture, x), 1, axis=0),                # the neighbour's responsibilities
    lambda mixture, x: exercises.softmax(mixture.component_logpdf(x) / 3),   # without weights, and soft
])
def test_other_broken_e_steps_are_accepted(answer):
    assert exercises.broken_e_step(answer)


def test_an_e_step_that_calls_numpy_only_is_not_called_a_loop():
    def einsum(x, weights, means, variances):
        precision = 1 / variances
        square = (np.einsum("bd,kd->bk", x**2, precision) - 2 * np.einsum("bd,kd->bk", x, means * precision)
                  + (means**2 * precision).sum(axis=1))
        return exercises.softmax(np.log(weights) - (square + np.log(variances).sum(axis=1)) / 2)

    assert exercises.vectorized_e_step(einsum)
