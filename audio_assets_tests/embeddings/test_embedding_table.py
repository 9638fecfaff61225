"""The embeddings of a species, assembled from a store that may be damaged."""

import numpy as np
import pytest
from upath import UPath

from audio_assets.audio.decode import DurationLimits
from audio_assets.catalog.inventory import build_inventory
from audio_assets.catalog.listing import list_objects
from audio_assets.catalog.recordings import read_recording_rules
from audio_assets.embeddings import store as embedding_store
from audio_assets.embeddings import table as embedding_table
from audio_assets.embeddings.store import EmbeddingStore
from audio_assets.embeddings.table import embed_inventory, embedding_faults
from audio_assets.embeddings.work import fill_store
from audio_assets.encoders.placeholder import PlaceholderEncoder
from audio_assets.errors import AudioRootError, EmbeddingError, ResultsError, SettingsError
from audio_assets.models.registry import load_encoder
from audio_assets_tests.small_audio import write_species

LIMITS = DurationLimits(0.5, 600.0)


@pytest.fixture
def inventory(tmp_path):
    write_species(tmp_path / "audio", "owl", recordings=4)
    root = UPath(tmp_path / "audio")
    return build_inventory(list_objects(root, "owl"), read_recording_rules(root, ()))


def read_bytes(uri):
    return UPath(uri).read_bytes()


def embed(
    inventory,
    root,
    warn=pytest.fail,
    read=read_bytes,
    classes=("placeholder_a",),
    encoder=None,
    limits=LIMITS,
):
    encoder = encoder or load_encoder("placeholder")
    table, counts = embed_inventory(
        inventory,
        "data",
        encoder=encoder,
        make_encoder=lambda: encoder,
        store=EmbeddingStore(UPath(root), encoder.name, encoder.fingerprint, warn=warn),
        read=read,
        limits=limits,
        species_classes=classes,
        workers=1,
        progress=lambda done, total: None,
    )
    return table.whole(), counts


def shard(root):
    (found,) = root.rglob("*.windows")
    return found


def test_a_store_that_has_every_clip_embeds_none(inventory, tmp_path):
    table, counts = embed(inventory, tmp_path / "results")
    assert (counts.embedded, counts.from_store) == (16, 0)
    again, counts = embed(inventory, tmp_path / "results")
    assert (counts.embedded, counts.from_store) == (0, 16)
    assert again["embedding"].map(list).tolist() == table["embedding"].map(list).tolist()


def test_a_bound_on_samples_holds_for_what_the_store_has(inventory, tmp_path):
    # Clips of 1 s at 16 kHz.
    for most, status in ((16_000, "ok"), (15_999, "quarantined"), (16_000, "ok")):
        table, _ = embed(inventory, tmp_path / "results", limits=DurationLimits(max_samples=most))
        assert set(table["status"]) == {status}
        assert set(table["reason"]) == {None if status == "ok" else "too_large"}
    assert embed(inventory, tmp_path / "results")[1].embedded == 0


def test_what_an_earlier_version_stored_without_its_samples_is_used(
    inventory, tmp_path, monkeypatch
):
    from audio_assets.embeddings import clip_rows

    write = clip_rows.shard_table
    monkeypatch.setattr(
        embedding_store, "shard_table", lambda clips: write(clips).drop_columns("samples")
    )
    embed(inventory, tmp_path / "results")
    monkeypatch.undo()
    few = DurationLimits(max_samples=1)
    table, counts = embed(inventory, tmp_path / "results", limits=few)
    assert (counts.from_store, set(table["status"])) == (16, {"ok"})


@pytest.mark.parametrize("where", [0.1, 0.3, 0.9])
def test_clips_of_a_damaged_shard_are_embedded_again(inventory, tmp_path, where):
    table, _ = embed(inventory, tmp_path / "results")
    path = shard(tmp_path / "results")
    bad = bytearray(path.read_bytes())
    start = round(where * len(bad))
    bad[start : start + 40] = bytes(40)
    path.write_bytes(bytes(bad))
    warnings: list[str] = []
    again, counts = embed(inventory, tmp_path / "results", warnings.append)
    assert (counts.embedded, counts.from_store, len(warnings)) == (16, 0, 1)
    assert again["embedding"].map(list).tolist() == table["embedding"].map(list).tolist()
    assert again["class_score"].tolist() == table["class_score"].tolist()
    assert embed(inventory, tmp_path / "results")[1].embedded == 0


