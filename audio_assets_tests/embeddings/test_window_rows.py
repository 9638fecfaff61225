"""One row per window: what is stored of a clip, its mean as a view, and stores of means alone."""

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from audio_assets.embeddings import shards
from audio_assets.embeddings.clip_rows import StoredClip, shard_table
from audio_assets.embeddings.shards import read_shard, shard_bytes
from audio_assets.embeddings.store import EmbeddingStore
from audio_assets.embeddings.window_rows import mean_of_windows
from audio_assets.errors import ResultsError
from audio_assets_tests.embeddings.earlier_store import write_earlier_shard
from audio_assets_tests.embeddings.stored import read_clips

FINGERPRINT = "f" * 64


def clip(number: int, windows: int | None, dimension: int = 5, *, scale: float = 1.0) -> StoredClip:
    """A clip with its windows, or with None as an earlier version stored it."""
    rng = np.random.default_rng(number)
    values = (rng.normal(size=(windows or 3, dimension)) * scale).astype(np.float32)
    # As the stream has always averaged.
    mean = values.mean(axis=0, dtype=np.float64).astype(np.float32)
    return StoredClip(
        sha256=f"{number:064x}",
        checksum=f"sha256:{number:064x}",
        size=number + 1,
        seconds=3.0 * len(values),
        windows=len(values),
        embedding=mean,
        class_scores=rng.normal(size=4).astype(np.float32),
        window_embeddings=None if windows is None else values,
        window_starts=None if windows is None else np.arange(len(values)) * 3.0,
    )


def open_store(folder: Path, *, need_windows: bool = False) -> EmbeddingStore:
    store = EmbeddingStore(
        UPath(folder), "enc", FINGERPRINT, warn=pytest.fail, need_windows=need_windows
    )
    store.refresh()
    return store


def write(store: EmbeddingStore, clips: list[StoredClip]) -> None:
    """A shard of clips with windows and one of clips without, whatever the store has of them."""
    means = [one for one in clips if one.window_embeddings is None]
    if means:
        write_earlier_shard(Path(store.folder.path), means, "enc", FINGERPRINT, reading=2)
    windows = [one for one in clips if one.window_embeddings is not None]
    if windows:
        table = shard_table(windows)
        data = shard_bytes(table, "enc", FINGERPRINT, len(windows))
        Path(store.folder.path).mkdir(parents=True, exist_ok=True)
        Path(store.folder.path, shards.shard_name(table)).write_bytes(data)


def check(store: EmbeddingStore, clips: list[StoredClip]) -> None:
    keys = [one.sha256 for one in clips]
    found = read_clips(store, keys, range(4))
    lacking = store.without_windows(keys)
    windows = {one.sha256: one for one in store.read_windows(set(keys) - set(lacking))}
    assert found.keys() == {*windows, *lacking} == set(keys)
    for one in clips:
        assert found[one.sha256].embedding.tobytes() == one.embedding.tobytes()
        assert found[one.sha256].class_scores.tobytes() == one.class_scores.tobytes()
        assert (found[one.sha256].windows, found[one.sha256].size) == (one.windows, one.size)
        if one.window_embeddings is None:
            assert one.sha256 in lacking
        else:
            stored = windows[one.sha256]
            assert stored.embeddings.tobytes() == one.window_embeddings.tobytes()
            assert stored.starts.tolist() == one.window_starts.tolist()


@settings(max_examples=25, deadline=None)
@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=8),
    dimension=st.integers(1, 1280),
    exponents=st.lists(st.integers(-30, 30), min_size=8, max_size=8),
)
def test_the_mean_of_stored_windows_is_bit_for_bit_the_mean_of_the_encoder_output(
    tmp_path_factory, counts, dimension, exponents
):
    clips = [
        clip(number, count, dimension, scale=10.0**exponent)
        for number, (count, exponent) in enumerate(zip(counts, exponents))
    ]
    folder = tmp_path_factory.mktemp("store")
    open_store(folder).append(clips)
    check(open_store(folder), clips)


def test_a_mean_taken_in_float32_would_be_another():
    values = clip(200, 200, 1024).window_embeddings
    assert mean_of_windows(values).tobytes() != values.mean(axis=0).tobytes()


def test_a_shard_has_a_row_per_window_with_its_start(tmp_path):
    store = open_store(tmp_path)
    store.append([clip(1, 2), clip(2, 3)])
    (path,) = Path(store.folder.path).glob("*.windows")
    rows = pq.read_table(path)
    assert rows["sha256"].to_pylist() == [clip(1, 2).sha256] * 2 + [clip(2, 3).sha256] * 3
    assert rows["window"].to_pylist() == [0, 1, 0, 1, 2]
    assert rows["start"].to_pylist() == [0.0, 3.0, 0.0, 3.0, 6.0]
    assert rows["class_scores"].null_count == 3


def test_a_mean_does_not_keep_the_windows_of_its_shard_in_memory(tmp_path):
    store = open_store(tmp_path)
    store.append([clip(1, 200, 1000), clip(2, 200, 1000)])
    before = pa.total_allocated_bytes()
    found = list(store.read([clip(1, 200).sha256]))
    # The shard has 400 windows of 4 kB.
    assert len(found) == 1 and pa.total_allocated_bytes() - before < 20_000


