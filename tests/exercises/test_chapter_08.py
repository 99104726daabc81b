"""The checkers of chapter 8: they accept the solutions, name each known mistake, and are not fooled by others."""

import itertools
import math

import numpy as np
import pytest

from scratchvae.exercises import chapter_08 as exercises
from scratchvae.exercises.chapter_08_drill import CHOICES, RIGHT, SAID, TESTS
from scratchvae.nn import sigmoid
from scratchvae.probability import gaussian_kl


def said(capsys, name, answer):
    right = getattr(exercises, name)(answer)
    return right, capsys.readouterr().out.strip()


def solved_kl(mu, logvar):
    return (mu * mu + np.exp(logvar) - 1 - logvar).sum(axis=1) / 2


def solved_elbo(nll_of, mu, logvar, eps):
    sigma = np.exp(logvar / 2)
    nll = np.mean([nll_of(mu + sigma * e) for e in eps], axis=0)
    return nll + solved_kl(mu, logvar)


def solved_images(decoder, z, u):
    p = 1 / (1 + np.exp(-decoder(z)))
    return p, (u < p).astype(float)


def solved_way_back(dloss, beta, backwards):
    dmu_kl, dlogvar_kl = backwards["kl"](beta * dloss)
    dlogits = backwards["nll"](dloss)
    dz = backwards["decoder"](dlogits)
    dmu_z, dlogvar_z = backwards["sample"](dz)
    return backwards["encoder"](dmu_z + dmu_kl, dlogvar_z + dlogvar_kl)


