"""What becomes of shards that are not what was written, and of shards that are merged."""

import io
import multiprocessing
import random

import numpy as np
import pyarrow.parquet as pq
import pytest
from upath import UPath

from audio_assets.embeddings.clip_rows import ListedContent, StoredClip
from audio_assets.embeddings.shards import is_shard, read_shard, shard_bytes
from audio_assets.embeddings.window_rows import SCORES, mean_of_windows
from audio_assets.embeddings.store import EmbeddingStore
from audio_assets.errors import ResultsError
from audio_assets.objects.files import exists, file_names, read_file, write_atomic
from audio_assets_tests.embeddings.stored import read_clips


def clip(n: int) -> StoredClip:
    rng = np.random.default_rng(n)
    windows = rng.normal(size=(2, 4)).astype(np.float32)
    return StoredClip(
        sha256=f"{n:064x}",
        checksum=f"md5:{n}",
        size=n,
        seconds=n + 0.5,
        windows=2,
        embedding=mean_of_windows(windows),
        class_scores=rng.normal(size=3).astype(np.float32),
        window_embeddings=windows,
        window_starts=np.array([0.0, 3.0]),
    )


KEYS = [clip(n).sha256 for n in range(200)]


class Opened:
    def __init__(self, root, fingerprint: str = "f" * 64) -> None:
        self.warnings: list[str] = []
        self.store = EmbeddingStore(root, "enc", fingerprint, warn=self.warnings.append)
        self.store.refresh()


def shards(store) -> list[UPath]:
    return [store.folder / n for n in file_names(store.folder) if is_shard(n)]


def one_shard(root, clips: int = 3) -> UPath:
    store = Opened(root).store
    store.append([clip(n) for n in range(clips)])
    return shards(store)[0]


def wrong_fingerprint(path):
    table = read_shard(path, None, "enc", "f" * 64).table
    write_atomic(path, shard_bytes(table, "enc", "e" * 64, 3))


def wrong_schema(path):
    table = read_shard(path, None, "enc", "f" * 64).table.drop_columns(["checksum"])
    write_atomic(path, shard_bytes(table, "enc", "f" * 64, 3))


