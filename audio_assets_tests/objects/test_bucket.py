"""What becomes of the faults of a bucket that is read: on the stand-in; the emulator has none."""

import gzip
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from audio_assets.catalog.listing import list_objects, list_species
from audio_assets.embeddings.store import EmbeddingStore
from audio_assets.errors import AudioRootError, ResultsError, StorageError, TransientStorageError
from audio_assets.objects import bucket, bucket_requests
from audio_assets.objects.bucket_requests import ChangedError
from audio_assets.objects.files import file_names, read_file
from audio_assets.objects.roots import open_root
from audio_assets_tests.bucket_clips import (
    AUDIO,
    BUCKET,
    IDS,
    PASSING,
    listed,
    put_clips,
    reader,
)


def test_a_listing_has_every_page(server):
    put_clips(server, 2345)
    objects = listed()
    assert [o.name for o in objects] == [f"{n:05d}.wav" for n in range(2345)]
    assert objects[7].generation == str(
        server.objects[BUCKET]["audio/owl/data/pos/00007.wav"].generation
    )
    assert objects[7].checksum.startswith("md5:") and objects[7].updated.year == 2023


def test_a_listing_is_read_a_page_at_a_time(server):
    server.page = 50
    put_clips(server, 250)
    objects = list_objects(open_root(AUDIO), "owl")
    next(objects)
    pages = [r for r in server.requests if "pos" in r]
    assert len(pages) == 1
    assert sum(1 for _ in objects) == 249
    assert len([r for r in server.requests if "pos%2F" in r and "data_5s" not in r]) == 5


def test_folders_and_objects_of_a_page_come_in_order(server):
    server.page = 2
    for name in ("b.wav", "a.wav/x", "c.wav", "d/x", "é.wav", "z.wav"):
        server.put(BUCKET, f"audio/owl/data/pos/{name}", b"x")
    assert [o.name for o in listed()] == ["a.wav", "b.wav", "c.wav", "d", "z.wav", "é.wav"]


@pytest.mark.parametrize("fault", PASSING, **IDS)
def test_a_page_that_fails_for_now_is_asked_for_again(server, fault):
    put_clips(server, 1500)
    server.fail(path=r"pageToken", **fault)
    assert len(listed()) == 1500


@pytest.mark.usefixtures("gives_up_soon")
@pytest.mark.parametrize("kind", [403, 503, "reset", "truncate"])
def test_a_listing_that_fails_in_the_middle_is_an_error_and_no_shorter_listing(server, kind):
    put_clips(server, 1500)
    server.fail(kind, path="pageToken", times=-1)
    with pytest.raises(StorageError):
        listed()


def test_a_missing_folder_is_told_from_a_missing_bucket_and_from_a_refusal(server):
    put_clips(server, 1)
    assert list(list_objects(open_root(AUDIO), "fox")) == []
    with pytest.raises(AudioRootError, match="does not exist"):
        list_species(open_root(f"gs://{BUCKET}/elsewhere"))
    with pytest.raises(StorageError, match="bucket nowhere does not exist"):
        list_species(open_root("gs://nowhere/audio"))
    server.fail(403, times=-1, message="sam does not have storage.objects.list access")
    with pytest.raises(StorageError) as raised:
        list_species(open_root(AUDIO))
    assert AUDIO in raised.value.what and "sam does not have" in raised.value.what
    assert "roles/storage.objectViewer" in raised.value.remedy and BUCKET in raised.value.remedy


@pytest.mark.parametrize("md5", [True, False], ids=["md5", "crc32c"])
@pytest.mark.parametrize("fault", [*PASSING, {"kind": "garble"}], **IDS)
def test_a_download_that_fails_for_now_is_tried_again(server, fault, md5):
    put_clips(server, 3, md5=md5)
    objects = listed()
    server.fail(path="/download/", times=2, **fault)
    assert reader(objects)(objects[1].uri) == b"clip 1"
    assert sum("/download/" in request for request in server.requests) == 3


