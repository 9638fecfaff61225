"""Contribution of each tested recording to a mean over folds, without training again.

Leaving a recording out of the test part of its fold shows how far it pulls the fold's value. Making
an interval from that belongs in :mod:`audio_assets.evaluation.intervals.fold_means`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.scores.jackknifed_metrics import jackknifed_metrics
from audio_assets.evaluation.scores.recall import ScoredFold, recall_pseudo_values
from audio_assets.tables import METRICS
from audio_assets.tables.task import PRESENCE

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RecordingVariance:
    """Variance of a mean over folds due to the choice of tested recordings.

    Attributes
    ----------
    variance
        V, in squared units of the value.
    degrees
        Degrees of freedom of V; at least 1.
    between_repeats
        Part of V due to differences of a recording's values between repeats; 0 for one repeat.
    """

    variance: float
    degrees: float
    between_repeats: float = 0.0


KEYS = ("training_size", "metric", "label", "recording_id")


def recording_values(predictions: pd.DataFrame) -> pd.DataFrame:
    """Mean pseudo-value of every recording at every training size and metric.

    With v the value of a test fold that holds g recordings of a class, and v(-i) the value without
    the clips of recording i in that class, the recording's pseudo-value is ``g v - (g - 1) v(-i)``
    (the jackknife: Tukey 1958; Efron & Tibshirani 1993, chapter 11). For ROC-AUC, with recordings
    weighted by their number of clips, it is the share of correctly ordered pairs among the fold's
    pairs with its clips, the placement value of DeLong et al. (1988) and LeDell et al. (2015). A
    recording alone in its class and fold has v itself. Recall at a precision is jackknifed over all
    folds of a repeat (:func:`audio_assets.evaluation.scores.recall.recall_pseudo_values`). The mean
    is over the repeats.

    Parameters
    ----------
    predictions
        ``predictions`` of :class:`audio_assets.evaluation.scores.grid.FoldResults`, or a table of
        :data:`audio_assets.tables.FOLD_PREDICTIONS` of one model.

    Returns
    -------
    DataFrame
        One row per training size, metric, label (``pos``, ``neg``) and recording; ``value`` is NaN
        where a metric is undefined in some of the recording's folds. ``between_repeats`` is the
        variance of that mean due to differences between repeats: 0 for one repeat, and for
        recall, in which a recording affects all folds.
    """
    import pandas as pd

    names = predictions[["label", "recording_id"]].drop_duplicates()
    names = names.sort_values(["label", "recording_id"], ignore_index=True)
    places = {pair: place for place, pair in enumerate(names.itertuples(index=False, name=None))}
    pairs = zip(predictions["label"], predictions["recording_id"], strict=True)
    unit = np.array([places[pair] for pair in pairs], dtype=np.int64)
    positive = np.asarray(PRESENCE.is_positive(names["label"]))
    scores = predictions["score"].to_numpy(dtype=np.float64)
    sizes, repeats, folds = (
        predictions[name].to_numpy() for name in ("training_size", "repeat", "fold")
    )
    probable = predictions["is_probability"].to_numpy(dtype=bool)
    found = np.unique(sizes)
    is_probability = np.array([bool(probable[sizes == size].all()) for size in found])
    numbers = np.unique(repeats)
    shape = (len(numbers), len(found), len(names))
    pseudo = {metric: np.zeros(shape) for metric in METRICS}
    tested = np.zeros((len(found), len(names)))
    # In the order of the repeats, so that sums are bit-identical on every release of pandas.
    for place, repeat in enumerate(numbers):
        rows = np.flatnonzero(repeats == repeat)
        # By unit within each fold, where the clips of different sizes then match.
        rows = rows[np.lexsort((unit[rows], folds[rows], sizes[rows]))]
        cells = np.split(rows, _starts(sizes[rows], folds[rows]))
        for same in _with_the_same_clips(cells, folds, unit):
            at = np.searchsorted(found, [sizes[cell[0]] for cell in same])
            seen, codes = np.unique(unit[same[0]], return_inverse=True)
            values = fold_pseudo_values(
                np.asarray(positive[unit[same[0]]], dtype=np.int64),
                scores[np.stack(same)],
                codes,
                is_probability=is_probability[at],
            )
            for metric, of_metric in values.items():
                pseudo[metric][place, at[:, None], seen] = of_metric
            tested[at[:, None], seen] += 1
        for at_size, size in enumerate(found):
            clips = [cell for cell in cells if sizes[cell[0]] == size]
            if clips:
                pseudo["recall_at_precision_90"][place, at_size] = repeat_pseudo_values(
                    [np.asarray(positive[unit[cell]], dtype=np.int64) for cell in clips],
                    [scores[cell] for cell in clips],
                    [unit[cell] for cell in clips],
                    positive,
                )
    # A recording that no fold of a size tests has no value there.
    count = np.where(tested > 0, tested, np.nan)
    means = np.stack([pseudo[metric].sum(axis=0) / count for metric in METRICS], axis=1)
    between = np.zeros_like(means)
    for number, metric in enumerate(METRICS):
        if len(numbers) > 1 and metric != "recall_at_precision_90":
            between[:, number] = pseudo[metric].var(axis=0, ddof=1) / len(numbers)
    times = len(found) * len(METRICS)
    return pd.DataFrame(
        {
            "training_size": np.repeat(found, len(METRICS) * len(names)),
            "metric": np.tile(np.repeat(METRICS, len(names)), len(found)),
            "label": np.tile(names["label"].to_numpy(), times),
            "recording_id": np.tile(names["recording_id"].to_numpy(), times),
            "value": means.ravel(),
            "between_repeats": between.ravel(),
        }
    )


def _starts(*columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions at which any of the columns changes."""
    return np.flatnonzero(np.any([np.diff(column) != 0 for column in columns], axis=0)) + 1


