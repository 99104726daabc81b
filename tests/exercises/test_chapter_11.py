"""The checkers of chapter 11: they accept the solutions, name each known mistake, and are not fooled by others."""

import math

import numpy as np
import pytest

from scratchvae.evaluation import slerp
from scratchvae.exercises import chapter_11 as exercises


def solved_split(p_x, q, prior):
    q_z = p_x @ q
    R = p_x @ (q * np.log(q / prior)).sum(axis=1)
    return R, p_x @ (q * np.log(q / q_z)).sum(axis=1), (q_z * np.log(q_z / prior)).sum()


def by_entropies(p_x, q, prior):
    def entropy(p):
        return -(p * np.log(p)).sum()

    q_z = p_x @ q
    information = entropy(q_z) - sum(p * entropy(row) for p, row in zip(p_x, q, strict=True))
    misfit = -entropy(q_z) - q_z @ np.log(prior)
    return [information + misfit, information, misfit]


def solved_water(eigenvalues, beta, s2):
    v = beta * s2
    return np.log(np.maximum(eigenvalues / v, 1)).sum() / 2, np.minimum(eigenvalues, v).sum()


def one_by_one(eigenvalues, beta, s2):
    rate = error = 0.0
    for eigenvalue in eigenvalues:
        lives = eigenvalue > beta * s2
        rate += 0.5 * math.log(eigenvalue / (beta * s2)) if lives else 0
        error += beta * s2 if lives else eigenvalue
    return rate, error


def solved_beta(weight, pixels, latents, n_pixels, n_latents):
    return weight * (n_pixels if pixels == "mean" else 1) / (n_latents if latents == "mean" else 1)


def solved_slerp(z0, z1, t):
    theta = np.arccos(z0 @ z1 / np.linalg.norm(z0) / np.linalg.norm(z1))
    return (np.sin((1 - t) * theta) * z0 + np.sin(t * theta) * z1) / np.sin(theta)


def solved_arrow(codes, has, group):
    return np.mean([codes[has & (group == g)].mean(axis=0) - codes[~has & (group == g)].mean(axis=0)
                    for g in set(group.tolist())], axis=0)


def by_loops(codes, has, group):
    names = sorted(set(group))
    total = np.zeros(codes.shape[1])
    for g in names:
        rows = list(zip(codes[group == g], has[group == g], strict=True))
        total += sum(c for c, h in rows if h) / sum(h for _, h in rows)
        total -= sum(c for c, h in rows if not h) / sum(not h for _, h in rows)
    return total / len(names)


SOLUTIONS = {"rate_split": solved_split, "water_filling": solved_water, "effective_beta": solved_beta,
             "slerp": solved_slerp, "balanced_arrow": solved_arrow}
OTHERWISE_RIGHT = {
    "rate_split": by_entropies,
    "water_filling": one_by_one,
    "effective_beta": lambda w, pixels, latents, D, Z: w * D ** (pixels == "mean") * Z ** -float(latents == "mean"),
    "slerp": lambda z0, z1, t: slerp(z0, z1, t),
    "balanced_arrow": by_loops,
}
UNLISTED = [
    ("rate_split", lambda p_x, q, prior: (0.0, 0.0, 0.0), "Their sum is right"),
    ("rate_split", lambda p_x, q, prior: solved_split(p_x, q, prior)[:2], "three numbers"),
    ("rate_split", lambda p_x, q, prior: (solved_split(p_x, q, prior)[0] + 1, *solved_split(p_x, q, prior)[1:]),
     "your two parts sum to"),
    ("rate_split", lambda p_x, q, prior: (solved_split(p_x, q, prior)[0], 0.0, solved_split(p_x, q, prior)[0]),
     "the misfit is 0"),
    ("rate_split", lambda p_x, q, prior: (q.__imul__(2).sum(), 0.0, 0.0), "changed an array"),
    ("water_filling", lambda e, beta, s2: (solved_water(e, beta, s2)[0], 0.0), "the water stands at"),
    ("water_filling", lambda e, beta, s2: solved_water(e[1:], beta, s2), "the water stands at"),
    ("water_filling", lambda e, beta, s2: solved_water(e, min(beta, 4), s2), "above all eigenvalues"),
    ("water_filling", lambda e, beta, s2: solved_water(e, beta, s2)[0], "two numbers"),
    ("water_filling", lambda e, beta, s2: (np.log(np.maximum(e / beta / s2, 1)) / 2, np.minimum(e, beta * s2)),
     "two numbers"),
    ("effective_beta", lambda w, pixels, latents, D, Z: w * D, "in that loss the weight of the KL"),
    ("effective_beta", lambda w, pixels, latents, D, Z: solved_beta(w, pixels, latents, 784, 20), "in that loss"),
    ("effective_beta", lambda w, pixels, latents, D, Z: solved_beta(w, pixels, latents, D, Z) ** 2, "in that loss"),
    ("effective_beta", lambda w, pixels, latents, D, Z: np.full(3, w), "One number"),
    ("effective_beta", lambda weight, D, Z: weight * D / Z, "stopped with TypeError"),
    ("slerp", lambda z0, z1, t: z0, "must be z1"),
    ("slerp", lambda z0, z1, t: z0 + t * t * (z1 - z0), "a great circle keeps it"),
    ("slerp", lambda z0, z1, t: slerp(z0, z1, np.sin(t * np.pi / 2)), "must be rotated by"),
    ("slerp", lambda z0, z1, t: slerp(z0, z1, np.clip(t, 0, 1)), "must be rotated by"),
    ("slerp", lambda z0, z1, t: np.linalg.norm(z1) * slerp(z0 / np.linalg.norm(z0), z1 / np.linalg.norm(z1), t),
     "must be z0"),
    ("slerp", lambda z0, z1, t: slerp(z0, z1, np.array([t])), "shape (5,)"),
    ("balanced_arrow", lambda codes, has, group: codes[has].mean(axis=0), "is off by"),
    ("balanced_arrow", lambda codes, has, group: solved_arrow(codes, has, group) + 1, "is off by"),
    ("balanced_arrow", lambda codes, has, group: solved_arrow(codes, has, group).mean(), "One arrow"),
    ("balanced_arrow", lambda codes, has, group: solved_arrow(codes, has, group // 8), "is off by"),
    ("balanced_arrow", lambda codes, has, group: solved_arrow(codes.__imul__(2), has, group) / 2, "changed an array"),
]
KNOWN = [(name, sentence, wrong) for name in SOLUTIONS for sentence, wrong in getattr(exercises, name).mistakes.items()]


def said(capsys, name, answer):
    right = getattr(exercises, name)(answer)
    return right, capsys.readouterr().out.strip()


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_is_right_and_the_stub_is_not_answered(capsys, name):
    assert said(capsys, name, SOLUTIONS[name]) == (True, "Right.")
    assert said(capsys, name, OTHERWISE_RIGHT[name]) == (True, "Right.")
    assert said(capsys, name, lambda *a: None) == (False, "Not answered yet.")


@pytest.mark.parametrize(("name", "sentence", "wrong"), KNOWN, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(KNOWN)])
def test_each_known_mistake_is_named(capsys, name, sentence, wrong):
    assert said(capsys, name, wrong) == (False, f"Not yet. {sentence}")


@pytest.mark.parametrize(("name", "wrong", "useful"), UNLISTED, ids=[f"{u[0]}-{i}" for i, u in enumerate(UNLISTED)])
def test_other_wrong_answers_are_refused(capsys, name, wrong, useful):
    right, heard = said(capsys, name, wrong)
    assert not right
    assert useful in heard
