"""What a demo, a run and the doctor tell of lost clips and of sound that no model hears."""

import json
from pathlib import Path

import numpy as np
import pytest
from upath import UPath

from audio_assets.audio.decode import DurationLimits
from audio_assets.catalog.clip_properties import measure_clips
from audio_assets.catalog.inventory import build_inventory
from audio_assets.catalog.listing import list_objects
from audio_assets.catalog.recordings import RecordingRules
from audio_assets.objects.files import read_file
from audio_assets.results.layout import ResultsLayout
from audio_assets.results.parquet import write_table
from audio_assets.tables import CLIP_PROPERTIES
from audio_assets_tests.cli.conftest import Call
from audio_assets_tests.small_audio import clip, write_clip

RATE = 96_000


def write_bats(folder: Path, *, calls: bool = True) -> None:
    """Six clips per class; positives have sweeps at 30 to 40 kHz."""
    time = np.arange(RATE // 50) / RATE
    sweep = np.sin(2 * np.pi * (40_000 * time - 250_000 * time**2)) * np.hanning(len(time))
    for label in ("pos", "neg"):
        for number in range(6):
            samples = 0.003 * np.random.default_rng([number, label == "pos"]).normal(size=RATE)
            for start in range(5_000, RATE - 5_000, 9_000) if calls and label == "pos" else ():
                samples[start : start + len(sweep)] += 0.1 * sweep
            write_clip(folder / "bat/data" / label / f"{label}{number}.wav", samples, RATE)


def damage(folder: Path, *, clips: int) -> None:
    """Cut the first positives of the owl, the very first of them to almost nothing."""
    files = sorted((folder / "owl/data/pos").iterdir())[:clips]
    for path in files:
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
    write_clip(files[0], clip(1, tone=True, seconds=0.2))


@pytest.mark.slow
def test_a_demo_ends_with_the_clips_that_were_not_used_and_what_no_model_hears(call: Call) -> None:
    damage(Path("audio"), clips=3)
    write_bats(Path("audio"))
    done = call("demo", "--quiet", "--audio", "audio", "--results", "shown")
    assert done.code == 0
    end = done.out.split("\n\n")[-3].splitlines()
    assert end == [
        "owl: 3 of 24 clips were not used: 2 damaged or cut off, 1 too short "
        "(quarantine.csv lists them)",
        "bat: every clip was used",
        "Placeholder hears up to 8 kHz; nearly all of the energy of bat's positives is above "
        "(counting what stands out from the negatives, mean of 6 clips).",
    ]


@pytest.mark.slow
def test_a_run_and_the_status_say_why_no_positive_clips_are_left(call: Call) -> None:
    damage(Path("audio"), clips=12)
    done = call("run", "--quiet", "--json")
    assert done.code == 1 and "No species could be evaluated." in done.err
    (share,) = json.loads(done.out)["quarantine"]
    reasons = {"undecodable": 11, "too_short": 1}
    assert share == {"species": "owl", "quarantined": 12, "clips": 24, "reasons": reasons}
    told = "11 damaged or cut off, 1 too short"
    assert f"owl: 12 of 24 clips were not used: {told} (quarantine.csv lists them)" in done.err
    (standing,) = json.loads(call("status", "--json").out)
    assert standing["note"].startswith("no evaluation: no recording has positive clips; ")
    assert f"(none of the 12 positive clips was used: {told})" in standing["note"]
    assert (
        f"(none of the 12 positive clips was used: {told})"
        in Path("results/report/index.html").read_text()
    )


def publish_measurements(calls: bool) -> Path:
    """Write the table of measurements of the bats as a run does, and delete their clips."""
    audio, path = Path("audio"), ResultsLayout(UPath("results")).table("clip_properties", "bat")
    write_bats(audio, calls=calls)
    table, _ = measure_clips(
        build_inventory(list_objects(UPath(audio), "bat"), RecordingRules()),
        {"data"},
        known=None,
        read=lambda uri: read_file(UPath(uri)),
        limits=DurationLimits(),
        workers=1,
        progress=lambda done, total: None,
    )
    write_table(path, table, CLIP_PROPERTIES)
    # What is published is enough for the doctor: it reads no clip.
    for clip_path in (audio / "bat").rglob("*.wav"):
        clip_path.write_bytes(b"gone")
    return Path(str(path))


def heard(call: Call) -> list[dict[str, str]]:
    findings = json.loads(call("doctor", "--json").out)
    return [finding for finding in findings if finding["subject"] == "hearing"]


def test_the_doctor_tells_what_no_model_hears_once_clips_were_measured(call: Call) -> None:
    assert heard(call) == []
    publish_measurements(calls=True)
    (found,) = heard(call)
    assert found["found"].startswith("Placeholder hears up to 8 kHz; nearly all of the energy")
    assert found["todo"] == "" and found["is_note"]


def test_the_doctor_says_that_models_hear_what_was_measured_and_names_a_damaged_table(
    call: Call,
) -> None:
    path = publish_measurements(calls=False)
    (found,) = heard(call)
    assert found["found"] == "the models hear the positives of bat" and not found["is_note"]
    path.write_bytes(b"nothing")
    (found,) = heard(call)
    assert "is damaged or is not a clip_properties table" in found["found"]
