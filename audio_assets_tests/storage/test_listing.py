import os

import pytest
from upath import UPath

from audio_assets.errors import AudioRootError
from audio_assets.storage.files import read_file, write_atomic
from audio_assets.storage.listing import list_objects, list_species


def put(root, path, data=b"x"):
    write_atomic(root / path, data)


def test_objects_come_in_order_with_their_folders_and_sizes(root):
    put(root, "owl/data/pos/b.wav", b"22")
    put(root, "owl/data/pos/a b é.flac", b"1")
    put(root, "owl/data_5s/neg/c.wav", b"333")
    put(root, "owl/elsewhere/pos/d.wav")
    put(root, "fox/data/pos/e.wav")
    listed = list(list_objects(root, "owl"))
    assert [(o.path, o.size) for o in listed] == [
        ("owl/data/pos/a b é.flac", 1),
        ("owl/data/pos/b.wav", 2),
        ("owl/data_5s/neg/c.wav", 3),
    ]
    assert read_file(UPath(listed[0].uri, **root.storage_options)) == b"1"


def test_equal_bytes_have_equal_checksums_and_others_do_not(root):
    put(root, "owl/data/pos/a.wav", b"same")
    put(root, "owl/data/neg/b.wav", b"same")
    put(root, "owl/data/neg/c.wav", b"diff")
    checksums = {o.name: o.checksum for o in list_objects(root, "owl")}
    assert checksums["a.wav"] == checksums["b.wav"] != checksums["c.wav"]


def test_hidden_files_and_subfolders_are_left_out(root):
    put(root, "owl/data/pos/.DS_Store")
    put(root, "owl/data/pos/deeper/a.wav")
    put(root, "owl/data/pos/notes.txt")
    assert [o.name for o in list_objects(root, "owl")] == ["notes.txt"]


def test_a_missing_species_folder_has_no_objects(root):
    put(root, "owl/data/pos/a.wav")
    assert list(list_objects(root, "fox")) == []


def test_a_missing_root_is_an_error_and_not_an_empty_listing(root):
    with pytest.raises(AudioRootError, match="does not exist"):
        list_species(root / "nowhere")
    with pytest.raises(AudioRootError, match="does not exist"):
        list(list_objects(root / "nowhere", "owl"))


def test_a_root_that_is_a_file_is_an_error(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(AudioRootError):
        list_species(UPath(tmp_path / "file"))


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path, monkeypatch):
    put(UPath(tmp_path), "owl/data/pos/a.wav")
    real = os.scandir

    def refuse(path):
        if str(path).endswith("pos"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(AudioRootError, match="Permission denied"):
        list(list_objects(UPath(tmp_path), "owl"))


def test_species_folders_that_break_the_key_rule_are_reported_not_listed(root):
    for name in ("coyote", "human_vocal", "a|b", "Grey Fox", ".hidden"):
        put(root, f"{name}/data/pos/a.wav")
    put(root, "clips.csv")
    listing = list_species(root)
    assert listing.species == ("coyote", "human_vocal")
    assert set(listing.rejected) == {"a|b", "Grey Fox"}


def test_a_file_that_cannot_be_read_stays_in_the_listing(tmp_path, monkeypatch):
    put(UPath(tmp_path), "owl/data/pos/a.wav")
    (tmp_path / "owl/data/pos/gone.wav").symlink_to(tmp_path / "nowhere.wav")
    names = {o.name: o.checksum for o in list_objects(UPath(tmp_path), "owl")}
    assert names["gone.wav"].startswith("unread:")
    assert names["a.wav"].startswith("sha256:")
