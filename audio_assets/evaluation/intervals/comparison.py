"""Models against each other on the same folds, and the clips each of them needs, as one table.

The rows are those of :data:`audio_assets.tables.MODEL_COMPARISON`, of one species.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.intervals.clips_needed import clips_needed
from audio_assets.evaluation.intervals.fold_means import (
    NO_SPREAD,
    TRAINING_OF_DIFFERENCE,
    count_distinct_folds,
    mean_if_defined,
    standard_error,
    t_quantile,
    why_no_interval,
)
from audio_assets.evaluation.intervals.holdout_intervals import (
    error_of_mean,
    held_out,
    resampled_means,
    why_no_holdout_interval,
)
from audio_assets.evaluation.intervals.recording_values import (
    KEYS,
    RecordingVariance,
    recording_values,
    recording_variances,
)
from audio_assets.evaluation.splits.recordings import (
    MIN_RECORDINGS,
    RecordingCounts,
    count_recordings,
)
from audio_assets.tables import LABELS, METRICS, MODEL_COMPARISON

if TYPE_CHECKING:
    import pandas as pd

Values = NDArray[np.float64]

_OF_BOTH = " that both models were tested on"


def differences(
    fold_scores: Mapping[str, pd.DataFrame],
    predictions: Mapping[str, pd.DataFrame],
    *,
    species: str,
    ci_level: float,
    protocol: str = "cv",
    seed: int = 0,
) -> pd.DataFrame:
    """Paired differences of every two models at every size and metric that both have.

    A difference is taken fold by fold, so what makes a fold hard for both models cancels, and so
    are the pseudo-values of recordings. Interval and p-value are a t on the raw scale with the
    error of :func:`audio_assets.evaluation.intervals.fold_means.standard_error`, with
    Holm's (1979) step-down adjustment over the pairs of models at one size and metric. Under
    holdout a difference is taken draw by draw, and its error is that of
    :func:`audio_assets.evaluation.intervals.holdout_intervals.error_of_mean` over
    resamples of the test recordings that both models share.

    Parameters
    ----------
    fold_scores
        Per model: ``scores`` of :class:`audio_assets.evaluation.scores.grid.FoldResults`. All from
        one split plan; models may read different variants of the clips.
    predictions
        Per model: ``predictions`` beside them.
    species
        Written into the rows.
    ci_level
        Nominal coverage of the intervals.
    protocol, seed
        How the folds were made, and the base seed.

    Returns
    -------
    DataFrame
        Rows of kind ``difference``, model_a before model_b in alphabetical order. A pair whose
        folds all differ by the same amount has no interval and no p-value, and still counts in
        Holm's adjustment; so does one with too few recordings that both models were tested on.
    """
    rows = []
    values = {}
    if protocol == "cv":
        values = {model: recording_values(predictions[model]) for model in fold_scores}
    for model_a, model_b in combinations(sorted(fold_scores), 2):
        shared = _shared_recordings(predictions[model_a], predictions[model_b])
        tested = _paired_variances(values[model_a], values[model_b]) if values else {}
        pairs = fold_scores[model_a].merge(
            fold_scores[model_b],
            on=["repeat", "fold", "training_size", "metric"],
            suffixes=("_a", "_b"),
        )
        pairs = pairs.sort_values(["training_size", "repeat", "fold"], kind="stable")
        for size in sorted(set(pairs["training_size"].astype(int))):
            at_size = pairs[pairs["training_size"] == size]
            resampled = None
            if protocol == "holdout":
                tables = (predictions[model_a], predictions[model_b])
                resampled = _resampled_differences(at_size, tables, shared, seed)
            for metric in METRICS:
                cells = at_size[at_size["metric"] == metric]
                if len(cells):
                    found = (
                        _difference(cells, tested.get((size, metric)), shared, ci_level)
                        if resampled is None
                        else _holdout_difference(cells, resampled.get(metric), shared, ci_level)
                    )
                    rows.append(
                        _row(species, ci_level)
                        | {"kind": "difference", "model_a": model_a, "model_b": model_b}
                        | {"metric": metric, "training_size": size}
                        | found
                    )
    table = _as_table(rows)
    for _, family in table.groupby(["training_size", "metric"]):
        adjusted = holm(family["p_value"].to_numpy(dtype=np.float64))
        table.loc[family.index, "p_holm"] = adjusted
    return table


def needed_rows(
    curves: Mapping[str, pd.DataFrame],
    *,
    species: str,
    ci_level: float,
    target: float,
    metric: str = "roc_auc",
) -> pd.DataFrame:
    """Clips needed by each model, as rows of kind ``clips_needed``.

    Parameters
    ----------
    curves
        Per model: rows with the columns of :data:`audio_assets.tables.CURVE_ROWS`.
    species, ci_level
        Written into the rows.
    target, metric
        See :func:`audio_assets.evaluation.intervals.clips_needed.clips_needed`.
    """
    rows = []
    for model in sorted(curves):
        needed = clips_needed(curves[model], target=target, metric=metric)
        rows.append(
            _row(species, ci_level)
            | {"kind": "clips_needed", "model_a": model, "metric": metric, "target": target}
            | {"training_size": needed.training_size, "status": needed.status}
            | {"needed_low": needed.low, "needed_high": needed.high}
            | {"largest_size": needed.largest}
        )
    return _as_table(rows)


def holm(p_values: Iterable[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Holm's step-down adjustment; a missing p-value (NaN) counts in the family and stays NaN."""
    p = np.array(list(p_values), dtype=np.float64)
    filled = np.where(np.isnan(p), 1.0, p)
    order = np.argsort(filled, kind="stable")
    factors = len(p) - np.arange(len(p))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(filled[order] * factors), 1.0)
    adjusted[np.isnan(p)] = np.nan
    return adjusted


