"""Several processes that fill one store: nothing lost, nothing embedded twice."""

import contextlib
import hashlib
import multiprocessing
import os
import signal
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from audio_assets.audio.faults import ClipFault
from audio_assets.embeddings.store import EmbeddingStore
from audio_assets.embeddings.stream import ClipEmbedding
from audio_assets.embeddings.work import CLIPS_PER_SHARD, Filled, fill_store
from audio_assets.errors import ResultsError
from audio_assets.objects import claims, files
from audio_assets.objects.files import file_names
from audio_assets.objects.roots import open_root

CLIPS = 5 * CLIPS_PER_SHARD + 7
AHEAD = 40


def rows(count: int = CLIPS) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(clip_id=f"pos/{n}", uri=f"u{n}", checksum=f"md5:{n:05d}", size=n)
        for n in range(count)
    ]


def embedding(clip) -> ClipEmbedding:
    if clip.uri.endswith("9"):
        fault = ClipFault("not_audio", "ends in nine")
        return ClipEmbedding(clip.clip_id, "x", None, None, None, 0, None, None, fault, False)
    sha256 = hashlib.sha256(clip.uri.encode()).hexdigest()
    vector = np.full(4, int(clip.uri[1:]), dtype=np.float32)
    return ClipEmbedding(
        *(clip.clip_id, sha256, 1.0, 16000, 1, 1, vector, None, None, False),
        window_starts=np.zeros(1),
        window_embeddings=vector[np.newaxis],
    )


def stream(clips, seconds: float = 0.0):
    """As the encoder loop does it: in order, some clips ahead of the results."""
    waiting = []
    for clip in clips:
        waiting.append(clip)
        if len(waiting) > AHEAD:
            time.sleep(seconds)
            yield embedding(waiting.pop(0))
    for clip in waiting:
        yield embedding(clip)


def open_store(root) -> EmbeddingStore:
    return EmbeddingStore(open_root(root), "enc", "f" * 64, warn=pytest.fail)


def fill(root, seconds: float = 0.0, count: int = CLIPS) -> Filled:
    filled = Filled()
    fill_store(
        rows(count),
        open_store(root),
        lambda clips: stream(clips, seconds),
        filled=filled,
        progress=lambda _: None,
    )
    return filled


def check(root) -> EmbeddingStore:
    store = open_store(root)
    store.refresh()
    usable = [row for row in rows() if not row.uri.endswith("9")]
    assert len(store) == len(usable)
    assert not [name for name in file_names(store.folder) if name.startswith(".")]
    return store


def test_every_clip_is_settled_and_embedded_once(root):
    filled = fill(root)
    assert set(filled.keys) | set(filled.faults) == {row.clip_id for row in rows()}
    assert filled.faults["pos/9"].reason == "not_audio"
    store = open_store(root)
    store.refresh()
    assert len(store) == len(filled.keys) == len(filled.embedded) and store.repeats() == 0
    again = fill(root)
    assert not again.embedded and again.keys == filled.keys


def test_clips_that_come_later_are_all_that_is_embedded(tmp_path):
    fill(tmp_path, count=100)
    assert min(int(c.removeprefix("pos/")) for c in fill(tmp_path).embedded) == 100


def recognise(root, checksums: str, *, fail_after: int = CLIPS) -> tuple[Filled, int]:
    """Fill from a listing with these checksums, as an encoder loop that asks what is stored."""
    store, filled, read = open_store(root), Filled(), 0

    def counted(clips):
        nonlocal read
        for clip in clips:
            result = embedding(clip)
            if result.fault is None and result.sha256 in store:
                result = replace(result, embedding=None, cached=True)
            read += 1
            if read > fail_after:
                raise KeyboardInterrupt
            yield result

    listed = rows()
    for row in listed:
        row.checksum = row.checksum.replace("md5", checksums)
    with contextlib.suppress(KeyboardInterrupt):
        fill_store(listed, store, counted, filled=filled, progress=lambda _: None)
    return filled, read


def test_clips_that_another_listing_shows_are_read_once_and_embedded_never(root):
    first = fill(root)
    unusable = len(first.faults)
    moved, read = recognise(root, "crc32c")
    assert (moved.keys, moved.embedded, read) == (first.keys, set(), CLIPS)
    for checksums in ("crc32c", "md5"):
        again, read = recognise(root, checksums)
        assert (again.keys, again.embedded, read) == (first.keys, set(), unusable)
    assert check(root).repeats() == 0


def test_a_run_that_is_killed_keeps_what_it_recognised(tmp_path):
    first = fill(tmp_path)
    recognise(tmp_path, "crc32c", fail_after=3 * CLIPS_PER_SHARD)
    again, read = recognise(tmp_path, "crc32c")
    assert again.keys == first.keys and not again.embedded
    # Faulty clips are in no shard, so that pieces of 64 end later.
    assert read <= CLIPS - 2 * CLIPS_PER_SHARD + len(first.faults)


def work(root: str, seconds: float, results) -> None:
    results.put(len(fill(root, seconds).embedded))


def start(root, seconds: float):
    spawn = multiprocessing.get_context("spawn")
    results = spawn.Queue()
    process = spawn.Process(target=work, args=(str(root), seconds, results))
    process.start()
    return process, results


