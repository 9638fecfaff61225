"""What the demo audio promises: layout, names, determinism, and no label outside the sound."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from audio_assets.errors import AudioRootError
from audio_assets.synthetic import NOTICE_FILE, SPECIES, write_demo_audio

RECORDINGS = 7
NAME = re.compile(
    r"(?P<species>[a-z_]+)-(?P<label>pos|neg)-(?P<recording>t-\d{8}_\d{3})_(?P<seconds>\d)sec_1_"
    r"(?P<letter>[a-e])\.(?P<extension>wav|flac|ogg|mp3)"
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo")
    write_demo_audio(root, seed=3, recordings_per_class=RECORDINGS)
    return root


def clips_in(
    root: Path, species: str, variant: str, label: str
) -> list[tuple[Path, re.Match[str]]]:
    found = []
    for path in sorted((root / species / variant / label).iterdir()):
        match = NAME.fullmatch(path.name)
        assert match is not None, path.name
        found.append((path, match))
    return found


def all_files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
def test_the_same_seed_writes_the_same_bytes_also_species_by_species(
    demo: Path, tmp_path: Path
) -> None:
    for species in reversed(SPECIES):
        write_demo_audio(tmp_path, seed=3, species=[species], recordings_per_class=RECORDINGS)
    again = all_files(tmp_path)
    assert {name.rpartition(".")[2] for name in again} == {"wav", "flac", "ogg", "mp3", "txt"}
    assert again == all_files(demo)


def test_the_bytes_do_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    for workers in (1, 2):
        write_demo_audio(
            tmp_path / str(workers), species=["bullfrog"], recordings_per_class=1, workers=workers
        )
    files = sorted((tmp_path / "1").rglob("*.*"))
    assert files
    for file in files:
        other = tmp_path / "2" / file.relative_to(tmp_path / "1")
        assert other.read_bytes() == file.read_bytes()


def test_another_seed_writes_other_audio(demo: Path, tmp_path: Path) -> None:
    write_demo_audio(tmp_path, seed=4, species=["coyote"], recordings_per_class=1)
    known = set(all_files(demo).values())
    audio = [content for name, content in all_files(tmp_path).items() if name != NOTICE_FILE]
    assert audio and not known.intersection(audio)


@pytest.mark.parametrize("species", SPECIES)
@pytest.mark.parametrize("variant", ["data", "data_5s"])
@pytest.mark.parametrize("label", ["pos", "neg"])
def test_every_clip_is_audio_of_the_length_its_name_says(
    demo: Path, species: str, variant: str, label: str
) -> None:
    clips = clips_in(demo, species, variant, label)
    assert clips
    for path, match in clips:
        assert (match["species"], match["label"]) == (species, label)
        sound, rate = soundfile.read(path)
        seconds = int(match["seconds"])
        assert 3 <= seconds <= 9
        if variant == "data_5s":
            assert seconds == 5
        assert len(sound) == seconds * rate
        assert np.isfinite(sound).all()
        assert 0.005 < np.sqrt(np.mean(sound**2)) < 0.2
        assert np.abs(sound).max() < 1.0


@pytest.mark.parametrize("species", SPECIES)
@pytest.mark.parametrize("label", ["pos", "neg"])
def test_both_variants_hold_the_same_recordings_and_siblings(
    demo: Path, species: str, label: str
) -> None:
    siblings = [
        Counter(match["recording"] for _, match in clips_in(demo, species, variant, label))
        for variant in ("data", "data_5s")
    ]
    assert siblings[0] == siblings[1]
    assert len(siblings[0]) == RECORDINGS
    assert set(siblings[0].values()) == {1, 2, 3, 4, 5}


def test_the_two_variants_of_a_clip_are_cut_around_the_same_sound(demo: Path) -> None:
    by_clip = {
        (match["recording"], match["letter"]): (path, int(match["seconds"]))
        for path, match in clips_in(demo, "coyote", "data", "pos")
        if path.suffix == ".wav"
    }
    compared = 0
    for path, match in clips_in(demo, "coyote", "data_5s", "pos"):
        if (match["recording"], match["letter"]) not in by_clip:
            continue
        other, seconds = by_clip[match["recording"], match["letter"]]
        long, short = soundfile.read(path)[0], soundfile.read(other)[0]
        if seconds > 5:
            long, short = short, long
        first = (len(long) - len(short)) // 2
        np.testing.assert_array_equal(long[first : first + len(short)], short)
        compared += 1
    assert compared >= 10


def test_a_recording_belongs_to_one_label_of_a_species(demo: Path) -> None:
    for species in SPECIES:
        pos, neg = (
            {match["recording"] for _, match in clips_in(demo, species, "data", label)}
            for label in ("pos", "neg")
        )
        assert not pos & neg


@pytest.mark.parametrize("variant", ["data", "data_5s"])
def test_some_negatives_are_copies_of_another_species_positives(demo: Path, variant: str) -> None:
    for species in SPECIES:
        positives = {
            path.read_bytes(): match["recording"]
            for other in SPECIES
            if other != species
            for path, match in clips_in(demo, other, variant, "pos")
        }
        negatives = clips_in(demo, species, variant, "neg")
        copies = [(path, match) for path, match in negatives if path.read_bytes() in positives]
        assert 0 < len(copies) < len(negatives) / 2
        assert all(positives[path.read_bytes()] == match["recording"] for path, match in copies)


@pytest.mark.parametrize(
    "seen_from_outside",
    [
        pytest.param(lambda path: path.suffix, id="format"),
        pytest.param(lambda path: soundfile.info(path).samplerate, id="rate"),
        pytest.param(lambda path: soundfile.info(path).channels, id="channels"),
        pytest.param(lambda path: soundfile.info(path).frames, id="samples"),
        pytest.param(lambda path: soundfile.info(path).subtype, id="subtype"),
    ],
)
@pytest.mark.parametrize("variant", ["data", "data_5s"])
@pytest.mark.parametrize("species", SPECIES)
def test_the_two_classes_look_the_same_from_outside(
    demo: Path, species: str, variant: str, seen_from_outside: Callable[[Path], Any]
) -> None:
    pos, neg = (
        Counter(seen_from_outside(path) for path, _ in clips_in(demo, species, variant, label))
        for label in ("pos", "neg")
    )
    assert pos == neg


@pytest.mark.parametrize("species", SPECIES)
def test_level_does_not_tell_the_classes_apart(demo: Path, species: str) -> None:
    """Paired by slot, recordings differ in level by the clips' spread alone."""
    levels = {}
    for label in ("pos", "neg"):
        heard: dict[str, list[float]] = {}
        for path, match in clips_in(demo, species, "data", label):
            power = np.mean(np.square(soundfile.read(path)[0]))
            # The last digits of a recording's name are its slot.
            slot = match["recording"][-3:]
            heard.setdefault(slot, []).append(float(10 * np.log10(power)))
        levels[label] = {slot: np.mean(values) for slot, values in heard.items()}
    difference = [levels["pos"][slot] - levels["neg"][slot] for slot in levels["pos"]]
    assert len(difference) == RECORDINGS
    assert abs(np.mean(difference)) < 1.5
    assert max(map(abs, difference)) < 8
    assert np.ptp(list(levels["pos"].values())) > 6


