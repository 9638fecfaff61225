"""Files are replaced as far as the system lets them."""

import os

import pytest

from audio_assets.objects import systems
from audio_assets.objects.systems import replace_file


def refuse(monkeypatch, times, error=PermissionError):
    """Make ``os.replace`` fail as it does on Windows while somebody has the file open."""
    calls = []

    def replace(source, target, really=os.replace):
        calls.append(target)
        if len(calls) <= times:
            raise error
        really(source, target)

    monkeypatch.setattr(systems.os, "replace", replace)
    monkeypatch.setattr(systems, "_POLL_SECONDS", 0.001)
    return calls


@pytest.fixture
def files(tmp_path):
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "old").write_bytes(b"old")
    return str(tmp_path / "new"), str(tmp_path / "old")


def test_a_file_that_is_open_for_a_while_is_replaced_when_it_is_closed(files, monkeypatch):
    calls = refuse(monkeypatch, 3)
    replace_file(*files, patience=30)
    assert len(calls) == 4
    with open(files[1], "rb") as file:
        assert file.read() == b"new"


def test_a_file_that_stays_open_is_kept_and_the_error_is_raised(files, monkeypatch):
    calls = refuse(monkeypatch, 10**9)
    with pytest.raises(PermissionError):
        replace_file(*files, patience=0.05)
    assert len(calls) > 1
    with open(files[1], "rb") as file:
        assert file.read() == b"old"


@pytest.mark.posix
def test_a_refusal_is_for_good_where_open_files_can_be_replaced(files, monkeypatch):
    calls = refuse(monkeypatch, 10**9)
    with pytest.raises(PermissionError):
        replace_file(*files)
    assert len(calls) == 1


def test_no_other_fault_is_waited_for(files, monkeypatch):
    calls = refuse(monkeypatch, 10**9, FileNotFoundError)
    with pytest.raises(FileNotFoundError):
        replace_file(*files, patience=30)
    assert len(calls) == 1