def _with_the_same_clips(
    cells: list[NDArray[np.int64]], folds: NDArray[np.int64], unit: NDArray[np.int64]
) -> list[list[NDArray[np.int64]]]:
    """Group the rows of a fold at the sizes that test the same number of clips of each unit.

    These are all sizes of the fold, unless the table lacks some rows.
    """
    by_clips: dict[tuple[int, bytes], list[NDArray[np.int64]]] = {}
    for rows in cells:
        by_clips.setdefault((int(folds[rows[0]]), unit[rows].tobytes()), []).append(rows)
    return list(by_clips.values())


def fold_pseudo_values(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    units: NDArray[np.int64],
    *,
    is_probability: NDArray[np.bool_],
) -> dict[str, NDArray[np.float64]]:
    """Pseudo-values of one test fold, for the metrics that need no other fold.

    Parameters
    ----------
    labels
        {0, 1}[n]; both classes may lack clips.
    scores
        float64[s, n], at s training sizes.
    units
        int[n], which of u units a clip belongs to, from 0 without gaps. A unit is the clips of one
        label in one recording.
    is_probability
        bool[s].

    Returns
    -------
    dict
        float64[s, u] by metric, NaN where the metric is not defined in the fold.
    """
    positive = np.zeros(int(units.max()) + 1, dtype=bool)
    positive[units] = labels == 1
    count = np.where(positive, positive.sum(), (~positive).sum())
    if positive.all() or not positive.any():
        nothing = np.full((len(scores), len(positive)), np.nan)
        return {metric: nothing for metric in METRICS if metric != "recall_at_precision_90"}
    jackknifed = jackknifed_metrics(labels, scores, units, positive, is_probability=is_probability)
    return {
        metric: count * values[:, :1] - (count - 1) * values[:, 1:]
        for metric, values in jackknifed.items()
    }