@pytest.mark.usefixtures("gives_up_soon")
@pytest.mark.parametrize("fault", [*PASSING, {"kind": "garble"}], **IDS)
def test_a_download_that_goes_on_failing_is_a_passing_error_and_no_fault_of_the_clip(server, fault):
    put_clips(server, 1)
    objects = listed()
    # Not for ever, so that a client which never gives up fails here and does not hang.
    server.fail(path="/download/", times=200, **fault)
    with pytest.raises(TransientStorageError, match="00000.wav could not be read") as raised:
        reader(objects)(objects[0].uri)
    # An OSError would put the clip into quarantine.
    assert not isinstance(raised.value, OSError)
    assert len(str(raised.value).splitlines()) == 2
    assert 3 <= sum("/download/" in request for request in server.requests) < 200


def test_waits_are_as_long_as_the_bucket_says(server, monkeypatch):
    monkeypatch.setattr(bucket_requests, "LONGEST_WAIT_SECONDS", 5.0)
    monkeypatch.setattr(bucket_requests, "GIVE_UP_SECONDS", 30.0)
    server.put(BUCKET, "x", b"x")
    slept = []
    monkeypatch.setattr(bucket_requests.time, "sleep", slept.append)
    server.fail(429, headers={"Retry-After": "3"})
    server.fail(429, headers={"Retry-After": "86400"})
    assert read_file(open_root(f"gs://{BUCKET}/x")) == b"x"
    assert [s for s in slept if s >= 3] == [3, 5.0]


@pytest.mark.parametrize("what", ["changed", "removed"])
def test_a_clip_that_is_not_the_one_listed_is_a_passing_error(server, what):
    put_clips(server, 1)
    objects = listed()
    if what == "changed":
        # Even where the bytes are the same.
        put_clips(server, 1)
    else:
        server.objects[BUCKET].clear()
    with pytest.raises(TransientStorageError, match=f"00000.wav was {what} after it was listed"):
        reader(objects)(objects[0].uri)


@pytest.mark.usefixtures("gives_up_soon")
def test_bytes_that_never_fit_the_listing_are_not_given_out(server):
    put_clips(server, 1)
    objects = listed()
    stored = server.objects[BUCKET]["audio/owl/data/pos/00000.wav"]
    stored.data = b"others, with a checksum of their own"
    with pytest.raises(TransientStorageError, match="checksum of the listing"):
        reader(objects)(objects[0].uri)


def test_a_clip_that_may_not_be_read_names_bucket_object_and_role(server):
    put_clips(server, 1)
    objects = listed()
    server.fail(403, path="/download/", message="sam does not have storage.objects.get access")
    with pytest.raises(StorageError) as raised:
        reader(objects)(objects[0].uri)
    assert not isinstance(raised.value, TransientStorageError)
    path = f"{AUDIO}/owl/data/pos/00000.wav"
    said = "sam does not have storage.objects.get access"
    assert raised.value.what == f"{path} may not be read (403): {said}"
    assert f"roles/storage.objectViewer on the bucket {BUCKET}" in raised.value.remedy
    # Asking again would not help.
    assert sum("/download/" in request for request in server.requests) == 1


def test_a_folder_beside_clips_is_listed_as_one(server):
    put_clips(server, 2, folder="audio/owl/data/pos")
    put_clips(server, 2, folder="audio/owl/data/pos/night")
    put_clips(server, 1, folder="audio/owl/data/pos/odd.wav")
    folders = [item.name for item in listed() if item.is_folder]
    assert folders == ["night", "odd.wav"] and len(listed()) == 4


def test_compressed_objects_are_checked_as_stored_and_read_as_meant(server):
    stored = server.put(BUCKET, "audio/owl/data/pos/a.wav", gzip.compress(b"plain"))
    stored.encoding = "gzip"
    objects = listed()
    assert reader(objects)(objects[0].uri) == b"plain"


