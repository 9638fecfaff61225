"""The worker process: one encoder that embeds batches of clips from their bytes.

The process is started by :mod:`audio_assets.embeddings.worker_pool`, communicates through one
socket and ends when it closes. No state outlives a batch, so it may be killed at any time.
"""

import os
import signal
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from audio_assets.audio.decode import DurationLimits
from audio_assets.embeddings.batching import Batcher, EncoderPool
from audio_assets.embeddings.stream import Clip, ClipEmbedding, finish, prepare
from audio_assets.encoders.base import Encoded, Encoder
from audio_assets.objects.systems import inherited_connection

OUT_OF_MEMORY = 12
"""Exit code of a worker that ran out of memory."""
READY = "ready"


@dataclass(frozen=True)
class ReadClip:
    """A clip whose bytes are to be embedded.

    Attributes
    ----------
    heard_before
        Seconds that an earlier version embedded, or None.
    """

    clip: Clip
    sha256: str
    data: bytes
    heard_before: float | None = None


def embed_batch(
    clips: Sequence[ReadClip], encoders: EncoderPool, limits: DurationLimits
) -> list[ClipEmbedding]:
    """Decode and embed clips, in one thread; windows of several clips are encoded together."""
    batcher = Batcher()
    slots = []

    def encode(windows: NDArray[np.float32]) -> Future[Encoded]:
        done: Future[Encoded] = Future()
        done.set_result(encoders.encode(windows))
        return done

    for read in clips:
        slot = prepare(
            read.clip, read.sha256, read.data, encoders.reference, limits, read.heard_before
        )
        slots.append(slot)
        if slot.windows is not None:
            batcher.add(slot.windows)
        while batcher.ready(flush=False):
            batcher.submit(encode)
    while batcher.ready(flush=True):
        batcher.submit(encode)
    return [finish(slot) for slot in slots]


def serve(descriptor: int) -> None:
    """Answer batches from a socket until it is closed."""
    # Ctrl-C reaches the whole group; the parent decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = inherited_connection(descriptor)
    try:
        _answer(connection)
    except (EOFError, OSError):
        # The parent has ended, perhaps during a batch, or needs nothing more. An encoder's errors
        # do not arrive here: they are sent as the answer.
        return
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


def _answer(connection: Connection) -> None:
    from threadpoolctl import threadpool_limits

    make_encoder: Callable[[], Encoder]
    try:
        # Here, since what the encoder's module raises when it is imported is an answer too.
        make_encoder, limits = connection.recv()
        encoders = EncoderPool(make_encoder)
        threadpool_limits(limits=1)
    except MemoryError:
        raise
    except Exception as error:
        connection.send(_portable(error))
        return
    connection.send(READY)
    while True:
        clips: list[ReadClip] = connection.recv()
        answer: list[ClipEmbedding] | Exception
        try:
            answer = embed_batch(clips, encoders, limits)
        except MemoryError:
            raise
        # Any error of the encoder must reach the caller, which runs in another process.
        except Exception as error:
            answer = _portable(error)
        connection.send(answer)


def _portable(error: Exception) -> Exception:
    import pickle

    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