def test_a_clip_that_is_nowhere_accounted_for_is_an_error_and_no_vector_of_zeros(
    inventory, tmp_path, monkeypatch
):
    def careless(rows, store, stream, *, filled, progress):
        fill_store(rows, store, stream, filled=filled, progress=progress)
        del filled.keys[rows[5].clip_id]

    monkeypatch.setattr(embedding_table, "fill_store", careless)
    with pytest.raises(EmbeddingError, match="1 clips were neither embedded nor found faulty"):
        embed(inventory, tmp_path / "results")


def test_a_disk_that_never_keeps_what_is_written_is_an_error(inventory, tmp_path, monkeypatch):
    write = EmbeddingStore._write

    def forgetful(store, name, *arguments):
        write(store, name, *arguments)
        (store.folder / name).write_bytes(b"something else")

    monkeypatch.setattr(EmbeddingStore, "_write", forgetful)
    with pytest.raises(ResultsError, match="could not be read back"):
        embed(inventory, tmp_path / "results", lambda text: None)


@pytest.mark.parametrize("dimension", [8, 32])
def test_an_encoder_that_changes_its_dimension_under_the_same_fingerprint_is_an_error(
    inventory, tmp_path, dimension
):
    """Rows that overwrite each other would have the right shape and be somebody else's."""
    embed(inventory, tmp_path / "results")
    changed = PlaceholderEncoder()
    # Cached before the dimension is changed, which is otherwise part of it.
    assert changed.fingerprint == load_encoder("placeholder").fingerprint
    changed.dimension = dimension
    with pytest.raises(ResultsError, match=rf"\(16,\) was found where \({dimension},\) belongs"):
        embed(inventory, tmp_path / "results", encoder=changed)


def test_a_clip_that_changed_after_it_was_listed_is_an_error_and_is_not_stored(inventory, tmp_path):
    changed = UPath(inventory["uri"].iloc[3])
    changed.write_bytes(UPath(inventory["uri"].iloc[4]).read_bytes() + b"longer")
    with pytest.raises(AudioRootError, match=changed.name):
        embed(inventory, tmp_path / "results")
    root = UPath(tmp_path / "audio")
    listed = build_inventory(list_objects(root, "owl"), read_recording_rules(root, ()))
    table, _ = embed(listed, tmp_path / "results")
    assert (table["sha256"] == table["checksum"].str.removeprefix("sha256:")).all()


@pytest.mark.parametrize("fault", [ConnectionResetError, TimeoutError])
def test_a_broken_connection_fails_the_run_and_quarantines_nothing(inventory, tmp_path, fault):
    def read(uri):
        if uri == inventory["uri"].iloc[5]:
            raise fault("try again")
        return read_bytes(uri)

    with pytest.raises(fault):
        embed(inventory, tmp_path / "results", read=read)
    table, _ = embed(inventory, tmp_path / "results")
    assert (table["status"] == "ok").all()


def test_a_class_that_the_encoder_does_not_have_is_named(inventory, tmp_path):
    with pytest.raises(SettingsError, match="Canis lupus"):
        embed(inventory, tmp_path / "results", classes=["Canis lupus"])


def test_a_table_that_cannot_be_used_is_described(inventory, tmp_path):
    table, _ = embed(inventory, tmp_path / "results")

    def faults(frame):
        pieces = (frame.iloc[start : start + 5] for start in range(0, len(frame), 5))
        dimension = load_encoder("placeholder").dimension
        return embedding_faults(pieces, inventory, variant="data", dimension=dimension)

    assert faults(table) == []
    first, second, third = table["clip_id"][:3]
    values = table["embedding"].tolist()
    values[1] = values[1][:-1]
    values[2] = values[2] * np.nan
    wrong = table.assign(embedding=values).iloc[1:]
    assert [fault.split(",")[0] for fault in faults(wrong)] == [
        f"1 clips have no row: {first}",
        f"{second}: shape ({len(values[1])}",
        f"{third}: not finite",
    ]
