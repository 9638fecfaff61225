"""Stores of a version that heard less of some files: what was read whole keeps its embedding."""

import io
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from upath import UPath

from audio_assets.audio.decode import DurationLimits
from audio_assets.catalog.inventory import build_inventory
from audio_assets.catalog.listing import list_objects
from audio_assets.catalog.recordings import read_recording_rules
from audio_assets.embeddings.shards import read_shard, shard_bytes
from audio_assets.embeddings.store import EmbeddingStore
from audio_assets.embeddings.stream import Clip, embed_clips
from audio_assets.embeddings.table import embed_inventory
from audio_assets.embeddings.window_rows import WINDOW_COLUMNS
from audio_assets.embeddings.worker_stream import embed_in_processes
from audio_assets.encoders.placeholder import PlaceholderEncoder

RATE = 16_000
HALF = "neg/half_heard"
CANCELLING = "neg/cancelling"
# Both are 4 s long; of the first an earlier version had heard 1.5 s.
HEARD = 1.5


def noise(seed: int, seconds: float = 4.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, size=round(seconds * RATE))


def wav(samples: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, RATE, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


@pytest.fixture
def inventory(tmp_path):
    for label in ("pos", "neg"):
        for number in range(4):
            path = tmp_path / f"audio/owl/data/{label}/r{number}{label}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wav(noise(number + 10 * (label == "pos"))))
    folder = tmp_path / "audio/owl/data/neg"
    whole = noise(77)
    (folder / "half_heard.wav").write_bytes(wav(whole))
    (folder / "cancelling.wav").write_bytes(wav(np.stack([whole, -whole * 0.999], axis=1)))
    root = UPath(tmp_path / "audio")
    return build_inventory(list_objects(root, "owl"), read_recording_rules(root, ()))


class Counting(PlaceholderEncoder):
    windows = 0

    def encode(self, windows):
        Counting.windows += len(windows)
        return super().encode(windows)


def embed(inventory, results: Path, read=lambda uri: UPath(uri).read_bytes()):
    encoder = Counting()
    Counting.windows = 0
    store = EmbeddingStore(UPath(results), encoder.name, encoder.fingerprint, warn=pytest.fail)
    table, counts = embed_inventory(
        inventory,
        "data",
        encoder=encoder,
        make_encoder=lambda: encoder,
        store=store,
        read=read,
        limits=DurationLimits(),
        species_classes=(),
        workers=1,
        progress=lambda done, total: None,
    )
    return table.whole().set_index("clip_id"), counts


def keep_means_alone(results: Path) -> None:
    """Leave out the windows, as versions did that heard all but stored none of them."""
    encoder = PlaceholderEncoder()
    for path in results.rglob("*.windows"):
        shard = read_shard(UPath(path), None, encoder.name, encoder.fingerprint)
        table = shard.table.drop_columns(WINDOW_COLUMNS)
        data = shard_bytes(table, encoder.name, encoder.fingerprint, shard.embedded)
        path.with_suffix(".parquet").write_bytes(data)
        path.unlink()


def make_earlier(results: Path, inventory) -> None:
    """Turn a store into one that an earlier version wrote: other columns, and 1.5 s of a clip."""
    encoder = PlaceholderEncoder()
    (checksum,) = inventory.loc[inventory["clip_id"] == HALF, "checksum"]
    keep_means_alone(results)
    for path in results.rglob("*.parquet"):
        shard = read_shard(UPath(path), None, encoder.name, encoder.fingerprint)
        table = shard.table.drop_columns(["reading", "heard_before"])
        seconds = [
            HEARD if key == checksum.removeprefix("sha256:") else value
            for key, value in zip(table["sha256"].to_pylist(), table["seconds"].to_pylist())
        ]
        place = table.column_names.index("seconds")
        table = table.set_column(place, "seconds", [seconds])
        data = shard_bytes(table, encoder.name, encoder.fingerprint, shard.embedded)
        path.write_bytes(data)
        assert "reading" not in pq.read_schema(path).names


def test_clips_that_were_read_whole_are_read_once_more_and_not_embedded(inventory, tmp_path):
    first, _ = embed(inventory, tmp_path / "results")
    make_earlier(tmp_path / "results", inventory)
    again, counts = embed(inventory, tmp_path / "results")
    assert (counts.embedded, counts.from_store) == (2, 8)
    assert again["embedding"].map(list).tolist() == first["embedding"].map(list).tolist()

    read: list[str] = []
    third, counts = embed(inventory, tmp_path / "results", read.append)
    assert (counts.embedded, Counting.windows, read) == (0, 0, [])
    assert third["heard_before"].equals(again["heard_before"])


def test_clips_that_were_read_in_part_or_cancelled_are_embedded_again_and_named(
    inventory, tmp_path
):
    embed(inventory, tmp_path / "results")
    make_earlier(tmp_path / "results", inventory)
    table, _ = embed(inventory, tmp_path / "results")
    changed = table["heard_before"].dropna()
    assert changed.to_dict() == {HALF: HEARD, CANCELLING: 4.0}
    assert table.loc[HALF, "seconds"] == 4.0


def test_a_merge_keeps_the_row_of_the_newest_reading(inventory, tmp_path):
    embed(inventory, tmp_path / "results")
    make_earlier(tmp_path / "results", inventory)
    table, _ = embed(inventory, tmp_path / "results")
    keep_means_alone(tmp_path / "results")
    store = EmbeddingStore(
        UPath(tmp_path / "results"),
        PlaceholderEncoder().name,
        PlaceholderEncoder().fingerprint,
        warn=pytest.fail,
    )
    store.refresh()
    assert (len(store), store.repeats()) == (10, 0)
    shards = [path.name for path in (tmp_path / "results").rglob("*.parquet")]
    assert store._merge(sorted(shards)) == len(shards) == 2
    assert (len(store), store.repeats()) == (10, 0)
    again, counts = embed(inventory, tmp_path / "results")
    assert counts.embedded == 0
    assert again["embedding"].map(list).tolist() == table["embedding"].map(list).tolist()
    assert again["heard_before"].equals(table["heard_before"])


@pytest.mark.parametrize("stream", [embed_clips, embed_in_processes])
def test_both_loops_embed_again_only_what_was_heard_in_part(stream):
    files = {"a": wav(noise(1)), "b": wav(noise(2))}
    heard = iter((4.0, 1.0))
    results = stream(
        [Clip(name, name) for name in files],
        files.__getitem__,
        PlaceholderEncoder,
        limits=DurationLimits(),
        workers=1,
        known=lambda sha256: False,
        heard=lambda sha256: next(heard),
    )
    found = {(one.cached, one.embedding is None, one.heard_before) for one in results}
    assert found == {(True, True, None), (False, False, 1.0)}
