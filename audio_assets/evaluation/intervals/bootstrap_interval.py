"""The interval of a mean over folds from bootstrap draws.

Making the draws belongs in :mod:`audio_assets.evaluation.scores.bootstrap`.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.intervals.fold_means import (
    BOOTSTRAP,
    NO_METHOD,
    NO_SPREAD,
    RECORDING_BOUND,
    Estimate,
    count_distinct_folds,
    logit_interval,
    mean_if_defined,
    recording_bound,
    status_of_interval,
    unseen_recordings,
    why_no_interval,
    why_not_at_chance,
)
from audio_assets.evaluation.splits.recordings import RecordingCounts

MIN_DRAWS = 100
MIN_DEFINED_SHARE = 0.9


def check_draws(draws: int) -> None:
    """Refuse a number of bootstrap draws that gives no usable standard error.

    Raises
    ------
    ValueError
        Unless it is 0 or at least ``MIN_DRAWS``: with 100 draws a standard error is itself good to
        7 %, with 20 to 16 %.
    """
    whole = isinstance(draws, int | np.integer) and not isinstance(draws, bool)
    if not whole or draws < 0 or 0 < draws < MIN_DRAWS:
        raise ValueError(
            f"bootstrap must be 0 (off) or a whole number of at least {MIN_DRAWS}, got {draws!r}"
        )


def estimate_by_bootstrap(
    values: NDArray[np.float64],
    test_folds: Sequence[str],
    reasons: Sequence[str],
    draws: NDArray[np.float64],
    draw_reasons: Sequence[str],
    *,
    recordings: RecordingCounts,
    ci_level: float,
    chance: float = 0.5,
) -> Estimate:
    """Mean over folds with its bootstrap interval, for one metric at one training size.

    Parameters
    ----------
    values, test_folds, reasons, recordings, ci_level, chance
        As in :func:`audio_assets.evaluation.intervals.fold_means.estimate`.
    draws
        float64[N], mean over folds of each draw, NaN where undefined.
    draw_reasons
        Why a draw's mean is undefined.

    Notes
    -----
    See :func:`bootstrap_interval`. The method is called ``recording_bound`` where the draws do not
    differ or the mean is 0 or 1.
    """
    if not 0.0 < ci_level < 1.0:
        raise ValueError(f"ci_level must lie between 0 and 1, got {ci_level}")
    distinct = count_distinct_folds(test_folds)
    mean = mean_if_defined(values)
    missing = why_no_interval(np.isfinite(values), reasons, distinct, recordings)
    missing = missing or _why_too_few_draws(draws, draw_reasons)
    missing = missing or why_not_at_chance(mean, chance)
    if missing:
        return Estimate(mean, float("nan"), float("nan"), NO_METHOD, missing, distinct)
    error = float(np.std(draws[np.isfinite(draws)], ddof=1))
    low, high = bootstrap_interval(mean, error, recordings, ci_level, chance)
    bounded = error < NO_SPREAD or not 0.0 < mean < 1.0
    method = RECORDING_BOUND if bounded else BOOTSTRAP
    return Estimate(mean, low, high, method, status_of_interval(recordings), distinct)


def bootstrap_interval(
    mean: float, error: float, recordings: RecordingCounts, ci_level: float, chance: float = 0.5
) -> tuple[float, float]:
    """``mean +- z SE`` by the delta method on the logit scale, limited near 0 and 1.

    This is :func:`audio_assets.evaluation.intervals.fold_means.logit_interval`. Near 0 and 1 it
    would be almost uninformative, since the draws are worse than the mean itself. So no end lies
    further out than both ``m +- z SE`` and the value with
    :func:`audio_assets.evaluation.intervals.fold_means.unseen_recordings`; these two together form
    the interval at a mean of 0 or 1. Where the draws do not differ, the interval is that of
    :func:`audio_assets.evaluation.intervals.fold_means.recording_bound`: resampling perfectly
    separated recordings shows no spread.

    Parameters
    ----------
    mean
        m, between 0 and 1.
    error
        SE, standard deviation of the draws.
    recordings
        Recordings among all clips.
    ci_level
        Nominal coverage; z is its normal quantile, 1.96 at 0.95.
    chance
        Value of the metric for uninformative scores.
    """
    from scipy.special import ndtri

    if error < NO_SPREAD:
        return recording_bound(mean, recordings, ci_level, chance)
    half = float(ndtri(0.5 + ci_level / 2.0)) * error
    unseen = unseen_recordings(mean, recordings, ci_level, chance)
    low, high = max(min(mean - half, unseen), 0.0), min(max(mean + half, unseen), 1.0)
    if 0.0 < mean < 1.0:
        ends = logit_interval(mean, half, recordings, ci_level, chance)
        low, high = max(low, ends[0]), min(high, ends[1])
    return low, high


def _why_too_few_draws(draws: NDArray[np.float64], reasons: Sequence[str]) -> str:
    defined = np.isfinite(draws)
    if len(draws) >= MIN_DRAWS and defined.mean() >= MIN_DEFINED_SHARE:
        return ""
    if len(draws) < MIN_DRAWS:
        raise ValueError(f"{len(draws)} bootstrap draws, at least {MIN_DRAWS} are needed")
    given = Counter(reason for reason, ok in zip(reasons, defined, strict=True) if not ok)
    listed = "; ".join(sorted(given, key=lambda reason: (-given[reason], reason)))
    return f"undefined in {int(np.sum(~defined))} of {len(draws)} bootstrap draws: {listed}"