def test_the_folder_says_that_its_audio_is_synthetic(demo: Path) -> None:
    notice = (demo / NOTICE_FILE).read_text(encoding="utf-8")
    assert "synthetic" in notice
    assert notice.count(".") == 1


def test_the_summary_counts_what_was_written_and_progress_reaches_the_end(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    summary = write_demo_audio(
        tmp_path,
        species=["human_vocal"],
        recordings_per_class=2,
        progress=lambda done, total: seen.append((done, total)),
    )
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != NOTICE_FILE]
    assert summary.clips == len([path for path in files if path.parts[-3] == "data"])
    assert summary.size == sum(path.stat().st_size for path in files)
    assert (summary.species, summary.recordings) == (("human_vocal",), (2,))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (summary.clips, summary.clips)


def test_other_audio_is_not_mixed_with_synthetic_audio(tmp_path: Path) -> None:
    stranger = tmp_path / "coyote" / "data" / "neg" / "real.wav"
    stranger.parent.mkdir(parents=True)
    stranger.write_bytes(b"mine")
    with pytest.raises(AudioRootError, match="real.wav"):
        write_demo_audio(tmp_path, species=["coyote"], recordings_per_class=1)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [stranger]


@pytest.mark.parametrize(
    "wrong",
    [
        {"species": ["wolf"]},
        {"species": []},
        {"species": ["coyote", "coyote"]},
        {"seed": -1},
        {"recordings_per_class": 0},
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_written(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="species|seed|recordings_per_class"):
        write_demo_audio(tmp_path / "new", **wrong)
    assert not (tmp_path / "new").exists()
