from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from audio_assets.evaluation.doubts.confounds import (
    ALL,
    NO_PAIR,
    PAIRS,
    PROPERTIES,
    SAME,
    UNDECIDED,
    confounds,
    encoded,
)
from audio_assets.evaluation.splits.manifest import build_manifest
from audio_assets.evaluation.splits.plan import make_split_plan


def properties(recordings=10, clips=3, seed=0, **planted):
    """Properties that say nothing of the label, but for those planted as (pos, neg)."""
    rng = np.random.default_rng(seed)
    rows = []
    for label in ("pos", "neg"):
        for recording in range(recordings):
            level = rng.normal(-30, 5)
            of_file = {
                "file_format": rng.choice(["WAV PCM_16", "FLAC PCM_16"]),
                "sample_rate": int(rng.choice([22050, 44100])),
                "channels": int(rng.choice([1, 2])),
            }
            for clip in range(clips):
                name = f"{label}/{recording}-{clip}"
                rms = level + rng.normal()
                row = {"clip_id": name, "variant": "data", "label": label, "checksum": name}
                row |= {"recording_id": f"{label}-{recording}", "status": "ok", **of_file}
                row |= {"seconds": float(rng.choice([3, 5, 9])), "rms_db": rms}
                row |= {"peak_db": rms + 10 + rng.normal()}
                row |= {name: pair[label == "neg"] for name, pair in planted.items()}
                rows.append(row)
    return pd.DataFrame(rows)


def found(clips, **options):
    manifest = build_manifest(clips, draw=partial(make_split_plan, folds=5), repeats=5, seed=0)
    given = {"ci_level": 0.95, "warn_auc": 0.75, **options}
    return {row["subject"]: row for row in confounds(clips, manifest, "data", **given)}


def test_a_format_that_equals_the_label_separates_it_alone():
    rows = found(properties(file_format=("WAV PCM_16", "OGG VORBIS")))
    assert rows["file_format"]["value"] == 1.0
    assert rows["file_format"]["warning"] and rows[ALL]["warning"]
    assert list(rows) == [*PROPERTIES, ALL, PAIRS]


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("sample_rate", (48000, 24000)),
        ("channels", (1, 2)),
        ("seconds", (5.0, 5.001)),
        ("rms_db", (-20.0, -30.0)),
    ],
)
@pytest.mark.parametrize("recordings", [2, 5, 10])
def test_any_property_that_equals_the_label_is_reported(name, pair, recordings):
    row = found(properties(recordings, **{name: pair}))[name]
    assert row["value"] == 1.0 and row["warning"]


def test_a_range_of_levels_between_quieter_and_louder_ones_is_seen():
    clips = properties(recordings=20)
    sign = np.where(np.arange(len(clips)) % 2, 1.0, -1.0)
    level = np.where(clips["label"] == "pos", 0.0, 20.0 * sign)
    row = found(clips.assign(rms_db=level - 30))["rms_db"]
    assert row["value"] > 0.95 and row["warning"]


@pytest.mark.parametrize("recordings", [15, 60])
def test_a_format_that_tells_the_label_by_the_channels_alone_is_seen_in_pairs(recordings):
    clips = properties(recordings)
    is_wav = clips["file_format"].str.startswith("WAV")
    rows = found(clips.assign(channels=1 + (is_wav ^ (clips["label"] == "pos"))))
    assert not any(rows[name]["warning"] for name in (*PROPERTIES, ALL))
    assert rows[PAIRS]["value"] > 0.9 and rows[PAIRS]["warning"]


def test_a_level_that_tells_the_label_by_the_format_alone_is_seen_in_pairs():
    clips = properties(20)
    is_wav = clips["file_format"].str.startswith("WAV")
    loud = np.where(is_wav ^ (clips["label"] == "pos"), -20.0, -30.0)
    rows = found(clips.assign(rms_db=loud, peak_db=-3.0))
    assert not rows[ALL]["warning"] and rows[PAIRS]["warning"]


def test_one_property_that_varies_makes_no_pair():
    clips = properties(
        sample_rate=(1, 1), channels=(1, 1), seconds=(1, 1), rms_db=(1, 1), peak_db=(1, 1)
    )
    assert found(clips)[PAIRS]["status"] == NO_PAIR
    assert found(clips.assign(file_format="WAV"))[PAIRS]["status"] == SAME


@pytest.mark.parametrize(("recordings", "data_sets"), [(6, 8), (20, 3)])
def test_properties_that_say_nothing_of_the_label_raise_no_alarm(recordings, data_sets):
    # Three of the eight small data sets reach a mean of 0.75 by chance.
    alarms = [
        any(row["warning"] for row in found(properties(recordings, seed=seed)).values())
        for seed in range(data_sets)
    ]
    assert sum(alarms) <= 1


def test_a_property_that_never_varies_gives_no_auc():
    row = found(properties(channels=(1, 1)))["channels"]
    assert row["value"] is None and row["status"] == SAME and not row["warning"]


def test_the_limit_is_the_one_given():
    clips = properties(recordings=30)
    wav = (clips["label"] == "pos") ^ (clips["recording_id"].str[-1].isin(["3", "4"]))
    clips = clips.assign(file_format=np.where(wav, "WAV PCM_16", "OGG VORBIS"))
    rows = {limit: found(clips, warn_auc=limit)["file_format"] for limit in (0.75, 0.95)}
    assert 0.75 < rows[0.75]["value"] < 0.95
    assert rows[0.75]["warning"] and not rows[0.95]["warning"]


@pytest.mark.parametrize(
    ("recordings", "why"), [(4, "fewer than 5"), (6, "warning: fewer than 10")]
)
def test_an_auc_at_the_limit_is_a_warning_or_undecided(recordings, why):
    limit = 0.4
    rows = [row for row in found(properties(recordings), warn_auc=limit).values() if row["value"]]
    at_limit = [row for row in rows if row["value"] >= limit]
    assert at_limit and len(at_limit) < len(rows)
    for row in rows:
        undecided = row["status"].startswith(UNDECIDED)
        assert undecided is (row["value"] >= limit and not row["warning"])
        assert why in row["status"]
    assert any(row["status"].startswith(UNDECIDED) for row in rows)


def test_clips_that_allow_no_evaluation_say_why():
    clips = properties(recordings=3)
    rows = confounds(
        clips[clips["label"] == "pos"], clips.iloc[:0], "data", ci_level=0.95, warn_auc=0.75
    )
    assert {row["value"] for row in rows} == {None}
    assert all("no recording has negative clips" in row["status"] for row in rows)


@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(-100, 100)), st.booleans())
def test_every_encoded_row_has_length_one_or_there_are_no_columns(values, is_number):
    features = encoded(values, is_number)
    assert len(features) == len(values)
    if len(np.unique(values)) == 1:
        assert features.shape[1] == 0
    elif features.shape[1]:
        np.testing.assert_allclose((features**2).sum(axis=1), 1.0)
