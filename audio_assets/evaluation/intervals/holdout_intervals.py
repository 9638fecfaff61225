"""The interval of a mean over training draws that are all tested on one fixed test set.

Draws share their test recordings, so the t of
:mod:`audio_assets.evaluation.intervals.fold_means` does not apply. Drawing the test set belongs in
:mod:`audio_assets.evaluation.splits.holdout`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.intervals.fold_means import (
    NO_METHOD,
    RECORDING_BOUND,
    Estimate,
    logit_interval,
    mean_if_defined,
    recording_bound,
    status_of_interval,
    t_quantile,
    why_no_interval,
    why_not_at_chance,
)
from audio_assets.evaluation.scores.metrics import resampled_metrics
from audio_assets.evaluation.splits.recordings import RecordingCounts
from audio_assets.evaluation.splits.seeds import Purpose, generator
from audio_assets.tables import METRICS
from audio_assets.tables.task import PRESENCE

if TYPE_CHECKING:
    import pandas as pd

TEST_RECORDING_BOOTSTRAP = "test_recording_bootstrap"

RESAMPLES = 2000
"""Leaves an error of 1.6 % in a standard error."""

_NO_SPREAD = 1e-12


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Scores of the test clips at one training size.

    Attributes
    ----------
    labels, recordings
        {0, 1}[n] and str[n].
    scores
        float64[R, n], one row per training draw.
    is_probability
        Whether the scores are probabilities.
    """

    labels: NDArray[np.int64]
    recordings: NDArray[np.str_]
    scores: NDArray[np.float64]
    is_probability: bool


@dataclass(frozen=True)
class Error:
    """Standard error of a mean over draws and test recordings, with its degrees of freedom."""

    standard: float
    freedom: float


def held_out(predictions: pd.DataFrame) -> HeldOut:
    """Scores of one model at one training size.

    Parameters
    ----------
    predictions
        Columns clip_id, label, recording_id, repeat, score and is_probability.

    Raises
    ------
    ValueError
        A clip is missing in a draw.
    """
    table = predictions.pivot(index="clip_id", columns="repeat", values="score").sort_index()
    scores = table.to_numpy(dtype=np.float64).T
    if not np.isfinite(scores).all():
        raise ValueError("under holdout every test clip must have a score in every draw")
    clips = predictions.drop_duplicates("clip_id").set_index("clip_id").loc[table.index]
    labels = np.asarray(PRESENCE.is_positive(clips["label"]), dtype=np.int64)
    # Sorted by content: sums in the order of names would differ in their last bits.
    order = np.lexsort((*scores, labels))
    return HeldOut(
        labels[order],
        clips["recording_id"].to_numpy(dtype=str)[order],
        scores[:, order],
        bool(predictions["is_probability"].all()),
    )


def resampled_means(models: Sequence[HeldOut], seed: int) -> list[dict[str, NDArray[np.float64]]]:
    """Means over training draws of each metric on resampled test recordings.

    Recordings are drawn with replacement within their class. Where some hold both classes, they are
    drawn among all recordings, and redrawn while a class is missing. All models get the same
    recordings, so that their differences are paired. The draw depends on the content of the scores
    and not on names or order.

    Parameters
    ----------
    models
        Scores at one training size; each must have both classes.
    seed
        Base seed.

    Returns
    -------
    list of dict
        For each model: metric -> float64[RESAMPLES].

    Raises
    ------
    ValueError
        A model has no clips of a class.
    """
    if not all(set(model.labels.tolist()) == {0, 1} for model in models):
        raise ValueError("a test set without one of the classes can not be drawn again")
    names = _by_content(models)
    column = {name: number for number, name in enumerate(names)}
    holds = np.zeros((len(models), 2, len(names)), dtype=bool)
    for number, model in enumerate(models):
        for label, recording in zip(model.labels, model.recordings.tolist(), strict=True):
            holds[number, label, column[recording]] = True
    counts = _draw(holds, generator(seed, Purpose.TEST_RESAMPLES))
    means = []
    for model in models:
        clips = counts[:, [column[recording] for recording in model.recordings.tolist()]]
        draws = [
            resampled_metrics(model.labels, scores, clips, is_probability=model.is_probability)
            for scores in model.scores
        ]
        means.append({m: np.mean([draw[m] for draw in draws], axis=0) for m in METRICS})
    return means


