"""Comparison of models and of training sizes on the same folds, and the clips that each needs.

The rows are those of :data:`audio_assets.tables.MODEL_COMPARISON` for one species.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.intervals.clips_needed import clips_needed
from audio_assets.evaluation.intervals.pairs import SAME_EVERYWHERE, interval_at
from audio_assets.evaluation.intervals.protocols import find_protocol
from audio_assets.tables import METRICS, MODEL_COMPARISON

if TYPE_CHECKING:
    import pandas as pd

Values = NDArray[np.float64]


def differences(
    fold_scores: Mapping[str, pd.DataFrame],
    predictions: Mapping[str, pd.DataFrame],
    *,
    species: str,
    ci_level: float,
    protocol: str = "cv",
    seed: int = 0,
) -> pd.DataFrame:
    """Paired differences between every two models at every size and metric that both have.

    Differences of scores, and of the pseudo-values of recordings, are taken fold by fold, so that
    whatever makes a fold hard for both models cancels. Interval and p-value are from a t
    distribution on the raw scale with the error of
    :func:`audio_assets.evaluation.intervals.fold_means.standard_error`, with
    Holm's (1979) step-down adjustment over the pairs of models at one size and metric. Under
    holdout a difference is taken draw by draw, and its error is that of
    :func:`audio_assets.evaluation.intervals.holdout_intervals.error_of_mean` over
    resamples of the test recordings that both models share.

    Parameters
    ----------
    fold_scores
        Per model: ``scores`` of :class:`audio_assets.evaluation.scores.grid.FoldResults`, all from
        one split plan. Models may read different variants of the clips.
    predictions
        Per model: ``predictions`` of the same results.
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
        folds all differ by the same amount, or with too few recordings that both models were
        tested on, has no interval and no p-value but still counts in Holm's adjustment.
    """
    found = find_protocol(protocol).differences(
        {model: predictions[model] for model in fold_scores}, ci_level=ci_level, seed=seed
    )
    rows: list[dict[str, Any]] = []
    for model_a, model_b in combinations(sorted(fold_scores), 2):
        pairs = fold_scores[model_a].merge(
            fold_scores[model_b],
            on=["repeat", "fold", "training_size", "metric"],
            suffixes=("_a", "_b"),
        )
        pairs = pairs.sort_values(["training_size", "repeat", "fold"], kind="stable")
        for size in sorted(set(pairs["training_size"].astype(int))):
            at_size = pairs[pairs["training_size"] == size]
            difference = found.at_size(model_a, model_b, at_size)
            for metric in METRICS:
                cells = at_size[at_size["metric"] == metric]
                if len(cells):
                    rows.append(
                        _row(species, ci_level)
                        | {"kind": "difference", "model_a": model_a, "model_b": model_b}
                        | {"metric": metric, "training_size": size}
                        | difference(cells)
                    )
    table = _as_table(rows)
    for _, family in table.groupby(["training_size", "metric"]):
        adjusted = holm(family["p_value"].to_numpy(dtype=np.float64))
        table.loc[family.index, "p_holm"] = adjusted
        # A missing p-value tells nothing apart.
        open_pairs = int(np.sum(~(adjusted < 1.0 - ci_level)))
        level = 1.0 - (1.0 - ci_level) / max(open_pairs, 1)
        for place in family.index:
            row = rows[place]
            if "error" in row:
                low, high = interval_at(row["difference"], row["error"], row["degrees"], level)
                table.loc[place, "holm_low"], table.loc[place, "holm_high"] = low, high
    return table


def gain_rows(
    fold_scores: pd.DataFrame,
    predictions: pd.DataFrame,
    *,
    species: str,
    model: str,
    ci_level: float,
    protocol: str = "cv",
    seed: int = 0,
    metric: str = "roc_auc",
) -> pd.DataFrame:
    """Compute the gains of the largest training size over smaller ones, as rows of kind ``gain``.

    Two sizes of one model are compared as two models are in :func:`differences`: on the same test
    clips, fold by fold. A gain that is the same in every fold is its own interval, since these
    recordings show no doubt of it; the interval of the AUC itself says how much other recordings
    may differ.

    Parameters
    ----------
    fold_scores, predictions
        ``scores`` and ``predictions`` of :class:`audio_assets.evaluation.scores.grid.FoldResults`.
    species, model
        Written into the rows.
    ci_level, protocol, seed
        See :func:`differences`.
    metric
        A metric for which higher is better.
    """
    scores = fold_scores[(fold_scores["metric"] == metric) & (fold_scores["training_size"] >= 1)]
    sizes = sorted(set(scores["training_size"].astype(int)))
    if len(sizes) < 2:
        return _as_table([])
    largest = sizes[-1]
    # Under one size, so that they are paired.
    scored = {
        size: scores[scores["training_size"] == size].assign(training_size=largest)
        for size in sizes
    }
    tested = {
        str(size): predictions[predictions["training_size"] == size].assign(training_size=largest)
        for size in sizes
    }
    found = find_protocol(protocol).differences(tested, ci_level=ci_level, seed=seed)
    rows = []
    for size in sizes[:-1]:
        pairs = scored[largest].merge(
            scored[size],
            on=["repeat", "fold", "training_size", "metric"],
            suffixes=("_a", "_b"),
        )
        pairs = pairs.sort_values(["repeat", "fold"], kind="stable")
        gain = found.at_size(str(largest), str(size), pairs)(pairs)
        if str(gain["status"]).startswith(SAME_EVERYWHERE):
            gain |= {"ci_low": gain["difference"], "ci_high": gain["difference"], "status": "ok"}
        rows.append(
            _row(species, ci_level)
            | {"kind": "gain", "model_a": model, "metric": metric, "training_size": size}
            | {"largest_size": largest}
            | gain
        )
    return _as_table(rows)


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
