"""Paths in latent space: along a line, a great circle, an axis, or an attribute.

    t = np.linspace(0, 1, 9)
    model.decode(slerp(mu[0], mu[1], t))                                  # (9, D): from one image to another
    model.decode(lerp(mu[:5], mu[5:10], t).reshape(-1, model.n_latents))  # five such paths, 9 images each
    model.decode(traverse(mu[0], 3, np.linspace(-3, 3, 9)))               # what latent 3 does
    model.decode(mu + attribute_vector(mu_smiling, mu_serious))           # everyone smiles
"""

import numpy as np

from ..checks import require_same_shape


def lerp(z0, z1, t):
    """(1 - t) z0 + t z1: the straight line; with t below 0 or above 1 it extrapolates.

    z0, z1 (..., Z) of one shape, else ValueError; a number t -> (..., Z), t (T,) -> (..., T, Z), in the dtype of z0.
    Half-way between two independent draws from N(0, I) lies a draw from N(0, I/2), shorter by a factor of sqrt(2).
    """
    a, b, t = line_up(z0, z1, t)
    return ((1 - t) * a + t * b).astype(z0.dtype)


def slerp(z0, z1, t):
    """(sin((1-t) theta) z0 + sin(t theta) z1) / sin theta, theta the angle between z0 and z1.     Shoemake 1985

    Shapes and dtype as for `lerp`. Between vectors of equal length it turns by t theta along the great circle. White
    2016 uses it between draws of a Gaussian prior, whose lengths are nearly equal; unequal lengths are blended.
    Where z0 is parallel to z1, or one of them is 0, it is lerp. Raises ValueError where z0 and z1 are opposite.
    """
    a, b, t = line_up(z0, z1, t)
    theta = angle(a, b)
    if (np.pi - theta < 1e-6).any():
        raise ValueError("z0 and z1 must not be opposite: half-circles from one to the other lead through all sides")
    turns = theta > 1e-8                                 # for smaller angles theta^2 is below the rounding of float64
    theta = np.where(turns, theta, 1)
    w0, w1 = np.sin((1 - t) * theta) / np.sin(theta), np.sin(t * theta) / np.sin(theta)
    return (np.where(turns, w0, 1 - t) * a + np.where(turns, w1, t) * b).astype(z0.dtype)


def line_up(z0, z1, t):
    """z0 and z1 with a new axis before the last for each axis of t, and t with a new last axis; all in float64."""
    require_same_shape(z0=z0, z1=z1)
    t = np.asarray(t, np.float64)
    shape = (*z0.shape[:-1], *(1,) * t.ndim, z0.shape[-1])
    return z0.reshape(shape).astype(np.float64), z1.reshape(shape).astype(np.float64), t[..., None]


def angle(z0, z1):
    """The angle between vectors along the last axis, which stays with length 1; 0 if one of them is 0. Radians.

    2 atan2(|u - v|, |u + v|) of the unit vectors: unlike arccos(u'v) it keeps its digits near 0 and pi.  Kahan 2006
    """
    u, v = (z / np.where((r := length(z)) > 0, r, 1) for z in (z0, z1))
    theta = 2 * np.arctan2(length(u - v), length(u + v))
    return np.where((length(z0) > 0) & (length(z1) > 0), theta, 0)


def length(z):
    """|z| along the last axis, which stays with length 1."""
    return np.sqrt((z * z).sum(axis=-1, keepdims=True))


def traverse(z, dimension, values):
    """z (..., Z) with its coordinate `dimension` set to each of the values (T,): (..., T, Z), dtype of z.

    Raises ValueError unless 0 <= dimension < Z.
    """
    n_latents = z.shape[-1]
    if not 0 <= dimension < n_latents:
        raise ValueError(f"dimension must be one of 0 to {n_latents - 1}, but is {dimension}")
    moved = np.repeat(z[..., None, :], len(values), axis=-2)
    moved[..., dimension] = values
    return moved


def attribute_vector(z_with, z_without):
    """mean(z_with) - mean(z_without), (Z,): add it to a code to add the attribute.     Larsen et al. 2016; White 2016

    z_with (N, Z) are codes of examples that have the attribute, z_without (M, Z) of examples that lack it, else
    ValueError. What is correlated with the attribute in the data (in faces: hair with age) is in the vector too.
    """
    for name, z in (("z_with", z_with), ("z_without", z_without)):
        if len(z) == 0:
            raise ValueError(f"{name} must hold at least one code, but is empty")
    return (z_with.mean(axis=0, dtype=np.float64) - z_without.mean(axis=0, dtype=np.float64)).astype(z_with.dtype)