@pytest.mark.parametrize("rows", [[0, 2], [1, 2], [0, 1], [0, 2, 1]])
def test_a_window_that_is_missing_is_damage(tmp_path, rows):
    store = open_store(tmp_path)
    store.append([clip(1, 3)])
    (path,) = Path(store.folder.path).glob("*.windows")
    table = pq.read_table(path).take(rows)
    metadata = {
        **table.schema.metadata,
        **{
            f"sha256 of {name}".encode(): shards._digest(table[name]).encode()
            for name in table.column_names
        },
    }
    pq.write_table(table.replace_schema_metadata(metadata), path)
    with pytest.raises(shards.DamagedShardError, match="window"):
        read_shard(UPath(path), None, "enc", FINGERPRINT)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.integers(1, 5)), min_size=1, max_size=60),
    st.randoms(use_true_random=False),
)
def test_shards_in_any_order_with_copies_and_means_alone_give_the_same_clips(
    tmp_path_factory, kinds, random
):
    clips = [clip(number, windows) for number, windows in enumerate(kinds)]
    store = open_store(tmp_path_factory.mktemp("store"))
    # Each clip in one or two shards of a few clips, as two processes leave them.
    written = clips + random.sample(clips, len(clips) // 2)
    random.shuffle(written)
    while written:
        size = random.randint(1, 3)
        some, written = written[:size], written[size:]
        write(store, list({one.sha256: one for one in some}.values()))
    root = Path(store.folder.path).parents[2]
    check(open_store(root), clips)
    names = [path.suffix for path in Path(store.folder.path).iterdir()]
    merging = open_store(root)
    merged = merging.merge_small()
    many = [names.count(kind) for kind in (".parquet", ".windows") if names.count(kind) >= 16]
    assert merged == sum(many)
    check(merging, clips)
    check(open_store(root), clips)
    assert len(open_store(root)) == len(clips)


@pytest.mark.parametrize(("shards_of_a_kind", "merged"), [(15, 0), (16, 32)])
def test_a_merge_keeps_means_alone_where_an_earlier_version_finds_them(
    tmp_path, shards_of_a_kind, merged
):
    clips = [clip(number, None) for number in range(shards_of_a_kind)]
    clips += [clip(number, 2) for number in range(100, 100 + shards_of_a_kind)]
    store = open_store(tmp_path)
    for one in clips:
        write(store, [one])
    store.refresh()
    assert store.merge_small() == merged
    check(open_store(tmp_path), clips)
    kinds = sorted(path.suffix for path in Path(store.folder.path).iterdir())
    assert kinds == sorted([".parquet", ".windows"] * (1 if merged else shards_of_a_kind))


@pytest.mark.parametrize("windows_first", [True, False])
def test_the_windows_count_where_a_clip_has_a_mean_alone_as_well(tmp_path, windows_first):
    old = dataclasses.replace(clip(1, None), embedding=np.zeros(5, np.float32))
    store = open_store(tmp_path)
    for one in [clip(1, 3), old] if windows_first else [old, clip(1, 3)]:
        write(store, [one])
        store.refresh()
    check(store, [clip(1, 3)])
    check(open_store(tmp_path), [clip(1, 3)])
    assert len(open_store(tmp_path)) == 1


def test_clips_of_an_earlier_version_are_known_and_not_appended_again(tmp_path):
    store = open_store(tmp_path)
    write(store, [clip(1, None)])
    store.refresh()
    store.append([clip(1, 3), clip(2, 3)])
    check(open_store(tmp_path), [clip(1, None), clip(2, 3)])
    assert len(list(Path(store.folder.path).iterdir())) == 2


def test_windows_that_are_not_stored_are_an_error_that_names_the_clips_and_the_way(tmp_path):
    store = open_store(tmp_path)
    write(store, [clip(1, None), clip(2, 3)])
    store.refresh()
    keys = [clip(1, None).sha256, clip(2, 3).sha256]
    assert store.without_windows(keys) == keys[:1]
    with pytest.raises(ResultsError, match=f"1 of 2 clips.*: {keys[0]}\n") as error:
        next(store.read_windows(keys))
    assert "embed --windows" in error.value.remedy
    assert [one.sha256 for one in store.read_windows(keys[1:])] == keys[1:]


@pytest.mark.parametrize("reading", [1, 2])
def test_clips_without_windows_are_embedded_again_where_windows_are_asked_for(tmp_path, reading):
    folder = Path(open_store(tmp_path).folder.path)
    old = dataclasses.replace(clip(1, None), seconds=9.0)
    write_earlier_shard(folder, [old], "enc", FINGERPRINT, reading)
    usual = open_store(tmp_path)
    assert (old.sha256 in usual) == (reading == 2)
    assert usual.heard(old.sha256) == (9.0 if reading == 1 else None)
    store = open_store(tmp_path, need_windows=True)
    assert old.sha256 not in store and store.sha256_of(old.checksum, old.size) is None
    # Else the clip would be compared with what was heard, and found to be stored.
    assert store.heard(old.sha256) is None
    store.append([clip(1, 3)])
    assert old.sha256 in store
    check(open_store(tmp_path), [clip(1, 3)])
