"""Tables as people have them: imported by the command, counted, and read back."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_assets.catalog.listing import list_species
from audio_assets.objects.roots import open_root

RATE = 16_000
RAVEN = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tBegin Path\tFile Offset (s)\tSpecies\n"
)


def _raven() -> bytes:
    """Two recordings opened as one sequence of 60 s, each selection in three views."""
    selections = [(2, 3.5, 1, 2, "coyote"), (33, 34, 2, 3, "coyote"), (40, 42, 2, 10, "dog")]
    return (
        RAVEN
        + "".join(
            f"{number}\t{view}\t1\t{start}\t{end}\tD:\\Survey\\day{day}.wav\t{offset}\t{label}\n"
            for number, (start, end, day, offset, label) in enumerate(selections, start=1)
            for view in ("Waveform 1", "Spectrogram 1", "Spectrogram 2")
        )
    ).encode()


AUDACITY = (
    "2,000000\t3,500000\tcoyote\n\\\t500,0\t2500,0\n5,000000\t6,000000\tcoyote\n"
    "10,000000\t12,000000\tdog\n"
).encode()
SEMICOLONS = (
    "Datei;file;start;end;label\nx;day1.wav;2,0;3,5;ja\nx;DAY2.WAV;0:03;0:04;ja\n"
    "x;day2.wav;10,0;12,0;nein\n"
).encode("utf-16")
KALEIDOSCOPE = (
    "INDIR,FOLDER,IN FILE,CHANNEL,OFFSET,DURATION,Fmin,TOP1MATCH,MANUAL ID*\n"
    "D:\\Survey,,day1.wav,0,2.0,1.5,500,X,Käuzchen\nD:\\Survey,,day2.wav,0,3.0,1.0,500,X,Käuzchen\n"
    "D:\\Survey,,day2.wav,0,10.0,2.0,500,X,NOISE\nD:\\Survey,,day2.wav,0,20.0,2.0,500,X,\n"
).encode("latin-1")
BIRDNET = (
    "Start (s),End (s),Scientific name,Common name,Confidence,File\n"
    "3.0,6.0,Canis latrans,Coyote,0.87,day1.wav\n6.0,9.0,Canis latrans,Coyote,0.9,day2.wav\n"
    "9.0,12.0,Canis lupus familiaris,Dog,0.9,day2.wav\n"
).encode()

SHORT = {"day1.wav": (2, 3.5), "day2.wav": (3, 4)}
TABLES = {
    "raven": (_raven(), "Species=coyote", SHORT, (10, 12), "day1.wav is"),
    "audacity": (AUDACITY, "Label=coyote", {"day1.wav": (2, 3.5)}, (10, 12), ""),
    "csv": (SEMICOLONS, "label=ja", SHORT, (10, 12), "DAY2.WAV is day2.wav"),
    "kaleidoscope": (KALEIDOSCOPE, "MANUAL ID=Käuzchen", SHORT, (10, 12), "Latin-1"),
    "birdnet": (
        BIRDNET,
        "Common name=Coyote",
        {"day1.wav": (3, 6), "day2.wav": (6, 9)},
        (9, 12),
        "predictions of BirdNET, not labels",
    ),
}


@pytest.fixture(autouse=True)
def recordings(call, tmp_path):
    """Two recordings of 30 s whose samples differ everywhere."""
    for number in (1, 2):
        noise = np.random.default_rng(number).normal(scale=0.1, size=30 * RATE)
        (tmp_path / "rec").mkdir(exist_ok=True)
        soundfile.write(tmp_path / f"rec/day{number}.wav", noise, RATE, subtype="PCM_16")


def _clip(root: Path, label: str, recording: str, start: float, end: float) -> Path:
    return root / f"owl/data/{label}/{recording}_{start:g}-{end:g}s.wav"


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_of_each_program_is_imported_counted_and_read_back(
    kind, call, tmp_path, monkeypatch
):
    data, selector, positives, negative, note = TABLES[kind]
    (tmp_path / "table.txt").write_bytes(data)
    named = ["--recording", "rec/day1.wav"] if kind == "audacity" else ["--recordings", "rec"]
    arguments = ["import", kind, "table.txt", "--to", "new", "-s", "owl", *named]
    called = call(*arguments, "--positive", selector, "--others", "neg")
    skipped = ", 1 row with another label or none skipped" if kind == "kaleidoscope" else ""
    assert (called.code, called.out) == (0, f"3 clips written under new{skipped}\n")
    assert note in called.err and "Left out" not in called.err

    day = "day1.wav" if kind == "audacity" else "day2.wav"
    if kind == "audacity":
        assert _clip(tmp_path / "new", "pos", "day1.wav", 5, 6).is_file()
    cuts = [("pos", name, times) for name, times in positives.items()]
    for label, name, (start, end) in [*cuts, ("neg", day, negative)]:
        whole, _ = soundfile.read(tmp_path / "rec" / name, dtype="int16")
        path = _clip(tmp_path / "new", label, name, start, end)
        sound, rate = soundfile.read(path, dtype="int16")
        assert rate == RATE
        np.testing.assert_array_equal(sound, whole[round(start * RATE) : round(end * RATE)])
    with (tmp_path / "new/clips.csv").open(newline="") as file:
        assert {row["group"] for row in csv.DictReader(file)} == {Path(day).stem, "day1"}

    again = call(*arguments, "--positive", selector, "--others", "neg")
    assert again.code == 0 and "0 clips written under new, 3 already existed" in again.out
    monkeypatch.setenv("AUDIO_ASSETS_AUDIO_ROOT", "new")
    assert tuple(list_species(open_root("new")).species) == ("owl",)
    checks = json.loads(call("doctor", "--json").out)
    (counts,) = [one for one in checks if one.get("subject") == "clips of owl"]
    assert counts["found"] == "2 pos and 1 neg in data"
