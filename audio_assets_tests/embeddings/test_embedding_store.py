import numpy as np

from audio_assets.embeddings.clip_rows import ListedContent, StoredClip
from audio_assets.embeddings.store import EmbeddingStore
from audio_assets.embeddings.window_rows import mean_of_windows
from audio_assets.objects.files import file_names
from audio_assets_tests.embeddings.stored import read_clips


def clip(n: int, classes: int = 3) -> StoredClip:
    rng = np.random.default_rng(n)
    windows = rng.normal(size=(2, 4)).astype(np.float32)
    return StoredClip(
        sha256=f"{n:064x}",
        checksum=f"md5:{n}",
        size=n,
        seconds=n + 0.5,
        windows=2,
        embedding=mean_of_windows(windows),
        class_scores=rng.normal(size=classes).astype(np.float32) if classes else None,
        window_embeddings=windows,
        window_starts=np.array([0.0, 3.0]),
    )


def open_store(root) -> EmbeddingStore:
    store = EmbeddingStore(root, "enc", "f" * 64, warn=print)
    store.refresh()
    return store


def test_another_process_finds_what_was_appended(root):
    clips = [clip(n) for n in range(5)]
    open_store(root).append(clips)
    store = open_store(root)
    assert clips[3].sha256 in store
    assert store.sha256_of("md5:3", 3) == clips[3].sha256
    assert store.sha256_of("md5:3", 4) is None
    read = read_clips(store, [c.sha256 for c in clips[1:]], classes=(2, 0))
    assert set(read) == {c.sha256 for c in clips[1:]}
    np.testing.assert_array_equal(read[clips[1].sha256].embedding, clips[1].embedding)
    np.testing.assert_array_equal(read[clips[1].sha256].class_scores, clips[1].class_scores[[2, 0]])
    assert read[clips[1].sha256].seconds == 1.5


def test_class_scores_are_read_only_when_asked_for(root):
    store = open_store(root)
    store.append([clip(1)])
    assert read_clips(store, [clip(1).sha256])[clip(1).sha256].class_scores is None


def test_an_encoder_without_classes_stores_none(root):
    store = open_store(root)
    store.append([clip(1, classes=0)])
    assert len(read_clips(store, [clip(1).sha256])) == 1


def test_a_known_clip_is_not_stored_again(root):
    store = open_store(root)
    store.append([clip(1), clip(2)])
    store.append([clip(2)])
    assert len(file_names(store.folder)) == 1
    store.append([clip(2), clip(3), clip(3)])
    assert len(file_names(store.folder)) == 2
    assert len(read_clips(open_store(root), [clip(n).sha256 for n in (1, 2, 3)])) == 3


def test_two_writers_of_the_same_clips_write_the_same_file(root):
    first, second = open_store(root), open_store(root)
    first.append([clip(1), clip(2)])
    second.append([clip(2), clip(1)])
    assert len(file_names(first.folder)) == 1


def test_fingerprints_do_not_share_clips(root):
    open_store(root).append([clip(1)])
    other = EmbeddingStore(root, "enc", "e" * 64, warn=print)
    other.refresh()
    assert clip(1).sha256 not in other


def listed(n: int) -> ListedContent:
    return ListedContent(clip(n).sha256, f"crc32c:{n}", n)


def test_what_another_listing_shows_of_stored_clips_is_found_by_other_processes(root):
    store = open_store(root)
    store.append([clip(1), clip(2)])
    store.note([listed(1), listed(2), listed(1)])
    for found in (store, open_store(root)):
        assert found.sha256_of("crc32c:2", 2) == found.sha256_of("md5:2", 2) == clip(2).sha256
        assert found.sha256_of("crc32c:2", 1) is None
        assert len(found) == 2 and found.repeats() == 0
    assert len(read_clips(open_store(root), [clip(1).sha256, clip(2).sha256])) == 2


def test_what_is_known_of_a_listing_is_not_noted_again(root):
    first, second = open_store(root), open_store(root)
    first.append([clip(1), clip(2)])
    second.refresh()
    first.note([listed(1), listed(2)])
    second.note([listed(2), listed(1)])
    first.note([listed(2), ListedContent(clip(1).sha256, "md5:1", 1)])
    assert len(file_names(first.folder)) == 2


def test_a_clip_that_is_only_noted_is_not_in_the_store(root):
    store = open_store(root)
    store.note([listed(1)])
    assert clip(1).sha256 not in store and store.sha256_of("crc32c:1", 1) is None
    assert read_clips(store, [clip(1).sha256]) == {}
    store.append([clip(1)])
    assert open_store(root).sha256_of("crc32c:1", 1) == clip(1).sha256


def test_merging_shards_keeps_what_was_noted(root):
    store = open_store(root)
    for n in range(20):
        store.append([clip(n)])
        store.note([listed(n)])
    assert store.merge_small() == 20
    again = open_store(root)
    assert [again.sha256_of(f"crc32c:{n}", n) for n in range(20)] == [
        clip(n).sha256 for n in range(20)
    ]
    assert len(again) == 20
