"""Summary of fold scores as a learning curve: one row per training size and metric.

The interval methods belong in :mod:`audio_assets.evaluation.intervals.fold_means`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audio_assets.evaluation.intervals.fold_means import NO_METHOD
from audio_assets.evaluation.intervals.protocols import find_protocol
from audio_assets.evaluation.splits.recordings import RecordingCounts
from audio_assets.tables import CURVE_ROWS, METRICS

if TYPE_CHECKING:
    import pandas as pd

_WHOLE_NUMBERS = [c.name for c in CURVE_ROWS if c.dtype == "int64" and c.nullable]


def summarise(
    fold_scores: pd.DataFrame,
    predictions: pd.DataFrame,
    *,
    recordings: RecordingCounts,
    ci_level: float,
    head: str,
    protocol: str = "cv",
    seed: int = 0,
    draws: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Mean over folds and interval of every training size and metric.

    Parameters
    ----------
    fold_scores
        ``scores`` of :class:`audio_assets.evaluation.scores.grid.FoldResults`, of one model and
        species.
    predictions
        ``predictions`` of the same results.
    recordings
        Recordings among all clips that were tested.
    ci_level
        Nominal coverage of the intervals.
    protocol, seed
        How the folds were made, and the base seed.
    head
        Written into the rows.
    draws
        Table from :func:`audio_assets.evaluation.scores.bootstrap.bootstrap_scores` for the same
        clips and sizes, from which intervals are then made.

    Returns
    -------
    DataFrame
        Columns of :data:`audio_assets.tables.CURVE_ROWS`, by training size and metric.
    """
    scores = fold_scores.sort_values(["training_size", "repeat", "fold"], kind="stable")
    n_folds = int(scores["fold"].max()) + 1
    repeats = int(scores["repeat"].max()) + 1
    made_by = find_protocol(protocol)
    estimates = made_by.estimates(
        predictions,
        recordings=recordings,
        ci_level=ci_level,
        n_folds=n_folds,
        seed=seed,
        draws=draws,
    )
    rows: list[dict[str, object]] = []
    for size, at_size in scores.groupby("training_size"):
        estimate = estimates.at_size(at_size)
        for metric in METRICS:
            cells = at_size[at_size["metric"] == metric]
            if len(cells) != n_folds * repeats:
                raise ValueError(
                    f"{metric} at training size {size} has {len(cells)} folds, expected "
                    f"{repeats} repeats of {n_folds}"
                )
            result = estimate(cells)
            clips = (cells["test_pos"] + cells["test_neg"]).to_numpy(dtype=np.float64)
            pos = cells["test_pos"].to_numpy(dtype=np.float64)
            rows.append(
                {
                    "training_size": size,
                    "metric": metric,
                    "mean": result.mean,
                    "ci_low": result.low,
                    "ci_high": result.high,
                    "ci_level": ci_level,
                    "ci_method": result.method,
                    "ci_status": result.status,
                    "folds": n_folds if made_by.has_folds else None,
                    "repeats": repeats,
                    "distinct_folds": result.distinct_folds,
                    "recordings_pos": float(np.median(cells["recordings_pos"].astype(float))),
                    "recordings_neg": float(np.median(cells["recordings_neg"].astype(float))),
                    "recording_pairs": recordings.independent_pairs,
                    "test_prevalence": float(np.mean(pos[clips > 0] / clips[clips > 0])),
                    "head": head,
                    "protocol": protocol,
                    "seed": seed,
                }
            )
    return _as_table(rows)


def no_evaluation_row(
    reason: str, *, ci_level: float, head: str, protocol: str = "cv", seed: int = 0
) -> pd.DataFrame:
    """The one row of a species that allows no evaluation.

    Parameters
    ----------
    reason
        The text of :class:`audio_assets.evaluation.splits.plan.NoEvaluation`.
    """
    row: dict[str, object] = dict.fromkeys(column.name for column in CURVE_ROWS)
    row |= {
        "metric": METRICS[0],
        "ci_level": ci_level,
        "ci_method": NO_METHOD,
        "ci_status": f"no evaluation: {reason}",
        "head": head,
        "protocol": protocol,
        "seed": seed,
    }
    return _as_table([row])


def _as_table(rows: list[dict[str, object]]) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(rows, columns=[column.name for column in CURVE_ROWS])
    for column in CURVE_ROWS:
        if column.name in _WHOLE_NUMBERS:
            table[column.name] = table[column.name].astype("Int64")
        elif column.dtype == "float64":
            table[column.name] = table[column.name].astype("float64")
    return table


def with_warning(curve: pd.DataFrame, warning: str) -> pd.DataFrame:
    """Add a warning to the status of every row that has an interval.

    Parameters
    ----------
    curve
        Rows with ``ci_status``; a status that says why there is no interval is left unchanged.
    warning
        What a reader of the number has to know, without a full stop.
    """

    def warned(status: str) -> str:
        if status == "ok":
            return f"ok: warning: {warning}"
        return f"{status}; {warning}" if status.startswith("ok: warning: ") else status

    return curve.assign(ci_status=[warned(status) for status in curve["ci_status"]])


def out_of_range(curve: pd.DataFrame) -> list[str]:
    """Impossible rows: value or interval outside 0 to 1, or the value outside its interval.

    Parameters
    ----------
    curve
        Rows with ``metric``, ``training_size``, ``mean``, ``ci_low`` and ``ci_high``; empty values
        are allowed.
    """
    wrong = []
    columns = ("metric", "training_size", "mean", "ci_low", "ci_high")
    for metric, size, mean, low, high in zip(*(curve[name] for name in columns), strict=True):
        name = f"{metric} at {size}"
        for value in (mean, low, high):
            if value < 0 or value > 1:
                wrong.append(f"{name}: {value:g} is outside 0 to 1")
        if low > mean or high < mean:
            wrong.append(f"{name}: {mean:g} is outside {low:g} to {high:g}")
    return wrong
