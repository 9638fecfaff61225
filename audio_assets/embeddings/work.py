"""Filling the embedding store: the order in which clips are embedded and written.

The work is cut into chunks in an order that is the same in every process. A process claims a chunk,
checks again which of its clips are stored, and embeds the rest. Chunks claimed by other processes
are left to them and checked again at the end, so that no process waits while there is work and none
repeats the work of another. All chunks go through one stream of the encoder loop, so that batches
cross their borders and encoders are made once.

Decoding, encoding and assembling the table of embeddings belong elsewhere.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from audio_assets.audio.faults import ClipFault
from audio_assets.embeddings.clip_rows import ListedContent, StoredClip
from audio_assets.embeddings.store import EmbeddingStore
from audio_assets.embeddings.stream import Clip, ClipEmbedding
from audio_assets.errors import AudioRootError
from audio_assets.objects.claims import Claim

# A killed run loses at most the clips of one shard, about five seconds of BirdNET on one core, and
# those being encoded.
CLIPS_PER_SHARD = 64
WINDOWS_PER_SHARD = 2048
"""Limit on a shard, 8 MB for BirdNET. Clips of 10 s stay below it; longer ones fill it earlier."""

Stream = Callable[[Iterable[Clip]], Iterator[ClipEmbedding]]
"""The encoder loop: yields results in the order of the clips, consumed lazily in this thread."""
_Chunk = Sequence[int]
"""Places of clips in the listing."""


@dataclass(frozen=True)
class ListedClip:
    """A listed clip to embed; size in bytes."""

    clip_id: str
    uri: str
    checksum: str
    size: int


class Listing(Protocol):
    """Clips by place, looked up when their turn comes and not kept."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> ListedClip: ...


@dataclass
class Filled:
    """Outcome for each clip.

    Attributes
    ----------
    keys
        ``clip_id`` to SHA-256 of the clips now in the store.
    faults
        ``clip_id`` to the fault of the clip.
    embedded
        ``clip_id`` of the clips that this process embedded.
    crashes
        URI to a description of how the worker process with only this clip ended; not retried here.
    """

    keys: dict[str, str] = field(default_factory=dict)
    faults: dict[str, ClipFault] = field(default_factory=dict)
    embedded: set[str] = field(default_factory=set)
    crashes: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False)
class _Open:
    """A claimed chunk and the results that it still waits for."""

    claim: Claim
    waiting: int


def fill_store(
    rows: Listing,
    store: EmbeddingStore,
    stream: Stream,
    *,
    filled: Filled,
    progress: Callable[[Filled], None],
) -> None:
    """Embed the clips that the store lacks.

    Parameters
    ----------
    rows
        Usable clips of the inventory.
    stream
        Embeds clips; may be called several times, one after the other.
    filled
        Outcomes known already; completed here for every row.
    progress
        Called after each addition to ``filled``.

    Raises
    ------
    ResultsError
        If the store cannot be read or written. Errors of ``stream`` are passed on.
    AudioRootError
        If a clip was changed after it was listed.
    """
    work = _Work(rows, store, filled, progress)
    todo = _chunks(rows)
    store.refresh()
    while todo:
        before = len(todo)
        try:
            todo = work.embed(todo, stream)
        finally:
            work.release()
        if len(todo) == before:
            time.sleep(store.poll_seconds)
            store.refresh()
    store.remove_abandoned_claims()


