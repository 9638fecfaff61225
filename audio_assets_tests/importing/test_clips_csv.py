"""A clips.csv that an import finds in an audio root, and adds to."""

from pathlib import Path

import pytest
from upath import UPath

from audio_assets.catalog.recordings import read_recording_rules
from audio_assets.errors import AudioRootError
from audio_assets.importing.clips_csv import add_recordings, read_clips_csv


def write(root: Path, text: str) -> Path:
    path = root / "clips.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("file,group\na.wav,a\n\nb.wav,b,c\n", "line 4: more values than the columns file, group"),
        ("path;group\na.wav;a\n", "no column file; its columns are 'path', 'group'"),
        ("file,group,group\na.wav,a,b\n", "two columns group"),
        ("", "no column file"),
        ("file,group\na.wav,\n", "line 2: file or group is empty"),
        ("file,group\na.wav\n", "line 2: file or group is empty"),
        (
            "file,group\na.wav,a\n./a.wav,b\n",
            "line 3 assigns ./a.wav to a second group: 'b', after 'a'",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_not_touched(
    text: str, what: str, tmp_path: Path
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(AudioRootError, match=what) as refused:
        add_recordings(tmp_path, {"owl/data/pos/x.wav": "x"})
    assert str(path) in refused.value.what
    assert path.read_bytes() == text.encode()


def test_lines_columns_and_order_stay(tmp_path: Path) -> None:
    path = write(tmp_path, 'note,group,file,\n"a, b",pond,frog/data/pos/b.wav\n,a,a.wav,more\n')
    add_recordings(tmp_path, {"owl/data/pos/x.wav": "x"})
    assert path.read_text() == (
        'note,group,file,\n"a, b",pond,frog/data/pos/b.wav\n,a,a.wav,more\n'
        ",x,owl/data/pos/x.wav,\n"
    )


@pytest.mark.parametrize(
    "line", ["./frog/data/pos/é.wav", r"frog\data\pos\é.wav", "frog/data/pos/e\u0301.wav"]
)
def test_a_line_that_names_a_clip_in_another_form_is_its_line(line: str, tmp_path: Path) -> None:
    path = write(tmp_path, f"file,group\n{line},pond\n")
    before = path.read_bytes()
    add_recordings(tmp_path, {"frog/data/pos/é.wav": "pond"})
    assert path.read_bytes() == before
    with pytest.raises(AudioRootError, match="'pond', the import to 'lake'"):
        add_recordings(tmp_path, {"frog/data/pos/é.wav": "lake"})
    assert path.read_bytes() == before


def test_what_was_added_is_what_a_run_reads(tmp_path: Path) -> None:
    write(tmp_path, "file,group\n./frog/data/pos/a.wav,pond\n")
    add_recordings(tmp_path, {"frog/data/pos/a.wav": "pond", "frog/data/pos/b.wav": "a, b"})
    assert read_recording_rules(UPath(tmp_path), ()).groups == read_clips_csv(tmp_path).groups


def test_a_spreadsheets_file_keeps_its_name_and_form(tmp_path: Path) -> None:
    path = tmp_path / "Clips.csv"
    text = "sep=;\r\nNotiz;Group;FILE;\r\nWiese, naß;pond;frog/data/pos/ä.wav;\r\n;;;\r\n"
    path.write_bytes(text.encode("cp1252"))
    add_recordings(tmp_path, {"owl/data/pos/ü.wav": "x;y"})
    assert [file.name for file in tmp_path.iterdir()] == ["Clips.csv"]
    assert path.read_bytes().decode("cp1252") == text + ';"x;y";owl/data/pos/ü.wav;\r\n'
    groups = read_recording_rules(UPath(tmp_path), ()).groups
    assert groups == {"frog/data/pos/ä.wav": "pond", "owl/data/pos/ü.wav": "x;y"}
