"""The interval of a mean over folds.

Fold values share recordings, so they are not independent: their plain standard error is far too
small. The methods here account for that. The contribution of each recording is computed in
:mod:`audio_assets.evaluation.intervals.recording_values`; averaging the metrics at each size
belongs in :mod:`audio_assets.evaluation.intervals.learning_curve`.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.intervals.recording_values import RecordingVariance
from audio_assets.evaluation.splits.recordings import (
    FEW_RECORDINGS,
    MIN_RECORDINGS,
    RecordingCounts,
)

RECORDING_T = "recording_t"
RECORDING_BOUND = "recording_bound"
BOOTSTRAP = "bootstrap"
NO_METHOD = "none"

# Means that differ by rounding alone count as equal.
NO_SPREAD = 1e-12

TRAINING = 2.0
"""c of :func:`standard_error` for a mean."""

TRAINING_OF_DIFFERENCE = 1.5
"""c for a difference of two models, which train on the same clips: part of it cancels."""

CONFIDENCE_OF_LIMIT = 0.9
"""Confidence of the limit of T with a single repeat."""


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
    trained: bool = True,
    chance: float = 0.5,
) -> Estimate:
    """Mean and interval of one metric at one training size.

    Parameters
    ----------
    values
        float64[R * K], repeat by repeat, NaN where undefined.
    test_folds
        Digest ``{positive}-{negative}`` of each test fold; equal folds of different repeats share
        it.
    reasons
        Why a value is undefined.
    n_folds
        K.
    tested
        Contribution of the tested recordings; used only where every value is defined.
    recordings
        Recordings among all clips.
    ci_level
        Nominal coverage, between 0 and 1.
    trained
        Whether a head was trained; False at training size 0.
    chance
        Value of the metric for uninformative scores.

    Notes
    -----
    Where there is no spread, or the mean is 0 or 1, :func:`logit_interval` has no width and
    :func:`recording_bound` is used.
    """
    if not 0.0 < ci_level < 1.0:
        raise ValueError(f"ci_level must lie between 0 and 1, got {ci_level}")
    distinct = count_distinct_folds(test_folds)
    mean = mean_if_defined(values)
    missing = why_no_interval(np.isfinite(values), reasons, distinct, recordings)
    missing = missing or why_not_at_chance(mean, chance)
    if missing:
        return Estimate(mean, float("nan"), float("nan"), NO_METHOD, missing, distinct)
    error = standard_error(values.reshape(-1, n_folds), tested, level=mean, trained=trained)
    if error < NO_SPREAD or not 0.0 < mean < 1.0:
        low, high = recording_bound(mean, recordings, ci_level, chance)
        method = RECORDING_BOUND
    else:
        quantile = t_quantile(tested.degrees, ci_level)
        low, high = logit_interval(mean, quantile * error, recordings, ci_level, chance)
        method = RECORDING_T
    return Estimate(mean, low, high, method, status_of_interval(recordings), distinct)


def mean_if_defined(values: NDArray[np.float64]) -> float:
    """The mean, or NaN if any value is NaN: a mean of the others would be over easier folds."""
    return float(values.mean()) if len(values) and np.isfinite(values).all() else float("nan")


def standard_error(
    values: NDArray[np.float64],
    tested: RecordingVariance,
    *,
    level: float,
    trained: bool,
    training: float = TRAINING,
) -> float:
    """Standard error of a mean over folds: ``sqrt(V + T + M)``.

    V is the variance due to the choice of tested recordings. No unbiased estimate from fold values
    exists for the effect of the same recordings on training (Bengio & Grandvalet 2004), so T
    approximates it: ``c sqrt(m (1 - m)) V`` with c = 2, as much again as V where classes are hard
    to separate, and little near the ceiling, where other training clips hardly change the value;
    but no more than ``K s_R^2``, which estimates the variance of a single fold's value over draws
    of training clips, since the mean of the folds varies no more than one of them.
    M = ``s_R^2 / R`` is the variance that the random draws of folds and training clips leave in the
    mean of R repeats, ``s_R^2`` being the variance of the repeats' means.

    With one repeat there is no ``s_R``: M is the amount by which the variance over the folds,
    divided by K, exceeds V, and T is at most the amount by which an upper limit of 90 % confidence
    of that variance, ``(K - 1) s^2 / chi^2_(K - 1)(0.1)``, exceeds V. With 10 folds the limit is
    2.2 times the observed variance, with 2 folds 63 times, which is no limit in practice.

    Where nothing is trained, T and M are 0, and repeats differ only in the grouping of recordings
    into folds. The effect of other recordings in its fold on a recording's value is also in their
    own values, so that the jackknife's variance is too large (Efron & Stein 1981): the part of V
    that comes from the differences between repeats is subtracted, but no more than half of V. For
    random scores of 10 + 10 recordings, V is 1.17 times the variance of the mean, and 1.02 times
    without that part.

    c was chosen on the cells of benchmarks/coverage.py, which shows the coverage of this method
    beside its predecessor, the corrected resampled t (Nadeau & Bengio 2003) joined with V.

    Parameters
    ----------
    values
        float64[R, K].
    tested
        V with its degrees of freedom.
    level
        m, between 0 and 1: the mean, or the mean of both models' means for differences.
    trained
        False at training size 0.
    training
        c.
    """
    if not trained:
        own = max(tested.variance - tested.between_repeats, tested.variance / 2.0)
        return float(np.sqrt(own))
    repeats, n_folds = values.shape
    of_training = training * np.sqrt(max(level * (1.0 - level), 0.0)) * tested.variance
    if repeats > 1:
        of_repeats = float(np.var(values.mean(axis=1), ddof=1))
        of_training = min(of_training, n_folds * of_repeats)
        draws = of_repeats / repeats
    else:
        of_folds = float(np.var(values, ddof=1)) / n_folds
        draws = max(of_folds - tested.variance, 0.0)
        limit = of_folds * (n_folds - 1) / _chi_squared(n_folds - 1, CONFIDENCE_OF_LIMIT)
        of_training = min(of_training, max(limit - tested.variance, 0.0))
    return float(np.sqrt(tested.variance + of_training + draws))


def _chi_squared(degrees: int, confidence: float) -> float:
    """The value that a chi-squared variable exceeds with this probability."""
    from scipy.special import chdtri

    return float(chdtri(degrees, confidence))


def logit_interval(
    mean: float, half: float, recordings: RecordingCounts, ci_level: float, chance: float = 0.5
) -> tuple[float, float]:
    """Interval by the delta method on the logit scale, extended for unseen kinds of recordings.

    ``expit(logit(m) +- half / (m (1-m)))`` is centred on logit(m), since the mean of the folds'
    logits can lie so far from it near the ceiling that the interval excludes its own mean. The
    value with :func:`unseen_recordings` is always in the interval.

    Parameters
    ----------
    mean
        m, strictly between 0 and 1.
    half
        Half width on the scale of the metric: a quantile times a standard error.
    recordings
        Recordings that were tested.
    ci_level
        Nominal coverage.
    chance
        Value of the metric for scores that say nothing.
    """
    from scipy.special import expit, logit

    # Divided one by one: m (1 - m) underflows to 0 for the smallest positive numbers.
    steps = half / mean / (1.0 - mean)
    low, high = float(expit(logit(mean) - steps)), float(expit(logit(mean) + steps))
    unseen = unseen_recordings(mean, recordings, ci_level, chance)
    return min(low, mean, unseen), max(high, mean, unseen)


def unseen_recordings(
    mean: float, recordings: RecordingCounts, ci_level: float, chance: float = 0.5
) -> float:
    """The value if there are recordings of a kind that is missing by chance from those at hand.

    No variance shows such a kind, for example recordings in which nothing can be heard. If its
    share of a class is pi, n recordings miss it with probability (1 - pi)^n; scored at chance c, it
    moves a value of m to ``m - pi (m - c)``. This is that value for the pi that is missed with
    probability alpha / 2.

    Parameters
    ----------
    mean
        m, between 0 and 1.
    recordings
        n is the number of pairs that share no recording.
    ci_level
        1 - alpha.
    chance
        c.
    """
    share = 1.0 - ((1.0 - ci_level) / 2.0) ** (1.0 / max(recordings.independent_pairs, 1))
    return float(mean - share * (mean - chance))


def recordings_to_show(target: float, ci_level: float, chance: float = 0.5) -> int | None:
    """Fewest recordings of a class with which a lower bound can reach a target, or None.

    With fewer, the value with :func:`unseen_recordings` is below the target even at a mean of 1:
    ``n = ln(alpha / 2) / ln(1 - (1 - target) / (1 - chance))``, 36 for 0.95 at a level of 0.95.
    """
    if target >= 1.0:
        return None
    if target <= chance:
        return 1
    share = (1.0 - target) / (1.0 - chance)
    return math.ceil(math.log((1.0 - ci_level) / 2.0) / math.log1p(-share) - 1e-9)


def t_quantile(degrees: float, ci_level: float) -> float:
    """Half width of a two-sided t interval, in standard errors."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.5 + ci_level / 2.0))