class _Work:
    """One process's part of the work."""

    def __init__(
        self,
        rows: Listing,
        store: EmbeddingStore,
        filled: Filled,
        progress: Callable[[Filled], None],
    ) -> None:
        self._all = rows
        self._store = store
        self._filled = filled
        self._progress = progress
        # Those under way.
        self._rows: dict[str, ListedClip] = {}
        self._open: deque[_Open] = deque()
        # Complete chunks that are not written yet, and their clips.
        self._done: list[_Open] = []
        self._pending: list[StoredClip] = []
        # Clips that the store had, under a checksum that it did not know.
        self._recognised: list[ListedContent] = []

    def embed(self, chunks: list[_Chunk], stream: Stream) -> list[_Chunk]:
        """Embed the chunks that can be claimed; return those that other processes hold."""
        others: list[_Chunk] = []
        clips = self._claimed(chunks, others)
        first = next(clips, None)
        if first is not None:
            for result in stream(_again(first, clips)):
                self._take(result)
            self._write()
        return others

    def release(self) -> None:
        """Give up all claims."""
        for chunk in (*self._done, *self._open):
            chunk.claim.release()
        self._done.clear()
        self._open.clear()

    def _claimed(self, chunks: list[_Chunk], others: list[_Chunk]) -> Iterator[Clip]:
        for chunk in chunks:
            if not self._missing(chunk):
                continue
            claim = self._store.claim(_chunk_name(self._all, chunk))
            if claim is None:
                others.append(chunk)
                continue
            opened = _Open(claim, 0)
            self._open.append(opened)
            # Another process may have embedded it before it could be claimed.
            self._store.refresh()
            missing = self._missing(chunk)
            opened.waiting = len(missing)
            if not missing:
                self._open.remove(opened)
                self._done.append(opened)
            for row in missing:
                self._rows[row.clip_id] = row
                yield Clip(row.clip_id, row.uri, row.size)

    def _missing(self, chunk: _Chunk) -> list[ListedClip]:
        """Rows of a chunk that the store lacks; the outcome of the others is recorded."""
        missing = []
        known = 0
        for row in (self._all[place] for place in chunk):
            if row.clip_id in self._filled.keys or row.clip_id in self._filled.faults:
                continue
            if row.uri in self._filled.crashes:
                continue
            sha256 = self._store.sha256_of(row.checksum, row.size)
            if sha256 is None:
                missing.append(row)
            else:
                self._filled.keys[row.clip_id] = sha256
                known += 1
        if known:
            self._progress(self._filled)
        return missing

    def _take(self, result: ClipEmbedding) -> None:
        row = self._rows.pop(result.clip_id)
        _check_unchanged(result, row)
        if result.crash is not None:
            self._filled.crashes[row.uri] = result.crash
        elif result.fault is not None:
            self._filled.faults[result.clip_id] = result.fault
        else:
            assert result.sha256 is not None
            self._filled.keys[result.clip_id] = result.sha256
            if result.cached:
                self._recognised.append(ListedContent(result.sha256, row.checksum, row.size))
            else:
                self._filled.embedded.add(result.clip_id)
                self._pending.append(_stored(result, row))
        self._progress(self._filled)
        for chunk in (*self._done, *self._open):
            chunk.claim.renew()
        self._open[0].waiting -= 1
        if not self._open[0].waiting:
            self._done.append(self._open.popleft())
        # Where chunks lack only a few clips each, one shard per chunk would make many small ones.
        windows = sum(clip.windows for clip in self._pending)
        settled = len(self._pending) + len(self._recognised)
        if settled >= CLIPS_PER_SHARD or windows >= WINDOWS_PER_SHARD:
            self._write()

    def _write(self) -> None:
        self._store.append(self._pending)
        self._pending.clear()
        self._store.note(self._recognised)
        self._recognised.clear()
        for chunk in self._done:
            chunk.claim.release()
        self._done.clear()


def _chunks(rows: Listing) -> list[_Chunk]:
    def content(place: int) -> tuple[str, int, str]:
        row = rows[place]
        return row.checksum, row.size, row.clip_id

    # By content, so that processes with different listings of the same audio cut it alike.
    ordered = sorted(range(len(rows)), key=content)
    starts = range(0, len(ordered), CLIPS_PER_SHARD)
    return [ordered[start : start + CLIPS_PER_SHARD] for start in starts]


def _chunk_name(rows: Listing, chunk: _Chunk) -> str:
    clips = (rows[place] for place in chunk)
    contents = "\n".join(f"{clip.checksum} {clip.size}" for clip in clips)
    return hashlib.sha256(contents.encode()).hexdigest()[:32]


def _again(first: Clip, rest: Iterator[Clip]) -> Iterator[Clip]:
    yield first
    yield from rest


def _check_unchanged(result: ClipEmbedding, row: ListedClip) -> None:
    """Fail if the bytes read are not those listed: the row would describe another clip."""
    algorithm, _, digest = row.checksum.partition(":")
    if algorithm == "sha256" and result.sha256 not in (None, digest):
        raise AudioRootError(
            f"{row.uri} was changed after it was listed",
            "Run again when it is written; the new clip is listed first.",
        )


def _stored(result: ClipEmbedding, row: ListedClip) -> StoredClip:
    assert result.sha256 is not None
    assert result.embedding is not None and result.seconds is not None
    return StoredClip(
        sha256=result.sha256,
        checksum=row.checksum,
        size=row.size,
        seconds=result.seconds,
        windows=result.windows,
        embedding=result.embedding,
        class_scores=result.class_scores,
        heard_before=result.heard_before,
        samples=result.samples,
        window_embeddings=result.window_embeddings,
        window_starts=result.window_starts,
    )
