"""Chapter 7: right answers are accepted, each known mistake is named, and other wrong answers are told something."""

import re

import numpy as np
import pytest

from scratchvae.exercises import chapter_07 as exercises


def encoder_gradients(dz, mu, logvar, eps):
    sigma = np.exp(logvar / 2)
    return dz + mu, dz * eps * sigma / 2 + (sigma**2 - 1) / 2


def bernoulli_score_gradient(f, logits, u):
    p = 1 / (1 + np.exp(-logits))
    b = u < p
    return f(b)[:, None] * (b - p)


def gradient_check(f, mu, v, h, seed):
    eps = np.random.default_rng(seed).standard_normal(mu.shape)
    return (f(mu + h * v, eps) - f(mu - h * v, eps)) / (2 * h)


def two_bounds(log_likelihood, mu, logvar, eps):
    z = mu + np.exp(logvar / 2) * eps
    return (log_likelihood(z) - (z**2 - eps**2 - logvar).sum(axis=1) / 2,
            log_likelihood(z) - (mu**2 + np.exp(logvar) - 1 - logvar).sum(axis=1) / 2)


def best_baseline(f, score):
    return (f * score**2).sum() / (score**2).sum()


ANSWERS = {exercises.encoder_gradients: encoder_gradients, exercises.gradient_check: gradient_check,
           exercises.bernoulli_score_gradient: bernoulli_score_gradient, exercises.two_bounds: two_bounds,
           exercises.best_baseline: best_baseline}
CHECKERS = list(ANSWERS)
MISTAKES = [pytest.param(checker, sentence, id=f"{checker.__name__}: {sentence}")
            for checker in CHECKERS for sentence in checker.mistakes]


def by_name(checker):
    return checker.__name__


@pytest.mark.parametrize("checker", CHECKERS, ids=by_name)
def test_the_solution_is_accepted(checker, capsys):
    assert checker(ANSWERS[checker])
    assert capsys.readouterr().out == "Right.\n"


@pytest.mark.parametrize("checker", [exercises.encoder_gradients, exercises.two_bounds], ids=by_name)
def test_a_list_is_as_good_as_a_tuple(checker):
    assert checker(lambda *given: list(ANSWERS[checker](*given)))


def test_another_way_to_the_same_noise_is_accepted():
    def seeded_on_each_side(f, mu, v, h, seed):
        plus = f(mu + h * v, np.random.default_rng(seed).normal(size=len(mu)))
        minus = f(mu - h * v, np.random.default_rng(seed).normal(size=len(mu)))
        return (plus - minus) / (2 * h)

    assert exercises.gradient_check(seeded_on_each_side)


@pytest.mark.parametrize(("checker", "sentence"), MISTAKES)
def test_each_known_mistake_is_named(checker, sentence, capsys):
    assert not checker(checker.mistakes[sentence])
    assert capsys.readouterr().out == f"Not yet. {sentence}\n"


def with_dlogvar(change):
    """A right dmu, and a dlogvar that is not."""
    return lambda dz, mu, logvar, eps: (dz + mu, change(dz, mu, logvar, eps, np.exp(logvar / 2)))


def changes_dz(dz, mu, logvar, eps):
    dz += mu
    return dz, (dz - mu) * eps * np.exp(logvar / 2) / 2 + (np.exp(logvar) - 1) / 2


def changes_mu(f, mu, v, h, seed):
    eps = np.random.default_rng(seed).standard_normal(mu.shape)
    mu += h * v
    plus = f(mu, eps)
    mu -= 2 * h * v
    return (plus - f(mu, eps)) / (2 * h)


def draws_anew_each_time(f, mu, v, h, seed):
    eps = np.random.default_rng().standard_normal(mu.shape)
    return (f(mu + h * v, eps) - f(mu - h * v, eps)) / (2 * h)


def always_the_same_noise(f, mu, v, h, seed):
    return gradient_check(f, mu, v, h, 0)


def its_own_step(f, mu, v, h, seed):
    return gradient_check(f, mu, v, 1e-5, seed)


def per_coordinate(f, mu, v, h, seed):
    eps = np.random.default_rng(seed).standard_normal(mu.shape)
    return np.array([(f(mu + h * e, eps) - f(mu - h * e, eps)) / (2 * h) for e in np.eye(len(mu))])


def single_draw(f, mu, v, h, seed):
    eps = np.random.default_rng(seed).standard_normal(1)
    return (f(mu + h * v, eps) - f(mu - h * v, eps)) / (2 * h)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def both(first, second=None):
    """Two bounds, one or both of them wrong."""
    def answer(ll, mu, logvar, eps):
        right = two_bounds(ll, mu, logvar, eps)
        return (first or (lambda *given: right[0]))(ll, mu, logvar, eps), (
            second or (lambda *given: right[1]))(ll, mu, logvar, eps)
    return answer


