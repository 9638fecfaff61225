import numpy as np
import pandas as pd
import pytest
from upath import UPath

from audio_assets.audio.decode import DurationLimits
from audio_assets.catalog.clip_properties import measure_clips, seconds_before
from audio_assets.catalog.inventory import build_inventory
from audio_assets.catalog.listing import list_objects
from audio_assets.catalog.recordings import RecordingRules
from audio_assets.objects.files import read_file
from audio_assets.results.parquet import write_table
from audio_assets.results.validation import validate
from audio_assets.tables import CLIP_PROPERTIES
from audio_assets_tests.small_audio import RATE, clip, write_clip


@pytest.fixture
def folder(tmp_path):
    time = np.arange(2 * RATE) / RATE
    tone = 0.5 * np.sin(2 * np.pi * 1000 * time)
    write_clip(tmp_path / "owl/data/pos/tone.wav", tone)
    write_clip(tmp_path / "owl/data/neg/stereo.flac", np.column_stack([tone, tone]), 22050)
    write_clip(tmp_path / "owl/data/neg/noise.ogg", clip(1, tone=False))
    (tmp_path / "owl/data/neg/broken.wav").write_bytes(b"RIFF nothing")
    write_clip(tmp_path / "owl/data_5s/pos/other.wav", clip(2, tone=False))
    return tmp_path


def measure(folder, known=None, read=None, heard_before=None, **limits):
    inventory = build_inventory(list_objects(UPath(folder), "owl"), RecordingRules())
    table, measured = measure_clips(
        inventory,
        {"data"},
        known=known,
        read=read or (lambda uri: read_file(UPath(uri))),
        limits=DurationLimits(**limits),
        workers=2,
        progress=lambda done, total: None,
        heard_before=heard_before,
    )
    return validate(table, CLIP_PROPERTIES).set_index("clip_id"), measured


def test_format_rate_channels_duration_and_level_are_measured(folder):
    table, _ = measure(folder)
    tone = table.loc["pos/tone"]
    assert (tone["file_format"], tone["sample_rate"], tone["channels"]) == ("WAV PCM_16", RATE, 1)
    assert tone["seconds"] == 2.0
    # A sine of amplitude 1/2: peak 20 log10(1/2), RMS 3.01 dB below.
    assert tone["peak_db"] == pytest.approx(-6.02, abs=0.01)
    assert tone["rms_db"] == pytest.approx(-9.03, abs=0.01)
    assert table["file_format"].to_dict() == {
        "pos/tone": "WAV PCM_16",
        "neg/stereo": "FLAC PCM_16",
        "neg/noise": "OGG VORBIS",
    }
    assert table.loc["neg/stereo", "channels"] == 2


def test_a_clip_that_does_not_decode_is_left_out(folder):
    table, measured = measure(folder)
    assert "neg/broken" not in table.index and len(table) == 3 and measured == 4


def test_known_clips_are_not_read_again_and_changed_ones_are(folder):
    first, _ = measure(folder)
    write_clip(folder / "owl/data/neg/noise.ogg", clip(7, tone=True))
    read = []

    def recording(uri):
        read.append(uri.rsplit("/", 1)[-1])
        return read_file(UPath(uri))

    second, _ = measure(folder, known=first.reset_index(), read=recording)
    assert sorted(read) == ["broken.wav", "noise.ogg"]
    assert second.loc["neg/noise", "rms_db"] != first.loc["neg/noise", "rms_db"]
    pd.testing.assert_series_equal(second.loc["pos/tone"], first.loc["pos/tone"])


def test_rows_of_another_method_are_measured_again(folder):
    first, _ = measure(folder)
    old = first.reset_index().assign(method=99, rms_db=0.0)
    second, _ = measure(folder, known=old)
    pd.testing.assert_frame_equal(second, first)


def test_known_clips_outside_new_limits_are_left_out(folder):
    first, _ = measure(folder)
    second, _ = measure(folder, known=first.reset_index(), min_seconds=1.8)
    assert set(second.index) == {"pos/tone"}


def test_a_broken_connection_is_passed_on_and_an_unreadable_file_left_out(folder):
    def broken(uri):
        raise ConnectionError("the network is down")

    with pytest.raises(ConnectionError):
        measure(folder, read=broken)

    def refused(uri):
        raise PermissionError("no")

    table, _ = measure(folder, read=refused)
    assert table.empty


def test_a_clip_of_which_an_earlier_version_had_heard_less_says_so(folder):
    first, _ = measure(folder)
    (row,) = first.loc[["pos/tone"]].itertuples()
    before = {(row.checksum, row.size): row.seconds - 0.5}
    table, _ = measure(folder, heard_before=before)
    assert f"had heard {row.seconds - 0.5:.2f} s of it" in table.loc["pos/tone", "note"]
    assert table.drop("pos/tone")["note"].isna().all()


def test_seconds_are_taken_from_tables_of_earlier_measurements_alone(folder, tmp_path):
    table, _ = measure(folder)
    path = UPath(tmp_path / "table.parquet")
    assert seconds_before(path) == {}
    table = table.reset_index()
    write_table(path, table, CLIP_PROPERTIES)
    assert seconds_before(path) == {}
    # Version 1 had neither spectra nor notes.
    earlier = table.assign(method=1).drop(columns=["spectrum", "note"])
    earlier.to_parquet(path)
    keys = zip(table["checksum"], table["size"], strict=True)
    assert seconds_before(path) == dict(zip(keys, table["seconds"], strict=True))