SOLUTIONS = {
    "kl": solved_kl,
    "elbo_from_wrong_loss": lambda loss, nll: nll + (loss - nll) / 2,
    "minibatch_loss": lambda nll, kl: (nll.sum(axis=1) + kl.sum(axis=1)).mean(),
    "implied_sigma": lambda n_pixels, weight: math.sqrt(n_pixels * weight / 2),
    "negative_elbo": solved_elbo,
    "new_images": solved_images,
    "way_back": solved_way_back,
    "blanks": lambda: (2, 3, 4, 1, 3),
}
OTHERWISE_RIGHT = {   # other ways of writing a right answer
    "kl": lambda mu, logvar: -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar), axis=-1),
    "elbo_from_wrong_loss": lambda loss, nll: (loss + nll) / 2,
    "minibatch_loss": lambda nll, kl: (nll.sum() + kl.sum()) / len(nll),
    "implied_sigma": lambda n_pixels, weight: (0.5 * n_pixels * weight) ** 0.5,
    "negative_elbo": lambda nll_of, mu, logvar, eps: sum(
        solved_elbo(nll_of, mu, logvar, e[None]) for e in eps) / len(eps),
    "new_images": lambda decoder, z, u: [sigmoid(decoder(z)), u < sigmoid(decoder(z))],
    "blanks": lambda: [2, 3, 4, 1, 3],
}
UNLISTED = [
    ("kl", lambda mu, logvar: solved_kl(mu, logvar) + 0.3, "KL = 0"),
    ("kl", lambda mu, logvar: solved_kl(mu, logvar) / 2, "|mu|^2 / 2"),
    ("kl", lambda mu, logvar: (mu**2).sum(axis=1) / 2, "At mu = 0"),
    ("kl", lambda mu, logvar: solved_kl(mu, logvar)[:, None], "shape (4,)"),
    ("kl", lambda mu, logvar: solved_kl(mu, logvar) * np.exp((mu * logvar).sum(axis=1)), "It is not the KL"),
    ("kl", lambda mu, logvar: (mu**2).sum(axis=1) / 2 + (np.exp(logvar / 2) - 1 - logvar / 2).sum(axis=1), "At mu = 0"),
    ("kl", lambda mu, logvar: solved_kl(mu, logvar).astype(int), "Not yet"),
    ("kl", lambda mu, logvar: mu.__imul__(mu).sum(axis=1), "You changed an array"),
    ("kl", lambda mu: mu.sum(axis=1), "stopped with TypeError"),
    ("elbo_from_wrong_loss", lambda loss, nll: nll + (loss - nll) / 4, "half of loss"),
    ("elbo_from_wrong_loss", lambda loss, nll: 1.5 * loss - nll, "nll"),
    ("elbo_from_wrong_loss", lambda loss, nll: loss - nll / 2, "nll"),
    ("elbo_from_wrong_loss", lambda loss, nll: np.sqrt(loss * nll), "half of loss"),
    ("minibatch_loss", lambda nll, kl: (nll.sum(axis=1) + 2 * kl.sum(axis=1)).mean(), "twice the KL"),
    ("minibatch_loss", lambda nll, kl: 0.5 * (nll.sum(axis=1) + kl.sum(axis=1)).mean(), "twice the reconstruction"),
    ("minibatch_loss", lambda nll, kl: np.median(nll.sum(axis=1) + kl.sum(axis=1)), "Not yet"),
    ("minibatch_loss", lambda nll, kl: (nll.sum(axis=1) + kl.sum(axis=1))[0], "twice the reconstruction"),
    ("minibatch_loss", lambda nll, kl: (nll.sum(axis=1) + kl.sum(axis=1)).max(), "Not yet"),
    ("minibatch_loss", lambda nll, kl: nll.sum(axis=0), "One number"),
    ("implied_sigma", lambda n_pixels, weight: 1.0, "one unit of squared error"),
    ("implied_sigma", lambda n_pixels, weight: n_pixels / 3, "one unit of squared error"),
    ("implied_sigma", lambda n_pixels, weight: -math.sqrt(n_pixels * weight / 2), "must be positive"),
    ("implied_sigma", lambda n_pixels, weight: math.sqrt(392), "one unit of squared error"),
    ("implied_sigma", lambda n_pixels, weight: weight * math.sqrt(n_pixels / 2), "one unit of squared error"),
    ("implied_sigma", lambda n_pixels, weight: 0.0, "must be positive"),
    ("negative_elbo", lambda f, mu, logvar, eps: f(mu + np.exp(logvar / 2) * eps[0]), "5 + KL"),
    ("negative_elbo", lambda f, mu, logvar, eps: solved_elbo(f, mu, logvar, eps) + solved_kl(mu, logvar), "5 + KL"),
    ("negative_elbo", lambda f, mu, logvar, eps: solved_elbo(f, mu, logvar, eps[:, :1] + 0 * eps), "over the draws"),
    ("negative_elbo", lambda f, mu, logvar, eps: solved_elbo(f, mu, logvar, eps / 2), "mean over the draws"),
    ("negative_elbo", lambda f, mu, logvar, eps: solved_elbo(f, mu, logvar, eps + 1), "With eps = 0"),
    ("negative_elbo", lambda f, mu, logvar, eps: solved_elbo(f, mu, logvar, eps - eps.mean(axis=0)), "Not yet"),
    ("new_images", lambda decoder, z, u: sigmoid(decoder(z)), "Return two arrays"),
    ("new_images", lambda decoder, z, u: (sigmoid(decoder(z)), np.round(u)), "probability 0"),
    ("new_images", lambda decoder, z, u: (sigmoid(z), u[:, :3] < sigmoid(z)), "shape (5, 6)"),
    ("new_images", lambda decoder, z, u: (sigmoid(2 * decoder(z)), u < sigmoid(2 * decoder(z))), "The means are not"),
    ("new_images", lambda decoder, z, u: (sigmoid(decoder(z)), 2.0 * (u < sigmoid(decoder(z))) - 1), "0 or 1"),
    ("new_images", lambda decoder, z, u: (sigmoid(decoder(z)), 1 - u < sigmoid(decoder(z))), "own u < 1/2"),
    ("new_images", lambda decoder, z, u: (sigmoid(decoder(z)), u[::-1] < sigmoid(decoder(z))), "own u < 1/2"),
    ("way_back", lambda dloss, beta, backwards: None, "Not answered yet"),
    ("way_back", lambda dloss, beta, backwards: backwards["decoder"](backwards["nll"](dloss)), "never called"),
    ("way_back", lambda dloss, beta, backwards: (backwards["kl"](dloss), solved_way_back(dloss, beta, backwards))[1],
     "a second call adds"),
    ("way_back", lambda dloss, beta, backwards: 2 * solved_way_back(dloss, beta, backwards), "dx is not"),
    ("way_back", lambda dloss, beta, backwards: solved_way_back(dloss, beta + 1, backwards), "dx is not"),
    ("way_back", lambda dloss, beta, backwards: solved_way_back(dloss, 2.0, backwards), "With beta = 0"),
    ("blanks", lambda: (2, 3, 4, 1), "five numbers"),
    ("blanks", lambda: (1, 2, 3, 0, 2), "from 1 to 4"),
    ("blanks", lambda: "23413", "five numbers"),
    ("blanks", lambda: ("2", "3", "4", "1", "3"), "from 1 to 4"),
    ("blanks", lambda: (2.0, 3, 4, 1.5, 3), "from 1 to 4"),
]
KNOWN = [(name, sentence, wrong) for name in SOLUTIONS for sentence, wrong in getattr(exercises, name).mistakes.items()]


