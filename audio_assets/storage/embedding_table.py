"""The embeddings of a species by one model: assembled from the store, which is filled as needed.

Ties the inventory, the streaming encoder loop and the embedding store together. How a clip is
decoded and encoded is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audio_assets.audio.decode import DurationLimits
from audio_assets.audio.faults import ClipFault
from audio_assets.encoders.base import Encoder
from audio_assets.encoders.embed import Clip, ClipEmbedding, embed_clips
from audio_assets.encoders.worker_stream import embed_in_processes
from audio_assets.errors import EmbeddingError, ResultsError, SettingsError
from audio_assets.storage.embedding_store import EmbeddingStore
from audio_assets.storage.embedding_work import Filled, fill_store
from audio_assets.storage.shards import StoredClip
from audio_assets.tables import EMBEDDINGS

if TYPE_CHECKING:
    import pandas as pd

# What a disk loses between writing and reading is embedded again this often.
_ATTEMPTS = 3
# Clips that an error lists.
_NAMED = 10


@dataclass(frozen=True)
class EmbeddingCounts:
    """What a run of :func:`embed_inventory` did, in clips."""

    embedded: int
    from_store: int
    quarantined: int
    duplicates: int


def embed_inventory(
    inventory: pd.DataFrame,
    variant: str,
    *,
    encoder: Encoder,
    make_encoder: Callable[[], Encoder],
    store: EmbeddingStore,
    read: Callable[[str], bytes],
    limits: DurationLimits,
    species_classes: Collection[str],
    workers: int,
    progress: Callable[[int, int], None],
    in_processes: bool = False,
) -> tuple[pd.DataFrame, EmbeddingCounts]:
    """Embed what the store lacks and assemble the table.

    Parameters
    ----------
    inventory
        Table ``audio_inventory`` of the species.
    variant
        Variant the model reads.
    encoder, make_encoder
        The encoder (for its properties), and what makes one for each worker thread.
    read
        Bytes of a clip by URI.
    species_classes
        Labels of the encoder whose maximum is the species' own score; empty for none.
    progress
        Called with the clips done and the clips in all.
    in_processes
        Whether the workers are processes, to which ``make_encoder`` is pickled, or threads.

    Returns
    -------
    table
        As :data:`audio_assets.tables.EMBEDDINGS`, in the inventory's order.
    counts

    Raises
    ------
    SettingsError
        If ``species_classes`` names a label that the encoder does not have.
    ResultsError
        If the store cannot be read or written.
    EmbeddingError
        If clips ended the worker processes that embedded them. All others are in the store then.
    """
    import pandas as pd

    classes = _class_indices(encoder, species_classes)
    clips = inventory[inventory["variant"] == variant]
    usable = list(clips[clips["status"] == "ok"].itertuples())
    filled = Filled()

    def report(filled: Filled) -> None:
        progress(len(filled.keys) + len(filled.faults), len(usable))

    def stream(wanted: Iterable[Clip]) -> Iterator[ClipEmbedding]:
        embed = embed_in_processes if in_processes else embed_clips
        return embed(
            wanted, read, make_encoder, limits=limits, workers=workers, known=store.__contains__
        )

    report(filled)
    for _ in range(_ATTEMPTS):
        fill_store(usable, store, stream, filled=filled, progress=report)
        _fail_for_crashes(filled, len(usable))
        stored = store.read(set(filled.keys.values()), classes)
        lost = [clip_id for clip_id, key in filled.keys.items() if key not in stored]
        if not lost:
            break
        for clip_id in lost:
            del filled.keys[clip_id]
    else:
        raise ResultsError(
            f"{len(lost)} embeddings could not be read back from {store.folder}",
            "Check the disk: what is written there is not what is read.",
        )
    if filled.embedded:
        store.merge_small()

    keys, faults = filled.keys, filled.faults
    rows = [
        _row(row, keys, faults, stored, limits, encoder) for row in clips.itertuples(index=False)
    ]
    table = pd.DataFrame(rows, columns=list(EMBEDDINGS.column_names))
    status = table["status"].value_counts()
    return table, EmbeddingCounts(
        embedded=len(filled.embedded),
        from_store=len(keys.keys() - filled.embedded),
        quarantined=int(status.get("quarantined", 0)),
        duplicates=int(status.get("duplicate", 0)),
    )


def _fail_for_crashes(filled: Filled, usable: int) -> None:
    if filled.crashes:
        named = [f"{uri}: the process {how}" for uri, how in list(filled.crashes.items())[:_NAMED]]
        more = len(filled.crashes) - len(named)
        raise EmbeddingError(
            f"{len(filled.crashes)} of {usable} clips end the process that embeds them, each time "
            "that they are tried alone: " + "; ".join(named) + (f"; and {more} more" * (more > 0)),
            "The other clips are stored and will not be embedded again. Give the run more memory "
            "or fewer workers (the setting WORKERS), or move these clips away.",
        )


def _class_indices(encoder: Encoder, labels: Collection[str]) -> tuple[int, ...]:
    known = {label: index for index, label in enumerate(encoder.classes or ())}
    unknown = [label for label in labels if label not in known]
    if unknown:
        raise SettingsError(
            f"SPECIES_CLASSES names classes that {encoder.name} does not have: {unknown}",
            "Give labels exactly as the encoder spells them.",
        )
    return tuple(known[label] for label in labels)


def _row(
    row: Any,
    keys: Mapping[str, str],
    faults: Mapping[str, ClipFault],
    stored: Mapping[str, StoredClip],
    limits: DurationLimits,
    encoder: Encoder,
) -> tuple[Any, ...]:
    sha256 = keys.get(row.clip_id)
    clip = stored[sha256] if sha256 else None
    fault = faults.get(row.clip_id)
    if row.status == "both_labels":
        fault = ClipFault("both_labels", f"the same bytes are {row.duplicate_of}")
    elif clip is not None:
        # The store holds clips of any duration; the limits of this run decide.
        fault = limits.fault(clip.seconds)
    used = clip if fault is None and row.status == "ok" else None
    score = None
    if used is not None and used.class_scores is not None:
        score = float(used.class_scores.max())
    return (
        row.clip_id,
        row.variant,
        row.label,
        row.recording_id,
        row.uri,
        row.size,
        row.checksum,
        sha256,
        "quarantined" if fault else "ok" if row.status == "ok" else "duplicate",
        fault.reason if fault else None,
        fault.detail if fault else f"same bytes as {row.duplicate_of}" if not used else None,
        clip.seconds if clip else None,
        used.windows if used else None,
        score,
        used.embedding if used else None,
        encoder.name,
        encoder.fingerprint,
    )


def embedding_faults(
    embeddings: pd.DataFrame, inventory: pd.DataFrame, *, variant: str, dimension: int
) -> list[str]:
    """What keeps an embeddings table from being used, in words; none of it should ever happen.

    Parameters
    ----------
    embeddings
        As :data:`audio_assets.tables.EMBEDDINGS`.
    inventory
        As :data:`audio_assets.tables.AUDIO_INVENTORY`, of the same species.
    variant
        Of the clips that the model reads.
    dimension
        Of the encoder.
    """
    import numpy as np

    faults = []
    expected = set(inventory.loc[inventory["variant"] == variant, "clip_id"])
    missing = sorted(expected - set(embeddings["clip_id"]))
    if missing:
        faults.append(f"{len(missing)} clips have no row: {', '.join(missing[:5])}")
    usable = embeddings[embeddings["status"] == "ok"]
    for clip_id, embedding in zip(usable["clip_id"], usable["embedding"], strict=True):
        values = np.asarray(embedding, dtype=np.float64)
        if values.shape != (dimension,):
            faults.append(f"{clip_id}: shape {values.shape} instead of ({dimension},)")
        elif not np.isfinite(values).all():
            faults.append(f"{clip_id}: not finite")
    return faults[:20]
