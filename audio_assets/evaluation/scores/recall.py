"""Recall at a precision of 0.9, with a threshold that was chosen on other clips.

The largest recall over the thresholds of a fold that have a precision of 0.9 in that fold is far
too high where the fold is small: it picks the luckiest of them (10 + 2 clips without skill: 0.33;
20 + 20 recordings of 3 clips, n = 4: 0.46 where the true value is 0.21). So the threshold is chosen
on the other folds of the repeat, whose clips are scored by classifiers trained on the same number
of clips, and evaluated on this one. The mean over folds is comparable between folds of any size. It
is the recall to expect when a threshold is chosen on labelled clips and applied to new ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.scores.threshold_counts import (
    Counts,
    count_above,
    descending,
    increments,
    without_each,
)

MIN_CLIPS = 10
"""Clips of each class that a threshold is chosen on."""

Value = tuple[float, str]


@dataclass(frozen=True, eq=False)
class ScoredFold:
    """The clips of a test fold with their scores.

    Attributes
    ----------
    labels
        {0, 1}[n].
    scores
        float64[n], higher means more likely positive.
    recordings
        [n], names or numbers.
    units
        The labels of these recordings, as
        :func:`audio_assets.evaluation.scores.threshold_counts.label_units` numbers them, where they
        are known: they are the same at all training sizes.
    """

    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    recordings: NDArray[np.str_] | NDArray[np.int64]
    units: tuple[NDArray[np.int64], NDArray[np.bool_]] | None = None


def lowest_threshold(counts: Counts) -> NDArray[np.float64]:
    """The lowest threshold with a balanced precision of at least 0.9, float64[...]; inf if none.

    Half a negative clip is added to those above it: ``(FP + 1/2) / (N + 1)`` is at most a ninth of
    ``TP / P``. Without this the choice is too optimistic: on 24 + 24 clips whose scores lie 1
    standard deviation apart it selects a recall of 0.24 where 0.10 is the largest with a precision
    of 0.9; with it, 0.15. Adding a whole clip, as in the knockoff+ filter (Barber & Candes 2015),
    loses half of the recall: 0.24 for 0.44 where the scores lie 1.5 apart; half a clip, 0.37.
    """
    last = _lowest_place(counts)
    return np.where(last >= 0, counts.thresholds[last], np.inf)


def recall(above: Any, positives: Any) -> Any:
    """Share of the judged positive clips that lie at or above their threshold.

    Parameters
    ----------
    above, positives
        The clips above and all of them, less those left out: whole numbers or arrays of them.
    """
    return above / positives


def recall_of_folds(folds: Sequence[ScoredFold]) -> list[Value]:
    """Recall of each fold of a repeat, or NaN with the reason.

    For a single fold, the fixed test set of a holdout, the threshold for a recording is chosen on
    the other recordings. Every fold has both classes.
    """
    if len(folds) == 1:
        return [_recall_of_test_set(folds[0])]
    others, judged = _count_parts(*_joined(folds))
    values = recall(_above(judged, _lowest_place(others)), judged[:, -1])
    return [
        (float(value), "") if chosen else (float("nan"), f"the other test folds have {_FEW}")
        for value, chosen in zip(values, _has_enough(others), strict=True)
    ]


def _recall_of_test_set(fold: ScoredFold) -> Value:
    _, units = np.unique(fold.recordings, return_inverse=True)
    others, judged = _count_parts(fold.labels, fold.scores, units)
    if not _has_enough(others).all():
        return float("nan"), f"the test set without one recording has {_FEW}"
    return float(recall(_above(judged, _lowest_place(others)).sum(), judged[:, -1].sum())), ""


def resampled_recall(counts: Counts) -> NDArray[np.float64]:
    """Recall float64[B] of B draws of clips, at thresholds chosen on the same, for its spread."""
    return np.asarray(recall(_above(counts.tp, _lowest_place(counts)), counts.tp[:, -1]))


def recall_pseudo_values(
    folds: Sequence[ScoredFold], units: Sequence[NDArray[np.int64]], positive: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Pseudo-value of every recording of each label, in the mean recall of a repeat.

    A recording affects its own fold and, through the choice of thresholds, all others; so the mean
    over the folds is jackknifed as a whole: ``G r - (G - 1) r(-i)`` with the G recordings of the
    label. Leaving out the only recording with positives in a fold leaves that fold's recall as it
    is.

    Parameters
    ----------
    folds
        All folds of one repeat.
    units
        For each fold int[n], the unit (recording and label) that a clip belongs to.
    positive
        bool[u], whether a unit's clips are positive.

    Returns
    -------
    float64[u]
        NaN where a fold has no value.
    """
    if len(folds) < 2:
        return np.full(len(positive), np.nan)
    labels, scores, of_fold = _joined(folds)
    others, all_judged = _count_parts(labels, scores, of_fold)
    if not _has_enough(others).all():
        return np.full(len(positive), np.nan)
    chosen = _lowest_place(others)
    # Clips of each unit above each threshold.
    of_unit = np.concatenate(units)
    order, last_of_tie = descending(scores)
    members = of_unit[order] == np.arange(len(positive))[:, None]
    inside = np.cumsum(members, axis=1, dtype=np.int64)[:, last_of_tie]
    home = np.zeros(len(positive), dtype=np.int64)
    home[of_unit] = of_fold
    left_out = np.empty((len(folds), len(positive)))
    for place, judged in enumerate(all_judged):
        counts = Counts(others.thresholds, others.tp[place], others.fp[place])
        # In its own fold a unit chooses nothing; its positives are not judged.
        own = home == place
        last = np.where(own, chosen[place], _lowest_places(counts, inside, positive))
        above, positives = _above(judged, last), np.full(len(positive), judged[-1])
        gone = own & positive & (inside[:, -1] < judged[-1])
        above[gone] -= _above(inside[gone], last[gone])
        positives[gone] -= inside[gone, -1]
        left_out[place] = recall(above, positives)
    mean = float(np.mean(recall(_above(all_judged, chosen), all_judged[:, -1])))
    count = np.where(positive, positive.sum(), (~positive).sum())
    return np.asarray(count * mean - (count - 1) * left_out.mean(axis=0))