DAMAGE = {
    "torn": lambda path: write_atomic(path, read_file(path)[:-20]),
    "empty": lambda path: write_atomic(path, b""),
    "no parquet": lambda path: write_atomic(path, b"PAR1 and nothing more"),
    "wrong fingerprint": wrong_fingerprint,
    "wrong schema": wrong_schema,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_shard_is_set_aside_and_named(root, damage):
    shard = one_shard(root)
    damage(shard)
    bad = read_file(shard)
    opened = Opened(root)
    assert len(opened.store) == 0
    assert len(opened.warnings) == 1 and shard.name in opened.warnings[0]
    assert file_names(shard.parent) == [f"{shard.name}.damaged"]
    assert read_file(shard.parent / f"{shard.name}.damaged") == bad

    opened.store.append([clip(n) for n in range(3)])
    again = Opened(root)
    assert len(read_clips(again.store, KEYS[:3], classes=[0])) == 3 and not again.warnings


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_index_is_set_aside_and_costs_no_embedding(tmp_path, damage):
    root = UPath(tmp_path)
    shard = one_shard(root)
    Opened(root).store.note([ListedContent(KEYS[1], "crc32c:1", 1)])
    (index,) = tmp_path.rglob("*.index")
    damage(UPath(index))
    opened = Opened(root)
    assert opened.store.sha256_of("crc32c:1", 1) is None
    assert f"{index.name}.damaged; its clips are read again" in opened.warnings[0]
    assert exists(shard) and len(read_clips(opened.store, KEYS[:3])) == 3


def test_a_noted_clip_whose_shard_is_damaged_is_embedded_again(root):
    shard = one_shard(root)
    Opened(root).store.note([ListedContent(KEYS[1], "crc32c:1", 1)])
    DAMAGE["torn"](shard)
    store = Opened(root).store
    assert store.sha256_of("crc32c:1", 1) is None
    store.append([clip(1)])
    assert store.sha256_of("crc32c:1", 1) == KEYS[1]


def test_a_second_damaged_shard_of_the_same_clips_does_not_replace_the_first(root):
    for content in (b"first", b"second"):
        write_atomic(one_shard(root), content)
        Opened(root)
    folder = Opened(root).store.folder
    aside = {read_file(folder / name) for name in file_names(folder)}
    assert aside == {b"first", b"second"}


def test_a_shard_damaged_after_it_was_indexed_is_set_aside_when_read(root):
    shard = one_shard(root)
    opened = Opened(root)
    opened.store.append([clip(9)])
    write_atomic(shard, read_file(shard)[:100])
    read = read_clips(opened.store, [*KEYS[:3], KEYS[9]])
    assert set(read) == {KEYS[9]}
    assert KEYS[0] not in opened.store and shard.name in opened.warnings[0]
    assert opened.store.sha256_of("md5:1", 1) is None


def test_setting_aside_is_harmless_if_another_process_did_it_already(root):
    shard = one_shard(root)
    first, second = Opened(root), Opened(root)
    write_atomic(shard, b"bad")
    assert not read_clips(first.store, KEYS[:3]) and not read_clips(second.store, KEYS[:3])
    assert len(file_names(shard.parent)) == 1


def test_no_flipped_bit_changes_what_is_read(tmp_path):
    shard = one_shard(UPath(tmp_path))
    good = read_file(shard)
    expected = read_clips(Opened(UPath(tmp_path)).store, KEYS[:3], classes=[0, 1, 2])
    rng = random.Random(0)
    noticed = 0
    for _ in range(400):
        bad = bytearray(good)
        bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
        write_atomic(shard, bytes(bad))
        opened = Opened(UPath(tmp_path))
        read = read_clips(opened.store, KEYS[:3], classes=[0, 1, 2])
        assert bool(opened.warnings) == (len(read) == 0)
        noticed += bool(opened.warnings)
        for key, found in read.items():
            assert found.seconds == expected[key].seconds
            assert found.windows == expected[key].windows
            np.testing.assert_array_equal(found.embedding, expected[key].embedding)
            np.testing.assert_array_equal(found.class_scores, expected[key].class_scores)
        for aside in shard.parent.glob("*.damaged"):
            aside.unlink()
    # The rest fell on bytes that say nothing, such as the name of the writing library.
    assert noticed > 240


def test_a_shard_that_cannot_be_read_is_no_damaged_one(tmp_path, monkeypatch):
    shard = one_shard(UPath(tmp_path))

    def fail(*_, **__):
        raise PermissionError(13, "no")

    monkeypatch.setattr(type(shard), "open", fail)
    monkeypatch.setattr(type(shard), "read_bytes", fail)
    with pytest.raises(ResultsError, match=shard.name):
        Opened(UPath(tmp_path))
    assert [p.name for p in shard.parent.iterdir()] == [shard.name]


def many_shards(root, count: int = 20) -> EmbeddingStore:
    store = Opened(root).store
    for n in range(count):
        store.append([clip(2 * n), clip(2 * n + 1)])
    return store


def test_merging_leaves_one_shard_with_every_clip(root):
    store = many_shards(root)
    assert store.merge_small() == 20
    assert len(shards(store)) == 1
    for reader in (store, Opened(root).store):
        read = read_clips(reader, KEYS[:40], classes=[2])
        assert {k: list(c.embedding) for k, c in read.items()} == {
            clip(n).sha256: list(clip(n).embedding) for n in range(40)
        }
        assert read[KEYS[7]].class_scores == clip(7).class_scores[2]
    assert store.merge_small() == 0


def test_a_reader_that_indexed_the_old_shards_finds_the_merged_one(root):
    writer = many_shards(root)
    reader = Opened(root)
    writer.merge_small()
    assert set(read_clips(reader.store, KEYS[:40])) == set(KEYS[:40])
    assert not reader.warnings


def test_few_small_shards_are_left_alone(root):
    store = many_shards(root, count=3)
    assert store.merge_small() == 0
    assert len(shards(store)) == 3


def test_a_merge_drops_copies_and_keeps_count_of_them(root):
    store, other = many_shards(root), Opened(root)
    early = EmbeddingStore(root, "enc", "f" * 64, warn=print)
    early.append([clip(n) for n in range(5)])
    store.refresh()
    assert len(store) == 40 and store.repeats() == 5
    store.merge_small()
    for reader in (store, Opened(root).store):
        assert len(reader) == 40 and reader.repeats() == 5
    # Two windows each.
    assert len(pq.read_table(io.BytesIO(read_file(shards(store)[0])))) == 80
    other.store.refresh()
    assert len(other.store) == 40


def test_a_merge_that_equals_one_of_its_parts_keeps_it(root):
    store = many_shards(root, count=15)
    whole = EmbeddingStore(root, "enc", "f" * 64, warn=print)
    whole.append([clip(n) for n in range(30)])
    store.refresh()
    assert store.merge_small() == 16
    assert len(shards(store)) == 1
    assert set(read_clips(Opened(root).store, KEYS[:30])) == set(KEYS[:30])


def test_a_merge_sets_damaged_shards_aside(root):
    store = many_shards(root)
    victim = shards(store)[4]
    lost = [key for key in KEYS[:40] if store._view.shard_of[bytes.fromhex(key)] == victim.name]
    write_atomic(victim, b"bad")
    assert store.merge_small() == 19
    assert set(read_clips(store, KEYS[:40])) == set(KEYS[:40]) - set(lost)
    assert exists(victim.parent / f"{victim.name}.damaged")


def read_all(folder: str, rounds: int, failures) -> None:
    opened = Opened(UPath(folder))
    for _ in range(rounds):
        opened.store.refresh()
        read = read_clips(opened.store, KEYS[:40])
        if set(read) != set(KEYS[:40]) or opened.warnings:
            failures.put((sorted(set(KEYS[:40]) - set(read)), opened.warnings))


def test_readers_beside_merges_always_find_every_clip(tmp_path):
    many_shards(UPath(tmp_path))
    spawn = multiprocessing.get_context("spawn")
    failures = spawn.Queue()
    reader = spawn.Process(target=read_all, args=(str(tmp_path), 300, failures))
    reader.start()
    n = 40
    while reader.is_alive() and n < 4000:
        # New small shards each time, some with clips that are known.
        for _ in range(16):
            blind = EmbeddingStore(UPath(tmp_path), "enc", "f" * 64, warn=print)
            blind.append([clip(n), clip(n % 40)])
            n += 1
        Opened(UPath(tmp_path)).store.merge_small()
    reader.join(60)
    assert reader.exitcode == 0
    assert failures.empty(), failures.get()


def test_class_scores_are_kept_by_a_merge(root):
    store = many_shards(root)
    store.merge_small()
    assert SCORES in pq.read_schema(io.BytesIO(read_file(shards(store)[0]))).names
