"""Findings that come from the measurements of the clips alone."""

import numpy as np
import pandas as pd
import pytest

from audio_assets.evaluation.doubts.findings import find
from audio_assets.evaluation.doubts.hearing import Hearing
from audio_assets.results.validation import validate
from audio_assets.tables import BALANCED_MANIFEST, CLIP_PROPERTIES, FINDINGS, SPECTRUM_EDGES_HZ


def properties(notes: dict[str, str]) -> pd.DataFrame:
    """Four clips per class; positives have a sound at 30 kHz that negatives have not."""
    middles = np.array(SPECTRUM_EDGES_HZ[:-1])
    quiet = np.where(middles < 48_000, 1e-6, 0.0).astype(np.float32)
    loud = np.where(abs(middles - 30_000) < 3_000, 1e-3, quiet).astype(np.float32)
    rows = [
        {"clip_id": f"{label}/{number}", "variant": "data", "label": label}
        | {"recording_id": f"{label}{number}", "checksum": "md5:0", "size": 1}
        | {"file_format": "WAV PCM_16", "sample_rate": 96_000, "channels": 1, "seconds": 1.0}
        | {"rms_db": -20.0, "peak_db": -3.0, "method": 2}
        | {"spectrum": loud if label == "pos" else quiet}
        | {"note": notes.get(f"{label}/{number}")}
        for label in ("pos", "neg")
        for number in range(4)
    ]
    return validate(pd.DataFrame(rows, columns=list(CLIP_PROPERTIES.column_names)), CLIP_PROPERTIES)


NO_CLIPS = pd.DataFrame({"status": [], "uri": [], "recording_rule": pd.Series([], dtype=str)})


def found(notes: dict[str, str] | None = None) -> pd.DataFrame:
    table = find(
        [],
        properties(notes or {}),
        pd.DataFrame(columns=list(BALANCED_MANIFEST.column_names)),
        NO_CLIPS,
        species="bat",
        ci_level=0.95,
        warn_auc=0.75,
        models={"birdnet": Hearing("data", 24_000.0), "perch": Hearing("data_5s", 16_000.0)},
    )
    return validate(table, FINDINGS)


def test_sound_above_what_a_model_hears_is_a_finding_about_that_model():
    (row,) = found().query("kind == 'hearing'").to_dict("records")
    assert (row["model"], row["variant"], row["value"]) == ("birdnet", "data", 24_000.0)
    assert row["share"] == pytest.approx(1.0) and row["count"] == 4 and row["warning"]


def test_notes_that_differ_in_figures_are_of_one_kind_and_name_a_few_clips():
    notes = {f"pos/{n}": f"the header names {n}.5 s, 1{n} s were there" for n in range(4)}
    notes["neg/1"] = "two streams, the first was read"
    rows = found(notes).query("kind == 'reading'").set_index("subject")
    assert rows["count"].to_dict() == {
        "the header names … s, … s were there": 4,
        "two streams, the first was read": 1,
    }
    assert rows.loc["the header names … s, … s were there", "detail"] == (
        "pos/0, pos/1, pos/2 and 1 more"
    )
    assert not rows["warning"].any()


def test_without_notes_there_is_no_finding_about_reading():
    assert "reading" not in set(found()["kind"])


def test_positives_that_could_not_be_read_are_counted_where_files_were_to_be_compared():
    clips = properties({})
    manifest = clips[["clip_id", "variant", "label", "recording_id", "checksum"]].assign(
        repeat=0, fold=0, rank=0, folds=2
    )
    table = find(
        [],
        clips[clips["label"] == "neg"],
        manifest,
        NO_CLIPS,
        species="bat",
        ci_level=0.95,
        warn_auc=0.75,
        models={},
    )
    statuses = set(table.loc[table["kind"] == "confound", "status"])
    assert len(statuses) == 1
    assert statuses.pop().endswith("; 4 of 4 positive clips could not be used (quarantine.csv)")
