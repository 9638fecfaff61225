"""Batching across file borders: windows of many clips are encoded together.

Grouping windows and choosing an encoder for them belong here; reading clips does not.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue

import numpy as np
from numpy.typing import NDArray

from audio_assets.encoders.base import Encoded, Encoder
from audio_assets.encoders.promises import output_fault
from audio_assets.models.registry import blaming, encoder_error

# Windows handed to an encoder at once; encoders cut them to the batch that suits them.
BATCH_WINDOWS = 16


class ClipWindows:
    """The windows of one clip on their way through the encoder.

    Parameters
    ----------
    windows
        float32[k, samples], k >= 1.
    """

    def __init__(self, windows: NDArray[np.float32]) -> None:
        self._windows = windows
        self._taken = 0
        self._count = len(windows)
        self._parts: list[tuple[Future[Encoded], slice]] = []

    def __len__(self) -> int:
        return self._count

    @property
    def remaining(self) -> int:
        """Windows that are in no batch yet."""
        return self._count - self._taken

    def take(self, count: int) -> NDArray[np.float32]:
        """The next windows, at most ``count``."""
        windows = self._windows[self._taken : self._taken + count]
        self._taken += len(windows)
        if not self.remaining:
            # The clip stays in line until it is given back; its samples need not.
            self._windows = self._windows[:0].copy()
        return windows

    def add_part(self, batch: Future[Encoded], rows: slice) -> None:
        """Record the rows of a batch that hold the windows taken last."""
        self._parts.append((batch, rows))

    def done(self) -> bool:
        """Return whether every window is encoded, or has failed."""
        return not self.remaining and all(batch.done() for batch, _ in self._parts)

    def encoded(self) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Embeddings [k, d] and class scores [k, c], in the order of the windows."""
        parts = [(batch.result(), rows) for batch, rows in self._parts]
        embeddings = np.concatenate([part.embeddings[rows] for part, rows in parts])
        scores = [part.class_scores[rows] for part, rows in parts if part.class_scores is not None]
        return embeddings, np.concatenate(scores) if scores else None


class Batcher:
    """Windows waiting to be encoded, in the order of their clips."""

    def __init__(self) -> None:
        self.waiting = 0
        self._clips: deque[ClipWindows] = deque()

    def add(self, clip: ClipWindows) -> None:
        """Add the windows of a clip to those waiting."""
        self._clips.append(clip)
        self.waiting += len(clip)

    def ready(self, *, flush: bool) -> bool:
        """Return whether a full batch, or any with ``flush``, can be submitted."""
        return self.waiting >= BATCH_WINDOWS or (flush and self.waiting > 0)

    def submit(self, encode: Callable[[NDArray[np.float32]], Future[Encoded]]) -> Future[Encoded]:
        """Hand the next windows to ``encode``, at most ``BATCH_WINDOWS``."""
        arrays: list[NDArray[np.float32]] = []
        rows: list[tuple[ClipWindows, slice]] = []
        size = 0
        while self._clips and size < BATCH_WINDOWS:
            clip = self._clips[0]
            array = clip.take(BATCH_WINDOWS - size)
            arrays.append(array)
            rows.append((clip, slice(size, size + len(array))))
            size += len(array)
            if not clip.remaining:
                self._clips.popleft()
        self.waiting -= size
        future = encode(np.concatenate(arrays))
        for clip, part in rows:
            clip.add_part(future, part)
        return future


class EncoderPool:
    """One encoder for each thread that encodes at the same time; made when first needed."""

    def __init__(self, make_encoder: Callable[[], Encoder]) -> None:
        self._make = make_encoder
        self.reference = make_encoder()
        self._idle: SimpleQueue[Encoder] = SimpleQueue()
        self._idle.put(self.reference)

    def encode(self, windows: NDArray[np.float32]) -> Encoded:
        """Encode windows.

        Raises
        ------
        EncoderError
            If the encoder's code fails, or its output is not what it declares.
        """
        try:
            encoder = self._idle.get_nowait()
        except Empty:
            encoder = self._make()
        try:
            with blaming(encoder.name, "its encode fails"):
                encoded = encoder.encode(windows)
                fault = output_fault(encoded, encoder, len(windows))
        finally:
            self._idle.put(encoder)
        if fault is not None:
            raise encoder_error(encoder.name, f"its encode gave {fault}")
        return encoded
