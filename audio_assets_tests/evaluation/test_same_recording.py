from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_assets.evaluation.doubts import findings
from audio_assets.evaluation.doubts.same_recording import (
    NO_OTHER_PAIR,
    WARN_DIFFERENCE,
    WARN_SHARE,
    of_fold,
    same_recording,
)
from audio_assets_tests.evaluation.conftest import simulate
from audio_assets_tests.evaluation.test_leak_check import checked, checked_tables, tables

CLIP = st.tuples(st.sampled_from([0, 1]), st.sampled_from([0.1, 0.5, 0.9]), st.sampled_from("abc"))


def by_pairs(labels, scores, recordings):
    """Share and AUC by looking at every pair."""
    pairs = [(p, n) for p in np.flatnonzero(labels == 1) for n in np.flatnonzero(labels == 0)]
    other = [(p, n) for p, n in pairs if recordings[p] != recordings[n]]
    wins = [(scores[p] > scores[n]) + (scores[p] == scores[n]) / 2 for p, n in other]
    return 1 - len(other) / len(pairs), np.mean(wins) if wins else float("nan")


@given(st.lists(CLIP, min_size=2, max_size=12).filter(lambda clips: len({c[0] for c in clips}) > 1))
def test_share_and_auc_are_those_of_the_pairs_one_by_one(clips):
    labels, scores, recordings = (np.array(column) for column in zip(*clips, strict=True))
    assert of_fold(labels, scores, recordings) == pytest.approx(
        by_pairs(labels, scores, recordings), nan_ok=True
    )


def of_both_labels(recordings, seed=0, **options):
    """Recordings of which each holds clips of both classes."""
    made = simulate(pos=recordings, neg=0, clips=6, shift=0.0, seed=seed, **options)
    labels = np.tile([1, 1, 1, 0, 0, 0], recordings)
    embeddings = made.embeddings.copy()
    embeddings[:, 0] += 1.5 * labels
    return replace(made, embeddings=embeddings, labels=labels)


def test_pairs_of_one_recording_raise_the_auc_and_the_leak_check_tells_it_without_them():
    rows = [checked(of_both_labels(12, seed), repeats=2) for seed in range(3)]
    for row in rows:
        # Folds of 2 or 3 recordings of the 12: between a third and a half of the pairs.
        assert 1 / 3 < row["same_recording"] < 1 / 2
        assert row["pairs_status"] == "ok"
    higher = [row["auc_recordings"] - row["auc_other_recordings"] for row in rows]
    assert np.mean(higher) > WARN_DIFFERENCE


def test_where_no_recording_holds_both_labels_nothing_changes_and_nothing_is_found():
    row = checked(simulate(), repeats=2)
    assert row["same_recording"] == 0.0
    assert row["auc_other_recordings"] == pytest.approx(row["auc_recordings"], abs=1e-12)
    assert found(row).empty


def test_test_folds_of_one_recording_have_no_auc_of_other_pairs():
    row = checked(of_both_labels(5), repeats=2)
    assert row["same_recording"] == 1.0 and row["pairs_status"] == NO_OTHER_PAIR
    assert pd.isna(row["auc_other_recordings"])
    assert bool(found(row)["warning"].item())


def test_folds_of_one_recording_among_others_are_counted():
    row = checked(of_both_labels(6), repeats=2)
    assert row["pairs_status"] == "no such pair in 8 of 10 test folds"
    assert row["auc_other_recordings"] == row["auc_other_recordings"]


def test_a_fixed_test_set_is_looked_at_as_well():
    embeddings, scores, predictions = tables(of_both_labels(12), repeats=2)
    row = checked_tables(embeddings, scores.assign(protocol="holdout"), predictions)
    assert row["status"] == "not made for the protocol holdout"
    assert 1 / 3 < row["same_recording"] < 1 / 2 and row["pairs_status"] == "ok"


def test_only_the_largest_size_counts_in_the_leak_check():
    embeddings, scores, predictions = tables(of_both_labels(12), repeats=2)
    largest = predictions[predictions["training_size"] == predictions["training_size"].max()]
    assert len(largest) < len(predictions)
    row = checked_tables(embeddings, scores, predictions)
    assert row["auc_other_recordings"] == same_recording(largest).auc


def found(row, **changes):
    """Findings about pairs of one recording, from one row of the leak check."""
    columns = ("variant", "label", "recording_id", "clip_id", "note")
    properties = pd.DataFrame({name: pd.Series([], dtype=str) for name in columns})
    table = findings.find(
        [pd.DataFrame([{**row, **changes}])],
        properties,
        pd.DataFrame(),
        pd.DataFrame({"status": [], "uri": [], "recording_rule": pd.Series([], dtype=str)}),
        species="owl",
        ci_level=0.95,
        warn_auc=0.75,
        models={},
    )
    return table[table["kind"] == "same_recording"]


@pytest.mark.parametrize(
    ("share", "higher", "warning"),
    [
        (WARN_SHARE, 1.01 * WARN_DIFFERENCE, True),
        (0.99 * WARN_SHARE, 0.1, False),
        (0.5, 0.99 * WARN_DIFFERENCE, False),
        (0.5, -0.1, False),
    ],
)
def test_a_large_share_and_a_large_difference_are_a_warning(share, higher, warning):
    row = checked(of_both_labels(12), repeats=1)
    changes = {"same_recording": share, "auc_recordings": 0.8}
    (finding,) = found(row, auc_other_recordings=0.8 - higher, **changes).to_dict("records")
    assert finding["warning"] is warning
    assert finding["auc"] == 0.8 and finding["share"] == share
    assert finding["value"] == pytest.approx(0.8 - higher) and finding["count"] > 0
