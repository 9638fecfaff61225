"""Seeds and random generators: the only source of randomness in the evaluation.

Every draw has a path: the base seed, its purpose, and the repeat, fold or attempt it belongs to.
Names of species and models are not part of a path, so that all models share their splits. Nothing
reads or sets a global random state.
"""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """Purpose of a draw. Published results depend on these numbers: never renumber."""

    FOLDS = 1
    RECORDING_ORDER = 2
    CLIP_ORDER = 3
    HEAD = 4
    TEST_SET = 11
    TEST_RESAMPLES = 12
    BOOTSTRAP = 20
    BOOTSTRAP_SPLITS = 21


def seed_sequence(seed: int, purpose: Purpose, *path: int) -> np.random.SeedSequence:
    """The seed sequence of one draw.

    Parameters
    ----------
    seed
        Base seed, not negative.
    purpose
        Purpose of the draw.
    path
        Repeat, fold, attempt and so on, not negative.
    """
    # A spawn_key rather than one list of entropy words: SeedSequence([1, 2]) and
    # SeedSequence([1, 2, 0]) are the same stream; with a spawn key they differ.
    return np.random.SeedSequence(entropy=seed, spawn_key=(int(purpose), *path))


def generator(seed: int, purpose: Purpose, *path: int) -> np.random.Generator:
    """A generator for one draw; see :func:`seed_sequence`."""
    return np.random.default_rng(seed_sequence(seed, purpose, *path))


def random_state(seed: int, purpose: Purpose, *path: int) -> int:
    """A 32-bit random state for libraries that take an integer; see :func:`seed_sequence`."""
    return int(seed_sequence(seed, purpose, *path).generate_state(1)[0])
