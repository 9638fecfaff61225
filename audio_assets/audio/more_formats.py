"""Decode formats with the extra ``formats`` (PyAV, whose wheel contains FFmpeg's codecs)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio_assets.audio.parts import TOLERANCE_SECONDS, DamagedError, cut_off
from audio_assets.audio.stitched import Data, Stitched, view

# The file properties of an ASF file, which contain the duration of WMA.
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_MANY_PLANES = 8
INSTALL = "pip install 'audio-assets[formats]'"


class PyAvSound:
    """A file that PyAV decodes; see :class:`audio_assets.audio.sound.Sound`.

    Parameters
    ----------
    data
        The file.
    kind
        Name of its container.
    what
        Name of the coding that needs the extra, if other codings of the container do not.

    Raises
    ------
    DamagedError
        If the extra is not installed, or the file cannot be opened or holds no sound.
    """

    def __init__(self, data: Data, kind: str, what: str | None = None) -> None:
        require_extra(what or kind)
        import av

        self._errors: tuple[type[Exception], ...] = (av.FFmpegError, ValueError)
        self._kind = kind
        try:
            # Reopened for each pass, because not every demuxer can seek back to its first sample.
            self._file = Stitched((view(data, 0, len(data)),))
            container = self._open()
        except self._errors as error:
            raise DamagedError(f"damaged or cut off {kind} file: {_words(error)}") from error
        with container:
            if not container.streams.audio:
                raise DamagedError(f"a {kind} file without a stream of sound", "not_audio")
            stream = container.streams.audio[0]
            if stream.codec_context is None:
                raise DamagedError(f"damaged or cut off {kind} file: its sound has no coding")
            self.rate = int(stream.codec_context.sample_rate)
            self.channels = int(stream.codec_context.channels)
            self.file_format = f"{kind} {stream.codec_context.name.upper()}"
            self._promised = _duration(data, container, stream)
        self.frames: int | None = None
        self.can_skip = False
        self.note: str | None = None

    def blocks(self, values: int, start: int = 0) -> Iterator[NDArray[np.float64]]:
        """See :meth:`audio_assets.audio.sound.Sound.blocks`."""
        for block in self._decoded():
            new = block[start:]
            start -= len(block) - len(new)
            if len(new):
                yield new

    def _decoded(self) -> Iterator[NDArray[np.float64]]:
        read = 0
        held: NDArray[np.float64] | None = None
        try:
            with self._open() as container:
                packed = _Packed()
                for frame in container.decode(audio=0):
                    if frame.sample_rate != self.rate:
                        raise DamagedError("its sample rate changes within the file")
                    block = _samples(packed.of(frame))
                    if block.shape[1] != self.channels:
                        raise DamagedError("its number of channels changes within the file")
                    read += len(block)
                    if held is not None:
                        yield held
                    held = block
        except self._errors as error:
            raise DamagedError(f"damaged or cut off {self._kind} file: {_words(error)}") from error
        if held is None:
            return
        if self._promised is None:
            yield held
            return
        more = read - round(self._promised * self.rate)
        if -more / self.rate > TOLERANCE_SECONDS:
            raise cut_off(-more / self.rate, self._promised, "its header")
        # Excess of less than a frame is the encoder's padding of the last frame.
        if more >= len(held):
            counted = f"its header counts {self._promised:.2f} s of audio"
            self.note = f"{counted}, and {read / self.rate:.2f} s are there and were used"
        yield held[: len(held) - more] if 0 < more < len(held) else held

    def _open(self) -> Any:
        import av

        self._file.seek(0)
        return av.open(self._file, mode="r", metadata_errors="replace")


def require_extra(what: str) -> None:
    """Check that the extra is installed.

    Parameters
    ----------
    what
        The format to read.

    Raises
    ------
    DamagedError
        If it is not installed; the message explains the alternative.
    """
    try:
        import av  # noqa: F401
    except ImportError as error:
        raise DamagedError(
            f"{what} is read with the extra `formats` only: {INSTALL}, or convert the file: "
            "ffmpeg -i FILE FILE.flac",
            "needs_extra",
        ) from error


def _duration(data: Data, container: Any, stream: Any) -> float | None:
    """Return the duration in the header in seconds; None if it is an estimate or missing."""
    # FFmpeg guesses the duration of a raw stream from the bit rate, of WMA from the file's size.
    if container.format.name in ("aac", "amr", "mp3"):
        return None
    at = data.find(_ASF_PROPERTIES, 0, 2**16)
    if container.format.name == "asf" and at >= 0:
        hundred_ns, _, preroll_ms = struct.unpack("<QQQ", data[at + 64 : at + 88])
        return hundred_ns / 1e7 - preroll_ms / 1e3 if hundred_ns else None
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / 1_000_000


class _Packed:
    """Converts frames with many channels to interleaved samples."""

    def __init__(self) -> None:
        self._packer: Any = None

    def of(self, frame: Any) -> Any:
        """Return the frame, or one with the same samples that PyAV can read."""
        # PyAV 18 reads one plane more than FFmpeg has room for, and the process dies.
        if not frame.format.is_planar or frame.layout.nb_channels < _MANY_PLANES:
            return frame
        if self._packer is None:
            import av

            self._packer = av.AudioResampler(format=frame.format.packed)
        (packed,) = self._packer.resample(frame)
        return packed


def _samples(frame: Any) -> NDArray[np.float64]:
    """Return a decoded frame as float64[n, channels], full scale 1."""
    raw: NDArray[Any] = frame.to_ndarray()
    channels = frame.layout.nb_channels
    planar = frame.format.is_planar
    block = raw.T if planar else raw.reshape(-1, channels)
    if block.dtype.kind == "f":
        return np.asarray(block, dtype=np.float64)
    if block.dtype == np.uint8:
        return (block.astype(np.float64) - 128.0) / 128.0
    return np.asarray(block / -float(np.iinfo(block.dtype).min), dtype=np.float64)


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".")