OTHERS = [
    (exercises.encoder_gradients, with_dlogvar(lambda dz, mu, logvar, eps, s: -dz * eps * s / 2 + (s**2 - 1) / 2),
     "dlogvar"),
    (exercises.encoder_gradients, with_dlogvar(lambda dz, mu, logvar, eps, s: dz * eps * s / 2 + (s - 1) / 2),
     "dz = 0"),
    (exercises.encoder_gradients, with_dlogvar(lambda dz, mu, logvar, eps, s: dz * eps * s / 2 + (s**2 - 1)), "dz = 0"),
    (exercises.encoder_gradients, with_dlogvar(lambda dz, mu, logvar, eps, s: dz * s / 2 * abs(eps) + (s**2 - 1) / 2),
     "sigma = 1"),
    (exercises.encoder_gradients, with_dlogvar(lambda dz, mu, logvar, eps, s: dz * eps / 2 + (s**2 - 1) / 2),
     "dlogvar"),
    (exercises.encoder_gradients, with_dlogvar(lambda dz, mu, logvar, eps, s: (dz * eps * s + s**2 - 1).sum(0) / 2),
     "shape"),
    (exercises.encoder_gradients, lambda *given: encoder_gradients(*given)[1], "two gradients"),
    (exercises.encoder_gradients, changes_dz, "changed an array"),
    (exercises.bernoulli_score_gradient, lambda f, a, u: f(u < sigmoid(a))[:, None] * (u - sigmoid(a)), ""),
    (exercises.bernoulli_score_gradient, lambda f, a, u: f(u < sigmoid(a)), "shape"),
    (exercises.bernoulli_score_gradient, lambda f, a, u: np.tile(
        bernoulli_score_gradient(f, a, u).mean(axis=0), (len(a), 1)), "f = 1"),
    (exercises.bernoulli_score_gradient, lambda f, a, u: 2 * bernoulli_score_gradient(f, a, u), "summing over"),
    (exercises.bernoulli_score_gradient, lambda f, a, u: bernoulli_score_gradient(lambda b: f(b) - 1, a, u), "f = 1"),
    (exercises.bernoulli_score_gradient, lambda f, a, u: (u < sigmoid(a)) - sigmoid(a), "summing over"),
    (exercises.gradient_check, changes_mu, "changed"),
    (exercises.gradient_check, draws_anew_each_time, "seed"),
    (exercises.gradient_check, always_the_same_noise, "Another seed"),
    (exercises.gradient_check, its_own_step, "Use the h"),
    (exercises.gradient_check, per_coordinate, "single number"),
    (exercises.gradient_check, single_draw, "shape of mu"),
    (exercises.gradient_check, lambda f, mu, v, h, seed: 0.0, "twice"),
    (exercises.two_bounds, both(lambda ll, mu, logvar, eps: ll(mu + np.exp(logvar / 2) * eps)), ""),
    (exercises.two_bounds, both(None, lambda ll, mu, logvar, eps: ll(mu + np.exp(logvar / 2) * eps) - (
        mu**2 + np.exp(logvar / 2) - 1 - logvar).sum(axis=1) / 2), "second"),
    (exercises.two_bounds, both(None, lambda ll, mu, logvar, eps: ll(mu + np.exp(logvar / 2) * eps) - (
        mu**2 + np.exp(logvar) - logvar).sum(axis=1) / 2 - 1 / 2), "mu = 0"),
    (exercises.two_bounds, lambda ll, mu, logvar, eps: tuple(-b for b in two_bounds(ll, mu, logvar, eps)), "mu = 0"),
    (exercises.two_bounds, lambda ll, mu, logvar, eps: two_bounds(ll, mu, logvar, eps)[0], "two bounds"),
    (exercises.two_bounds, lambda ll, mu, logvar, eps: two_bounds(ll, mu, logvar, np.zeros_like(eps)), ""),
    (exercises.best_baseline, lambda f, score: np.median(f), ""),
    (exercises.best_baseline, lambda f, score: f * score**2 / score**2, "One number"),
    (exercises.best_baseline, lambda f, score: np.mean(f * score**4) / np.mean(score**4), "derivative"),
    (exercises.best_baseline, lambda f, score: np.mean(f) - 0.25, ""),
    (exercises.best_baseline, lambda f, score: (f * score**2).sum() / (score**2).mean(), ""),
    (exercises.best_baseline, lambda f, score: 0.0, ""),
]


@pytest.mark.parametrize(("checker", "answer", "hint"), OTHERS, ids=[f"{c.__name__}-{i}" for i, (c, _, _) in
                                                                     enumerate(OTHERS)])
def test_other_wrong_answers_are_refused_with_something_useful(checker, answer, hint, capsys):
    assert not checker(answer)
    sentence = capsys.readouterr().out
    assert re.match(r"Not yet\. \S.{25,}", sentence)
    assert hint in sentence
    assert "stopped with" not in sentence and "cannot be checked" not in sentence
