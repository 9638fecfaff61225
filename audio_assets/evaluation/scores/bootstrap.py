"""The recording bootstrap: the whole evaluation repeated on recordings drawn with replacement.

Making intervals from the draws belongs in
:mod:`audio_assets.evaluation.intervals.bootstrap_interval`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audio_assets.evaluation.scores.inputs import EvaluationInput, checked_input, training_sizes
from audio_assets.evaluation.scores.metrics import score_repeat
from audio_assets.evaluation.scores.recall import ScoredFold
from audio_assets.evaluation.scores.threads import one_blas_thread
from audio_assets.evaluation.splits.plan import MAX_REDRAWS, SplitPlan, make_split_plan
from audio_assets.evaluation.splits.recordings import NoEvaluation, recording_codes
from audio_assets.evaluation.splits.seeds import Purpose, generator, random_state
from audio_assets.models.heads import Fit, Head, Scorer, find_head
from audio_assets.tables import METRICS, VARIANTS

if TYPE_CHECKING:
    import pandas as pd

DRAW_COLUMNS = ("draw", "training_size", "metric", "value", "reason", "folds")


@dataclass(frozen=True, eq=False)
class Resample:
    """Recordings drawn with replacement, and their splits.

    Attributes
    ----------
    rows
        int[m], row numbers of the clips drawn; a clip occurs once per copy of its recording.
    plan
        Split plan of these m clips. Copies of a recording share a fold.
    """

    rows: NDArray[np.int64]
    plan: SplitPlan


def bootstrap_scores(
    embeddings: ArrayLike,
    labels: ArrayLike,
    recordings: ArrayLike,
    plan: SplitPlan,
    *,
    sizes: Iterable[int],
    head: str | Head,
    draws: int,
    protocol: str = "cv",
    seed: int = 0,
    class_scores: ArrayLike | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Means over folds on resampled recordings.

    Each draw takes as many recordings of each class as there are, with replacement, and repeats the
    point estimate on them: the same number of repeats and, where the recordings drawn allow, of
    folds, training subsets and fits. A size that the folds of a draw do not allow is replaced by
    the largest that they do.

    Parameters
    ----------
    embeddings, labels, recordings, plan, sizes, head, protocol, seed, class_scores
        As in :func:`audio_assets.evaluation.scores.grid.score_folds`.
    draws
        N, at least 1; an interval needs 100.
    workers
        Number of processes. The results do not depend on it.
    progress
        Called from this thread with (draws done, draws in all).

    Returns
    -------
    DataFrame
        Columns ``DRAW_COLUMNS``, one row per draw, training size and metric: the mean over the test
        folds in which the metric is defined, or empty with a reason. Identical for any order of the
        rows and any names of the recordings.

    Raises
    ------
    NoEvaluation, SplitLeakError, NotConvergedError, ValueError
        As :func:`audio_assets.evaluation.scores.grid.score_folds`.
    """
    import pandas as pd

    if draws < 1:
        raise ValueError(f"draws must be at least 1, got {draws}")
    chosen = find_head(head)
    given = checked_input(
        embeddings,
        labels,
        recordings,
        plan,
        protocol=protocol,
        class_scores=class_scores,
        workers=workers,
    )
    asked = training_sizes(sizes, given.plan.largest_size(given.labels))
    with one_blas_thread():
        scorer = chosen.prepare(given.embeddings)
        # Not needed any more, and not to be sent to workers.
        given = replace(given, embeddings=given.embeddings[:, :0])
        rows: list[tuple[object, ...]] = []
        for done, of_draw in enumerate(
            _evaluated(given, scorer, asked, chosen.is_probability, seed, draws, workers),
            start=1,
        ):
            rows += of_draw
            if progress is not None:
                progress(done, draws)
    return pd.DataFrame(rows, columns=list(DRAW_COLUMNS))


def resample(given: EvaluationInput, seed: int, draw: int) -> Resample:
    """Draw recordings with replacement, and split them.

    First, as many recordings are drawn as have clips of the rarer class, from among those, each
    with all its clips; then the other class is filled up from the recordings that hold only that
    class. Where no recording holds both labels, this is drawing within each class.

    A draw that allows no folds, with fewer than two different recordings of a class, is drawn
    again.

    Raises
    ------
    NoEvaluation
        No draw that allows folds was found.
    """
    codes = recording_codes(
        given.labels, given.recordings, given.plan.keys, VARIANTS[:1] * len(given.labels)
    )
    holds = np.zeros((2, codes.max() + 1), dtype=np.bool_)
    holds[given.labels, codes] = True
    rarer = 1 if holds[1].sum() <= holds[0].sum() else 0
    pool, others = np.flatnonzero(holds[rarer]), np.flatnonzero(~holds[rarer])
    for attempt in range(1 + MAX_REDRAWS):
        rng = generator(seed, Purpose.BOOTSTRAP, draw, attempt)
        drawn = pool[rng.integers(len(pool), size=len(pool))]
        lacking = int(holds[1 - rarer].sum() - holds[1 - rarer][drawn].sum())
        if len(others):
            drawn = np.r_[drawn, others[rng.integers(len(others), size=lacking)]]
        rows, copies = _clips_of(codes, drawn)
        try:
            plan = make_split_plan(
                given.labels[rows],
                given.recordings[rows],
                keys=[given.plan.keys[row] for row in rows],
                copies=copies,
                folds=given.plan.n_folds,
                repeats=given.plan.repeats,
                seed=random_state(seed, Purpose.BOOTSTRAP_SPLITS, draw, attempt),
            )
        except NoEvaluation as error:
            reason = error
            continue
        return Resample(rows, plan)
    raise reason