@pytest.fixture
def shared(request, tmp_path):
    """A root that processes share: the stand-in, since the emulator knows no preconditions."""
    if request.param == "local":
        return tmp_path
    request.getfixturevalue("bucket_server")
    return "gs://field-audio/shared"


on_both = pytest.mark.parametrize("shared", ["local", "bucket"], indirect=True)


@pytest.mark.parametrize(
    "shared", ["local", pytest.param("bucket", marks=pytest.mark.slow)], indirect=True
)
def test_processes_side_by_side_embed_every_clip_once(shared):
    started = [start(shared, 0.004) for _ in range(3)]
    embedded = [results.get(timeout=60) for _, results in started]
    for process, _ in started:
        process.join(60)
    store = check(shared)
    assert store.repeats() == 0
    assert sum(embedded) == len(store)


@pytest.mark.posix
def test_a_killed_process_leaves_its_shards_and_no_claim(tmp_path):
    process, _ = start(tmp_path, 0.005)
    folder = open_store(tmp_path).folder
    deadline = time.monotonic() + 60
    while not list(folder.glob("*.windows")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    store = open_store(tmp_path)
    store.refresh()
    before = len(store)
    assert before >= CLIPS_PER_SHARD
    filled = fill(tmp_path)
    assert check(tmp_path).repeats() == 0
    assert len(filled.embedded) == len(filled.keys) - before


def test_claims_of_finished_work_that_nobody_holds_are_removed_and_held_ones_stay(tmp_path):
    fill(tmp_path)
    store = open_store(tmp_path)
    held = store.claim("held")
    assert held is not None
    # As a process leaves it that is killed after its shard is written.
    (store.folder / ".finished.claim").touch()
    fill(tmp_path)
    assert [path.name for path in store.folder.glob(".*.claim")] == [".held.claim"]
    held.release()
    check(tmp_path)


@on_both
def test_a_claimed_chunk_is_left_to_its_holder_until_it_lets_go(shared):
    from audio_assets.embeddings.work import _chunk_name

    store = open_store(shared)
    claim = store.claim(_chunk_name(rows(), range(CLIPS_PER_SHARD)))
    assert claim is not None
    seen: list[str] = []

    def watching(clips):
        for result in stream(clips):
            seen.append(result.clip_id)
            yield result
        if len(seen) == CLIPS - CLIPS_PER_SHARD:
            claim.release()

    filled = Filled()
    fill_store(rows(), store, watching, filled=filled, progress=lambda _: None)
    first = {row.clip_id for row in rows()[:CLIPS_PER_SHARD]}
    assert set(seen[-CLIPS_PER_SHARD:]) == first
    assert len(seen) == len(set(seen)) == CLIPS


def test_a_full_disk_keeps_what_was_written_and_leaves_nothing_half_done(tmp_path, monkeypatch):
    calls = 0
    sync = os.fsync

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(ResultsError, match="No space left"):
        fill(tmp_path)
    folder = open_store(tmp_path).folder
    assert len(list(folder.iterdir())) == 2
    fill(tmp_path)
    assert check(tmp_path).repeats() == 0


@pytest.mark.posix
@pytest.mark.slow
def test_a_process_killed_on_a_bucket_costs_what_it_had_in_hand(bucket_server, monkeypatch):
    monkeypatch.setattr(claims, "DEAD_SECONDS", 0.3)
    monkeypatch.setattr(claims, "_BUCKET_POLL_SECONDS", 0.05)
    root = "gs://field-audio/killed"
    process, _ = start(root, 0.005)
    folder = open_store(root).folder
    deadline = time.monotonic() + 60
    while not any(n.endswith(".windows") for n in file_names(folder)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    assert any(name.endswith(".claim") for name in file_names(folder))
    store = open_store(root)
    store.refresh()
    before = len(store)
    filled = fill(root)
    assert check(root).repeats() == 0
    assert len(filled.embedded) == len(filled.keys) - before


def test_a_claim_in_a_bucket_lives_as_long_as_it_is_renewed(bucket_server, monkeypatch):
    monkeypatch.setattr(claims, "DEAD_SECONDS", 0.2)
    monkeypatch.setattr(claims, "RENEW_SECONDS", 0.0)
    ours, theirs = open_store("gs://field-audio/x"), open_store("gs://field-audio/x")
    claim = ours.claim("work")
    for _ in range(6):
        assert theirs.claim("work") is None
        time.sleep(0.1)
        claim.renew()
    theirs.claim("work")
    time.sleep(0.3)
    taken = theirs.claim("work")
    assert taken is not None
    # Whoever was thought dead takes nothing from its successor.
    claim.renew()
    claim.release()
    assert ours.claim("work") is None
    taken.release()
    assert ours.claim("work") is not None


def test_a_claim_in_a_bucket_is_not_taken_over_before_its_time(bucket_server):
    ours, theirs = open_store("gs://field-audio/x"), open_store("gs://field-audio/x")
    assert ours.claim("work") is not None
    assert [theirs.claim("work") for _ in range(3)] == [None] * 3


def test_a_claim_whose_answer_was_lost_is_still_held(bucket_server):
    bucket_server.fail("lost", "POST")
    store = open_store("gs://field-audio/x")
    claim = store.claim("work")
    assert claim is not None and len(bucket_server.requests) > 1
    assert open_store("gs://field-audio/x").claim("work") is None
