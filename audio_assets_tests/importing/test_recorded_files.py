"""Which files the spellings of a table mean."""

import os
from pathlib import Path

import pytest

from audio_assets.importing.recorded_files import find_recorded_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Recordings of two sites, with one beside their folder."""
    for name in ("audio/a/x.wav", "audio/b/x.wav", "beside/x.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path / "audio"


def names(folder: Path, *spellings: object) -> list[str]:
    texts = [str(spelling) for spelling in spellings]
    found = find_recorded_files(folder, texts)
    for text in texts:
        assert found[text].spelling == text
    return [found[text].name for text in texts]


def test_a_name_is_the_path_below_the_folder(folder: Path) -> None:
    assert names(folder, "a/x.wav", folder / "a/x.wav", "b/../a/x.wav") == ["a/x.wav"] * 3
    assert names(folder, "b/x.wav", "a/x.wav") == ["b/x.wav", "a/x.wav"]


def test_a_name_from_another_working_directory_is_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    assert names(Path("audio"), "a/x.wav", folder / "b/x.wav") == ["a/x.wav", "b/x.wav"]


def test_files_elsewhere_keep_their_spelling_and_get_one_name(folder: Path) -> None:
    outside = folder.parent / "beside/x.wav"
    assert names(folder, "../beside/x.wav") == ["../beside/x.wav"]
    assert names(folder, outside) == [str(outside)]
    assert names(folder, outside, "../beside/x.wav") == ["../beside/x.wav"] * 2


def test_a_link_is_the_file_that_it_leads_to_and_keeps_a_name_below_the_folder(
    folder: Path,
) -> None:
    (folder / "link.wav").symlink_to(folder.parent / "beside/x.wav")
    assert names(folder, "link.wav") == ["link.wav"]
    assert names(folder, "../beside/x.wav", "link.wav") == ["link.wav"] * 2


def test_a_linked_folder_of_recordings_is_the_folder(folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    assert names(link, folder / "a/x.wav", "b/x.wav") == ["a/x.wav", "b/x.wav"]
    assert names(folder, link / "a/x.wav", "b/x.wav") == ["a/x.wav", "b/x.wav"]


def test_two_dots_after_a_link_lead_where_the_system_goes(folder: Path) -> None:
    (folder / "link").symlink_to(folder.parent / "beside", target_is_directory=True)
    (folder / "x.wav").write_bytes(b"mine")
    (folder.parent / "x.wav").write_bytes(b"another")
    assert names(folder, "x.wav", "link/../x.wav") == ["x.wav", "link/../x.wav"]


@pytest.mark.skipif(os.sep == "\\", reason="no name may hold this sign")
def test_a_backslash_is_a_separator_where_no_file_has_it_in_its_name(folder: Path) -> None:
    assert names(folder, r"a\x.wav", r"c\x.wav") == ["a/x.wav", r"c\x.wav"]
    (folder / r"a\x.wav").write_bytes(b"a strange name")
    assert names(folder, r"a\x.wav", "a/x.wav") == [r"a\x.wav", "a/x.wav"]


def test_a_file_that_is_not_there_has_a_name_too(folder: Path) -> None:
    long = "x" * 400
    assert names(folder, "c/../gone.wav", ".", long) == ["gone.wav", ".", long]
