"""Negatives that are drawn from stretches without a label."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_assets.importing.label_meaning import LabelRule, Selector
from audio_assets.importing.label_table import Reading
from audio_assets.importing.layout import Imported
from audio_assets.importing.segments import import_segments
from audio_assets.importing.table_formats import RAVEN

RATE = 8_000
RULE = LabelRule((Selector("label", "coyote"),))


@pytest.fixture(autouse=True)
def recordings(tmp_path: Path) -> None:
    for number, name in enumerate(("a.wav", "b.wav")):
        noise = np.random.default_rng(number).normal(scale=0.1, size=60 * RATE)
        soundfile.write(tmp_path / name, noise, RATE)


def draw(
    folder: Path, rows: str, count: int, context: float | None = None, perch: bool = False
) -> Imported:
    table = folder / "t.csv"
    table.write_text(f"file,start,end,label\n{rows}")
    return import_segments(
        table,
        folder / "out",
        species="canid",
        reading=Reading(rule=RULE),
        negatives=count,
        context=context,
        perch=perch,
    )


def spans(paths: tuple[str, ...]) -> list[tuple[str, float, float]]:
    """File, start and end of the clips that were drawn, by their names."""
    found = (re.search(r"/neg/(.\.wav)_([\d.]+)-([\d.]+)s", path) for path in paths)
    return [(one[1], float(one[2]), float(one[3])) for one in found if one]


LABELLED = (("a.wav", 5.0, 7.0), ("a.wav", 20.0, 24.0), ("b.wav", 8.0, 50.0))
ROWS = "a.wav,5,7,coyote\na.wav,20,24,dog\nb.wav,8,50,coyote?\nb.wav,52,53.5,coyote\n"


@pytest.mark.parametrize(
    "context, perch, width", [(None, False, 0), (3.0, False, 3), (None, True, 5)]
)
def test_a_drawn_negative_lies_over_no_label_whatever_it_says(
    context: float | None, perch: bool, width: float, tmp_path: Path
) -> None:
    done = draw(tmp_path, ROWS, 6, context, perch)
    assert done.refused == () and done.drawn == 6 * (1 + perch)
    drawn = spans(tuple(path for path in done.written if "/data/" in path))
    assert len(drawn) == 6 and {name for name, *_ in drawn} == {"a.wav", "b.wav"}
    for name, start, end in drawn:
        pad = max(0.0, (width - (end - start)) / 2)
        # A clip at an end of its recording is moved inwards.
        first = min(max(start - pad, 0.0), 60.0 - max(width, end - start))
        last = first + max(width, end - start)
        for other, begin, stop in (*LABELLED, ("b.wav", 52.0, 53.5)):
            assert other != name or last <= begin or stop <= first
    ordered = sorted(drawn)
    for (name, _, end), (other, start, _) in zip(ordered, ordered[1:]):
        assert name != other or end <= start


def test_drawn_negatives_are_as_long_as_positives_and_named_as_unlabelled(tmp_path: Path) -> None:
    done = draw(tmp_path, ROWS, 4)
    names = [path for path in done.written if "/neg/" in path]
    assert len(names) == 4 and all(path.endswith("s_unlabelled.wav") for path in names)
    assert sorted(round(end - start, 3) for _, start, end in spans(tuple(names))) == [
        1.5, 1.5, 2.0, 2.0,
    ]  # fmt: skip


def test_the_same_table_draws_the_same_negatives(tmp_path: Path) -> None:
    first = draw(tmp_path, ROWS, 5)
    again = draw(tmp_path, ROWS, 5)
    assert again.written == () and sorted(again.unchanged) == sorted(first.written)
    assert again.leftover == ()
    fewer = draw(tmp_path, ROWS, 0)
    assert len(fewer.leftover) == 5 and all("_unlabelled" in path for path in fewer.leftover)


def test_negatives_that_do_not_fit_are_counted_as_left_out(tmp_path: Path) -> None:
    done = draw(tmp_path, "a.wav,5,35,coyote\na.wav,35,59,dog\n", 2)
    assert done.drawn == 0
    assert [left.why for left in done.refused] == [
        "only 0 of 2 negatives of canid fit into stretches without a label"
    ]


def test_nothing_is_drawn_from_a_recording_with_a_row_that_may_lie_anywhere(
    tmp_path: Path,
) -> None:
    done = draw(tmp_path, ROWS + "a.wav,3 o'clock,4,coyote\n", 4)
    assert {name for name, *_ in spans(done.written)} == {"b.wav"}
    assert any("from a.wav: the times of a row are unreadable" in x.why for x in done.refused)
    done = draw(tmp_path, ROWS + ",3,4,coyote\n", 4)
    assert done.drawn == 0 and any("may lie anywhere" in left.why for left in done.refused)


def test_nothing_is_drawn_beside_a_selection_that_runs_on_into_the_next_file(
    tmp_path: Path,
) -> None:
    (tmp_path / "raven.txt").write_text(
        "Begin Time (s)\tEnd Time (s)\tFile Offset (s)\tBegin File\tEnd File\tAnnotation\n"
        "5\t7\t5\ta.wav\ta.wav\tcoyote\n58\t65\t58\ta.wav\tb.wav\tcoyote\n"
    )
    done = import_segments(
        tmp_path / "raven.txt",
        tmp_path / "out",
        species="canid",
        reading=Reading(RAVEN, LabelRule((Selector("annotation", "coyote"),))),
        negatives=2,
    )
    assert done.written == ("canid/data/pos/a.wav_5-7s.wav",) and done.drawn == 0
    assert any("runs on into the next file" in left.why for left in done.refused)


def test_a_drawn_negative_keeps_half_a_window_from_a_point(tmp_path: Path) -> None:
    rows = "".join(f"a.wav,{second},{second},coyote\n" for second in range(6, 60, 12))
    done = draw(tmp_path, rows, 5, context=3.0)
    assert done.refused == () and done.drawn == 5
    for _, start, end in spans(done.written):
        nearest = min(abs((start + end) / 2 - second) for second in range(6, 60, 12))
        assert nearest >= 2.5 + 1.5
