"""The interval of a mean over folds.

Fold values share recordings, so they are not independent: their plain standard error is far too
small. The methods here are honest about that. What a recording contributes is found in
:mod:`audio_assets.evaluation.recording_values`; what is averaged, and at which sizes, belongs in
:mod:`audio_assets.evaluation.learning_curve`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.recording_values import RecordingVariance
from audio_assets.evaluation.recordings import RecordingCounts

MIN_RECORDINGS = 5
FEW_RECORDINGS = 10

RECORDING_T = "recording_t"
RECORDING_BOUND = "recording_bound"
BOOTSTRAP = "bootstrap"
NO_METHOD = "none"

# Means that differ by rounding alone count as equal.
NO_SPREAD = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A mean over folds with its interval.

    Attributes
    ----------
    mean
        Over the folds in which the value is defined; NaN if it is in none.
    low, high
        Ends of the interval; NaN where there is none.
    method
        ``recording_t``, ``bootstrap``, ``recording_bound`` or ``none``;
        ``test_recording_bootstrap`` under holdout.
    status
        ``ok``, ``ok: warning ...``, or why there is no interval.
    distinct_folds
        Distinct test folds J; see :func:`count_distinct_folds`. None under holdout.
    """

    mean: float
    low: float
    high: float
    method: str
    status: str
    distinct_folds: int | None


def estimate(
    values: NDArray[np.float64],
    test_folds: Sequence[str],
    reasons: Sequence[str],
    *,
    n_folds: int,
    tested: RecordingVariance,
    recordings: RecordingCounts,
    ci_level: float,
) -> Estimate:
    """Mean and interval of one metric at one training size.

    Parameters
    ----------
    values
        float64[K * R], NaN where undefined.
    test_folds
        Digest ``{positive}-{negative}`` of each test fold; equal folds of different repeats share
        it.
    reasons
        Why a value is undefined.
    n_folds
        K.
    tested
        What the tested recordings contribute; looked at where every value is defined.
    recordings
        Recordings among all clips.
    ci_level
        Nominal coverage, between 0 and 1.

    Notes
    -----
    Where no spread is seen, or the mean is 0 or 1, :func:`recording_t` has no width
    and :func:`recording_bound` is used.
    """
    if not 0.0 < ci_level < 1.0:
        raise ValueError(f"ci_level must lie between 0 and 1, got {ci_level}")
    distinct = count_distinct_folds(test_folds)
    defined = np.isfinite(values)
    mean = float(values[defined].mean()) if defined.any() else float("nan")
    missing = why_no_interval(defined, reasons, distinct, recordings)
    if missing:
        return Estimate(mean, float("nan"), float("nan"), NO_METHOD, missing, distinct)
    spread = float(np.std(means_of_distinct_folds(values, test_folds), ddof=1))
    if spread < NO_SPREAD or not 0.0 < mean < 1.0:
        low, high = recording_bound(mean, recordings, ci_level)
        method = RECORDING_BOUND
    else:
        error = standard_error(spread, distinct, n_folds, tested)
        low, high = recording_t(mean, error, tested.degrees, recordings, ci_level)
        method = RECORDING_T
    return Estimate(mean, low, high, method, status_of_interval(recordings), distinct)


def standard_error(spread: float, distinct: int, n_folds: int, tested: RecordingVariance) -> float:
    """Standard error of a mean over folds: ``sqrt((s^2 (1/J + 1/(K-1)) + 2 V) / 2)``.

    The mean of two estimates of the variance. The first, of the corrected resampled t, looks at the
    folds: s^2 / J if they were independent, and 1/(K-1), the ratio of test to training clips, for
    what they share (Nadeau & Bengio 2003). It is too large where s comes from small training
    subsets that differ between folds, and too small where all folds train on much the same
    recordings. The second looks at the recordings: V is the variance from which of them are tested,
    and as much again stands for their part in training, which nothing made from fold values shows
    without bias (Bengio & Grandvalet 2004). It errs the other way, near the ceiling on the large
    side. In benchmarks/coverage.py, where 0.95 is asked for and few data sets separate perfectly,
    the first alone covers 0.84 to 0.99, and what is made of both 0.92 to 0.99.

    Parameters
    ----------
    spread
        s, standard deviation over distinct test folds.
    distinct
        J, distinct test folds, at least 2. Counting a fold that several repeats share more than
        once would narrow the interval falsely.
    n_folds
        K.
    tested
        V with its degrees of freedom.
    """
    of_folds = spread**2 * (1.0 / distinct + 1.0 / (n_folds - 1))
    return float(np.sqrt((of_folds + 2.0 * tested.variance) / 2.0))


