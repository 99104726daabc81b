"""What random numbers are used for: every purpose has its own generator, so that none shifts the draws of another.

    rng = generator(seed, ORDER, epoch)            np.random.default_rng([seed, ORDER, epoch])

No purpose is 0: default_rng([seed, 0]) is default_rng(seed).
"""

from .backend import make_rng

DRAWS, ORDER, TEST, BITS, TRIAL = 1, 2, 3, 4, 5     # training: noise, order, test set, static bits, trial
PICTURES, SCORES, PILOT, CHAINS = 9, 10, 11, 12     # evaluation: new images, scores, AIS


def generator(seed, purpose, *which, like=None):
    """The generator of a purpose; `which` (epoch, rank ...) tells its uses apart. Its draws lie where `like` lies."""
    return make_rng([seed, purpose, *which], like=like)
