"""The same bytes have the same digest wherever they lie, and are read once for it."""

import hashlib

import pytest

from audio_assets.catalog.clip_digests import digest_clips, with_digests
from audio_assets.catalog.inventory import build_inventory
from audio_assets.catalog.listing import list_objects
from audio_assets.catalog.reading import content_reader
from audio_assets.catalog.recordings import RecordingRules
from audio_assets.errors import ResultsError, TransientStorageError
from audio_assets.objects.files import write_atomic
from audio_assets.objects.roots import open_root
from audio_assets.results.validation import validate
from audio_assets.tables import CLIP_DIGESTS

CLIPS = {
    "data/pos/a.wav": b"one",
    "data/pos/b.wav": b"two",
    "data/pos/same.wav": b"two",
    "data/neg/é 1.wav": b"three",
    "data_5s/neg/d.wav": b"four",
}
USED = ["data/neg/é 1.wav", "data/pos/a.wav", "data/pos/b.wav", "data_5s/neg/d.wav"]


def put(root) -> None:
    for name, data in CLIPS.items():
        write_atomic(root / "owl" / name, data)


def take(root):
    return build_inventory(list_objects(root, "owl"), RecordingRules())


def digest(root, known=None, inventory=None):
    inventory = take(root) if inventory is None else inventory
    table, read = digest_clips(
        inventory, known=known, content=content_reader(root, inventory), progress=lambda *_: None
    )
    return validate(table, CLIP_DIGESTS), read


def test_digests_are_of_the_bytes_wherever_the_clips_lie(root):
    put(root)
    table, _ = digest(root)
    assert table["content"].tolist() == [
        "sha256:" + hashlib.sha256(CLIPS[name]).hexdigest() for name in USED
    ]
    inventory = take(root)
    named = with_digests(inventory, table)
    used = named[named["status"] == "ok"]
    assert sorted(used["checksum"]) == sorted(table["content"])
    assert named.drop(columns="checksum").equals(inventory.drop(columns="checksum"))


@pytest.mark.parametrize("md5", [True, False], ids=["md5", "crc32c"])
def test_a_bucket_is_read_once_for_them_and_again_where_it_changed(bucket_server, md5):
    root = open_root("gs://field-audio/audio")
    for name, data in CLIPS.items():
        bucket_server.put("field-audio", f"audio/owl/{name}", data, md5=md5)
    first, read = digest(root)
    assert read == len(USED)
    # The same bytes written again are another generation and the same listing.
    bucket_server.put("field-audio", "audio/owl/data/pos/a.wav", b"one", md5=md5)
    again, read = digest(root, first)
    assert read == 0 and again.equals(first)
    bucket_server.put("field-audio", "audio/owl/data/pos/a.wav", b"else", md5=md5)
    changed, read = digest(root, first)
    assert read == 1
    assert (changed["content"] != first["content"]).tolist() == [False, True, False, False]


def test_a_folder_is_not_read_again_after_its_listing(tmp_path):
    root = open_root(tmp_path)
    put(root)
    table, read = digest_clips(take(root), known=None, content=pytest.fail, progress=pytest.fail)
    assert read == 0 and len(table) == len(USED)


def test_a_file_that_could_not_be_read_has_no_digest_and_keeps_its_name_of_the_listing(tmp_path):
    root = open_root(tmp_path)
    put(root)
    (tmp_path / "owl/data/pos/gone.wav").symlink_to(tmp_path / "nowhere.wav")
    inventory = take(root)
    table, _ = digest(root)
    assert "pos/gone" not in set(table["clip_id"])
    named = with_digests(inventory, table)
    assert named.set_index("clip_id").at["pos/gone", "checksum"].startswith("unread:")


@pytest.mark.usefixtures("gives_up_soon")
def test_a_bucket_that_stays_away_is_an_error_and_no_shorter_table(bucket_server):
    root = open_root("gs://field-audio/audio")
    put(root)
    inventory = take(root)
    bucket_server.fail(503, path="/download/.*neg", times=-1)
    with pytest.raises(TransientStorageError):
        digest(root, inventory=inventory)


def test_digests_of_an_earlier_inventory_are_an_error(bucket_server):
    root = open_root("gs://field-audio/audio")
    put(root)
    old, _ = digest(root)
    bucket_server.put("field-audio", "audio/owl/data/pos/new.wav", b"new")
    with pytest.raises(ResultsError, match="older than audio_inventory"):
        with_digests(take(root), old)
