"""Clips are read as they were listed; in a folder here, in a bucket in test_bucket."""

import os

import pytest
from upath import UPath

from audio_assets.audio.decode import DurationLimits
from audio_assets.catalog import listed_files, listing
from audio_assets.catalog.clip_names import DEFAULT_RECORDING_PATTERNS
from audio_assets.catalog.inventory import build_inventory
from audio_assets.catalog.listing import list_objects
from audio_assets.catalog.reading import ClipReader
from audio_assets.catalog.recordings import RecordingRules
from audio_assets.errors import TransientStorageError

RULES = RecordingRules(patterns=DEFAULT_RECORDING_PATTERNS)


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "owl/data/pos/a.wav"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"1111")
    return path


def reader(folder):
    root = UPath(folder)
    return ClipReader(root, build_inventory(list_objects(root, "owl"), RULES), DurationLimits())


def test_a_clip_is_read_as_it_was_listed(tmp_path, clip):
    assert reader(tmp_path)(str(clip)) == b"1111"


@pytest.mark.parametrize("fault", [FileNotFoundError, PermissionError, OSError, TimeoutError])
def test_a_clip_that_was_listed_and_cannot_be_read_is_a_passing_error(
    tmp_path, clip, monkeypatch, fault
):
    read = reader(tmp_path)

    def fail(path):
        raise fault(5, "Input/output error", str(path))

    monkeypatch.setattr(listed_files, "read_file", fail)
    with pytest.raises(TransientStorageError, match="could be when it was listed") as raised:
        read(str(clip))
    assert str(clip) in str(raised.value)


def test_a_clip_that_was_changed_after_it_was_listed_is_a_passing_error(tmp_path, clip):
    read = reader(tmp_path)
    seen = clip.stat()
    clip.write_bytes(b"2222")
    os.utime(clip, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    with pytest.raises(TransientStorageError, match="changed after it was listed"):
        read(str(clip))
    assert reader(tmp_path)(str(clip)) == b"2222"


def test_a_clip_that_could_not_be_read_when_it_was_listed_is_a_fault_of_its_own(
    tmp_path, clip, monkeypatch
):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(listing, "require_file", refuse)
    read = reader(tmp_path)
    monkeypatch.setattr(listed_files, "read_file", refuse)
    with pytest.raises(PermissionError):
        read(str(clip))
