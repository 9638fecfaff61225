"""The streaming loop: clips in, one embedding per clip out, in order and in bounded memory.

Reading, decoding and resampling run on separate threads beside inference, and batches cross file
borders. Identifying clips, locating them and storing their embeddings belong elsewhere.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio_assets.audio.decode import DurationLimits, decode_clip, is_as_before
from audio_assets.audio.faults import ClipFault
from audio_assets.audio.windows import cut_windows, window_starts
from audio_assets.embeddings.batching import BATCH_WINDOWS, Batcher, ClipWindows, EncoderPool
from audio_assets.embeddings.window_rows import mean_of_windows
from audio_assets.encoders.base import Encoded, Encoder
from audio_assets.objects.room import Room

ROOM_BYTES = 2**27
"""Bytes of files in memory at the same time; a larger file is admitted alone."""


def never_heard(sha256: str) -> None:
    """Default for ``heard``: no clip was embedded by an earlier version."""


@dataclass(frozen=True)
class Clip:
    """A clip to embed: its identity, where ``read`` finds its bytes, and how many they are."""

    clip_id: str
    uri: str
    size: int = 0


@dataclass(frozen=True)
class ClipEmbedding:
    """Outcome for a clip: an embedding, a fault, or ``cached``.

    Attributes
    ----------
    clip_id
        Name of the clip.
    sha256
        SHA-256 of the bytes; None if they could not be read.
    seconds, sample_rate, channels
        Properties of the file, in seconds and Hz; None unless it was decoded and is usable.
    samples
        Samples over all channels of the file; None as above.
    windows
        Number of windows averaged; 0 without an embedding.
    embedding
        float32[d], mean over windows, or None.
    window_embeddings, window_starts
        float32[k, d], the windows averaged in ``embedding``, and float64[k], their beginnings in
        seconds; None without an embedding.
    class_scores
        float32[c], maximum over windows, or None.
    fault
        Why the clip cannot be used, or None.
    cached
        Whether its embedding is known already, so that it was neither decoded nor encoded.
    note
        Oddity in reading the file, in words, or None.
    heard_before
        Seconds of the clip in an earlier embedding that must not be used any more; None if there
        is none.
    crash
        How the worker process that had only this clip ended, or None. This does not mean that the
        clip is faulty: the same machine may embed it when it has more memory.
    """

    clip_id: str
    sha256: str | None
    seconds: float | None
    sample_rate: int | None
    channels: int | None
    windows: int
    embedding: NDArray[np.float32] | None
    class_scores: NDArray[np.float32] | None
    fault: ClipFault | None
    cached: bool
    note: str | None = None
    heard_before: float | None = None
    crash: str | None = None
    samples: int | None = None
    window_starts: NDArray[np.float64] | None = None
    window_embeddings: NDArray[np.float32] | None = None


def embed_clips(
    clips: Iterable[Clip],
    read: Callable[[str], bytes | ClipFault],
    make_encoder: Callable[[], Encoder],
    *,
    limits: DurationLimits,
    workers: int,
    known: Callable[[str], bool],
    heard: Callable[[str], float | None] = never_heard,
) -> Iterator[ClipEmbedding]:
    """Embed clips, as a stream.

    ``clips`` is consumed lazily, in the caller's thread, at most ``max_in_flight(workers)`` clips
    ahead of the results. No clip is started while that many windows wait to be encoded; a clip of
    many windows may exceed this. Results do not depend on ``workers``. Closing the iterator stops
    its threads.

    Parameters
    ----------
    clips
        Clips in the order in which results are wanted.
    read
        Returns bytes by URI, or the clip's fault; called from several threads at once. An OSError
        is a fault, too, except for broken connections and time-outs, which are passed on.
    make_encoder
        Makes an encoder; called at most once per worker.
    limits
        Limits of accepted clips.
    workers
        Inference threads.
    known
        Whether an embedding for this SHA-256 exists; called from several threads at once.
    heard
        Seconds of the clip of this SHA-256 in an embedding by an earlier version, which may not
        have read all of it; None if there is none. Called like ``known``. If the same duration is
        read now, that embedding is valid and the result is ``cached``.

    Yields
    ------
    ClipEmbedding
        One per clip, in the order of ``clips``.

    Raises
    ------
    ValueError
        If ``workers`` is not positive.
    EncoderError
        If the encoder's code fails, or its output has the wrong shape or is not finite. Errors of
        ``read``, ``known`` and ``make_encoder`` are passed on.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    return _stream(iter(clips), read, make_encoder, limits, workers, known, heard)


def max_in_flight(workers: int) -> int:
    """Clips, and windows, in flight at once: two batches per worker and two being filled."""
    return BATCH_WINDOWS * 2 * (workers + 1)


@dataclass(frozen=True)
class Slot:
    """A clip in flight: its outcome so far, and its windows if it has any to encode."""

    result: ClipEmbedding
    windows: ClipWindows | None = None