def _clips_of(
    codes: NDArray[np.int64], drawn: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers of the clips of the recordings drawn, and the copy that each belongs to."""
    times = np.bincount(drawn, minlength=int(codes.max()) + 1)[codes]
    rows = np.repeat(np.arange(len(codes)), times)
    return rows, np.arange(len(rows)) - np.repeat(np.cumsum(times) - times, times)


def _evaluated(
    given: EvaluationInput,
    scorer: Scorer,
    sizes: list[int],
    is_probability: bool,
    seed: int,
    draws: int,
    workers: int,
) -> Iterator[list[tuple[object, ...]]]:
    """Rows of each draw in order. A draw is always one batch of fits, in any process."""
    if workers == 1:
        for draw in range(draws):
            yield _evaluate_draw(given, scorer, sizes, is_probability, seed, draw)
        return
    from joblib import Parallel, delayed

    pool = Parallel(n_jobs=workers, backend="loky", return_as="generator")
    yield from pool(
        delayed(_evaluate_in_worker)(given, scorer, sizes, is_probability, seed, draw)
        for draw in range(draws)
    )


def _evaluate_in_worker(
    given: EvaluationInput,
    scorer: Scorer,
    sizes: list[int],
    is_probability: bool,
    seed: int,
    draw: int,
) -> list[tuple[object, ...]]:
    with one_blas_thread():
        return _evaluate_draw(given, scorer, sizes, is_probability, seed, draw)


def _evaluate_draw(
    given: EvaluationInput,
    scorer: Scorer,
    sizes: list[int],
    is_probability: bool,
    seed: int,
    draw: int,
) -> list[tuple[object, ...]]:
    drawn = resample(given, seed, draw)
    rows, plan = drawn.rows, drawn.plan
    labels = given.labels[rows]
    largest = plan.largest_size(labels)
    folds = [(repeat, fold) for repeat in range(plan.repeats) for fold in range(plan.n_folds)]
    tests = [np.flatnonzero(plan.folds[repeat] == fold) for repeat, fold in folds]

    def scored(scores: Sequence[NDArray[np.float64]]) -> list[ScoredFold]:
        return [
            ScoredFold(labels[test], score, given.recordings[rows[test]])
            for test, score in zip(tests, scores, strict=True)
        ]

    found: list[tuple[object, ...]] = []
    if given.class_scores is not None:
        untrained = [given.class_scores[rows[test]] for test in tests]
        found += _rows_of(draw, 0, plan.n_folds, scored(untrained), False)
    by_size: dict[int, list[NDArray[np.float64]]] = {}
    for asked in sizes:
        size = min(asked, largest)
        if size not in by_size:
            fits = [
                Fit(
                    rows[plan.training_clips(labels, repeat, fold, size)],
                    rows[test],
                    random_state(seed, Purpose.BOOTSTRAP, draw, repeat, fold, size),
                )
                for (repeat, fold), test in zip(folds, tests, strict=True)
            ]
            by_size[size] = scorer(given.labels, fits)
        found += _rows_of(draw, asked, plan.n_folds, scored(by_size[size]), is_probability)
    return found


def _rows_of(
    draw: int, size: int, n_folds: int, folds: list[ScoredFold], is_probability: bool
) -> list[tuple[object, ...]]:
    """One row per metric: the mean over the folds in which it is defined, or empty with the reason.

    Folds of a draw are often smaller than those of the clips at hand; only the variation of their
    means is used.
    """
    measured = [
        values
        for start in range(0, len(folds), n_folds)
        for values in score_repeat(
            [folds[start : start + n_folds]], is_probability=[is_probability]
        )[0]
    ]
    rows: list[tuple[object, ...]] = []
    for metric in METRICS:
        values = [fold[metric][0] for fold in measured if not fold[metric][1]]
        mean = float(np.mean(values)) if values else float("nan")
        reason = None if values else measured[0][metric][1]
        rows.append((draw, size, metric, mean, reason, n_folds))
    return rows