def error_of_mean(
    values: NDArray[np.float64],
    resampled: NDArray[np.float64],
    recordings: RecordingCounts,
) -> Error:
    """Standard error of a mean over draws.

    The variance over resamples of the test recordings, times n/(n-1) for the n recordings of the
    smaller class, plus that of the mean of R draws, s^2/R. They have n - 1 and R - 1 degrees of
    freedom, combined by the Welch-Satterthwaite formula. Resampling 5 draws as well would make
    their part a fifth too small and ignore the few degrees of freedom of 5 draws.

    Parameters
    ----------
    values
        float64[R], one per draw; all equal where nothing is drawn (training size 0).
    resampled
        float64[B], means over draws under resampled test recordings.
    recordings
        Test recordings.
    """
    n = recordings.smaller_class
    of_recordings = float(np.var(resampled)) * n / (n - 1)
    of_draws = float(np.var(values, ddof=1)) / len(values) if np.ptp(values) > 0 else 0.0
    variance = of_recordings + of_draws
    if variance <= _NO_SPREAD**2:
        return Error(0.0, n - 1.0)
    parts = of_recordings**2 / (n - 1) + of_draws**2 / max(len(values) - 1, 1)
    return Error(float(np.sqrt(variance)), variance**2 / parts)


def estimate_holdout(
    values: NDArray[np.float64],
    resampled: NDArray[np.float64] | None,
    reasons: Sequence[str],
    *,
    size: int,
    recordings: RecordingCounts,
    ci_level: float,
    chance: float = 0.5,
) -> Estimate:
    """Mean over draws of one metric at one training size, with its interval.

    Parameters
    ----------
    values
        float64[R], NaN where undefined.
    resampled
        float64[B], from :func:`resampled_means`; None without an interval.
    reasons
        Why a value is undefined.
    size
        Training size; at 0 nothing is drawn.
    recordings
        Test recordings.
    ci_level
        Nominal coverage, between 0 and 1.
    chance
        Value of the metric for uninformative scores.

    Notes
    -----
    See :func:`audio_assets.evaluation.intervals.fold_means.logit_interval`, here with
    :func:`error_of_mean`.
    """
    if not 0.0 < ci_level < 1.0:
        raise ValueError(f"ci_level must lie between 0 and 1, got {ci_level}")
    defined = np.isfinite(values)
    mean = mean_if_defined(values)
    missing = why_no_holdout_interval(defined, reasons, size, recordings)
    missing = missing or why_not_at_chance(mean, chance)
    if missing or resampled is None:
        return Estimate(mean, float("nan"), float("nan"), NO_METHOD, missing, None)
    error = error_of_mean(values, resampled, recordings)
    if error.standard < _NO_SPREAD or not 0.0 < mean < 1.0:
        low, high = recording_bound(mean, recordings, ci_level, chance)
        method = RECORDING_BOUND
    else:
        half = t_quantile(error.freedom, ci_level) * error.standard
        low, high = logit_interval(mean, half, recordings, ci_level, chance)
        method = TEST_RECORDING_BOOTSTRAP
    status = status_of_interval(recordings, "test recordings")
    return Estimate(mean, low, high, method, status, None)


def why_no_holdout_interval(
    defined: NDArray[np.bool_],
    reasons: Sequence[str],
    size: int,
    recordings: RecordingCounts,
    *,
    which: str = "",
) -> str:
    """Explain why there can be no interval; empty if there can."""
    missing = why_no_interval(
        defined, reasons, 2, recordings, what="test recordings", which=which, parts="draws"
    )
    if not missing and size > 0 and len(defined) < 2:
        return "fewer than 2 training draws"
    return missing


def _by_content(models: Sequence[HeldOut]) -> list[str]:
    """Names of the recordings of all models, in an order that depends on their scores alone."""
    content: dict[str, list[tuple[object, ...]]] = {}
    for number, model in enumerate(models):
        rows = zip(
            model.recordings.tolist(), model.labels.tolist(), model.scores.T.tolist(), strict=True
        )
        for recording, label, scores in rows:
            content.setdefault(recording, []).append((number, label, *scores))
    return sorted(content, key=lambda recording: sorted(content[recording]))


def _draw(holds: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Count how often each recording is drawn in each resample, int[RESAMPLES, recordings].

    ``holds`` is bool[models, 2, recordings]: whether a model has clips of a class in a recording.
    """
    of_class = np.logical_or.reduce(holds, axis=0)
    if of_class.all(axis=0).any():
        groups = [np.arange(of_class.shape[1])]
    else:
        groups = [np.flatnonzero(row) for row in of_class]
    counts = np.zeros((RESAMPLES, of_class.shape[1]), dtype=np.int64)
    missing = np.arange(RESAMPLES)
    while len(missing):
        for group in groups:
            shares = np.full(len(group), 1.0 / len(group))
            drawn = rng.multinomial(len(group), shares, size=len(missing))
            counts[np.ix_(missing, group)] = drawn
        found = counts @ holds.reshape(-1, holds.shape[2]).T
        missing = np.flatnonzero((found == 0).any(axis=1))
    return counts
