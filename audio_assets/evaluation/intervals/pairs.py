"""Two models on the same test sets: shared recordings, and the interval of a difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.intervals.fold_means import t_quantile
from audio_assets.evaluation.splits.recordings import RecordingCounts, count_recordings
from audio_assets.tables.task import PRESENCE

if TYPE_CHECKING:
    import pandas as pd

OF_BOTH = " that both models were tested on"
SAME_EVERYWHERE = "the models differ by the same amount in every"
"""How the status starts where differences have no spread, and so no interval."""


def shared_recordings(table_a: pd.DataFrame, table_b: pd.DataFrame) -> RecordingCounts:
    """Recordings of each class that both models were tested on."""
    keys = ["label", "recording_id"]
    both = table_a[keys].drop_duplicates().merge(table_b[keys].drop_duplicates(), on=keys)
    return count_recordings(PRESENCE.is_positive(both["label"]).astype(int), both["recording_id"])


def values_and_reasons(cells: pd.DataFrame) -> tuple[NDArray[np.float64], list[str]]:
    """Differences per cell, and the reasons why some are undefined."""
    values = (cells["value_a"] - cells["value_b"]).to_numpy(dtype=np.float64)
    reasons = [
        str(a if isinstance(a, str) else b)
        for a, b in zip(cells["reason_a"], cells["reason_b"], strict=True)
    ]
    return values, reasons


def with_interval(mean: float, error: float, degrees: float, ci_level: float) -> dict[str, object]:
    """Interval and two-sided p-value of a difference: a t on the raw scale, within -1 to 1.

    ``error`` and ``degrees`` are returned for intervals at other levels.
    """
    from scipy.special import stdtr

    low, high = interval_at(mean, error, degrees, ci_level)
    return {
        "ci_low": low,
        "ci_high": high,
        "error": error,
        "degrees": degrees,
        "p_value": min(2.0 * float(stdtr(degrees, -abs(mean) / error)), 1.0),
        "status": "ok",
    }


def interval_at(mean: float, error: float, degrees: float, ci_level: float) -> tuple[float, float]:
    """Interval of a difference, within -1 to 1."""
    half = t_quantile(degrees, ci_level) * error
    return max(mean - half, -1.0), min(mean + half, 1.0)