def repeat_pseudo_values(
    labels: list[NDArray[np.int64]],
    scores: list[NDArray[np.float64]],
    units: list[NDArray[np.int64]],
    positive: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Pseudo-values float64[u] of recall in one repeat, from its folds; NaN where undefined.

    See :func:`audio_assets.evaluation.scores.recall.recall_pseudo_values`. Also NaN under
    holdout, and if a fold has clips of one class only.
    """
    if any(len(set(of_fold.tolist())) < 2 for of_fold in labels):
        return np.full(len(positive), np.nan)
    folds = [ScoredFold(*fold) for fold in zip(labels, scores, units, strict=True)]
    return recall_pseudo_values(folds, units, positive)


def recording_variances(values: pd.DataFrame) -> dict[tuple[int, str], RecordingVariance]:
    """:func:`variance_over_recordings` by (training size, metric).

    Parameters
    ----------
    values
        Table from :func:`recording_values`; a missing ``between_repeats`` counts as 0.
    """
    import pandas as pd

    by_cell: dict[tuple[int, str], RecordingVariance] = {}
    for metric, of_metric in values.groupby("metric"):
        sizes = of_metric["training_size"].to_numpy(dtype=np.int64)
        for size in np.unique(sizes):
            cells = of_metric[sizes == size]
            by_cell[int(size), str(metric)] = variance_over_recordings(
                cells["value"].to_numpy(dtype=np.float64),
                cells["label"].to_numpy(dtype=str),
                cells["recording_id"].to_numpy(dtype=str),
                cells.get("between_repeats", pd.Series(0.0, cells.index)).to_numpy(),
            )
    return by_cell


def variance_over_recordings(
    values: NDArray[np.float64],
    labels: NDArray[np.str_],
    recordings: NDArray[np.str_],
    between_repeats: NDArray[np.float64] | float = 0.0,
) -> RecordingVariance:
    """Variance of the mean of pseudo-values, for independent recordings.

    With G_c recordings of class c, their pseudo-values q of mean m_c, and
    ``u = (q - m_c) / sqrt(G_c (G_c - 1))``: V is the sum over recordings of the squared sum of the
    recording's u, one for each label that it holds. Where no recording holds both labels, this is
    the sum of the variances of the two means, as for an AUC in DeLong et al. (1988), with
    recordings in place of clips (Obuchowski 1997); its degrees of freedom are those of
    Satterthwaite (1946), and at most the number of distinct recordings - 1. NaN with a missing
    value or a class of one recording.

    Parameters
    ----------
    values, labels, recordings
        float64[u], ``pos`` or ``neg``, and names: one per recording and label.
    between_repeats
        float64[u], the part of each value's variance that comes from its repeats.
    """
    noise = np.broadcast_to(between_repeats, values.shape)
    names, codes = np.unique(recordings, return_inverse=True)
    pull = np.zeros(len(names))
    parts, degrees, between = [], [], 0.0
    for label in (PRESENCE.positive, PRESENCE.negative):
        of_class = values[labels == label]
        count = len(of_class)
        if count < 2 or not np.isfinite(of_class).all():
            return RecordingVariance(float("nan"), float("nan"))
        # Sorted, so that the names of recordings, which order them, change no bit.
        shares = (of_class - np.sort(of_class).mean()) / np.sqrt(count * (count - 1))
        pull[codes[labels == label]] += shares
        parts.append(float(np.sort(shares**2).sum()))
        degrees.append(count - 1)
        between += float(np.sort(noise[labels == label]).sum()) / count**2
    squares = sum(part**2 / free for part, free in zip(parts, degrees, strict=True))
    # Squares of equal values may round to 0; the variance is then 0, whatever its degrees of
    # freedom.
    free = sum(parts) ** 2 / squares if squares > 0.0 else float(min(degrees))
    # Recordings with both labels are counted twice; there are no more independent units than names.
    free = min(free, float(len(names) - 1))
    return RecordingVariance(float(np.sort(pull**2).sum()), free, between)
