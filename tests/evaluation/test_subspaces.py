"""Angles between subspaces: of the space, not of the basis, and exact however small."""

import numpy as np
import pytest

from scratchvae.evaluation import principal_angles


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-6, 0.3, 1.0, np.pi / 2])
def test_a_turned_plane_has_the_angle_of_the_turn(angle):
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    A = Q[:, :2]
    B = np.stack([Q[:, 0], np.cos(angle) * Q[:, 1] + np.sin(angle) * Q[:, 2]], axis=1)
    np.testing.assert_allclose(principal_angles(A, B), [0, angle], atol=1e-15 if angle < 0.5 else 1e-14)


def test_the_basis_does_not_matter():
    rng = np.random.default_rng(1)
    A, B, mix, other = (rng.standard_normal(shape) for shape in ((7, 3), (7, 3), (3, 3), (3, 3)))
    np.testing.assert_allclose(principal_angles(A @ mix, B @ other), principal_angles(A, B), atol=1e-12)
    np.testing.assert_allclose(principal_angles(A, A @ mix), 0, atol=1e-14)
    np.testing.assert_allclose(principal_angles(A, B), principal_angles(B, A), atol=1e-12)


def test_the_angles_rise_and_agree_with_scipy():
    linalg = pytest.importorskip("scipy.linalg")
    rng = np.random.default_rng(2)
    A, B = rng.standard_normal((2, 9, 4))
    angles = principal_angles(A, B)
    assert (np.diff(angles) >= 0).all()
    np.testing.assert_allclose(angles, np.sort(linalg.subspace_angles(A, B)), atol=1e-13)