def _joined(
    folds: Sequence[ScoredFold],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Labels, scores and folds of the clips of all folds."""
    return (
        np.concatenate([fold.labels for fold in folds]),
        np.concatenate([fold.scores for fold in folds]),
        np.repeat(np.arange(len(folds)), [len(fold.labels) for fold in folds]),
    )


def _count_parts(
    labels: NDArray[np.int64], scores: NDArray[np.float64], parts: NDArray[np.int64]
) -> tuple[Counts, NDArray[np.int64]]:
    """Counts int[k, t] without each of the k parts, and its positives int[k, t] above thresholds.

    Parameters
    ----------
    labels, scores, parts
        Of n clips; parts are numbered from 0 without gaps.
    """
    whole = count_above(labels, scores, without_each(parts, int(parts.max()) + 1))
    return Counts(whole.thresholds, whole.tp[1:], whole.fp[1:]), whole.tp[0] - whole.tp[1:]


def _has_enough(others: Counts) -> NDArray[np.bool_]:
    """Return whether there are clips enough to choose a threshold on."""
    return np.asarray(np.minimum(others.tp[..., -1], others.fp[..., -1]) >= MIN_CLIPS)


def _above(counts: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts int[..., t] at the places int[...] of thresholds; 0 without a threshold, at -1."""
    counts = np.broadcast_to(counts, (*last.shape, counts.shape[-1]))
    at_place = np.take_along_axis(counts, last[..., None], axis=-1)[..., 0]
    return np.where(last >= 0, at_place, 0)


def _is_precise(
    tp: NDArray[np.int64], fp: NDArray[np.int64], pos: Any, neg: Any
) -> NDArray[np.bool_]:
    """Whether the precision above a threshold is enough (:func:`lowest_threshold`); bool[..., t].

    In integers, so that the test is exact where the precision is just 0.9.
    """
    return np.asarray((9 * pos * (2 * fp + 1) <= 2 * (neg + 1) * tp) & (tp > 0))


def _last(reached: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Last place at which bool[..., t] holds, int64[...]; -1 without one."""
    last = reached.shape[-1] - 1 - np.argmax(reached[..., ::-1], axis=-1)
    return np.asarray(np.where(reached.any(axis=-1), last, -1))


def _lowest_place(counts: Counts) -> NDArray[np.int64]:
    """Place of the lowest threshold that meets the precision, int64[...]; -1 without one."""
    tp, fp = counts.tp, counts.fp
    # The score of a clip that is left out is not a threshold.
    return _last(_is_precise(tp, fp, tp[..., -1:], fp[..., -1:]) & (increments(tp + fp) > 0))


def _lowest_places(
    counts: Counts, inside: NDArray[np.int64], positive: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """:func:`_lowest_place` without each unit, int64[u], with ``inside`` int64[u, t] above.

    Leaving out the few clips of a unit moves the threshold only a little. So positions below the
    last at which the condition could hold without any one unit, or above the one at which it holds
    without each, are skipped: out of 960 clips, about 50 are left.
    """
    most = int(inside[:, -1].max())
    pos, neg, tp, fp = counts.tp[-1], counts.fp[-1], counts.tp, counts.fp
    could = _is_precise(tp, np.maximum(fp - most, 0), max(pos - most, 1), neg)
    # A unit may hold the clips at some places before the last that is sure.
    sure = np.flatnonzero(_is_precise(tp - most, fp, pos, neg - most))
    start, end = 0, int(_last(could)) + 1
    if len(sure):
        # Places without clips of these folds do not count: their scores are those of the judged
        # fold, and a unit that holds the clips of other places leaves them as they are.
        holding = np.flatnonzero(increments(tp + fp)[: int(sure[-1]) + 1] > 0)
        start = int(holding[max(len(holding) - 1 - most, 0)])
    if start >= end:
        return np.full(len(positive), -1)
    here, change = slice(start, end), positive[:, None]
    tp_left = tp[here] - np.where(change, inside[:, here], 0)
    fp_left = fp[here] - np.where(change, 0, inside[:, here])
    all_tp = pos - np.where(change, inside[:, -1:], 0)
    all_fp = neg - np.where(change, 0, inside[:, -1:])
    before = tp[start - 1] + fp[start - 1] - inside[:, start - 1] if start else 0
    added = np.diff(tp_left + fp_left, prepend=np.broadcast_to(before, len(positive))[:, None])
    last = _last(_is_precise(tp_left, fp_left, all_tp, all_fp) & (added > 0))
    return np.where(last >= 0, start + last, -1)


_FEW = f"fewer than {MIN_CLIPS} positive or negative clips to choose a threshold on"
