"""What requests to a bucket cost is counted where they are made."""

from concurrent.futures import ThreadPoolExecutor

from audio_assets.objects import bucket
from audio_assets.objects.bucket_requests import counting_requests, map_counted, requests_made
from audio_assets.objects.roots import open_root
from audio_assets_tests.conftest import BUCKET


def test_every_try_and_every_page_is_a_request_of_its_kind(bucket_server):
    root = open_root(f"gs://{BUCKET}/audio")
    for number in range(5):
        bucket_server.put(BUCKET, f"audio/{number}.wav", b"wav")
    bucket_server.page = 2
    bucket_server.fail(503, "GET", times=1)
    before = requests_made()
    with counting_requests() as made:
        assert len(list(bucket.list_folder(root))) == 5
        bucket.read(root / "0.wav")
        bucket.write(root / "new", b"new")
        bucket.delete(root / "new")
    assert made == {"list": 4, "read": 1, "write": 1, "delete": 1}
    assert sum(made.values()) == len(bucket_server.requests)
    after = requests_made()
    assert {kind: after[kind] - before.get(kind, 0) for kind in after} == made


def test_what_other_threads_ask_for_is_counted_for_them_alone(bucket_server):
    root = open_root(f"gs://{BUCKET}/audio")

    def look(name: str) -> None:
        list(bucket.list_folder(root / name))

    with ThreadPoolExecutor(4) as pool, counting_requests() as made:
        list(map_counted(pool, look, "abc"))
        assert made == {"list": 3}
        # As another sensor in the same process would.
        pool.submit(look, "d").result()
        assert made == {"list": 3}
        with counting_requests() as within:
            look("e")
        assert (made, within) == ({"list": 4}, {"list": 1})