def recording_bound(
    mean: float, recordings: RecordingCounts, ci_level: float, chance: float = 0.5
) -> tuple[float, float]:
    """Interval where all folds agree.

    At a mean of 0 or 1 it extends to the value with :func:`unseen_recordings`, as do the intervals
    of means close by: 12 recordings per class that are separated without error show only that the
    AUC is above 0.87.

    In between, where all scores are tied, it is that of Clopper & Pearson (1934) over pairs of
    recordings: pair each positive recording with a negative one of its own, n pairs that share no
    recording. The variance of an AUC of A is at most A (1 - A) / n (Birnbaum & Klose 1957), that of
    n such pairs, so that the bound with n times the mean as the number of pairs in order is on the
    safe side.
    """
    from scipy.special import betaincinv

    if not 0.0 < mean < 1.0:
        unseen = unseen_recordings(mean, recordings, ci_level, chance)
        return min(mean, unseen), max(mean, unseen)
    n = max(recordings.independent_pairs, 1)
    tail = (1.0 - ci_level) / 2.0
    in_order, out_of_order = n * mean, n * (1.0 - mean)
    low = float(betaincinv(in_order, out_of_order + 1.0, tail))
    high = float(betaincinv(in_order + 1.0, out_of_order, 1.0 - tail))
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
    """Explain why there can be no interval; empty if there can.

    ``what`` names the unit counted in ``recordings``, ``which`` the set they belong to, and
    ``parts`` the units that each have one value.
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


def why_not_at_chance(mean: float, chance: float) -> str:
    """Explain why a recall of 0 has no interval; empty if it has one.

    Such a recall comes from thresholds that no clip reaches or from a missing threshold, and bounds
    nothing: with 20 + 20 recordings it occurred in 2 % of data sets whose true recall was 0.33.
    """
    if mean == chance == 0.0:
        return "no clip of a tested fold reached a threshold with a precision of 0.9"
    return ""


def status_of_interval(recordings: RecordingCounts, what: str = "recordings") -> str:
    """``ok``, with a warning where an interval is based on few recordings."""
    if recordings.smaller_class >= FEW_RECORDINGS:
        return "ok"
    return f"ok: warning: fewer than {FEW_RECORDINGS} {what} of a class, {_in_words(recordings)}"


def _in_words(recordings: RecordingCounts) -> str:
    return f"{recordings.pos} positive and {recordings.neg} negative"
