"""What is removed from a results root, and that nothing goes that is needed."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audio_assets.embeddings import cleaning
from audio_assets.embeddings.cleaning import (
    Kind,
    Listed,
    remove,
    unneeded_embeddings,
    unneeded_tables,
)
from audio_assets.embeddings.clip_rows import ListedContent
from audio_assets.embeddings.store import EmbeddingStore
from audio_assets.objects.files import exists, file_names, write_atomic
from audio_assets.objects.roots import open_root
from audio_assets_tests.embeddings.stored import read_clips
from audio_assets_tests.embeddings.test_embedding_store import clip

NOW, BEFORE = "a" * 64, "b" * 64


def no_warning(text: str) -> None:
    raise AssertionError(text)


def open_store(root, encoder: str = "enc", fingerprint: str = NOW) -> EmbeddingStore:
    store = EmbeddingStore(root, encoder, fingerprint, warn=no_warning)
    store.refresh()
    return store


def shown(*numbers: int) -> list[Listed]:
    return [Listed(f"md5:{n}", n) for n in numbers]


def clean(root, listed, current=None) -> list[cleaning.Unneeded]:
    current = {"enc": NOW} if current is None else current
    found = list(unneeded_embeddings(root, current, listed, no_warning))
    for one in found:
        remove(one, no_warning)
    return found


def test_clips_that_are_gone_go_and_the_others_keep_their_rows(root):
    store = open_store(root)
    store.append([clip(n) for n in range(1, 6)])
    store.append([clip(n) for n in range(6, 8)])
    store.append([clip(8)])
    store.note([ListedContent(clip(n).sha256, f"crc32c:{n}", n) for n in (1, 2)])
    (found,) = clean(root, shown(1, 3, 6, 7))
    assert found.kind is Kind.CLIPS and found.clips == 4
    after = open_store(root)
    assert set(read_clips(after, [clip(n).sha256 for n in range(1, 9)], classes=(0,))) == {
        clip(n).sha256 for n in (1, 3, 6, 7)
    }
    assert after.sha256_of("crc32c:1", 1) == clip(1).sha256
    assert after.sha256_of("crc32c:2", 2) is None
    assert after.repeats() == 0
    assert clean(root, shown(1, 3, 6, 7)) == []


def test_a_clip_is_known_by_its_sha256_and_by_what_an_index_notes(root):
    store = open_store(root)
    store.append([clip(1), clip(2), clip(3)])
    store.note([ListedContent(clip(2).sha256, "crc32c:2", 2)])
    listed = [Listed(f"sha256:{clip(1).sha256}", 1), Listed("crc32c:2", 2)]
    (found,) = clean(root, listed)
    assert found.rows == {clip(3).sha256}


def test_of_a_clip_under_another_checksum_all_of_its_size_stay(root):
    open_store(root).append([clip(1), clip(2)])
    (found,) = clean(root, [Listed("crc32c:elsewhere", 1)])
    assert found.rows == {clip(2).sha256}


def test_other_encoders_and_fingerprints_go_whole_and_unknown_ones_stay(root):
    for encoder, fingerprint in (("enc", NOW), ("enc", BEFORE), ("dropped", NOW), ("lost", NOW)):
        open_store(root, encoder, fingerprint).append([clip(1)])
    table = root / "embeddings" / "enc" / "owl.parquet"
    write_atomic(table, b"a table of the model enc")
    found = clean(root, shown(1), {"enc": NOW, "lost": None})
    assert {(one.kind, one.folder.parent.name) for one in found} == {
        (Kind.FINGERPRINT, "enc"),
        (Kind.ENCODER, "dropped"),
    }
    assert len(open_store(root)) == len(open_store(root, "lost")) == 1
    assert len(open_store(root, "enc", BEFORE)) == len(open_store(root, "dropped")) == 0
    assert exists(table)


def test_tables_of_models_that_are_not_turned_on_go(root):
    for path in ("fold_scores/on/owl", "fold_scores/off/owl", "embeddings/off/owl", "findings/owl"):
        write_atomic(root.joinpath(*f"{path}.parquet".split("/")), b"a table")
    open_store(root, "off").append([clip(1)])
    found = list(unneeded_tables(root, ["fold_scores", "embeddings", "findings"], ["on"]))
    assert [(one.folder.parent.name, one.folder.name, one.files) for one in found] == [
        ("embeddings", "off", ("owl.parquet",)),
        ("fold_scores", "off", ("owl.parquet",)),
    ]
    for one in found:
        remove(one, no_warning)
    assert exists(root / "fold_scores" / "on" / "owl.parquet")
    assert exists(root / "findings" / "owl.parquet")
    assert not exists(root / "fold_scores" / "off" / "owl.parquet")
    assert len(open_store(root, "off")) == 1


def test_killed_at_any_write_the_store_keeps_what_is_needed(root, monkeypatch):
    kept = [clip(n).sha256 for n in (1, 3, 5)]
    for stop in range(6):
        store = open_store(root)
        for pair in ((1, 2), (3, 4), (5, 6)):
            store.append([clip(n) for n in pair])
        steps = iter(range(stop))

        def counted(real):
            def step(*arguments, **options):
                if next(steps, None) is None:  # noqa: B023
                    raise KeyboardInterrupt
                return real(*arguments, **options)

            return step

        with monkeypatch.context() as patch:
            patch.setattr(cleaning, "write_atomic", counted(cleaning.write_atomic))
            patch.setattr(cleaning, "delete_file", counted(cleaning.delete_file))
            try:
                clean(root, shown(1, 3, 5))
            except KeyboardInterrupt:
                pass
        assert set(read_clips(open_store(root), kept)) == set(kept)
    clean(root, shown(1, 3, 5))
    assert len(open_store(root)) == 3


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shards=st.lists(st.sets(st.integers(1, 12), min_size=1), max_size=5),
    species=st.lists(st.sets(st.integers(1, 12)), max_size=3),
    encoders=st.sets(st.sampled_from([("enc", NOW), ("enc", BEFORE), ("other", NOW)]), min_size=1),
)
def test_what_a_listed_clip_and_a_current_encoder_need_stays(
    tmp_path_factory, shards, species, encoders
):
    root = open_root(tmp_path_factory.mktemp("results"))
    for encoder in encoders:
        store = open_store(root, *encoder)
        for numbers in shards:
            store.append([clip(n) for n in numbers])
    stored = set().union(*shards)
    # A clip of several species is needed if any of them has it.
    wanted = set().union(*species)
    clean(root, shown(*wanted))
    for encoder in encoders:
        keys = [clip(n).sha256 for n in stored]
        left = set(read_clips(open_store(root, *encoder), keys))
        expected = {clip(n).sha256 for n in stored & wanted} if encoder == ("enc", NOW) else set()
        assert left == expected
    assert clean(root, shown(*wanted)) == []


def test_a_damaged_shard_is_left_as_it_is(tmp_path):
    root = open_root(tmp_path)
    open_store(root).append([clip(1)])
    open_store(root).append([clip(2)])
    folder = open_store(root).folder
    damaged = file_names(folder)[0]
    write_atomic(folder / damaged, b"torn")
    told: list[str] = []
    for one in unneeded_embeddings(root, {"enc": NOW}, [], told.append):
        remove(one, told.append)
    assert file_names(folder) == [damaged]
    assert damaged in told[0]


def test_a_bucket_that_cannot_be_listed_is_an_error(bucket_server, gives_up_soon):
    from audio_assets.errors import StorageError
    from audio_assets_tests.bucket_server import Fault
    from audio_assets_tests.conftest import BUCKET

    root = open_root(f"gs://{BUCKET}/results")
    open_store(root).append([clip(1)])
    bucket_server.faults.append(Fault(403, method="GET", path="/o", times=99))
    with pytest.raises(StorageError):
        clean(root, shown(1))
