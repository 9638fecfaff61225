"""Files of the formats that the extra reads, written by PyAV's own encoders."""

import tempfile
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np

from audio_assets_tests.audio.steps import Heard, order, steps

SECONDS = 2.15
_HIGHEST_AMR_BITS = 12_200


@dataclass(frozen=True)
class Coding:
    """A container of FFmpeg with a codec, and what is known of the duration.

    Attributes
    ----------
    name
        As a fault has to call it.
    muxer, codec
        FFmpeg's names.
    shorter, longer
        Seconds by which what can be decoded may differ from the sound: the coder's delay, padding
        and last frame, where the container does not name them.
    rate, channels
        Of the file.
    options
        Of FFmpeg's muxer.
    bits
        FFmpeg's name of the samples, where that is not its first choice.
    """

    name: str
    muxer: str
    codec: str
    shorter: float = 0.01
    longer: float = 0.01
    rate: int = 44_100
    channels: int = 1
    options: dict[str, str] = field(default_factory=dict, hash=False)
    bits: str | None = None

    @lru_cache(maxsize=64)  # noqa: B019
    def file(self) -> bytes:
        """The sound in this container and coding."""
        import av

        layout = {1: "mono", 2: "stereo", 8: "7.1"}[self.channels]
        samples = steps(SECONDS, self.rate, channels=self.channels)
        # Side by side: PyAV makes no frame of 8 planes.
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples, dtype=np.float32).reshape(1, -1), "flt", layout
        )
        frame.sample_rate, frame.time_base = self.rate, Fraction(1, self.rate)
        frame.pts = 0
        with tempfile.TemporaryDirectory() as folder:
            # Some muxers read what they have written, so that a buffer will not do.
            path = Path(folder, "file")
            with av.open(str(path), "w", format=self.muxer, options=self.options) as container:
                stream = container.add_stream(self.codec, rate=self.rate, layout=layout)
                if self.bits is not None:
                    stream.codec_context.format = self.bits
                    stream.codec_context.options = {"strict": "experimental"}
                stream.bit_rate = _HIGHEST_AMR_BITS if "amr" in self.codec else 96_000
                container.mux(stream.encode(frame))
                container.mux(stream.encode(None))
            return path.read_bytes()

    def heard(self) -> Heard:
        """What is heard of the whole file."""
        low, high = SECONDS - self.shorter, SECONDS + self.longer
        return Heard(low, high, order(SECONDS), slack=0.08, gap=max(0.06, self.longer))


FAST = {"movflags": "faststart"}
WITH_EXTRA = {
    "M4A": Coding("M4A", "ipod", "aac"),
    "M4A 16 kHz": Coding("M4A", "ipod", "aac", rate=16_000),
    "M4A stereo, index first": Coding("M4A", "ipod", "aac", rate=48_000, channels=2, options=FAST),
    "M4A lossless": Coding("M4A", "ipod", "alac", options=FAST),
    # One frame of delay and up to one of padding, which ADTS does not name.
    "AAC": Coding("AAC", "adts", "aac", longer=0.047),
    "AAC 16 kHz": Coding("AAC", "adts", "aac", longer=0.13, rate=16_000),
    # FFmpeg's encoder drops what does not fill a frame of 2,048 samples.
    "WMA": Coding("WMA", "asf", "wmav2", shorter=0.047),
    "WMA stereo": Coding("WMA", "asf", "wmav2", shorter=0.047, channels=2),
    "3GP AAC": Coding("3GP", "3gp", "aac", rate=16_000, options=FAST),
    "3GP AMR": Coding("3GP", "3gp", "libopencore_amrnb", longer=0.02, rate=8_000, options=FAST),
    "3GP AMR, index last": Coding("3GP", "3gp", "libopencore_amrnb", longer=0.02, rate=8_000),
    "WavPack": Coding("WavPack", "wv", "wavpack"),
    "WavPack stereo": Coding("WavPack", "wv", "wavpack", rate=96_000, channels=2),
    "M4A of 8 channels": Coding("M4A", "ipod", "aac", rate=48_000, channels=8),
    "WavPack of 8 channels": Coding("WavPack", "wv", "wavpack", rate=48_000, channels=8),
    "CAF lossless": Coding("CAF", "caf", "alac"),
    "CAF IMA": Coding("CAF", "caf", "adpcm_ima_qt"),
    "FLAC of 32 bits": Coding("FLAC", "flac", "flac", bits="s32"),
}
LAYER_II = {
    "MP2": Coding("MP3", "mp2", "mp2", longer=0.04),
    "MP2 24 kHz": Coding("MP3", "mp2", "mp2", longer=0.06, rate=24_000, channels=2),
}