def _paired_variances(
    values_a: pd.DataFrame, values_b: pd.DataFrame
) -> dict[tuple[int, str], RecordingVariance]:
    """V of the differences, over the recordings that both models scored."""
    columns = [*KEYS, "value"]
    pairs = values_a[columns].merge(values_b[columns], on=list(KEYS), suffixes=("_a", "_b"))
    return recording_variances(pairs.assign(value=pairs["value_a"] - pairs["value_b"]))


def _shared_recordings(table_a: pd.DataFrame, table_b: pd.DataFrame) -> RecordingCounts:
    """Recordings of each class that both models were tested on."""
    keys = ["label", "recording_id"]
    both = table_a[keys].drop_duplicates().merge(table_b[keys].drop_duplicates(), on=keys)
    return count_recordings((both["label"] == LABELS[1]).astype(int), both["recording_id"])


def _difference(
    cells: pd.DataFrame,
    tested: RecordingVariance | None,
    shared: RecordingCounts,
    ci_level: float,
) -> dict[str, object]:
    from scipy.special import stdtr

    values, reasons = _values_and_reasons(cells)
    n_folds = int(cells["fold"].max()) + 1
    distinct = min(
        count_distinct_folds(cells[side].tolist()) for side in ("test_fold_a", "test_fold_b")
    )
    mean = mean_if_defined(values)
    row: dict[str, object] = {"distinct_folds": distinct, "difference": mean}
    row["status"] = why_no_interval(np.isfinite(values), reasons, distinct, shared, which=_OF_BOTH)
    if row["status"] or tested is None:
        return row
    error = standard_error(
        values.reshape(-1, n_folds),
        tested,
        level=float(cells[["value_a", "value_b"]].to_numpy(dtype=np.float64).mean()),
        trained=int(cells["training_size"].iloc[0]) > 0,
        training=TRAINING_OF_DIFFERENCE,
    )
    if error < NO_SPREAD:
        row["status"] = "the models differ by the same amount in every fold"
        return row
    half = t_quantile(tested.degrees, ci_level) * error
    row["ci_low"], row["ci_high"] = max(mean - half, -1.0), min(mean + half, 1.0)
    row["p_value"] = min(2.0 * float(stdtr(tested.degrees, -abs(mean) / error)), 1.0)
    row["status"] = "ok"
    return row


def _resampled_differences(
    pairs: pd.DataFrame,
    predictions: tuple[pd.DataFrame, pd.DataFrame],
    shared: RecordingCounts,
    seed: int,
) -> dict[str, Values]:
    """Metric -> differences under resampled test recordings; empty where none are possible."""
    auc = pairs.loc[pairs["metric"] == "roc_auc", ["value_a", "value_b"]]
    if auc.isna().to_numpy().any() or shared.smaller_class < MIN_RECORDINGS:
        return {}
    size = pairs["training_size"].iloc[0]
    a, b = resampled_means(
        [held_out(table[table["training_size"] == size]) for table in predictions], seed
    )
    return {metric: a[metric] - b[metric] for metric in METRICS}


def _holdout_difference(
    cells: pd.DataFrame, resampled: Values | None, shared: RecordingCounts, ci_level: float
) -> dict[str, object]:
    from scipy.special import stdtr

    values, reasons = _values_and_reasons(cells)
    size = int(cells["training_size"].iloc[0])
    mean = mean_if_defined(values)
    row: dict[str, object] = {"difference": mean}
    row["status"] = why_no_holdout_interval(
        np.isfinite(values), reasons, size, shared, which=_OF_BOTH
    )
    if row["status"] or resampled is None:
        return row
    error = error_of_mean(values, resampled, shared)
    if error.standard < NO_SPREAD:
        row["status"] = "the models differ by the same amount in every draw and resample"
        return row
    half = t_quantile(error.freedom, ci_level) * error.standard
    row["ci_low"], row["ci_high"] = max(mean - half, -1.0), min(mean + half, 1.0)
    row["p_value"] = min(2.0 * float(stdtr(error.freedom, -abs(mean) / error.standard)), 1.0)
    row["status"] = "ok"
    return row


def _values_and_reasons(cells: pd.DataFrame) -> tuple[Values, list[str]]:
    """Differences of the cells, and why one is undefined."""
    values = (cells["value_a"] - cells["value_b"]).to_numpy(dtype=np.float64)
    reasons = [
        str(a if isinstance(a, str) else b)
        for a, b in zip(cells["reason_a"], cells["reason_b"], strict=True)
    ]
    return values, reasons


def _row(species: str, ci_level: float) -> dict[str, object]:
    empty: dict[str, object] = dict.fromkeys(MODEL_COMPARISON.column_names)
    return empty | {"species": species, "ci_level": ci_level}


def _as_table(rows: list[dict[str, object]]) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(rows, columns=list(MODEL_COMPARISON.column_names))
    for column in MODEL_COMPARISON.columns:
        if column.dtype == "int64":
            table[column.name] = table[column.name].astype("Int64")
        elif column.dtype == "float64":
            table[column.name] = table[column.name].astype("float64")
    return table