def recording_t(
    mean: float, error: float, degrees: float, recordings: RecordingCounts, ci_level: float
) -> tuple[float, float]:
    """t interval by the delta method on the logit scale, with room for recordings unlike all seen.

    ``expit(logit(m) +- t SE / (m (1-m)))`` is centred on logit(m), since the mean of the folds'
    logits can lie so far from it near the ceiling that the interval excludes its own mean.

    No variance shows a kind of recordings that happens not to be among those at hand, such as
    those in which nothing can be heard. If it is a share pi of a class of n recordings, that has
    probability (1 - pi)^n, and scored at chance it moves an AUC of m to ``m - pi (m - 1/2)``. With
    the pi at which the probability is alpha / 2, that value is always in the interval.

    Parameters
    ----------
    mean
        m, strictly between 0 and 1.
    error
        SE; see :func:`standard_error`.
    degrees
        Degrees of freedom of t.
    recordings
        Recordings among all clips; n is the number of pairs that share none.
    ci_level
        Nominal coverage.
    """
    from scipy.special import expit, logit

    # Divided one by one: m (1 - m) of the smallest numbers there are is 0.
    half = t_quantile(degrees, ci_level) * error / mean / (1.0 - mean)
    share = 1.0 - ((1.0 - ci_level) / 2.0) ** (1.0 / max(recordings.independent_pairs, 1))
    unseen = mean - share * (mean - 0.5)
    low, high = float(expit(logit(mean) - half)), float(expit(logit(mean) + half))
    return min(low, mean, unseen), max(high, mean, unseen)


def t_quantile(degrees: float, ci_level: float) -> float:
    """Half width of a two-sided t interval, in standard errors."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.5 + ci_level / 2.0))


def recording_bound(
    mean: float, recordings: RecordingCounts, ci_level: float
) -> tuple[float, float]:
    """Interval where all folds agree: Clopper & Pearson (1934) over pairs of recordings.

    Pair each positive recording with a negative one of its own: n pairs that share no recording.
    Were the true AUC A, all n pairs would be in order with probability A^n, and all folds at 1
    require that. So an AUC below (alpha/2)^(1/n) would show this with probability below alpha/2,
    whatever the distribution of scores; 12 recordings a class that are separated without an error
    say no more than that A is above 0.74. Between 0 and 1 the variance of an AUC is at most
    A (1 - A) / n (Birnbaum & Klose 1957), that of n such pairs, so the same bound with n times the
    mean as the number of pairs in order is on the safe side.
    """
    from scipy.special import betaincinv

    n = max(recordings.independent_pairs, 1)
    tail = (1.0 - ci_level) / 2.0
    in_order, out_of_order = n * mean, n * (1.0 - mean)
    low = 0.0 if mean <= 0.0 else float(betaincinv(in_order, out_of_order + 1.0, tail))
    high = 1.0 if mean >= 1.0 else float(betaincinv(in_order + 1.0, out_of_order, 1.0 - tail))
    return min(low, mean), max(high, mean)


def count_distinct_folds(test_folds: Sequence[str]) -> int:
    """J: distinct test folds, counted in the class in which fewer differ.

    With 5 positive recordings and 40 negative, all 25 folds differ, but there are only 5 different
    sets of positive clips in them. Counted as 25, the interval of nominal 0.95 covered 0.89 of the
    time in a simulation; counted as 5, 0.97.

    Parameters
    ----------
    test_folds
        Digests ``{positive}-{negative}``.
    """
    positive, negative = zip(*(fold.split("-") for fold in test_folds), strict=True)
    return min(len(set(positive)), len(set(negative)))


def means_of_distinct_folds(
    values: NDArray[np.float64], test_folds: Sequence[str]
) -> NDArray[np.float64]:
    """Mean of the values of each distinct test fold, in order of first appearance."""
    grouped: dict[str, list[float]] = {}
    for value, fold in zip(values, test_folds, strict=True):
        grouped.setdefault(fold, []).append(float(value))
    return np.array([np.mean(group) for group in grouped.values()])


def why_no_interval(
    defined: NDArray[np.bool_],
    reasons: Sequence[str],
    distinct: int,
    recordings: RecordingCounts,
    *,
    what: str = "recordings",
    which: str = "",
    parts: str = "folds",
) -> str:
    """Why there can be no interval, or an empty string.

    ``what`` was counted in ``recordings``, of those ``which`` names, and each value is one of the
    ``parts``.
    """
    if not defined.all():
        given = Counter(r for r, ok in zip(reasons, defined, strict=True) if not ok)
        listed = "; ".join(sorted(given, key=lambda r: (-given[r], r)))
        return f"undefined in {int(np.sum(~defined))} of {len(defined)} {parts}: {listed}"
    if recordings.smaller_class < MIN_RECORDINGS:
        return f"fewer than {MIN_RECORDINGS} {what} of a class{which}, {_in_words(recordings)}"
    if distinct < 2:
        return "fewer than 2 distinct test folds"
    return ""


def status_of_interval(recordings: RecordingCounts, what: str = "recordings") -> str:
    """``ok``, with a warning where few recordings are behind an interval."""
    if recordings.smaller_class >= FEW_RECORDINGS:
        return "ok"
    return f"ok: warning: fewer than {FEW_RECORDINGS} {what} of a class, {_in_words(recordings)}"


def _in_words(recordings: RecordingCounts) -> str:
    return f"{recordings.pos} positive and {recordings.neg} negative"
