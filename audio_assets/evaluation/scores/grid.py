"""Training and scoring every repeat, fold and training size of one set of embeddings.

Drawing splits, the classifiers and the metrics belong in files of their own; this one combines
them. Scores of different folds come from different classifiers: no AUC or precision is computed
across folds; only the threshold of recall is chosen on the other folds together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audio_assets.evaluation.scores.inputs import checked_input, training_sizes
from audio_assets.evaluation.scores.metrics import score_repeat
from audio_assets.evaluation.scores.recall import ScoredFold, Value
from audio_assets.evaluation.scores.threads import one_blas_thread
from audio_assets.evaluation.scores.threshold_counts import label_units
from audio_assets.evaluation.splits.plan import SplitPlan
from audio_assets.evaluation.splits.recordings import RecordingCounts, count_recordings
from audio_assets.evaluation.splits.seeds import Purpose, random_state
from audio_assets.models.heads import Fit, Head, Scorer, Scores, find_head
from audio_assets.tables.task import PRESENCE

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
PREDICTION_COLUMNS = (
    "clip",
    "label",
    "recording_id",
    "repeat",
    "fold",
    "training_size",
    "score",
    "is_probability",
)


@dataclass(frozen=True, eq=False)
class FoldResults:
    """Scores and predictions of a grid.

    Attributes
    ----------
    scores
        One row per repeat, fold, training size and metric: the columns of
        :data:`audio_assets.tables.FOLD_SCORES` named in ``SCORE_COLUMNS``.
    predictions
        One row per tested clip, repeat and training size: ``clip`` is the row number of the clip in
        the embeddings given, the rest as in :data:`audio_assets.tables.FOLD_PREDICTIONS`.
    recordings
        Distinct recordings among the tested clips: all recordings given, or under holdout those of
        the test set.
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
    head: str | Head,
    protocol: str = "cv",
    seed: int = 0,
    also_largest: bool = True,
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
        dropped, and the largest is added unless ``also_largest`` is False.
    head
        A head, or its name in :data:`audio_assets.models.heads.HEADS`.
    protocol
        ``cv`` or ``holdout``; must be the plan's.
    seed
        Base seed of heads that draw random numbers.
    class_scores
        float[n], the encoder's own score for the positive class: scored as training size 0 on the
        same folds. All NaN means that the encoder knows no such class.
    workers
        Number of processes for heads that are slow to train. The results do not depend on it.
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
    classes, plan, untrained = given.labels, given.plan, given.class_scores
    trained_at = training_sizes(sizes, plan.largest_size(classes), also_largest=also_largest)
    cells = _cells(plan, classes, trained_at, untrained is not None)

    outcomes = [np.empty(0) if untrained is None else untrained[cell.test] for cell in cells]
    trained = [place for place, cell in enumerate(cells) if cell.size > 0]
    done = len(cells) - len(trained)
    with one_blas_thread():
        scorer = chosen.prepare(given.embeddings)
        to_fit = [cells[place] for place in trained]
        fits = _fits(scorer, to_fit, classes, seed, slow=chosen.slow, workers=workers)
        for places, scores in fits:
            for place, score in zip(places, scores, strict=True):
                outcomes[trained[place]] = score
            done += len(places)
            if progress is not None:
                progress(done, len(cells))

    return FoldResults(
        _score_table(cells, outcomes, plan, classes, given.recordings, chosen.is_probability),
        _prediction_table(
            cells, outcomes, given.order, classes, given.recordings, chosen.is_probability
        ),
        count_recordings(classes[plan.tested], given.recordings[plan.tested]),
    )


def _cells(
    plan: SplitPlan, labels: NDArray[np.int64], sizes: list[int], with_untrained: bool
) -> list[_Cell]:
    cells = []
    for repeat in range(plan.repeats):
        for fold in range(plan.n_folds):
            test = np.flatnonzero(plan.folds[repeat] == fold)
            # Sorted once for all sizes, since each is the beginning of the next.
            orders = plan.training_order(labels, repeat, fold)
            for size in ([0] if with_untrained else []) + sizes:
                train = np.sort(np.concatenate([order[:size] for order in orders]))
                cells.append(_Cell(repeat, fold, size, train, test))
    return cells