def test_every_checker_has_its_solution():
    assert sorted(SOLUTIONS) == sorted(exercises.__all__)


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
    right, heard = said(capsys, name, wrong)
    assert not right
    assert heard == f"Not yet. {sentence}"


@pytest.mark.parametrize(("name", "wrong", "useful"), UNLISTED, ids=[f"{u[0]}-{i}" for i, u in enumerate(UNLISTED)])
def test_other_wrong_answers_are_refused(capsys, name, wrong, useful):
    right, heard = said(capsys, name, wrong)
    assert not right
    assert useful in heard


def test_the_swapped_way_back_is_seen_even_if_the_heads_look_alike(capsys):
    """Half of dz through the sample: each backward called once, the shapes right, the number wrong."""

    def halved(dloss, beta, backwards):
        dmu_kl, dlogvar_kl = backwards["kl"](beta * dloss)
        dmu_z, dlogvar_z = backwards["sample"](backwards["decoder"](backwards["nll"](dloss)) / 2)
        return backwards["encoder"](dmu_z + dmu_kl, dlogvar_z + dlogvar_kl)

    right, heard = said(capsys, "way_back", halved)
    assert not right and "dx is not the gradient" in heard


def test_only_one_of_all_combinations_of_the_drill_is_right(capsys):
    right = [answer for answer in itertools.product(range(1, 5), repeat=5) if exercises.blanks(lambda a=answer: a)]
    capsys.readouterr()
    assert right == [(2, 3, 4, 1, 3)]


def test_several_blanks_wrong_are_all_said(capsys):
    right, heard = said(capsys, "blanks", lambda: (1, 1, 4, 1, 3))
    assert not right
    assert heard == f"Not yet. 3 of 5 are right. (a): {SAID['a', 1]} (i): {SAID['i', 1]}"


def test_the_drill_runs_what_it_shows():
    for blank, pieces in CHOICES.items():
        passed = [i for i, piece in enumerate(pieces, 1) if TESTS[blank](piece)]
        assert passed == [RIGHT[blank]]
        assert {i for b, i in SAID if b == blank} == {1, 2, 3, 4} - {RIGHT[blank]}


def test_the_kl_of_the_drill_is_the_library_s():
    mu, logvar = np.random.default_rng(0).standard_normal((2, 3, 2))
    assert np.allclose(CHOICES["e"][0](mu, logvar), gaussian_kl(mu, logvar))
