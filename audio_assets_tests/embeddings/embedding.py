"""Clips, and the loop that embeds them, as its tests call it."""

import io
import threading
from collections.abc import Callable

import numpy as np
import soundfile
from numpy.typing import NDArray

from audio_assets.audio.decode import DurationLimits
from audio_assets.embeddings.stream import Clip, ClipEmbedding, embed_clips
from audio_assets.encoders.base import Encoded, Encoder
from audio_assets.encoders.placeholder import PlaceholderEncoder

LIMITS = DurationLimits(0.5, 100.0)


def wav(seconds: float, seed: int = 0, rate: int = 16_000, channels: int = 1) -> bytes:
    rng = np.random.default_rng(seed)
    buffer = io.BytesIO()
    samples = rng.normal(scale=0.1, size=(round(seconds * rate), channels))
    soundfile.write(buffer, samples, rate, format="WAV")
    return buffer.getvalue()


def unknown(sha256: str) -> bool:
    return False


def embed(
    files: dict[str, bytes],
    *,
    make_encoder: Callable[[], Encoder] = PlaceholderEncoder,
    workers: int = 1,
    known: Callable[[str], bool] = unknown,
) -> list[ClipEmbedding]:
    clips = (Clip(f"pos/{uri}", uri) for uri in files)
    return list(
        embed_clips(
            clips,
            files.__getitem__,
            make_encoder,
            limits=LIMITS,
            workers=workers,
            known=known,
        )
    )


def our_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("audio-assets-")]


class Recorder(PlaceholderEncoder):
    """Keeps the size of each batch, and can be held until told to go on."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.go = threading.Event()
        self.go.set()

    def encode(self, windows: NDArray[np.float32]) -> Encoded:
        assert self.go.wait(60)
        self.batches.append(len(windows))
        return super().encode(windows)
