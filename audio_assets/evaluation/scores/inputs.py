"""The input of an evaluation, validated and sorted into an order that depends on content alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audio_assets.evaluation.splits.arguments import size_list
from audio_assets.evaluation.splits.plan import SplitPlan, why_no_evaluation
from audio_assets.evaluation.splits.recordings import (
    NoEvaluation,
    RecordingCounts,
    check_no_leak,
    count_recordings,
)


@dataclass(frozen=True, eq=False)
class EvaluationInput:
    """Clips and their split plan in canonical order.

    Attributes
    ----------
    embeddings
        float64[n, d].
    labels
        {0, 1}[n].
    recordings
        str[n].
    plan
        Aligned to the rows.
    class_scores
        float64[n], or None where the encoder knows no class of the species.
    order
        int[n], row number of each clip in the original input.
    counts
        Distinct recordings.
    """

    embeddings: NDArray[np.float64]
    labels: NDArray[np.int64]
    recordings: NDArray[np.str_]
    plan: SplitPlan
    class_scores: NDArray[np.float64] | None
    order: NDArray[np.int64]
    counts: RecordingCounts


def checked_input(
    embeddings: ArrayLike,
    labels: ArrayLike,
    recordings: ArrayLike,
    plan: SplitPlan,
    *,
    protocol: str,
    class_scores: ArrayLike | None,
    workers: int,
) -> EvaluationInput:
    """Check the arguments of :func:`audio_assets.evaluation.scores.grid.score_folds`; see there."""
    vectors, classes, names = _checked(embeddings, labels, recordings, plan)
    untrained = _checked_class_scores(class_scores, len(vectors))
    if protocol != plan.protocol:
        raise ValueError(f"protocol {protocol!r} is asked for, the plan is of {plan.protocol!r}")
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    check_no_leak(plan.folds, names)
    counts = count_recordings(classes, names)
    if counts.smaller_class < 2:
        raise NoEvaluation(why_no_evaluation(counts if len(vectors) else None))
    if plan.largest_size(classes) < 1:
        raise NoEvaluation("a fold leaves a class without training clips")
    # Sums in another order differ in their last bits, so rows are sorted by content.
    order = _canonical_order(plan, classes)
    return EvaluationInput(
        vectors[order],
        classes[order],
        names[order],
        plan.take(order),
        None if untrained is None else untrained[order],
        order,
        counts,
    )


def training_sizes(sizes: Iterable[int], largest: int, *, also_largest: bool = True) -> list[int]:
    """The training sizes to use: those requested up to the largest possible, and the largest.

    Raises
    ------
    ValueError
        See :func:`audio_assets.evaluation.splits.arguments.size_list`.
    """
    added = {largest} if also_largest else set()
    return sorted({size for size in size_list(sizes) if 0 < size <= largest} | added)


def _checked(
    embeddings: ArrayLike,
    labels: ArrayLike,
    recordings: ArrayLike,
    plan: SplitPlan,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.str_]]:
    vectors = np.ascontiguousarray(embeddings, dtype=np.float64)
    classes, names = np.asarray(labels), np.asarray(recordings, dtype=str)
    if vectors.ndim != 2:
        raise ValueError(f"embeddings must be [clips, dimension], got shape {vectors.shape}")
    if not len(vectors) == len(classes) == len(names) == plan.n_clips:
        raise ValueError(
            f"embeddings, labels, recordings and plan must have one length, got {len(vectors)}, "
            f"{len(classes)}, {len(names)} and {plan.n_clips}"
        )
    if not np.isfinite(vectors).all():
        raise ValueError("embeddings must be finite")
    if not np.isin(classes, (0, 1)).all():
        raise ValueError("labels must be 0 or 1")
    return vectors, classes.astype(np.int64), names


def _checked_class_scores(class_scores: ArrayLike | None, clips: int) -> NDArray[np.float64] | None:
    if class_scores is None:
        return None
    scores = np.asarray(class_scores, dtype=np.float64)
    if scores.shape != (clips,):
        raise ValueError(f"class_scores must be [{clips}], got shape {scores.shape}")
    if np.isnan(scores).all():
        return None
    if not np.isfinite(scores).all():
        raise ValueError("class_scores must be finite for all clips, or NaN for all")
    return scores


def _canonical_order(plan: SplitPlan, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row numbers by label and content; rows of equal content by their position in the plan."""
    places = [
        (int(label), key, *folds, *ranks)
        for label, key, folds, ranks in zip(
            labels,
            plan.keys,
            plan.folds.T.tolist(),
            plan.ranks.reshape(-1, plan.n_clips).T.tolist(),
            strict=True,
        )
    ]
    return np.array(sorted(range(len(places)), key=places.__getitem__), dtype=np.int64)