def _stream(
    clips: Iterator[Clip],
    read: Callable[[str], bytes | ClipFault],
    make_encoder: Callable[[], Encoder],
    limits: DurationLimits,
    workers: int,
    known: Callable[[str], bool],
    heard: Callable[[str], float | None],
) -> Iterator[ClipEmbedding]:
    encoders = EncoderPool(make_encoder)
    limit = max_in_flight(workers)
    # Two per worker hide the latency of a bucket; decoding itself takes a sixth of BirdNET's time.
    loaders = 2 * workers
    loading: deque[Future[Slot]] = deque()
    slots: deque[Slot] = deque()
    batcher = Batcher()
    running: set[Future[Encoded]] = set()
    exhausted = False

    def has_room() -> bool:
        windows = batcher.waiting + len(running) * BATCH_WINDOWS
        return not exhausted and len(loading) + len(slots) < limit and windows < limit

    load_threads = ThreadPoolExecutor(loaders, "audio-assets-load")
    encode_threads = ThreadPoolExecutor(workers, "audio-assets-encode")

    room = Room(ROOM_BYTES)

    def load(clip: Clip) -> Slot:
        with room.held(clip.size):
            return _load(clip, read, encoders.reference, limits, known, heard)

    def encode(windows: NDArray[np.float32]) -> Future[Encoded]:
        return encode_threads.submit(encoders.encode, windows)

    try:
        while True:
            while len(loading) < 2 * loaders and has_room():
                clip = next(clips, None)
                if clip is None:
                    exhausted = True
                    break
                loading.append(load_threads.submit(load, clip))
            while loading and loading[0].done():
                slot = loading.popleft().result()
                slots.append(slot)
                if slot.windows is not None:
                    batcher.add(slot.windows)
            # Part of a batch waits for more windows, unless no clip can bring any.
            flush = not loading and not has_room()
            while len(running) < 2 * workers and batcher.ready(flush=flush):
                running.add(batcher.submit(encode))
            while slots and _is_done(slots[0]):
                yield finish(slots.popleft())
            if exhausted and not loading and not slots:
                return
            running = {future for future in running if not future.done()}
            waited_for: set[Future[Any]] = {*running, *islice(loading, 1)}
            if waited_for and (loading or not has_room()):
                wait(waited_for, return_when=FIRST_COMPLETED)
    finally:
        load_threads.shutdown(cancel_futures=True)
        encode_threads.shutdown(cancel_futures=True)


def _load(
    clip: Clip,
    read: Callable[[str], bytes | ClipFault],
    encoder: Encoder,
    limits: DurationLimits,
    known: Callable[[str], bool],
    heard: Callable[[str], float | None],
) -> Slot:
    data = read_clip(clip, read)
    if isinstance(data, ClipEmbedding):
        return Slot(data)
    sha256 = hashlib.sha256(data).hexdigest()
    if known(sha256):
        return Slot(known_clip(clip, sha256))
    return prepare(clip, sha256, data, encoder, limits, heard(sha256))


def read_clip(clip: Clip, read: Callable[[str], bytes | ClipFault]) -> bytes | ClipEmbedding:
    """The bytes of a clip, or its outcome if it cannot be read or used."""
    try:
        data = read(clip.uri)
    except (ConnectionError, TimeoutError):
        # Network faults are transient; a clip quarantined for one would stay quarantined.
        raise
    except OSError as error:
        fault = ClipFault("unreadable", f"{type(error).__name__}: {error}")
        return _result(clip, None, fault=fault)
    return _result(clip, None, fault=data) if isinstance(data, ClipFault) else data


def known_clip(clip: Clip, sha256: str) -> ClipEmbedding:
    """A clip whose embedding exists."""
    return _result(clip, sha256, cached=True)


def crashed(clip: Clip, sha256: str, how: str) -> ClipEmbedding:
    """A clip that ended its worker process."""
    return replace(_result(clip, sha256), crash=how)


def prepare(
    clip: Clip,
    sha256: str,
    data: bytes,
    encoder: Encoder,
    limits: DurationLimits,
    heard_before: float | None = None,
) -> Slot:
    """Decode a clip and cut it into the windows that the encoder takes."""
    decoded = decode_clip(data, limits, encoder.sample_rate)
    if isinstance(decoded, ClipFault):
        return Slot(_result(clip, sha256, fault=decoded))
    if heard_before is not None and is_as_before(decoded.heard, heard_before):
        return Slot(known_clip(clip, sha256))
    windows = cut_windows(decoded.samples, encoder.sample_rate, encoder.window_seconds)
    result = replace(
        _result(clip, sha256),
        seconds=decoded.seconds,
        sample_rate=decoded.heard.file_rate,
        channels=decoded.channels,
        samples=decoded.heard.frames * decoded.channels,
        windows=len(windows),
        window_starts=window_starts(len(windows), encoder.sample_rate, encoder.window_seconds),
        note=decoded.note,
        heard_before=heard_before,
    )
    return Slot(result, ClipWindows(windows))


def _result(
    clip: Clip, sha256: str | None, *, fault: ClipFault | None = None, cached: bool = False
) -> ClipEmbedding:
    return ClipEmbedding(clip.clip_id, sha256, None, None, None, 0, None, None, fault, cached)


def _is_done(slot: Slot) -> bool:
    return slot.windows is None or slot.windows.done()


def finish(slot: Slot) -> ClipEmbedding:
    """The outcome for a clip whose windows are encoded."""
    if slot.windows is None:
        return slot.result
    embeddings, scores = slot.windows.encoded()
    return replace(
        slot.result,
        embedding=mean_of_windows(embeddings),
        window_embeddings=embeddings,
        class_scores=None if scores is None else scores.max(axis=0),
    )