def _fits(
    scorer: Scorer,
    cells: list[_Cell],
    labels: NDArray[np.int64],
    seed: int,
    *,
    slow: bool,
    workers: int,
) -> Iterator[tuple[list[int], Scores]]:
    """Places among the cells, and the scores of their test clips, as they are done."""
    fits = [
        Fit(
            cell.train,
            cell.test,
            random_state(seed, Purpose.HEAD, cell.repeat, cell.fold, cell.size),
        )
        for cell in cells
    ]
    if not slow:
        # One size at a time: as much as a head can fit at once, while progress can still be shown.
        for size in sorted({cell.size for cell in cells}):
            places = [place for place, cell in enumerate(cells) if cell.size == size]
            yield places, scorer(labels, [fits[place] for place in places])
    elif workers == 1:
        for place, fit in enumerate(fits):
            yield [place], scorer(labels, [fit])
    else:
        from joblib import Parallel, delayed

        # Processes, since growing a forest holds the interpreter lock: two threads are no faster.
        pool = Parallel(n_jobs=workers, backend="loky", return_as="generator")
        outcomes = pool(delayed(_fit_in_worker)(scorer, labels, fit) for fit in fits)
        for place, scores in enumerate(outcomes):
            yield [place], scores


def _fit_in_worker(scorer: Scorer, labels: NDArray[np.int64], fit: Fit) -> Scores:
    with one_blas_thread():
        return scorer(labels, [fit])


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

    folds = {(cell.repeat, cell.fold): cell.test for cell in cells}
    digests = {place: _fold_digest(plan, labels, test) for place, test in folds.items()}
    values = _metrics(cells, outcomes, labels, recordings, is_probability)
    rows: list[tuple[object, ...]] = []
    _, codes = np.unique(recordings, return_inverse=True)
    for cell, of_cell in zip(cells, values, strict=True):
        trained = [
            int(np.count_nonzero(np.bincount(codes[cell.train][labels[cell.train] == label])))
            for label in (1, 0)
        ]
        test_pos = int(labels[cell.test].sum())
        digest = digests[cell.repeat, cell.fold]
        for metric, (value, reason) in of_cell.items():
            rows.append(
                (cell.repeat, cell.fold, cell.size, metric, value, reason or None)
                + (*trained, test_pos, len(cell.test) - test_pos, digest)
            )
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def _metrics(
    cells: list[_Cell],
    outcomes: list[NDArray[np.float64]],
    labels: NDArray[np.int64],
    recordings: NDArray[np.str_],
    is_probability: bool,
) -> list[dict[str, Value]]:
    """The metrics of every cell; those of a repeat are scored together."""
    # Once per test fold, for all sizes.
    units = {
        (cell.repeat, cell.fold): label_units(labels[cell.test], recordings[cell.test])
        for cell in {(cell.repeat, cell.fold): cell for cell in cells}.values()
    }
    together: dict[int, dict[int, list[int]]] = {}
    for place, cell in enumerate(cells):
        together.setdefault(cell.repeat, {}).setdefault(cell.size, []).append(place)
    found: list[dict[str, Value]] = [{}] * len(cells)
    for of_repeat in together.values():
        sizes = [
            [
                ScoredFold(
                    labels[cell.test],
                    outcomes[place],
                    recordings[cell.test],
                    units[cell.repeat, cell.fold],
                )
                for place, cell in ((place, cells[place]) for place in places)
            ]
            for places in of_repeat.values()
        ]
        values = score_repeat(sizes, is_probability=[is_probability and n > 0 for n in of_repeat])
        for places, at_size in zip(of_repeat.values(), values, strict=True):
            for place, of_fold in zip(places, at_size, strict=True):
                found[place] = of_fold
    return found


def _prediction_table(
    cells: list[_Cell],
    outcomes: list[NDArray[np.float64]],
    canonical: NDArray[np.int64],
    labels: NDArray[np.int64],
    recordings: NDArray[np.str_],
    is_probability: bool,
) -> pd.DataFrame:
    import pandas as pd

    lengths = [len(cell.test) for cell in cells]
    tested = np.concatenate([cell.test for cell in cells])
    table = pd.DataFrame(
        {
            "clip": canonical[tested],
            "label": np.where(labels[tested] == 1, PRESENCE.positive, PRESENCE.negative),
            "recording_id": recordings[tested],
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
