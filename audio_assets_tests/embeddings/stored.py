"""What a test reads from an embedding store."""

from audio_assets.embeddings.clip_rows import StoredClip
from audio_assets.embeddings.store import EmbeddingStore


def read_clips(store: EmbeddingStore, keys, classes=()) -> dict[str, StoredClip]:
    """Stored clips by key, each read once."""
    found = list(store.read(keys, classes))
    by_key = {clip.sha256: clip for clip in found}
    assert len(by_key) == len(found)
    return by_key
