"""The checkers of chapter 10: they accept the solutions, name each known mistake, and are not fooled by others."""

import math

import numpy as np
import pytest

from scratchvae.exercises import chapter_10 as exercises


def solved_transposed(y, w, stride, n):
    x = np.zeros(n)
    for i, value in enumerate(y):
        x[stride * i:stride * i + len(w)] += value * w
    return x


def by_matrix(y, w, stride, n):
    A = np.zeros((len(y), n))
    for i in range(len(y)):
        A[i, stride * i:stride * i + len(w)] = w
    return A.T @ y


def solved_bound(sse, kl, beta, n):
    return sse / beta + kl + n / 2 * math.log(math.pi * beta)


SOLUTIONS = {
    "size_there": lambda n, k, s, p: (n + 2 * p - k) // s + 1,
    "size_back": lambda n, k, s, p, op: s * (n - 1) + k - 2 * p + op,
    "transposed": solved_transposed,
    "honest_bound": solved_bound,
}
OTHERWISE_RIGHT = {
    "size_there": lambda n, k, s, p: len(range(-p, n + p - k + 1, s)),
    "size_back": lambda n, k, s, p, op: (n - 1) * s - 2 * p + (k - 1) + op + 1,
    "transposed": by_matrix,
    "honest_bound": lambda sse, kl, beta, n: (sse + beta * kl) / beta + 0.5 * n * np.log(2 * np.pi * beta / 2),
}
UNLISTED = [
    ("size_there", lambda n, k, s, p: n, "exactly one place"),
    ("size_there", lambda n, k, s, p: n - k + 1, "there are 29 places"),
    ("size_there", lambda n, k, s, p: (n + 2 * p - k) // s + 1 + (s > 3), "counted one by one"),
    ("size_there", lambda n, k: n - k + 1, "stopped with TypeError"),
    ("size_back", lambda n, k, s, p, op: k, "so the transposed one must take"),
    ("size_back", lambda n, k, s, p, op: s * n + k, "the output is the kernel"),
    ("size_back", lambda n, k, s, p, op: s * (n - 1) + k - 2 * p + op * (op < 2), "so the transposed one must take"),
    ("transposed", lambda y, w, stride, n: by_matrix(y, w, stride, n)[::-1], "An adjoint makes the two equal"),
    ("transposed", lambda y, w, stride, n: 2 * by_matrix(y, w, stride, n), "An adjoint makes the two equal"),
    ("transposed", lambda y, w, stride, n: np.convolve(y, w), "numbers, not shape"),
    ("transposed", lambda y, w, stride, n: by_matrix(y, w, stride, n)[:, None], "numbers, not shape"),
    ("transposed", lambda y, w, stride, n: y.__imul__(2).repeat(n)[:n], "changed an array"),
    ("honest_bound", lambda sse, kl, beta, n: sse / beta + kl + n, "constant"),
    ("honest_bound", lambda sse, kl, beta, n: sse + kl, "In the loss one squared pixel"),
    ("honest_bound", lambda sse, kl, beta, n: solved_bound(sse, kl, 5.0, n), "one squared pixel"),
    ("honest_bound", lambda sse, kl, beta, n: solved_bound(sse, kl, beta, 784), "constant"),
    ("honest_bound", lambda sse, kl, beta, n: [solved_bound(sse, kl, beta, n)], "One number"),
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
