"""The protocol ``holdout``: one fixed test set of whole recordings, and several training draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.intervals.fold_means import NO_SPREAD, Estimate, mean_if_defined
from audio_assets.evaluation.intervals.holdout_intervals import (
    error_of_mean,
    estimate_holdout,
    held_out,
    resampled_means,
    why_no_holdout_interval,
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
from audio_assets.evaluation.scores.metrics import CHANCE
from audio_assets.evaluation.splits.holdout import (
    LEAST_RECORDINGS,
    make_holdout_plan,
    why_no_holdout,
)
from audio_assets.evaluation.splits.manifest import Planner, describe_test_set
from audio_assets.evaluation.splits.recordings import MIN_RECORDINGS, RecordingCounts
from audio_assets.tables import METRICS

if TYPE_CHECKING:
    import pandas as pd


class FixedTestSet(EvaluationProtocol):
    """The same recordings are tested in every training draw."""

    name = "holdout"
    recording = "test recording"
    has_folds = False
    more_recordings = "HOLDOUT_PER_CLASS"

    def planner(self, *, folds: int, per_class: int) -> Planner:
        """Draw one test set."""
        return partial(make_holdout_plan, per_class=per_class)

    def least_recordings(self, counts: RecordingCounts) -> int:
        """At most 30 % of the recordings are tested."""
        # With fewer than two, no protocol helps.
        return LEAST_RECORDINGS if counts.smaller_class >= 2 else 2

    def why_no_plan(self, counts: RecordingCounts) -> str:
        """Name the classes and how many recordings each needs."""
        return why_no_holdout(counts)

    def describe(
        self, manifest: pd.DataFrame, per_class: int
    ) -> tuple[dict[str, int | str], tuple[str, ...]]:
        """Clips and recordings that are tested."""
        found = describe_test_set(manifest, per_class)
        return found.counts | {"test set": "; ".join(found.shortages) or "ok"}, found.shortages

    def why_no_bootstrap(self) -> str:
        """The intervals of this protocol are made by a bootstrap already."""
        return "the interval under holdout is a bootstrap over its test recordings"

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
        """Estimate from resamples of the test recordings."""
        if draws is not None:
            raise ValueError(f"{self.why_no_bootstrap()}: there can be no draws")
        return _ByTestRecording(predictions, recordings, ci_level, seed)

    def differences(
        self, predictions: Mapping[str, pd.DataFrame], *, ci_level: float, seed: int
    ) -> Differences:
        """Draw by draw."""
        return _DrawByDraw(predictions, ci_level, seed)


class _ByTestRecording(Estimates):
    """Intervals from resamples of the test recordings."""

    def __init__(
        self,
        predictions: pd.DataFrame,
        recordings: RecordingCounts,
        ci_level: float,
        seed: int,
    ) -> None:
        self._predictions, self._recordings = predictions, recordings
        self._ci_level, self._seed = ci_level, seed

    def at_size(self, scores: pd.DataFrame) -> Callable[[pd.DataFrame], Estimate]:
        size = int(scores["training_size"].iloc[0])
        auc = scores.loc[scores["metric"] == "roc_auc", "value"]
        resampled: dict[str, NDArray[np.float64]] = {}
        # No interval is possible without them.
        if not auc.isna().any() and self._recordings.smaller_class >= MIN_RECORDINGS:
            at_size = held_out(self._predictions[self._predictions["training_size"] == size])
            resampled = dict(resampled_means([at_size], self._seed)[0])

        def of_metric(cells: pd.DataFrame) -> Estimate:
            metric = str(cells["metric"].iloc[0])
            return estimate_holdout(
                cells["value"].to_numpy(dtype=np.float64),
                resampled.get(metric),
                [str(reason) for reason in cells["reason"]],
                size=size,
                recordings=self._recordings,
                ci_level=self._ci_level,
                chance=CHANCE[metric],
            )

        return of_metric


class _DrawByDraw(Differences):
    """Errors are those of resamples of the test recordings that both models share."""

    def __init__(self, predictions: Mapping[str, pd.DataFrame], ci_level: float, seed: int) -> None:
        self._predictions, self._ci_level, self._seed = predictions, ci_level, seed

    def at_size(
        self, model_a: str, model_b: str, pairs: pd.DataFrame
    ) -> Callable[[pd.DataFrame], dict[str, object]]:
        tables = (self._predictions[model_a], self._predictions[model_b])
        shared = shared_recordings(*tables)
        resampled = self._resampled(pairs, tables, shared)

        def of_metric(cells: pd.DataFrame) -> dict[str, object]:
            metric = str(cells["metric"].iloc[0])
            return _difference(cells, resampled.get(metric), shared, self._ci_level)

        return of_metric

    def _resampled(
        self,
        pairs: pd.DataFrame,
        tables: tuple[pd.DataFrame, pd.DataFrame],
        shared: RecordingCounts,
    ) -> dict[str, NDArray[np.float64]]:
        """Differences under resampled recordings by metric; empty where none are possible."""
        auc = pairs.loc[pairs["metric"] == "roc_auc", ["value_a", "value_b"]]
        if auc.isna().to_numpy().any() or shared.smaller_class < MIN_RECORDINGS:
            return {}
        size = pairs["training_size"].iloc[0]
        a, b = resampled_means(
            [held_out(table[table["training_size"] == size]) for table in tables], self._seed
        )
        return {metric: a[metric] - b[metric] for metric in METRICS}


def _difference(
    cells: pd.DataFrame,
    resampled: NDArray[np.float64] | None,
    shared: RecordingCounts,
    ci_level: float,
) -> dict[str, object]:
    values, reasons = values_and_reasons(cells)
    size = int(cells["training_size"].iloc[0])
    mean = mean_if_defined(values)
    row: dict[str, object] = {"difference": mean}
    row["status"] = why_no_holdout_interval(
        np.isfinite(values), reasons, size, shared, which=OF_BOTH
    )
    if row["status"] or resampled is None:
        return row
    error = error_of_mean(values, resampled, shared)
    if error.standard < NO_SPREAD:
        row["status"] = f"{SAME_EVERYWHERE} draw and resample"
        return row
    return row | with_interval(mean, error.standard, error.freedom, ci_level)