def test_objects_whose_checksums_a_listing_hides_are_asked_for_them(server):
    put_clips(server, 4)
    plain = listed()
    stored = list(server.objects[BUCKET].values())
    for one in stored[1:]:
        one.key = "kms"
    server.fail(503, path="00002.wav")
    server.requests.clear()
    assert listed() == plain
    assert sum("00001.wav" in r or "00003.wav" in r for r in server.requests) == 2
    # One that went between the listing and the question.
    server.fail(404, path="00003.wav")
    assert [o.name for o in listed()] == ["00000.wav", "00001.wav", "00002.wav"]
    stored[1].key = "own"
    with pytest.raises(StorageError, match="no checksum of .*00001.wav"):
        listed()


def test_parts_of_a_file_are_of_the_object_that_was_opened(server):
    path = open_root(f"gs://{BUCKET}/x")
    bucket.write(path, b"old" * 100_000)
    with bucket.open_ranges(path) as file:
        assert file.read(3) == b"old"
        bucket.write(path, b"new" * 100_000)
        file.seek(200_000)
        with pytest.raises(ChangedError):
            file.read(3)


@pytest.mark.parametrize("fault", PASSING, **IDS)
def test_a_part_that_fails_for_now_is_asked_for_again(server, fault):
    path = open_root(f"gs://{BUCKET}/x")
    bucket.write(path, bytes(range(256)) * 1000)
    with bucket.open_ranges(path) as file:
        server.fail(path="/download/", **fault)
        file.seek(100_000)
        assert file.read(100) == (bytes(range(256)) * 1000)[100_000:100_100]
        assert sum("/download/" in request for request in server.requests) == 2


@pytest.mark.usefixtures("gives_up_soon")
def test_a_part_that_is_not_the_one_asked_for_is_not_given_out(server):
    path = open_root(f"gs://{BUCKET}/x")
    bucket.write(path, b"x" * 200_000)
    server.ignores_ranges = True
    with bucket.open_ranges(path) as file, pytest.raises(TransientStorageError, match="gs://"):
        file.read(3)


def test_downloads_run_side_by_side_on_kept_connections(server, caplog):
    put_clips(server, 64)
    objects = listed()
    server.delay = 0.02
    with caplog.at_level(logging.WARNING), ThreadPoolExecutor(16) as pool:
        read = list(pool.map(reader(objects), [o.uri for o in objects]))
    assert read == [b"clip %d" % n for n in range(64)]
    assert 4 < server.most_at_once <= 16
    assert not caplog.records


@pytest.mark.usefixtures("gives_up_soon")
@pytest.mark.parametrize("fault", [{"kind": 503}, {"kind": "reset"}, {"kind": "truncate"}], **IDS)
def test_a_shard_that_cannot_be_read_for_now_is_no_damaged_one(server, fault, monkeypatch):
    from audio_assets_tests.embeddings.test_embedding_store import clip

    root = open_root(f"gs://{BUCKET}/results")
    store = EmbeddingStore(root, "enc", "f" * 64, warn=pytest.fail)
    store.append([clip(1), clip(2)])
    names = file_names(store.folder)
    again = EmbeddingStore(root, "enc", "f" * 64, warn=pytest.fail)
    planned = server.fail(path="/download/", times=-1, **fault)
    with pytest.raises((TransientStorageError, ResultsError)):
        again.refresh()
    planned.times = 3
    monkeypatch.setattr(bucket_requests, "GIVE_UP_SECONDS", 60.0)
    again.refresh()
    assert len(again) == 2 and file_names(store.folder) == names


def test_the_index_of_a_shard_costs_less_than_the_shard(server):
    from audio_assets_tests.embeddings.test_embedding_store import clip

    root = open_root(f"gs://{BUCKET}/results")
    store = EmbeddingStore(root, "enc", "f" * 64, warn=pytest.fail)
    store.append([clip(n, classes=20_000) for n in range(64)])
    (shard,) = server.objects[BUCKET].values()
    server.sent.clear()
    EmbeddingStore(root, "enc", "f" * 64, warn=pytest.fail).refresh()
    assert 0 < server.sent.total() < len(shard.data) / 8
