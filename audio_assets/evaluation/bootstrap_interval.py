"""The interval of a mean over folds from bootstrap draws.

How the draws are made belongs in :mod:`audio_assets.evaluation.bootstrap`.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.intervals import (
    BOOTSTRAP,
    NO_METHOD,
    NO_SPREAD,
    RECORDING_BOUND,
    Estimate,
    count_distinct_folds,
    recording_bound,
    status_of_interval,
    why_no_interval,
)
from audio_assets.evaluation.recordings import RecordingCounts

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
) -> Estimate:
    """Mean over folds with its bootstrap interval, for one metric at one training size.

    Parameters
    ----------
    values, test_folds, reasons, recordings, ci_level
        As in :func:`audio_assets.evaluation.intervals.estimate`.
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
    defined = np.isfinite(values)
    mean = float(values[defined].mean()) if defined.any() else float("nan")
    missing = why_no_interval(defined, reasons, distinct, recordings)
    missing = missing or _why_too_few_draws(draws, draw_reasons)
    if missing:
        return Estimate(mean, float("nan"), float("nan"), NO_METHOD, missing, distinct)
    error = float(np.std(draws[np.isfinite(draws)], ddof=1))
    low, high = bootstrap_interval(mean, error, recordings, ci_level)
    bounded = error < NO_SPREAD or not 0.0 < mean < 1.0
    method = RECORDING_BOUND if bounded else BOOTSTRAP
    return Estimate(mean, low, high, method, status_of_interval(recordings), distinct)


def bootstrap_interval(
    mean: float, error: float, recordings: RecordingCounts, ci_level: float
) -> tuple[float, float]:
    """``mean +- z SE``, kept within 0 to 1 and honest near its ends.

    By the delta method on the logit scale, ``expit(logit(m) +- z SE / (m (1 - m)))``: within 0 to 1
    around m, to first order ``m +- z SE``, and near 0 and 1 further towards the middle, where the
    distribution of a mean has its long tail. So near them that it would say next to nothing, no end
    lies further out than both ``m +- z SE`` and the bound from the number of recordings
    (:func:`audio_assets.evaluation.intervals.recording_bound`). These two, joined, are the interval
    where the delta method gives none, at a mean of 0 or 1, or no width, where the draws do not
    differ: resampling recordings that are all told apart shows nothing else.

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
    """
    from scipy.special import expit, logit, ndtri

    half = float(ndtri(0.5 + ci_level / 2.0)) * error
    bound = recording_bound(mean, recordings, ci_level)
    low, high = max(min(mean - half, bound[0]), 0.0), min(max(mean + half, bound[1]), 1.0)
    if error >= NO_SPREAD and 0.0 < mean < 1.0:
        # Divided one by one: m (1 - m) of the smallest numbers there are is 0.
        steps = half / mean / (1.0 - mean)
        low = max(low, min(float(expit(logit(mean) - steps)), mean))
        high = min(high, max(float(expit(logit(mean) + steps)), mean))
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
