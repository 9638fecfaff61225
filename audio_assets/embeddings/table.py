"""The table of a species' embeddings by one model, from the store, which is filled as needed.

Connects the inventory, the streaming encoder loop and the embedding store. Decoding and encoding
clips belong elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audio_assets.audio.decode import DurationLimits
from audio_assets.audio.faults import ClipFault
from audio_assets.embeddings.store import EmbeddingStore
from audio_assets.embeddings.stream import Clip, ClipEmbedding, embed_clips
from audio_assets.embeddings.work import Filled, ListedClip, fill_store
from audio_assets.embeddings.worker_stream import embed_in_processes
from audio_assets.encoders.base import Encoder
from audio_assets.errors import EmbeddingError, ResultsError, SettingsError
from audio_assets.results.pieces import PiecewiseTable, VectorFile

if TYPE_CHECKING:
    import pandas as pd

# How often clips lost by a disk between writing and reading are embedded again.
_ATTEMPTS = 3
# Clips that an error lists.
_NAMED = 10
# Columns that are the inventory's.
_LISTED = ("clip_id", "variant", "label", "recording_id", "uri", "size", "checksum")


@dataclass(frozen=True)
class EmbeddingCounts:
    """Numbers of clips that a run of :func:`embed_inventory` handled."""

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
    read: Callable[[str], bytes | ClipFault],
    limits: DurationLimits,
    species_classes: Collection[str],
    workers: int,
    progress: Callable[[int, int], None],
    in_processes: bool = False,
) -> tuple[PiecewiseTable, EmbeddingCounts]:
    """Embed the clips that the store lacks and assemble the table.

    Parameters
    ----------
    inventory
        Table ``audio_inventory`` of the species.
    variant
        Variant the model reads.
    encoder, make_encoder
        The encoder (for its properties), and a function that makes one for each worker thread.
    read
        Returns the bytes of a clip by URI, or why it cannot be used.
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
        If clips ended the worker processes that embedded them, or were left out by a fault of the
        program. All other clips are then in the store.
    """
    classes = _class_indices(encoder, species_classes)
    clips = inventory[inventory["variant"] == variant]
    usable = _Listed(clips[clips["status"] == "ok"])
    filled = Filled()

    def report(filled: Filled) -> None:
        progress(len(filled.keys) + len(filled.faults), len(usable))

    def stream(wanted: Iterable[Clip]) -> Iterator[ClipEmbedding]:
        embed = embed_in_processes if in_processes else embed_clips
        return embed(
            wanted,
            read,
            make_encoder,
            limits=limits,
            workers=workers,
            known=store.__contains__,
            heard=store.heard,
        )

    report(filled)
    stored = _Stored(clips, encoder.dimension)
    for _ in range(_ATTEMPTS):
        fill_store(usable, store, stream, filled=filled, progress=report)
        _fail_for_crashes(filled, len(usable))
        lost = stored.take(store, filled.keys, classes)
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

    table = _table(clips, filled, stored, limits, encoder)
    status = table.rows["status"].value_counts()
    return table, EmbeddingCounts(
        embedded=len(filled.embedded),
        from_store=sum(clip_id not in filled.embedded for clip_id in filled.keys),
        quarantined=int(status.get("quarantined", 0)),
        duplicates=int(status.get("duplicate", 0)),
    )


class _Listed:
    """Rows of the inventory, created on access and not kept."""

    def __init__(self, clips: pd.DataFrame) -> None:
        self._columns = [clips[name].to_numpy() for name in ("clip_id", "uri", "checksum", "size")]

    def __len__(self) -> int:
        return len(self._columns[0])

    def __getitem__(self, place: int) -> ListedClip:
        clip_id, uri, checksum, size = (column[place] for column in self._columns)
        return ListedClip(clip_id, uri, checksum, int(size))


class _Stored:
    """Stored data for the rows of a table.

    Attributes
    ----------
    seconds, windows, score, heard_before, samples
        int64[n] windows, float64[n] all others; 0 and NaN where the store has nothing.
    vectors
        The embeddings, by row.
    taken
        bool[n], which rows the store had.
    """

    def __init__(self, clips: pd.DataFrame, dimension: int) -> None:
        self._clip_ids = clips["clip_id"].to_numpy()
        self.seconds = np.full(len(clips), np.nan)
        self.windows = np.zeros(len(clips), dtype=np.int64)
        self.score = np.full(len(clips), np.nan)
        self.heard_before = np.full(len(clips), np.nan)
        self.samples = np.full(len(clips), np.nan)
        self.vectors = VectorFile(len(clips), dimension)
        self.taken = np.zeros(len(clips), dtype=bool)

    def take(
        self, store: EmbeddingStore, keys: Mapping[str, str], classes: Sequence[int]
    ) -> list[str]:
        """Read the stored data of the clips; return the clips that the store lacks."""
        rows: dict[str, list[int]] = {}
        for row, clip_id in enumerate(self._clip_ids):
            if clip_id in keys:
                rows.setdefault(keys[clip_id], []).append(row)
        for clip in store.read(rows, classes):
            for row in rows.pop(clip.sha256):
                self.seconds[row] = clip.seconds
                self.windows[row] = clip.windows
                if clip.samples is not None:
                    self.samples[row] = clip.samples
                if clip.heard_before is not None:
                    self.heard_before[row] = clip.heard_before
                if clip.class_scores is not None:
                    self.score[row] = clip.class_scores.max()
                self.vectors.put(row, clip.embedding)
                self.taken[row] = True
        return [self._clip_ids[row] for lost in rows.values() for row in lost]


def _table(
    clips: pd.DataFrame, filled: Filled, stored: _Stored, limits: DurationLimits, encoder: Encoder
) -> PiecewiseTable:
    import pandas as pd

    count = len(clips)
    clip_ids, listed, others = (
        clips[name].to_numpy() for name in ("clip_id", "status", "duplicate_of")
    )
    sha256 = np.array([filled.keys.get(clip_id) for clip_id in clip_ids], dtype=object)
    status = np.full(count, "ok", dtype=object)
    reason, detail = np.full(count, None, dtype=object), np.full(count, None, dtype=object)
    for row, clip_id in enumerate(clip_ids):
        fault = filled.faults.get(clip_id)
        if listed[row] == "both_labels":
            fault = ClipFault("both_labels", f"the same bytes are {others[row]}")
        elif listed[row] == "folder":
            fault = ClipFault("folder", "it is a folder: move its clips up, beside the others")
        elif listed[row] == "link_out_of_root":
            fault = ClipFault(
                "link_out_of_root",
                "it leads out of the audio root by a link: put what it leads to under the root",
            )
        elif sha256[row] is not None:
            # The store holds clips of any duration and size; the limits of this run decide.
            samples = stored.samples[row]
            fault = limits.fault(
                float(stored.seconds[row]), None if np.isnan(samples) else int(samples)
            )
        if fault is not None:
            status[row], reason[row], detail[row] = "quarantined", fault.reason, fault.detail
        elif listed[row] != "ok":
            status[row], detail[row] = "duplicate", f"same bytes as {others[row]}"
    used = status == "ok"
    left_out = clip_ids[used & ~stored.taken]
    if len(left_out):
        # Zeros in their place would look like an embedding.
        raise EmbeddingError(
            f"{len(left_out)} clips were neither embedded nor found faulty: "
            + ", ".join(left_out[:_NAMED]),
            "This is a fault of the program; run it again, and report it if it stays.",
        )
    windows = pd.array(stored.windows, dtype="Int64")
    windows[~used] = pd.NA
    columns = {
        **{name: clips[name].to_numpy() for name in _LISTED},
        "sha256": sha256,
        "status": status,
        "reason": reason,
        "detail": detail,
        "seconds": stored.seconds,
        "heard_before": stored.heard_before,
        "windows": windows,
        "class_score": np.where(used, stored.score, np.nan),
        "encoder": np.full(count, encoder.name, dtype=object),
        "encoder_fingerprint": np.full(count, encoder.fingerprint, dtype=object),
    }
    rows = pd.DataFrame(columns, copy=False)
    return PiecewiseTable(rows, "embedding", used, stored.vectors)


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
            f"Give labels exactly as the encoder spells them; audio-assets classes {encoder.name} "
            "WORD finds them.",
        )
    return tuple(known[label] for label in labels)


def embedding_faults(
    embeddings: Iterable[pd.DataFrame], inventory: pd.DataFrame, *, variant: str, dimension: int
) -> list[str]:
    """Describe faults that make an embeddings table unusable; none should ever occur.

    Parameters
    ----------
    embeddings
        Columns ``clip_id``, ``status`` and ``embedding`` of
        :data:`audio_assets.tables.EMBEDDINGS`, in pieces.
    inventory
        As :data:`audio_assets.tables.AUDIO_INVENTORY`, of the same species.
    variant
        Of the clips that the model reads.
    dimension
        Of the encoder.
    """
    missing = set(inventory.loc[inventory["variant"] == variant, "clip_id"])
    faults = []
    for piece in embeddings:
        missing -= set(piece["clip_id"])
        usable = piece[piece["status"] == "ok"]
        for clip_id, embedding in zip(usable["clip_id"], usable["embedding"], strict=True):
            values = np.asarray(embedding, dtype=np.float64)
            if values.shape != (dimension,):
                faults.append(f"{clip_id}: shape {values.shape} instead of ({dimension},)")
            elif not np.isfinite(values).all():
                faults.append(f"{clip_id}: not finite")
    if missing:
        named = ", ".join(sorted(missing)[:5])
        faults.insert(0, f"{len(missing)} clips have no row: {named}")
    return faults[:20]
