"""Whether each true factor has a latent of its own: two scores on data whose factors are known, from 0 to 1.

    factors = shapes.every_combination()
    print(*disentanglement(vae, shapes.draw(factors), factors, data="shapes", split="every combination"), sep="\n")

Both depend on the axes: a code rotated by 45 degrees knows as much about the factors, and scores less. The seed changes
such scores as much as the choice of the model does, so compare over several seeds.     Locatello et al. 2019
"""

import numpy as np

from ..seeds import SCORES, generator
from .over_examples import encodings, ledger


def disentanglement(model, x, factors, *, data, split="test", seed=0):
    """The ledger entries of both scores, for a draw z ~ q(z|x) of each x (N, D) with factors (N, K).

    The vote is among the active latents; of a model without any, among all, and right by chance. Raises ValueError for
    factors that are not whole numbers from 0, or constant, or where q(z|x) is not a diagonal Gaussian.
    """
    rng = generator(seed, SCORES)
    mu, logvar = encodings(model, {"x": x})
    z = mu + np.exp(logvar / 2) * rng.standard_normal(mu.shape)
    active = mu.var(axis=0) > 0.01                              # as `active_units`
    scores = {"mutual information gap (MIG)": mutual_information_gap(z, factors),
              "FactorVAE score": factor_vote(z[:, active] if active.any() else z, factors, rng)}
    entry = ledger(model, x, None, data=data, split=split, seed=seed)
    return [entry(quantity=name, value=value, standard_error=np.nan, unit="of 1", per="", samples=1)
            for name, value in scores.items()]


def mutual_information(z, factors, bins=20):
    """I(z_j; v_k) in nats for every latent j and factor k, (Z, K), from counts: each latent cut into equal bins.

    z (N, Z), factors (N, K) whole numbers from 0, else ValueError. Take draws z ~ q(z|x), as Chen et al. 2018 do: the
    mean of a collapsed latent is a tiny signal that the bins magnify, and only a draw has the noise that hides it.
    Counts find about (bins - 1)(values - 1) / 2N nats where there are none: take many more examples than cells.
    """
    check(z, factors)
    cells = in_bins(z, bins)
    return np.array([[information(joint(cell, v)) for v in factors.T] for cell in cells.T])


def mutual_information_gap(z, factors, bins=20):
    """MIG: the mean over the factors of (I(z_a; v_k) - I(z_b; v_k)) / H(v_k),  z_a and z_b the two latents that know
    most of v_k.     Chen et al. 2018, eq. (6)

    1 if one latent knows all of each factor and the others nothing; 0 if the best two know as much. z (N, Z), factors
    (N, K) as for `mutual_information`; Z >= 2, else ValueError.
    """
    if z.ndim == 2 and z.shape[1] < 2:
        raise ValueError(f"z must have at least 2 latents for a gap between them, but has {z.shape[1]}")
    known = np.sort(mutual_information(z, factors, bins), axis=0)
    entropy = np.array([information(joint(v, v)) for v in factors.T])
    return float(((known[-1] - known[-2]) / entropy).mean())


def factor_vote(z, factors, rng, *, votes=800, group=64):
    """The FactorVAE score: how often the latent that varies least tells which factor is fixed.     Kim & Mnih 2018

    A vote: draw a factor k and a group of examples with one value of it; the latent whose variance within the group, as
    a share of its variance over all, is smallest votes for k. One half of 2 `votes` decides which factor each latent
    stands for; the score is how often that is right in the other half. 1 / K for codes without information.
    z (N, Z), factors (N, K). Leave collapsed latents out: z[:, active]. A constant latent is a ValueError.
    """
    check(z, factors)
    if not (spread := z.var(axis=0, dtype=np.float64)).all():
        raise ValueError(f"z must vary in every latent, but latent {spread.argmin()} is constant: leave it out")
    ballots = np.zeros((2, z.shape[1], factors.shape[1]), int)             # [half, latent, factor]
    for vote in range(2 * votes):
        k = rng.integers(factors.shape[1])
        alike = np.flatnonzero(factors[:, k] == factors[rng.integers(len(z)), k])
        still = z[rng.choice(alike, group)].var(axis=0, dtype=np.float64) / spread
        ballots[vote % 2, still.argmin(), k] += 1
    learned = ballots[0].argmax(axis=1)
    return float(ballots[1, np.arange(z.shape[1]), learned].sum() / votes)


def in_bins(z, bins):
    """The bin of each z_j, of equal bins from the smallest to the largest, z (N, Z) -> (N, Z); 0 if all are equal."""
    low, width = z.min(axis=0), np.ptp(z, axis=0)
    share = (z - low) / np.where(width > 0, width, 1)
    return np.minimum((share * bins).astype(int), bins - 1)


def joint(a, b):
    """The joint frequencies of whole numbers a and b, both (N,) and from 0: (max a + 1, max b + 1), of sum 1."""
    counts = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(counts, (a, b), 1)
    return counts / len(a)


def information(p):
    """sum p(a, b) log(p(a, b) / (p(a) p(b))) of joint frequencies p, in nats; of a variable with itself its entropy."""
    independent = p.sum(axis=1, keepdims=True) * p.sum(axis=0)
    seen = p > 0
    return float((p[seen] * np.log(p[seen] / independent[seen])).sum())


def check(z, factors):
    """ValueError unless z (N, Z) are finite codes of the N examples of factors (N, K), whole numbers that vary."""
    if z.ndim != 2 or factors.ndim != 2 or len(z) != len(factors) or len(z) < 2:
        raise ValueError(f"z (N, Z) and factors (N, K) must be of the same N examples, at least 2, but have shapes "
                         f"{z.shape} and {factors.shape}")
    if not np.isfinite(z).all():
        raise ValueError(f"z must be finite, but {np.count_nonzero(~np.isfinite(z))} entries are not")
    if not np.issubdtype(factors.dtype, np.integer) or factors.min() < 0:
        raise ValueError("factors must be whole numbers from 0: of a continuous factor, which of its bins")
    if not np.ptp(factors, axis=0).all():
        raise ValueError(f"factors must vary, but column {np.ptp(factors, axis=0).argmin()} is constant")
