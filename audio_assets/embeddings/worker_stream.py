"""The streaming loop over worker processes: clips in, one embedding per clip out, in order.

Reading stays here, on threads, since it waits for a disk or bucket; decoding, resampling and
inference run in the workers, so that they never compete for one interpreter lock and the death of a
worker does not end the run.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from audio_assets.audio.decode import DurationLimits
from audio_assets.audio.faults import ClipFault
from audio_assets.embeddings.stream import (
    ROOM_BYTES,
    Clip,
    ClipEmbedding,
    known_clip,
    never_heard,
    read_clip,
)
from audio_assets.embeddings.worker import ReadClip
from audio_assets.embeddings.worker_pool import WorkerPool
from audio_assets.encoders.base import Encoder

# A batch is sent as bytes of files: half a second of BirdNET, and little to repeat if it is lost.
_BATCH_CLIPS = 16
_BATCH_BYTES = 8 * 2**20
# Clips that need no worker, before those that wait behind them are yielded.
_BATCH_RESULTS = 64

_Read = ReadClip | ClipEmbedding


def embed_in_processes(
    clips: Iterable[Clip],
    read: Callable[[str], bytes | ClipFault],
    make_encoder: Callable[[], Encoder],
    *,
    limits: DurationLimits,
    workers: int,
    known: Callable[[str], bool],
    heard: Callable[[str], float | None] = never_heard,
) -> Iterator[ClipEmbedding]:
    """Embed clips in worker processes, as a stream.

    Like :func:`audio_assets.embeddings.stream.embed_clips`, with bit-identical results, except that
    ``make_encoder`` is pickled and that a clip that ends its worker process is yielded with
    ``crash``.

    Raises
    ------
    EmbeddingError
        If a worker process cannot be started.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    return _stream(iter(clips), read, make_encoder, limits, workers, known, heard)


def _stream(
    clips: Iterator[Clip],
    read: Callable[[str], bytes | ClipFault],
    make_encoder: Callable[[], Encoder],
    limits: DurationLimits,
    workers: int,
    known: Callable[[str], bool],
    heard: Callable[[str], float | None],
) -> Iterator[ClipEmbedding]:
    pool = WorkerPool(make_encoder, limits)
    running: deque[tuple[Future[list[ClipEmbedding]], int]] = deque()
    load_threads = ThreadPoolExecutor(2 * workers, "audio-assets-load")
    worker_threads = ThreadPoolExecutor(workers, "audio-assets-worker")

    def load(clip: Clip) -> _Read:
        data = read_clip(clip, read)
        if isinstance(data, ClipEmbedding):
            return data
        sha256 = hashlib.sha256(data).hexdigest()
        if known(sha256):
            return known_clip(clip, sha256)
        return ReadClip(clip, sha256, data, heard(sha256))

    try:
        for batch in _batches(_read_ahead(clips, load, load_threads, 4 * workers)):
            # Before it is sent: it is in memory here, and once more in its worker.
            while running and _bytes(batch) + sum(size for _, size in running) > ROOM_BYTES:
                yield from running.popleft()[0].result()
            running.append((worker_threads.submit(_embed, batch, pool), _bytes(batch)))
            del batch
            # A waiting batch per worker hides the time that this thread takes to read and
            # its caller to write.
            while len(running) >= 2 * workers:
                yield from running.popleft()[0].result()
        while running:
            yield from running.popleft()[0].result()
    finally:
        load_threads.shutdown(cancel_futures=True)
        worker_threads.shutdown(cancel_futures=True)
        pool.close()


def _read_ahead(
    clips: Iterator[Clip],
    load: Callable[[Clip], _Read],
    threads: ThreadPoolExecutor,
    ahead: int,
) -> Iterator[_Read]:
    loading: deque[tuple[Future[_Read], int]] = deque()
    for clip in clips:
        # In order: a clip that waits for room behind a later one would wait forever.
        while loading and clip.size + sum(size for _, size in loading) > ROOM_BYTES:
            yield loading.popleft()[0].result()
        loading.append((threads.submit(load, clip), clip.size))
        if len(loading) >= ahead:
            yield loading.popleft()[0].result()
    while loading:
        yield loading.popleft()[0].result()


def _bytes(batch: list[_Read]) -> int:
    return sum(len(read.data) for read in batch if isinstance(read, ReadClip))


def _batches(reads: Iterator[_Read]) -> Iterator[list[_Read]]:
    batch: list[_Read] = []
    clips = size = 0
    for read in reads:
        batch.append(read)
        if isinstance(read, ReadClip):
            clips += 1
            size += len(read.data)
        if clips >= _BATCH_CLIPS or size >= _BATCH_BYTES or len(batch) >= _BATCH_RESULTS:
            yield batch
            batch = []
            clips = size = 0
    if batch:
        yield batch


def _embed(batch: list[_Read], pool: WorkerPool) -> list[ClipEmbedding]:
    unknown = [read for read in batch if isinstance(read, ReadClip)]
    embedded = iter(pool.embed(unknown) if unknown else ())
    return [next(embedded) if isinstance(read, ReadClip) else read for read in batch]
