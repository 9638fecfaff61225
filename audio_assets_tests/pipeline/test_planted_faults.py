"""Faults planted in the audio of a species, each reported by a run; and none where none is."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from audio_assets.results.parquet import read_table
from audio_assets.tables import AUDIO_INVENTORY, FINDINGS
from audio_assets_tests.place import Place, new_place
from audio_assets_tests.small_audio import clip, write_clip

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Four species: a sound one, one with formats and recordings wrong, two of two sites each."""
    with new_place(tmp_path_factory.mktemp("planted")) as place:
        rng = np.random.default_rng(0)
        sites = ["file,group,device"]
        for label in ("pos", "neg"):
            for number in range(10):
                name = f"devices/data/{label}/{2 * number + (label == 'pos'):02d}.wav"
                write_clip(place.audio / name, clip(100 + len(sites), tone=False))
                device = "SM4" if label == "pos" else "AudioMoth"
                sites.append(f"{name},{name[-6:-4]},{device}")
            for number in range(8):
                for part in "ab":
                    seed = number * 4 + (part == "b") * 2 + (label == "pos")
                    samples = clip(seed, tone=False) * rng.uniform(0.3, 1)
                    name = f"{label[0]}{number:02d}_{part}"
                    clean = f"t-{2 * number + (label == 'pos'):04d}_1sec_1_{part}"
                    write_clip(place.audio / f"sound/data/{label}/{label}-{clean}.wav", samples)
                    ending = "wav" if label == "pos" else "flac"
                    write_clip(place.audio / f"wrong/data/{label}/{name}.{ending}", samples)
                    write_clip(place.audio / f"sited/data/{label}/{name}.wav", samples)
                    site = f"{'creek' if label == 'pos' else 'marsh'}-{number % 2}"
                    sites.append(f"sited/data/{label}/{name}.wav,{site}")
        sites.append("wrong/data/pos/p00.wav,one site")
        copied = (place.audio / "wrong/data/pos/p00_a.wav").read_bytes()
        (place.audio / "wrong/data/pos/p07_c.wav").write_bytes(copied)
        (place.audio / "clips.csv").write_text("\n".join(sites))
        assert place.run("sound", "wrong", "sited", "devices", training_sizes=(4,)).failures == {}
        yield place


def found(place: Place, species: str) -> set[tuple[str, str]]:
    table = read_table(place.results.table("findings", species), FINDINGS)
    warned = table[table["warning"]]
    return set(zip(warned["kind"], warned["subject"], strict=True))


def test_sound_clips_raise_no_warning(finished):
    assert found(finished, "sound") == set()


def test_a_format_that_equals_the_label_and_split_recordings_are_reported(finished):
    planted = found(finished, "wrong")
    assert ("confound", "file_format") in planted
    assert {("look_alike", f"{label}{n:02d}_a") for label in "pn" for n in range(1, 7)} < planted
    report = finished.results.report.read_text()
    assert "The file format alone separates the labels: AUC 1.000" in report
    assert "These recording ids look alike: n00_a, n00_b" in report


def test_a_duplicated_clip_joins_the_recordings_that_hold_it(finished):
    path: Path = finished.results.table("audio_inventory", "wrong")
    table = read_table(path, AUDIO_INVENTORY).set_index("clip_id")
    assert table.loc["pos/p07_c", "status"] == "duplicate"
    assert table.loc["pos/p07_c", "recording_id"] == table.loc["pos/p00_a", "recording_id"]


def test_a_site_that_equals_a_label_is_reported(finished):
    assert {("site", "pos"), ("site", "neg")} <= found(finished, "sited")
    report = finished.results.report.read_text()
    assert "All 16 positive clips come from 2 recordings or sites (creek-0, creek-1; by" in report


def test_a_device_of_clips_csv_that_equals_a_label_is_reported(finished):
    assert {("site", "pos"), ("site", "neg")} <= found(finished, "devices")
    report = finished.results.report.read_text()
    assert "(AudioMoth; by the column device of clips.csv) without a single positive" in report


@pytest.mark.parametrize(("species", "passed"), [("sound", True), ("wrong", False)])
def test_the_asset_check_warns_and_blocks_nothing(finished, species, passed):
    found = evaluations(finished, "findings", "nothing_gives_the_labels_away")[species]
    assert (found.passed, found.severity) == (passed, dg.AssetCheckSeverity.WARN)


@pytest.mark.parametrize(
    ("species", "clips", "lines"), [("sound", 0, 0), ("sited", 0, 0), ("wrong", 33, 1)]
)
def test_a_clips_csv_that_fits_no_clip_is_reported(finished, species, clips, lines):
    found = evaluations(finished, "audio_inventory", "clips_csv_names_the_clips")[species]
    assert (found.passed, found.severity) == (clips == 0, dg.AssetCheckSeverity.WARN)
    assert found.metadata["clips without a line"].value == clips
    assert found.metadata["lines without a clip"].value == lines
    report = finished.results.report.read_text()
    assert report.count("Warning: 33 of 33 clips have no line in clips.csv") == 1


def evaluations(place: Place, asset: str, check: str) -> dict[str, dg.AssetCheckEvaluation]:
    """Outcome of a check by species."""
    key = dg.AssetCheckKey(dg.AssetKey(asset), check)
    outcomes = {}
    for record in place.instance.event_log_storage.get_asset_check_execution_history(key, limit=9):
        assert record.event is not None and record.event.dagster_event is not None
        found = record.event.dagster_event.asset_check_evaluation_data
        outcomes[str(found.partition)] = found
    return outcomes
