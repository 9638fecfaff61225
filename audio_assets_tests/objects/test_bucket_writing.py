"""What becomes of the faults of a bucket that is written to: on the stand-in."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from audio_assets.errors import StorageError
from audio_assets.objects import bucket
from audio_assets.objects.bucket_requests import ChangedError
from audio_assets.objects.files import delete_file, exists, file_names, read_file, write_atomic
from audio_assets.objects.roots import open_root
from audio_assets_tests.bucket_clips import BUCKET, IDS, PASSING


@pytest.mark.parametrize("size", [10, 9 << 20], ids=["one request", "resumable"])
@pytest.mark.parametrize("fault", PASSING, **IDS)
def test_a_write_that_fails_for_now_is_tried_again(server, fault, size):
    path = open_root(f"gs://{BUCKET}/results/table.parquet")
    server.fail(path="upload", **fault)
    write_atomic(path, b"x" * size)
    assert read_file(path) == b"x" * size


@pytest.mark.usefixtures("gives_up_soon")
@pytest.mark.parametrize("kind", [503, "reset", 403])
@pytest.mark.parametrize("size", [10, 9 << 20], ids=["one request", "resumable"])
def test_a_write_that_fails_leaves_the_old_table(server, kind, size):
    path = open_root(f"gs://{BUCKET}/results/table.parquet")
    write_atomic(path, b"old")
    server.fail(kind, "PUT" if size > 10 else "POST", times=-1)
    with pytest.raises(StorageError, match="table.parquet"):
        write_atomic(path, b"x" * size)
    server.faults.clear()
    assert read_file(path) == b"old" and file_names(path.parent) == ["table.parquet"]


def test_a_write_that_is_refused_names_the_role_to_write(server):
    server.fail(403, "POST")
    with pytest.raises(StorageError, match="roles/storage.objectUser on the bucket field-audio"):
        write_atomic(open_root(f"gs://{BUCKET}/a.csv"), b"x")


def test_a_small_table_is_written_in_one_request(server):
    write_atomic(open_root(f"gs://{BUCKET}/a.csv"), b"x" * 100_000)
    assert len(server.requests) == 1


def test_of_many_who_create_an_object_one_does(server):
    path = open_root(f"gs://{BUCKET}/claim")
    start = threading.Barrier(8)

    def create(n: int) -> bool:
        start.wait()
        try:
            bucket.write(path, b"%d" % n, generation=0)
        except ChangedError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(8))) == 1


@pytest.mark.parametrize("then", ["gone", "another"])
def test_an_object_that_goes_while_it_is_compared_was_still_of_another(server, monkeypatch, then):
    path = open_root(f"gs://{BUCKET}/claim")
    bucket.write(path, b"theirs")
    real = bucket.generation_of

    def meanwhile(path):
        found = real(path)
        server.objects[BUCKET].clear()
        if then == "another":
            server.put(BUCKET, "claim", b"ours")
        return found

    monkeypatch.setattr(bucket, "generation_of", meanwhile)
    with pytest.raises(ChangedError):
        bucket.write(path, b"ours", generation=0)


def test_a_missing_object_is_no_fault_to_delete_and_not_found_to_read(server):
    path = open_root(f"gs://{BUCKET}/nothing")
    delete_file(path)
    assert not exists(path)
    with pytest.raises(FileNotFoundError, match="nothing"):
        read_file(path)
    with pytest.raises(StorageError, match="bucket nowhere does not exist"):
        read_file(open_root("gs://nowhere/x"))


def test_only_the_generation_that_was_seen_is_deleted(server):
    path = open_root(f"gs://{BUCKET}/x")
    old = bucket.write(path, b"old")
    bucket.write(path, b"new")
    bucket.delete(path, generation=old)
    assert read_file(path) == b"new"
