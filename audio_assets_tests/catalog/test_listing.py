import os
import time

import pytest
from upath import UPath

from audio_assets.catalog import listing
from audio_assets.catalog.clip_names import DEFAULT_RECORDING_PATTERNS
from audio_assets.catalog.inventory import build_inventory, known_checksums, listing_digest
from audio_assets.catalog.listing import list_objects, list_species
from audio_assets.catalog.recordings import RecordingRules
from audio_assets.errors import AudioRootError
from audio_assets.objects.files import file_state, read_file, write_atomic

RULES = RecordingRules(patterns=DEFAULT_RECORDING_PATTERNS)
SAMPLES = "owl/data/pos/a.wav"


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


def test_hidden_files_are_left_out_and_subfolders_are_listed_without_their_files(root):
    put(root, "owl/data/pos/.DS_Store")
    put(root, "owl/data/pos/deeper/a.wav")
    put(root, "owl/data/pos/notes.txt")
    put(root, "owl/data/pos/.hidden/a.wav")
    listed = [(o.name, o.is_folder) for o in list_objects(root, "owl")]
    assert listed == [("deeper", True), ("notes.txt", False)]


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


def test_a_file_that_goes_while_its_folder_is_listed_takes_no_other_with_it(tmp_path, monkeypatch):
    for name in "abc":
        put(UPath(tmp_path), f"owl/data/pos/{name}.wav")
    real = os.scandir

    class Copying:
        """Renames a file of the folder as soon as its name was read."""

        def __init__(self, path):
            self._real = real(path)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self._real.close()

        def __iter__(self):
            for entry in self._real:
                if entry.name == "b.wav":
                    os.rename(entry.path, entry.path + ".part")
                yield entry

    monkeypatch.setattr(os, "scandir", Copying)
    assert [o.name for o in list_objects(UPath(tmp_path), "owl")] == ["a.wav", "c.wav"]


@pytest.mark.parametrize("left", [(), (".Trash",)])
def test_an_empty_root_is_an_error_as_its_drive_may_not_be_mounted(tmp_path, left):
    for name in left:
        (tmp_path / name).mkdir()
    for look in (list_species, lambda root: list(list_objects(root, "owl"))):
        with pytest.raises(AudioRootError, match="nothing under the audio root") as raised:
            look(UPath(tmp_path))
        assert "mounted" in str(raised.value)


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


class WindowsEntry:
    """An entry of a folder as Windows has it: what it knows by itself lacks the inode number."""

    def __init__(self, entry):
        self._entry = entry
        self.name, self.path = entry.name, entry.path

    def is_symlink(self):
        return self._entry.is_symlink()

    def stat(self, *, follow_symlinks=True):
        seen = list(self._entry.stat(follow_symlinks=follow_symlinks))
        return os.stat_result([seen[0], 0, *seen[2:]])


def test_a_file_has_the_state_that_it_has_when_it_is_read(tmp_path, monkeypatch, _later):
    put(UPath(tmp_path), SAMPLES)
    scandir = os.scandir

    class Folder(list):
        """As what ``os.scandir`` gives, which is closed at the end."""

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    def as_on_windows(path):
        with scandir(path) as entries:
            return Folder(map(WindowsEntry, entries))

    monkeypatch.setattr(listing.os, "scandir", as_on_windows)
    (found,) = list_objects(UPath(tmp_path), "owl")
    assert found.file_state == file_state((tmp_path / SAMPLES).stat())


@pytest.fixture
def _later(monkeypatch):
    """A clock by which what was written just now was written a minute ago."""
    real = time.time_ns
    monkeypatch.setattr(listing.time, "time_ns", lambda: real() + 60 * 10**9)


def write_again(path):
    path.write_bytes(b"2222")


def put_another_in_its_place(path):
    other = path.with_name(".other")
    other.write_bytes(b"2222")
    seen = path.stat()
    os.utime(other, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    other.replace(path)


def write_again_and_set_the_time_back(path):
    seen = path.stat()
    path.write_bytes(b"2222")
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def lead_the_link_elsewhere(path):
    other = path.with_name(".other")
    other.write_bytes(b"2222")
    path.unlink()
    path.symlink_to(other)


def tick():
    """Longer than a step of the file system's clock."""
    time.sleep(0.02)


CHANGES = [
    write_again,
    put_another_in_its_place,
    write_again_and_set_the_time_back,
    lead_the_link_elsewhere,
]


@pytest.mark.usefixtures("_later")
def test_a_local_file_that_is_as_it_was_is_not_read_again(tmp_path, monkeypatch):
    root = UPath(tmp_path)
    put(root, SAMPLES, b"1111")
    put(root, "owl/data/neg/b.wav", b"1112")
    first = build_inventory(list_objects(root, "owl"), RULES)
    monkeypatch.setattr(listing, "_computed", None)
    again = build_inventory(list_objects(root, "owl", known=known_checksums(first)), RULES)
    assert again.equals(first)
    with pytest.raises(TypeError):
        list(list_objects(root, "owl"))


@pytest.mark.usefixtures("_later")
@pytest.mark.parametrize("change", CHANGES)
def test_a_local_file_that_was_changed_is_read_again_whatever_its_size_and_time(tmp_path, change):
    root = UPath(tmp_path)
    put(root, SAMPLES, b"1111")
    known = known_checksums(build_inventory(list_objects(root, "owl"), RULES))
    assert len(known) == 1
    tick()
    change(tmp_path / SAMPLES)
    (now,) = list_objects(root, "owl", known=known)
    (fresh,) = list_objects(root, "owl")
    assert now == fresh and now.checksum not in known.values()


def test_a_file_that_changed_just_now_is_read_again_as_its_clock_may_not_have_moved(tmp_path):
    root = UPath(tmp_path)
    put(root, SAMPLES, b"1111")
    inventory = build_inventory(list_objects(root, "owl"), RULES)
    assert inventory["checksum"][0].startswith("sha256:") and inventory["file_state"][0] == ""
    assert known_checksums(inventory) == {}


@pytest.mark.usefixtures("_later")
def test_a_file_that_could_not_be_read_is_tried_again(tmp_path, monkeypatch):
    root = UPath(tmp_path)
    put(root, SAMPLES, b"1111")

    def refuse(*_):
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(listing, "require_file", refuse)
        inventory = build_inventory(list_objects(root, "owl"), RULES)
    assert inventory["checksum"][0].startswith("unread:")
    (now,) = list_objects(root, "owl", known=known_checksums(inventory))
    assert now.checksum.startswith("sha256:")


@pytest.mark.parametrize("change", CHANGES)
def test_the_digest_of_a_listing_changes_with_a_file_whatever_its_size_and_time(tmp_path, change):
    root = UPath(tmp_path)
    put(root, SAMPLES, b"1111")

    def seen(*, read):
        return listing_digest(list_objects(root, "owl", compute_checksums=read), RULES)

    before = seen(read=True)
    tick()
    assert seen(read=False) == before
    change(tmp_path / SAMPLES)
    assert seen(read=False) != before
