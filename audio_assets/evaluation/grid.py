"""The grid: train and score every repeat, fold and training size of one set of embeddings.

Drawing splits, the classifiers and the metrics have files of their own; this one puts them
together. Scores of different folds come from different classifiers and are never pooled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audio_assets.evaluation.heads import HEADS, Scorer
from audio_assets.evaluation.metrics import score_fold
from audio_assets.evaluation.recordings import (
    RecordingCounts,
    check_no_leak,
    count_recordings,
)
from audio_assets.evaluation.seeds import Purpose, random_state
from audio_assets.evaluation.splits import NoEvaluation, SplitPlan, why_no_evaluation
from audio_assets.evaluation.threads import one_blas_thread

if TYPE_CHECKING:
    import pandas as pd

SCORE_COLUMNS = (
    "repeat",
    "fold",
    "training_size",
    "metric",
    "value",
    "reason",
    "recordings_pos",
    "recordings_neg",
    "test_pos",
    "test_neg",
    "test_fold",
)
PREDICTION_COLUMNS = ("clip", "repeat", "fold", "training_size", "score", "is_probability")


@dataclass(frozen=True, eq=False)
class FoldResults:
    """What a grid gives.

    Attributes
    ----------
    scores
        One row a repeat, fold, training size and metric: the columns of
        :data:`audio_assets.tables.FOLD_SCORES` named in ``SCORE_COLUMNS``.
    predictions
        One row a clip, repeat and training size: ``clip`` is the row number of the clip in the
        embeddings given, the rest as in :data:`audio_assets.tables.FOLD_PREDICTIONS`.
    recordings
        Distinct recordings among the clips given.
    """

    scores: pd.DataFrame
    predictions: pd.DataFrame
    recordings: RecordingCounts


@dataclass(frozen=True, eq=False)
class _Cell:
    """One classifier: its place in the grid, its training and test clips, and its scores."""

    repeat: int
    fold: int
    size: int
    train: NDArray[np.int64]
    test: NDArray[np.int64]


def score_folds(
    embeddings: ArrayLike,
    labels: ArrayLike,
    recordings: ArrayLike,
    plan: SplitPlan,
    *,
    sizes: Iterable[int],
    head: str,
    protocol: str = "cv",
    seed: int = 0,
    class_scores: ArrayLike | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> FoldResults:
    """Train on nested subsets outside each fold and score the fold.

    Parameters
    ----------
    embeddings
        float[n, d], usable clips only.
    labels
        {0, 1}[n].
    recordings
        str[n].
    plan
        Split plan aligned to the rows.
    sizes
        Training sizes, clips per class. Those beyond the largest that every fold allows are
        dropped, and the largest is added.
    head
        A name in :data:`audio_assets.evaluation.heads.HEADS`.
    protocol
        ``cv``.
    seed
        Base seed of heads that draw random numbers.
    class_scores
        float[n], the encoder's own score for the positive class: scored as training size 0 on the
        same folds. All NaN means that the encoder knows no such class.
    workers
        Processes for heads that are slow to train. The results do not depend on it.
    progress
        Called from this thread with (cells done, cells in all).

    Returns
    -------
    FoldResults
        Identical for any order of the rows.

    Raises
    ------
    SplitLeakError
        The plan has a recording in two folds.
    NoEvaluation
        The clips leave a class without training clips in some fold.
    NotConvergedError
        A fit did not converge.
    ValueError
        An argument is wrong.
    """
    vectors, classes, names = _checked(embeddings, labels, recordings, plan)
    untrained = _checked_class_scores(class_scores, len(vectors))
    if head not in HEADS:
        raise ValueError(f"unknown head {head!r}; there are {', '.join(HEADS)}")
    if protocol != "cv":
        raise ValueError(f"protocol {protocol!r} is not available; there is cv")
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    check_no_leak(plan.folds, names)
    counts = count_recordings(classes, names)
    if counts.smaller_class < 2:
        raise NoEvaluation(why_no_evaluation(counts if len(vectors) else None))
    largest = plan.largest_size(classes)
    if largest < 1:
        raise NoEvaluation("a fold leaves a class without training clips")

    # Sums in another order differ in their last bits, so rows are put in an order of content.
    canonical = _canonical_order(plan, classes)
    vectors, classes, names = vectors[canonical], classes[canonical], names[canonical]
    plan = plan.take(canonical)
    cells = _cells(plan, classes, training_sizes(sizes, largest), untrained is not None)
    if untrained is not None:
        untrained = untrained[canonical]
    chosen = HEADS[head]

    with one_blas_thread():
        scorer = chosen.prepare(vectors)
        trained = [cell for cell in cells if cell.size > 0]
        fits = _fits(scorer, trained, classes, seed, workers if chosen.slow else 1)
        outcomes = []
        for done, cell in enumerate(cells, start=1):
            if cell.size > 0:
                outcomes.append(next(fits))
            elif untrained is not None:
                outcomes.append(untrained[cell.test])
            if progress is not None:
                progress(done, len(cells))

    return FoldResults(
        _score_table(cells, outcomes, plan, classes, names, chosen.is_probability),
        _prediction_table(cells, outcomes, canonical, chosen.is_probability),
        counts,
    )


def training_sizes(sizes: Iterable[int], largest: int) -> list[int]:
    """The sizes that are trained at: those asked for up to the largest, and the largest.

    Raises
    ------
    ValueError
        A size is negative or no whole number.
    """
    asked = list(sizes)
    for size in asked:
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
            raise ValueError(f"a training size must be a whole number of clips, got {size!r}")
    return sorted({int(size) for size in asked if 0 < size <= largest} | {largest})


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
    """Row numbers by label and content; rows of equal content by their place in the plan."""
    places = [
        (int(label), key, *folds, *ranks)
        for label, key, folds, ranks in zip(
            labels, plan.keys, plan.folds.T.tolist(), plan.ranks.T.tolist(), strict=True
        )
    ]
    return np.array(sorted(range(len(places)), key=places.__getitem__), dtype=np.int64)


def _cells(
    plan: SplitPlan, labels: NDArray[np.int64], sizes: list[int], with_untrained: bool
) -> list[_Cell]:
    cells = []
    for repeat in range(plan.repeats):
        for fold in range(plan.n_folds):
            test = np.flatnonzero(plan.folds[repeat] == fold)
            for size in ([0] if with_untrained else []) + sizes:
                train = plan.training_clips(labels, repeat, fold, size)
                cells.append(_Cell(repeat, fold, size, train, test))
    return cells


def _fits(
    scorer: Scorer, cells: list[_Cell], labels: NDArray[np.int64], seed: int, workers: int
) -> Iterator[NDArray[np.float64]]:
    """Scores of the test clips of each cell, in the order of the cells."""
    jobs = (
        (
            scorer,
            cell.train,
            labels[cell.train],
            cell.test,
            random_state(seed, Purpose.HEAD, cell.repeat, cell.fold, cell.size),
        )
        for cell in cells
    )
    if workers == 1:
        yield from (_fit(*job) for job in jobs)
        return
    from joblib import Parallel, delayed

    # Processes: growing a forest holds the interpreter's lock, two threads are no faster than one.
    pool = Parallel(n_jobs=workers, backend="loky", return_as="generator")
    yield from pool(delayed(_fit_in_worker)(*job) for job in jobs)


def _fit(
    scorer: Scorer,
    train: NDArray[np.int64],
    train_labels: NDArray[np.int64],
    test: NDArray[np.int64],
    state: int,
) -> NDArray[np.float64]:
    return scorer(train, train_labels, test, state) if len(test) else np.empty(0)


def _fit_in_worker(*job: Any) -> NDArray[np.float64]:
    with one_blas_thread():
        return _fit(*job)


def _fold_digest(plan: SplitPlan, labels: NDArray[np.int64], test: NDArray[np.int64]) -> str:
    """``{positive}-{negative}``: digests of the content of the fold's clips, class by class.

    Folds of different repeats with the same clips share it, and it shows where only the clips of
    one class are the same.
    """
    parts = []
    for label in (1, 0):
        content = sorted(plan.keys[clip] for clip in test if labels[clip] == label)
        parts.append(hashlib.sha256(repr(content).encode()).hexdigest()[:16])
    return "-".join(parts)


def _score_table(
    cells: list[_Cell],
    outcomes: list[NDArray[np.float64]],
    plan: SplitPlan,
    labels: NDArray[np.int64],
    recordings: NDArray[np.str_],
    is_probability: bool,
) -> pd.DataFrame:
    import pandas as pd

    rows: list[tuple[object, ...]] = []
    for cell, outcome in zip(cells, outcomes, strict=True):
        trained = count_recordings(labels[cell.train], recordings[cell.train])
        test_labels = labels[cell.test]
        test_pos = int(test_labels.sum())
        digest = _fold_digest(plan, labels, cell.test)
        values = score_fold(test_labels, outcome, is_probability=is_probability and cell.size > 0)
        for metric, (value, reason) in values.items():
            rows.append(
                (cell.repeat, cell.fold, cell.size, metric, value, reason or None)
                + (trained.pos, trained.neg, test_pos, len(test_labels) - test_pos, digest)
            )
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def _prediction_table(
    cells: list[_Cell],
    outcomes: list[NDArray[np.float64]],
    canonical: NDArray[np.int64],
    is_probability: bool,
) -> pd.DataFrame:
    import pandas as pd

    lengths = [len(cell.test) for cell in cells]
    table = pd.DataFrame(
        {
            "clip": canonical[np.concatenate([cell.test for cell in cells])],
            "repeat": np.repeat([cell.repeat for cell in cells], lengths),
            "fold": np.repeat([cell.fold for cell in cells], lengths),
            "training_size": np.repeat([cell.size for cell in cells], lengths),
            "score": np.concatenate(outcomes),
            "is_probability": np.repeat(
                [is_probability and cell.size > 0 for cell in cells], lengths
            ),
        }
    )
    table = table.sort_values(["repeat", "training_size", "clip"], ignore_index=True)
    return table[list(PREDICTION_COLUMNS)]
