"""Large files are not all in memory at once, however many threads and processes there are."""

import io
from collections.abc import Callable
from threading import Lock
from time import sleep

import numpy as np
import pytest
import soundfile

from audio_assets.audio.decode import DurationLimits
from audio_assets.audio.faults import ClipFault
from audio_assets.embeddings import stream as embed
from audio_assets.embeddings import worker_stream
from audio_assets.embeddings.stream import Clip, ClipEmbedding, embed_clips
from audio_assets.embeddings.worker_stream import embed_in_processes
from audio_assets.encoders.placeholder import PlaceholderEncoder

LIMITS = DurationLimits()
STREAMS = [embed_clips, embed_in_processes]
WORKERS = 4


def wav(seed: int, seconds: float = 1.0) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(seed).normal(scale=0.1, size=round(seconds * 16_000))
    soundfile.write(buffer, noise, 16_000, format="WAV")
    return buffer.getvalue()


# One is larger than all the room that there is below.
FILES = {str(n): wav(n, 8.0 if n == 20 else 1.0) for n in range(40)}
EACH = len(FILES["0"])


def results(stream: Callable[..., object], read: Callable[[str], bytes]) -> list[ClipEmbedding]:
    clips = (Clip(uri, uri, len(data)) for uri, data in FILES.items())
    return list(
        stream(  # type: ignore[call-overload]
            clips,
            read,
            PlaceholderEncoder,
            limits=LIMITS,
            workers=WORKERS,
            known=lambda sha256: False,
        )
    )


@pytest.mark.parametrize("stream", STREAMS)
def test_less_room_gives_the_same_results(
    stream: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = results(stream, FILES.__getitem__)
    for module in (embed, worker_stream):
        monkeypatch.setattr(module, "ROOM_BYTES", 3 * EACH)
    found = results(stream, FILES.__getitem__)
    assert [one.clip_id for one in found] == list(FILES)
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_array_equal(a.embedding, b.embedding)


def test_threads_read_no_more_at_once_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(embed, "ROOM_BYTES", 3 * EACH)
    lock, held, most = Lock(), [0], [0]

    def read(uri: str) -> bytes:
        with lock:
            held[0] += len(FILES[uri])
            most[0] = max(most[0], held[0])
        sleep(0.005)
        with lock:
            held[0] -= len(FILES[uri])
        return FILES[uri]

    results(embed_clips, read)
    assert EACH < most[0] <= max(3 * EACH, len(FILES["20"]))


def test_processes_are_not_fed_with_more_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_stream, "ROOM_BYTES", 3 * EACH)
    # Each clip is a batch, so that batches that wait count one by one.
    monkeypatch.setattr(worker_stream, "_BATCH_BYTES", 1)
    lock, read, most = Lock(), [0], 0

    def counted(uri: str) -> bytes:
        with lock:
            read[0] += 1
        return FILES[uri]

    stream = embed_in_processes(
        (Clip(uri, uri, len(data)) for uri, data in FILES.items()),
        counted,
        PlaceholderEncoder,
        limits=LIMITS,
        workers=WORKERS,
        known=lambda sha256: False,
    )
    for given, _ in enumerate(stream):
        sleep(0.005)
        most = max(most, read[0] - given)
    # Three that are read, three that are sent, one that is put into a batch and the one given back.
    # Without a bound there are 24.
    assert 3 < most <= 8


@pytest.mark.parametrize("stream", STREAMS)
def test_what_reading_finds_wrong_is_the_fault_of_the_clip(stream: Callable[..., object]) -> None:
    fault = ClipFault("too_large", "2.0 GB")
    found = results(stream, lambda uri: fault if uri == "7" else FILES[uri])  # type: ignore
    assert [one.fault for one in found] == [fault if uri == "7" else None for uri in FILES]
    assert found[7].sha256 is None and found[8].embedding is not None
