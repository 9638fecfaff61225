"""Whether there is enough of both classes, and values that cannot be."""

import numpy as np
import pandas as pd
import pytest

from audio_assets.evaluation.doubts.class_counts import class_counts, shortages
from audio_assets.evaluation.intervals.learning_curve import out_of_range


def inventory(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["variant", "label", "recording_id", "status"])


def test_usable_clips_and_their_recordings_are_counted_zeros_included():
    table = inventory(
        ("data", "pos", "a", "ok"),
        ("data", "pos", "a", "ok"),
        ("data", "pos", "b", "duplicate"),
        ("data_5s", "neg", "c", "ok"),
    )
    counts = {(c.variant, c.label): (c.clips, c.recordings) for c in class_counts(table, {"data"})}
    assert counts == {("data", "pos"): (2, 1), ("data", "neg"): (0, 0)}


def test_shortages_name_the_class_and_the_number():
    counts = class_counts(inventory(("data", "pos", "a", "ok")), {"data"})
    assert shortages(counts, recordings=1, clips=1) == [
        "data/neg: 0 recordings, fewer than 1",
        "data/neg: 0 clips, fewer than 1",
    ]
    assert shortages(counts, recordings=0, clips=0) == []


@pytest.mark.parametrize(
    ("mean", "low", "high", "faults"),
    [
        (0.9, 0.8, 1.0, 0),
        (np.nan, np.nan, np.nan, 0),
        (0.9, np.nan, np.nan, 0),
        (1.1, np.nan, np.nan, 1),
        (0.9, -0.1, 1.0, 1),
        (0.9, 0.95, 1.0, 1),
    ],
)
def test_a_value_outside_its_range_or_its_interval_is_named(mean, low, high, faults):
    curve = pd.DataFrame(
        [("roc_auc", 4, mean, low, high)],
        columns=["metric", "training_size", "mean", "ci_low", "ci_high"],
    )
    assert len(out_of_range(curve)) == faults
