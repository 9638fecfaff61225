"""What a test reads from an embedding store."""

from audio_assets.storage.embedding_store import EmbeddingStore
from audio_assets.storage.shards import StoredClip


def read_clips(store: EmbeddingStore, keys, classes=()) -> dict[str, StoredClip]:
    """Stored clips by key, each read once."""
    found = list(store.read(keys, classes))
    by_key = {clip.sha256: clip for clip in found}
    assert len(by_key) == len(found)
    return by_key
