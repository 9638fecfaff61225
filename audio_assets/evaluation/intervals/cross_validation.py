"""The protocol ``cv``: repeated K-fold cross-validation over recordings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from audio_assets.evaluation.intervals.bootstrap_interval import estimate_by_bootstrap
from audio_assets.evaluation.intervals.fold_means import (
    NO_SPREAD,
    TRAINING_OF_DIFFERENCE,
    Estimate,
    count_distinct_folds,
    estimate,
    mean_if_defined,
    standard_error,
    why_no_interval,
)
from audio_assets.evaluation.intervals.pairs import (
    OF_BOTH,
    SAME_EVERYWHERE,
    shared_recordings,
    values_and_reasons,
    with_interval,
)
from audio_assets.evaluation.intervals.protocol import (
    Differences,
    Estimates,
    EvaluationProtocol,
)
from audio_assets.evaluation.intervals.recording_values import (
    KEYS,
    RecordingVariance,
    recording_values,
    recording_variances,
)
from audio_assets.evaluation.scores.metrics import CHANCE
from audio_assets.evaluation.splits.manifest import Planner
from audio_assets.evaluation.splits.plan import make_split_plan, why_no_evaluation
from audio_assets.evaluation.splits.recordings import RecordingCounts

if TYPE_CHECKING:
    import pandas as pd


class CrossValidation(EvaluationProtocol):
    """Every recording is tested once per repeat."""

    name = "cv"
    recording = "recording"
    has_folds = True

    def planner(self, *, folds: int, per_class: int) -> Planner:
        """Draw K folds over recordings."""
        return partial(make_split_plan, folds=folds)

    def least_recordings(self, counts: RecordingCounts) -> int:
        """Two: one to train on and one to test on."""
        return 2

    def why_no_plan(self, counts: RecordingCounts) -> str:
        """Name the class that has too few recordings."""
        return why_no_evaluation(counts)

    def describe(
        self, manifest: pd.DataFrame, per_class: int
    ) -> tuple[dict[str, int | str], tuple[str, ...]]:
        """K alone: folds are as large as the recordings allow."""
        return {"folds": int(manifest["folds"].iloc[0])}, ()

    def why_no_bootstrap(self) -> str:
        """Empty: the bootstrap is always possible."""
        return ""

    def estimates(
        self,
        predictions: pd.DataFrame,
        *,
        recordings: RecordingCounts,
        ci_level: float,
        n_folds: int,
        seed: int,
        draws: pd.DataFrame | None,
    ) -> Estimates:
        """Estimate from folds and recordings, or from draws."""
        if draws is not None:
            return _ByResampling(draws, recordings, ci_level)
        return _ByRecording(predictions, recordings, ci_level, n_folds)

    def differences(
        self, predictions: Mapping[str, pd.DataFrame], *, ci_level: float, seed: int
    ) -> Differences:
        """Fold by fold."""
        return _FoldByFold(predictions, ci_level)


class _ByRecording(Estimates):
    """Intervals from the folds and from the variance between recordings."""

    def __init__(
        self,
        predictions: pd.DataFrame,
        recordings: RecordingCounts,
        ci_level: float,
        n_folds: int,
    ) -> None:
        self._tested = recording_variances(recording_values(predictions))
        self._recordings, self._ci_level, self._n_folds = recordings, ci_level, n_folds

    def at_size(self, scores: pd.DataFrame) -> Callable[[pd.DataFrame], Estimate]:
        size = int(scores["training_size"].iloc[0])

        def of_metric(cells: pd.DataFrame) -> Estimate:
            metric = str(cells["metric"].iloc[0])
            return estimate(
                cells["value"].to_numpy(dtype=np.float64),
                cells["test_fold"].tolist(),
                [str(reason) for reason in cells["reason"]],
                n_folds=self._n_folds,
                tested=self._tested[size, metric],
                recordings=self._recordings,
                ci_level=self._ci_level,
                trained=size > 0,
                chance=CHANCE[metric],
            )

        return of_metric


class _ByResampling(Estimates):
    """Intervals from evaluations of resampled recordings."""

    def __init__(self, draws: pd.DataFrame, recordings: RecordingCounts, ci_level: float) -> None:
        self._draws, self._recordings, self._ci_level = draws, recordings, ci_level

    def at_size(self, scores: pd.DataFrame) -> Callable[[pd.DataFrame], Estimate]:
        at_size = self._draws[self._draws["training_size"] == int(scores["training_size"].iloc[0])]

        def of_metric(cells: pd.DataFrame) -> Estimate:
            metric = str(cells["metric"].iloc[0])
            drawn = at_size[at_size["metric"] == metric]
            return estimate_by_bootstrap(
                cells["value"].to_numpy(dtype=np.float64),
                cells["test_fold"].tolist(),
                [str(reason) for reason in cells["reason"]],
                drawn["value"].to_numpy(dtype=np.float64),
                [str(reason) for reason in drawn["reason"]],
                recordings=self._recordings,
                ci_level=self._ci_level,
                chance=CHANCE[metric],
            )

        return of_metric


class _FoldByFold(Differences):
    """Paired differences per fold: whatever makes a fold hard for both models cancels.

    The pseudo-values of recordings are paired in the same way.
    """

    def __init__(self, predictions: Mapping[str, pd.DataFrame], ci_level: float) -> None:
        self._predictions, self._ci_level = predictions, ci_level
        self._values = {model: recording_values(table) for model, table in predictions.items()}
        self._tested: dict[tuple[str, str], dict[tuple[int, str], RecordingVariance]] = {}

    def at_size(
        self, model_a: str, model_b: str, pairs: pd.DataFrame
    ) -> Callable[[pd.DataFrame], dict[str, object]]:
        shared = shared_recordings(self._predictions[model_a], self._predictions[model_b])
        tested = self._variances(model_a, model_b)
        size = int(pairs["training_size"].iloc[0])

        def of_metric(cells: pd.DataFrame) -> dict[str, object]:
            variance = tested.get((size, str(cells["metric"].iloc[0])))
            return _difference(cells, variance, shared, self._ci_level)

        return of_metric

    def _variances(self, model_a: str, model_b: str) -> dict[tuple[int, str], RecordingVariance]:
        """V of the differences, over the recordings that both models scored."""
        pair = (model_a, model_b)
        if pair not in self._tested:
            columns = [*KEYS, "value"]
            found = self._values[model_a][columns].merge(
                self._values[model_b][columns], on=list(KEYS), suffixes=("_a", "_b")
            )
            found = found.assign(value=found["value_a"] - found["value_b"])
            self._tested[pair] = recording_variances(found)
        return self._tested[pair]


def _difference(
    cells: pd.DataFrame,
    tested: RecordingVariance | None,
    shared: RecordingCounts,
    ci_level: float,
) -> dict[str, object]:
    values, reasons = values_and_reasons(cells)
    n_folds = int(cells["fold"].max()) + 1
    distinct = min(
        count_distinct_folds(cells[side].tolist()) for side in ("test_fold_a", "test_fold_b")
    )
    mean = mean_if_defined(values)
    row: dict[str, object] = {"distinct_folds": distinct, "difference": mean}
    row["status"] = why_no_interval(np.isfinite(values), reasons, distinct, shared, which=OF_BOTH)
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
        row["status"] = f"{SAME_EVERYWHERE} fold"
        return row
    return row | with_interval(mean, error, tested.degrees, ci_level)
