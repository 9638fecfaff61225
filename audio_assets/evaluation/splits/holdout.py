"""The fixed test set of the protocol ``holdout``: drawn once, the same for all sizes and draws.

The split plan and the draw orders belong in :mod:`audio_assets.evaluation.splits.plan`, intervals
over a fixed test set in :mod:`audio_assets.evaluation.intervals.holdout_intervals`.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audio_assets.evaluation.splits.arguments import seed_number, whole_number
from audio_assets.evaluation.splits.plan import (
    MAX_REDRAWS,
    NEVER_TESTED,
    SplitPlan,
    draw_orders,
    why_no_evaluation,
)
from audio_assets.evaluation.splits.recordings import (
    FEW_RECORDINGS,
    NoEvaluation,
    RecordingCounts,
    check_no_leak,
)
from audio_assets.evaluation.splits.seeds import Purpose, generator
from audio_assets.evaluation.splits.strata import Strata, columns, make_strata

DEFAULT_PER_CLASS = 50

LEAST_RECORDINGS = 4
"""With fewer recordings of a class than this, none is left for the test set."""

ENOUGH_RECORDINGS = FEW_RECORDINGS
"""Test recordings of a class that suffice: an interval over them carries no warning.

Several clips of one recording carry little more information than one. With 20 + 20 recordings of 60
clips, a test set of one recording per class, which has the 50 clips, gave AUCs with a standard
deviation of 0.17 over 8 seeds; one of 6 recordings per class, the 30 %, gives 0.07.
"""


def most_test_recordings(recordings: int) -> int:
    """Recordings of a class that may be set aside: at most 30 %, rounded down.

    >>> [most_test_recordings(n) for n in (3, 4, 6, 7, 10, 40)]
    [0, 1, 1, 2, 3, 12]
    """
    # In integers: 0.3 * 10 is 3, but 0.3 * 30 is 9 only by luck of rounding.
    return recordings * 3 // 10


def make_holdout_plan(
    labels: ArrayLike,
    recordings: ArrayLike,
    *,
    keys: ArrayLike | None = None,
    variants: ArrayLike | None = None,
    per_class: int = DEFAULT_PER_CLASS,
    repeats: int = 5,
    seed: int = 0,
) -> SplitPlan:
    """Set whole recordings aside as the test set and draw R training orders over the rest.

    Recordings are taken in a random order until each class has ``per_class`` test clips from at
    least ``ENOUGH_RECORDINGS`` recordings, or 30 % of its recordings. A recording that no class
    still needs, or that would be one too many of a class, is passed over.

    Parameters
    ----------
    labels, recordings, keys, variants, seed
        As in :func:`audio_assets.evaluation.splits.plan.make_split_plan`. A recording is tested in
        both variants or in neither.
    per_class
        Desired number of test clips per class (and variant). It is exceeded where recordings are
        long, since ``ENOUGH_RECORDINGS`` whole recordings are taken, and not reached where 30 % of
        the recordings do not have that many clips.
    repeats
        Number R of training draws.

    Raises
    ------
    NoEvaluation
        A class has fewer than ``LEAST_RECORDINGS`` recordings in every variant, or no test set
        with both classes was found.
    ValueError
        An argument is wrong.
    """
    per_class = whole_number("per_class", per_class, 1)
    repeats, seed = whole_number("repeats", repeats, 1), seed_number(seed)
    strata = make_strata(labels, recordings, keys, variants)
    deciding = strata.deciding(LEAST_RECORDINGS)
    if deciding is None:
        raise NoEvaluation(why_no_holdout(strata.fullest()))
    test = _draw_test_set(strata, columns(deciding), per_class, seed)
    folds = np.where(test[strata.codes], 0, NEVER_TESTED).astype(np.int64)
    plan_folds = np.tile(folds, (repeats, 1))
    check_no_leak(plan_folds, strata.recordings)
    ranks = draw_orders(strata, repeats, 1, seed)
    return SplitPlan(plan_folds, ranks, 1, tuple(strata.keys.tolist()))


def why_no_holdout(counts: RecordingCounts | None) -> str:
    """Say in words why these recordings allow no fixed test set; None means no clips."""
    if counts is None or counts.smaller_class < 2:
        return why_no_evaluation(counts)
    return (
        f"a fixed test set takes at most 30 % of the recordings of a class, and there are "
        f"{counts.pos} positive and {counts.neg} negative; at least {LEAST_RECORDINGS} of each "
        "are needed, or the protocol cv"
    )


def _draw_test_set(
    strata: Strata, decisive: list[int], per_class: int, seed: int
) -> NDArray[np.bool_]:
    """bool[recordings], redrawn while a class has fewer clips than its recordings allow."""
    wanted = strata.of(LEAST_RECORDINGS)
    recordings = np.count_nonzero(strata.clips, axis=0)
    most = np.array([most_test_recordings(int(count)) for count in recordings])
    fallback = None
    for attempt in range(1 + MAX_REDRAWS):
        order = generator(seed, Purpose.TEST_SET, attempt).permutation(len(strata.clips))
        test = _take_in_turn(strata.clips[:, wanted], most[wanted], per_class, order)
        held = strata.clips[test]
        taken = np.count_nonzero(held, axis=0)
        full = ~_needs_more(held.sum(axis=0), taken, per_class) | (taken >= most)
        if full[wanted].all():
            return test
        if fallback is None and (held.sum(axis=0) > 0)[decisive].all():
            fallback = test
    if fallback is None:
        raise NoEvaluation(
            "no test set of at most 30 % of the recordings of each class was found that has both "
            "classes, because too many recordings hold both; use the protocol cv"
        )
    return fallback


def _take_in_turn(
    clips: NDArray[np.int64], most: NDArray[np.int64], per_class: int, order: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Recordings taken in an order; ``clips`` is int[recordings, strata], ``most`` int[strata]."""
    test = np.zeros(len(clips), dtype=bool)
    held, taken = np.zeros_like(most), np.zeros_like(most)
    for recording in order:
        has = clips[recording] > 0
        needed = has & _needs_more(held, taken, per_class)
        if needed.any() and (taken + has <= most).all():
            test[recording] = True
            held += clips[recording]
            taken += has
    return test


def _needs_more(
    held: NDArray[np.int64], taken: NDArray[np.int64], per_class: int
) -> NDArray[np.bool_]:
    """Return whether more clips or recordings are still needed, per stratum."""
    return np.asarray((held < per_class) | (taken < ENOUGH_RECORDINGS))
