"""Clips cut out of long recordings by a table."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_assets.errors import AudioRootError
from audio_assets.importing.segments import import_segments

RATE = 8_000


@pytest.fixture
def long_file(tmp_path: Path) -> Path:
    """Twenty seconds of 16-bit stereo whose every sample tells its place."""
    path = tmp_path / "field/day 1.wav"
    path.parent.mkdir()
    place = np.arange(20 * RATE)
    both = np.stack([place % 30_000, place // 30_000], axis=1).astype(np.int16)
    soundfile.write(path, both, RATE, subtype="PCM_16")
    return path


def write_table(path: Path, *rows: dict[str, object]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list({name: 0 for row in rows for name in row}))
        writer.writeheader()
        writer.writerows(rows)
    return path


def row(start: object, end: object, label: object = "pos", **more: object) -> dict[str, object]:
    return {"file": "field/day 1.wav", "start": start, "end": end, "label": label, **more}


def groups(root: Path) -> dict[str, str]:
    with (root / "clips.csv").open(newline="", encoding="utf-8") as file:
        return {line["file"]: line["group"] for line in csv.DictReader(file)}


def test_a_clip_is_the_very_samples_of_its_segment(long_file: Path, tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv", row(1.5, 4.5), row(10, 13, "neg"))
    done = import_segments(table, tmp_path / "out", species="owl")
    assert done.written == (
        "owl/data/pos/field__day 1.wav_1.5-4.5s.wav",
        "owl/data/neg/field__day 1.wav_10-13s.wav",
    )
    whole, _ = soundfile.read(long_file, dtype="int16")
    cut, rate = soundfile.read(tmp_path / "out" / done.written[0], dtype="int16")
    assert rate == RATE
    np.testing.assert_array_equal(cut, whole[int(1.5 * RATE) : int(4.5 * RATE)])


def test_rows_of_one_file_are_one_recording_unless_the_table_says_otherwise(
    long_file: Path, tmp_path: Path
) -> None:
    table = write_table(
        tmp_path / "t.csv", row(0, 3), row(5, 8, "neg"), row(9, 12, recording="station-7")
    )
    import_segments(table, tmp_path / "out", species="owl")
    assert sorted(groups(tmp_path / "out").values()) == [
        "field/day 1", "field/day 1", "station-7",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "spelling",
    [
        "{folder}/field/day 1.wav",
        "field/../field/day 1.wav",
        "./field//day 1.wav",
        "field\\day 1.wav",
    ],
)
def test_a_file_spelled_in_two_ways_is_one_recording_with_one_name(
    spelling: str, long_file: Path, tmp_path: Path
) -> None:
    other = {"file": spelling.format(folder=tmp_path)}
    table = write_table(tmp_path / "t.csv", row(0, 3) | other, row(5, 8), row(9, 12, "neg") | other)
    done = import_segments(table, tmp_path / "out", species="owl")
    assert done.refused == ()
    assert groups(tmp_path / "out") == {
        "owl/data/pos/field__day 1.wav_0-3s.wav": "field/day 1",
        "owl/data/pos/field__day 1.wav_5-8s.wav": "field/day 1",
        "owl/data/neg/field__day 1.wav_9-12s.wav": "field/day 1",
    }


def test_the_segments_of_a_file_spelled_in_two_ways_are_cut_once(
    long_file: Path, tmp_path: Path
) -> None:
    table = write_table(tmp_path / "t.csv", row(0, 3), row(0, 3) | {"file": str(long_file)})
    done = import_segments(table, tmp_path / "out", species="owl")
    assert len(done.written) == 1 and "earlier line" in done.refused[0].why


def test_clips_named_by_another_spelling_before_are_named_and_stay(
    long_file: Path, tmp_path: Path
) -> None:
    root = tmp_path / "out"
    table = write_table(tmp_path / "t.csv", row(0, 3) | {"file": str(long_file)})
    (path,) = import_segments(table, root, species="owl").written
    before = f"{str(long_file)[1:].replace('/', '__')}_0-3s.wav"
    (root / path).with_name(before).write_bytes(b"of an earlier version")
    done = import_segments(table, root, species="owl")
    assert done.leftover == (f"owl/data/pos/{before}",)


def test_perch_gets_five_seconds_around_the_middle_inside_the_recording(
    long_file: Path, tmp_path: Path
) -> None:
    table = write_table(tmp_path / "t.csv", row(0, 2), row(9, 12), row(19, 20))
    done = import_segments(table, tmp_path / "out", species="owl", perch=True)
    whole, _ = soundfile.read(long_file, dtype="int16")
    found = [path for path in done.written if "/data_5s/" in path]
    for path, start in zip(found, (0.0, 8.0, 15.0), strict=True):
        cut, _ = soundfile.read(tmp_path / "out" / path, dtype="int16")
        np.testing.assert_array_equal(cut, whole[int(start * RATE) :][: 5 * RATE])
    recordings = groups(tmp_path / "out")
    assert all(recordings[path] == "field/day 1" for path in done.written)


def five_second_starts(root: Path, whole_file: Path, paths: list[str]) -> list[float]:
    """Where in the file each 5 s clip was cut, told by its samples."""
    whole, _ = soundfile.read(whole_file, dtype="int16")
    starts = []
    for path in paths:
        cut, _ = soundfile.read(root / path, dtype="int16")
        assert len(cut) == 5 * RATE
        (place,) = np.flatnonzero((whole == cut[0]).all(axis=1))
        np.testing.assert_array_equal(cut, whole[place : place + len(cut)])
        starts.append(float(place) / RATE)
    return starts


@pytest.mark.parametrize(
    ("calls", "negative", "start"),
    [
        ([], (12, 13), 10.0),
        ([(10, 12)], (12, 13), 12.0),
        ([(13, 14)], (12, 13), 8.0),
        ([(5, 8), (13, 14)], (12, 13), 8.0),
        # At the ends of the file there is one side only.
        ([(0, 1)], (1, 2), 1.0),
        ([(18, 19)], (17, 18), 13.0),
        # A long segment holds its 5 s, wherever they lie in it.
        ([(4, 5)], (5, 11), 5.5),
    ],
)
def test_the_five_seconds_of_a_negative_hold_all_of_it_and_no_labelled_call(
    calls: list[tuple[float, float]],
    negative: tuple[float, float],
    start: float,
    long_file: Path,
    tmp_path: Path,
) -> None:
    rows = [row(*call) for call in calls] + [row(*negative, "neg")]
    # Another species' calls are no calls of this one.
    rows.append(row(*negative, species="frog"))
    table = write_table(tmp_path / "t.csv", *({"species": ""} | one for one in rows))
    done = import_segments(table, tmp_path / "out", species="owl", perch=True)
    assert done.refused == ()
    found = [path for path in done.written if "owl/data_5s/neg" in path]
    assert five_second_starts(tmp_path / "out", long_file, found) == [start]


def test_a_negative_whose_every_five_seconds_hold_a_call_is_left_out_of_data_5s_alone(
    long_file: Path, tmp_path: Path
) -> None:
    table = write_table(
        tmp_path / "t.csv",
        row(10, 12) | {"file": "./field/day 1.wav"},
        row(12, 13, "neg"),
        row(13.5, 14),
    )
    done = import_segments(table, tmp_path / "out", species="owl", perch=True)
    assert [(left.file, left.line) for left in done.refused] == [(str(table), 3)]
    assert "10-12 s of line 2, 13.5-14 s of line 4" in done.refused[0].why
    assert "only the one in data" in done.refused[0].why
    assert [path for path in done.written if "/neg/" in path] == [
        "owl/data/neg/field__day 1.wav_12-13s.wav"
    ]


@pytest.mark.parametrize(
    ("negative", "why"),
    [
        ((5, 8), "5-8 s of line 2"),
        ((6, 7), "5-8 s of line 2"),
        ((0, 20), "5-8 s of line 2, 9-10 s of line 5"),
        ((4, 5.001), "5-8 s of line 2"),
        ((7.999, 9), "5-8 s of line 2"),
    ],
)
def test_a_negative_that_holds_a_labelled_call_is_left_out_with_its_lines(
    negative: tuple[float, float], why: str, long_file: Path, tmp_path: Path
) -> None:
    rows = [
        row(5, 8) | {"file": "./field/day 1.wav"},
        row(*negative, "neg"),
        # Ends that touch, and the calls of another species, are no calls in it.
        row(8, 9, "neg"),
        row(9, 10),
        row(*negative, "neg", species="frog"),
    ]
    table = write_table(tmp_path / "t.csv", *({"species": ""} | one for one in rows))
    done = import_segments(table, tmp_path / "out", species="owl", perch=True)
    assert [left.line for left in done.refused if "the negative segment" in left.why] == [3]
    assert done.refused[0].why.endswith(f"positive segment {why}")
    found = [path.split("_")[-1] for path in done.written if path.startswith("owl/data/")]
    assert found == ["5-8s.wav", "8-9s.wav", "9-10s.wav"]
    assert [path for path in done.written if path.startswith("frog/data/neg/")]
    assert set(groups(tmp_path / "out")) == set(done.written)


def test_a_negative_that_was_cut_with_a_call_labelled_since_is_named(
    long_file: Path, tmp_path: Path
) -> None:
    root = tmp_path / "out"
    rows = [row(5, 8, "neg")]
    table = write_table(tmp_path / "t.csv", *rows)
    cut = import_segments(table, root, species="owl", perch=True).written
    write_table(table, *rows, row(6, 7))
    assert import_segments(table, root, species="owl", perch=True).leftover == tuple(sorted(cut))


def test_a_positive_stays_around_its_middle_whatever_negatives_lie_in_it(
    long_file: Path, tmp_path: Path
) -> None:
    table = write_table(tmp_path / "t.csv", row(10, 12), row(12, 13, "neg"))
    done = import_segments(table, tmp_path / "out", species="owl", perch=True)
    found = [path for path in done.written if "data_5s/pos" in path]
    assert five_second_starts(tmp_path / "out", long_file, found) == [8.5]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (row(3, 1), "is not a segment"),
        (row(-1, 1), "is not a segment"),
        (row("nan", 1), "is not a segment"),
        (row("", 1), "is not a segment"),
        (row(15, 25), "has 20.00 s"),
        (row(1, 2, "maybe"), "neither pos nor neg"),
        (row(1, 2, species="Great Owl"), "cannot be a species"),
        (row(1, 2, "pos") | {"file": "gone.wav"}, "there is no file"),
        (row(1, 2, "pos") | {"file": "t.csv"}, "cannot be decoded"),
        (row(0, 3), "earlier line"),
    ],
)
def test_a_bad_row_is_named_and_the_others_are_cut(
    bad: dict[str, object], why: str, long_file: Path, tmp_path: Path
) -> None:
    table = write_table(tmp_path / "t.csv", row(0, 3, species=""), bad, row(6, 9, "neg"))
    done = import_segments(table, tmp_path / "out", species="owl")
    assert len(done.written) == 2
    assert [(left.file, left.line) for left in done.refused] == [(str(table), 3)]
    assert why in done.refused[0].why
    assert len(groups(tmp_path / "out")) == 2


def test_importing_again_changes_nothing(long_file: Path, tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv", row(0, 3), row(5, 8, "neg"))
    first = import_segments(table, tmp_path / "out", species="owl")
    listed = (tmp_path / "out/clips.csv").read_bytes()
    again = import_segments(table, tmp_path / "out", species="owl")
    assert (again.written, again.unchanged) == ((), first.written)
    assert (tmp_path / "out/clips.csv").read_bytes() == listed


def test_clips_of_rows_that_were_corrected_are_named_and_stay(
    long_file: Path, tmp_path: Path
) -> None:
    root = tmp_path / "out"
    rows = [row(0, 3), row(5, 8, "neg")]
    import_segments(write_table(tmp_path / "t.csv", *rows, row(10, 12)), root, species="owl")
    import_segments(write_table(tmp_path / "f.csv", row(10, 12)), root, species="frog")
    (root / "owl/data/pos/placed by hand.wav").write_bytes(b"mine")
    corrected = write_table(tmp_path / "t.csv", *rows, row(10, 12.2, "neg"))
    for _ in range(2):
        done = import_segments(corrected, root, species="owl")
        assert done.leftover == ("owl/data/pos/field__day 1.wav_10-12s.wav",)
    (root / done.leftover[0]).unlink()
    assert import_segments(corrected, root, species="owl").leftover == ()


def test_clips_of_the_tables_recordings_are_named_whatever_file_they_were_cut_from(
    long_file: Path, tmp_path: Path
) -> None:
    twin = long_file.with_name("day 2.wav")
    twin.write_bytes(long_file.read_bytes())
    other = {"file": "field/day 2.wav"}
    root = tmp_path / "out"
    first = [row(0, 3, recording="a"), row(0, 3, recording="a") | other]
    import_segments(write_table(tmp_path / "t.csv", *first), root, species="owl")
    done = import_segments(write_table(tmp_path / "t.csv", first[0]), root, species="owl")
    assert done.leftover == ("owl/data/pos/field__day 2.wav_0-3s.wav",)


def test_a_row_that_failed_or_was_not_asked_for_leaves_no_clip_over(
    long_file: Path, tmp_path: Path
) -> None:
    root = tmp_path / "out"
    table = write_table(tmp_path / "t.csv", row(0, 3), row(12, 13, "neg"))
    paths = import_segments(table, root, species="owl", perch=True).written
    assert import_segments(table, root, species="owl").leftover == ()
    (root / paths[0]).write_bytes(b"mine")
    assert import_segments(table, root, species="owl", perch=True).leftover == ()
    long_file.unlink()
    assert import_segments(table, root, species="owl", perch=True).leftover == ()


def test_five_seconds_that_hold_a_call_labelled_since_are_named(
    long_file: Path, tmp_path: Path
) -> None:
    root = tmp_path / "out"
    rows = [row(12, 13, "neg")]
    import_segments(write_table(tmp_path / "t.csv", *rows), root, species="owl", perch=True)
    rows += [row(11, 12), row(13, 14)]
    table = write_table(tmp_path / "t.csv", *rows)
    done = import_segments(table, root, species="owl", perch=True)
    assert done.leftover == ("owl/data_5s/neg/field__day 1.wav_12-13s.wav",)


def test_a_clip_with_other_content_is_never_replaced(long_file: Path, tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv", row(0, 3))
    (path,) = import_segments(table, tmp_path / "out", species="owl").written
    (tmp_path / "out" / path).write_bytes(b"mine")
    done = import_segments(table, tmp_path / "out", species="owl")
    assert "other content" in done.refused[0].why
    assert (tmp_path / "out" / path).read_bytes() == b"mine"


def test_lines_and_columns_of_clips_csv_are_kept(long_file: Path, tmp_path: Path) -> None:
    root = tmp_path / "out"
    root.mkdir()
    (root / "clips.csv").write_text("file,group,licence\nfrog/data/pos/a.wav,pond,CC0\n")
    import_segments(write_table(tmp_path / "t.csv", row(0, 3)), root, species="owl")
    lines = (root / "clips.csv").read_text().splitlines()
    assert lines[:2] == ["file,group,licence", "frog/data/pos/a.wav,pond,CC0"]
    assert lines[2] == "owl/data/pos/field__day 1.wav_0-3s.wav,field/day 1,"


def test_another_recording_for_a_known_clip_is_an_error(long_file: Path, tmp_path: Path) -> None:
    root = tmp_path / "out"
    import_segments(write_table(tmp_path / "t.csv", row(0, 3)), root, species="owl")
    changed = write_table(tmp_path / "u.csv", row(0, 3, recording="elsewhere"))
    with pytest.raises(AudioRootError, match="elsewhere"):
        import_segments(changed, root, species="owl")
    assert list(groups(root).values()) == ["field/day 1"]


def test_recorders_with_equal_file_names_are_apart_below_one_folder(
    long_file: Path, tmp_path: Path
) -> None:
    root, cards = tmp_path / "out", tmp_path / "cards"
    for card in ("SD1", "SD2"):
        (cards / card).mkdir(parents=True)
        (cards / card / "20240501_050000.WAV").write_bytes(long_file.read_bytes())
        rows = row(0, 3) | {"file": f"{card}/20240501_050000.WAV"}
        table = write_table(tmp_path / f"{card}.csv", rows)
        done = import_segments(table, root, species="owl", recordings=cards)
        assert len(done.written) == 1 and done.leftover == ()
    assert sorted(groups(root).values()) == ["SD1/20240501_050000", "SD2/20240501_050000"]


@pytest.mark.parametrize(
    "text",
    [
        "file,group\nowl/data/pos/field__day 1.wav_0-3s.wav,elsewhere\n",
        "file,group\nowl/data/pos/a.wav,a,of the pond\n",
    ],
)
def test_nothing_is_cut_where_clips_csv_cannot_be_added_to(
    text: str, long_file: Path, tmp_path: Path
) -> None:
    root = tmp_path / "out"
    root.mkdir()
    (root / "clips.csv").write_text(text)
    table = write_table(tmp_path / "t.csv", row(9, 12), row(0, 3))
    with pytest.raises(AudioRootError):
        import_segments(table, root, species="owl")
    assert [path.name for path in root.rglob("*")] == ["clips.csv"]
    assert (root / "clips.csv").read_text() == text


def test_clips_of_an_import_that_was_interrupted_have_their_recordings(
    long_file: Path, tmp_path: Path
) -> None:
    def interrupt(done: int, of: int) -> None:
        raise KeyboardInterrupt

    table = write_table(tmp_path / "t.csv", row(0, 3), row(5, 8))
    with pytest.raises(KeyboardInterrupt):
        import_segments(table, tmp_path / "out", species="owl", progress=interrupt)
    assert groups(tmp_path / "out") == {"owl/data/pos/field__day 1.wav_0-3s.wav": "field/day 1"}


def test_what_a_lossy_file_decodes_to_keeps_peaks_above_full_scale(tmp_path: Path) -> None:
    loud = np.sign(np.sin(np.arange(10 * 48_000) / 20.0)) * 0.99
    soundfile.write(tmp_path / "loud.ogg", loud, 48_000, format="OGG", subtype="VORBIS")
    whole, _ = soundfile.read(tmp_path / "loud.ogg")
    assert np.abs(whole).max() > 1.0
    table = write_table(tmp_path / "t.csv", row(2, 5) | {"file": "loud.ogg"})
    (path,) = import_segments(table, tmp_path / "out", species="owl").written
    cut, _ = soundfile.read(tmp_path / "out" / path)
    assert np.abs(cut).max() > 1.0
