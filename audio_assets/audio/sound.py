"""Decode a sound file in blocks, to the real end of its audio.

Runs, imports and the report all use this reader. Deciding whether a file can be used as a clip
belongs in :mod:`audio_assets.audio.decode`.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from audio_assets.audio.containers import NAMES, container, layout_of, needs_extra
from audio_assets.audio.more_formats import PyAvSound
from audio_assets.audio.parts import TOLERANCE_SECONDS, DamagedError, OtherCodingError, Part
from audio_assets.audio.stitched import Data, Stitched

BLOCK_VALUES = 2**18
"""Values in a block, all channels together: 2 MB. NumPy requests huge pages from 4 MB on, and
clearing these took longer than decoding 5 s of FLAC."""

_UNSUPPORTED_ENCODING = 4
"""libsndfile's error number."""

Block = NDArray[np.float64] | NDArray[np.float32]
"""[n, channels], n > 0; full scale is 1, and float files may exceed it."""

# float32 represents every value of these codings exactly, and takes half the time.
_FLOAT32_IS_EXACT = {
    "PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "ULAW", "ALAW", "VORBIS", "OPUS",
    "MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III",
}  # fmt: skip


class Sound(Protocol):
    """An open sound file.

    Attributes
    ----------
    rate
        Sample rate in Hz.
    channels
        Number of channels.
    file_format
        Container and coding, e.g. ``WAV PCM_16`` or ``OGG VORBIS``.
    frames
        Samples per channel if known before decoding, or None.
    can_skip
        Whether blocks from a later start need no decoding of the audio before it; then ``frames``
        is exact.
    note
        Remark on an unusual file that can be used completely, or None; complete once all blocks
        have been read.
    """

    rate: int
    channels: int
    file_format: str
    frames: int | None
    can_skip: bool
    note: str | None

    def blocks(self, values: int, start: int = 0) -> Iterator[Block]:
        """Decode the file to its end.

        Parameters
        ----------
        values
            Largest number of values in a block, of all channels together.
        start
            First sample to return.

        Yields
        ------
        Block
            The next samples; float32 only if that represents every value exactly.

        Raises
        ------
        DamagedError
            If a part of the audio is missing or does not decode. The blocks before are the audio
            up to there.
        """


def open_sound(data: Data, *, cut_too: bool = False) -> Sound:
    """Open a sound file.

    Parameters
    ----------
    data
        Bytes of the whole file, or a map of them.
    cut_too
        Open a file that is cut off, too. Its blocks contain the audio that exists, then raise.

    Raises
    ------
    DamagedError
        If it is not a sound file, is damaged or cut off, or needs an extra that is not installed.
    """
    kind = container(data)
    if kind is None:
        raise not_audio(len(data))
    try:
        try:
            return (
                PyAvSound(data, kind) if needs_extra(kind) else _SndfileSound(data, kind, cut_too)
            )
        except OtherCodingError as other:
            return PyAvSound(data, kind, other.detail)
    # Values that no writer produces, for which there is no rule.
    except (struct.error, ValueError, ArithmeticError, LookupError) as error:
        raise DamagedError(f"the file is damaged: its header makes no sense ({error})") from error


def not_audio(size: int) -> DamagedError:
    """Return the fault of a file of this size that does not begin with audio."""
    return DamagedError(f"{size} bytes that begin with no {NAMES}", "not_audio")


class _SndfileSound:
    """A file that libsndfile decodes, part by part."""

    def __init__(self, data: Data, kind: str, cut_too: bool) -> None:
        self._layout = layout_of(data, kind)
        self.note = self._layout.note
        counts = [part.frames for part in self._layout.parts]
        self.frames = None if None in counts else sum(filter(None, counts))
        self.can_skip = all(part.is_uncompressed for part in self._layout.parts)
        self.rate = self.channels = 0
        self._opened: Any = None
        self.file_format = kind
        for part in self._layout.parts:
            if part.fault is not None and not (cut_too and part.frames != 0):
                raise part.fault
            if part.frames == 0 and len(self._layout.parts) == 1:
                raise DamagedError(f"a {kind} header and no samples", "no_samples")
            file = self._open(part)
            found = (int(file.samplerate), int(file.channels))
            if self.rate and found != (self.rate, self.channels):
                raise DamagedError(
                    f"it is several {kind} files joined, of {self.rate} Hz with "
                    f"{self.channels} channels and of {found[0]} Hz with {found[1]}"
                )
            self.rate, self.channels = found
            self.file_format = f"{kind} {file.subtype}"
            if part is self._layout.parts[0]:
                # Opening an Ogg or MP3 file takes a tenth of decoding 5 s of it.
                self._opened = file
            else:
                file.close()

    def blocks(self, values: int, start: int = 0) -> Iterator[Block]:
        """See :meth:`Sound.blocks`."""
        notes = [self._layout.note] if self._layout.note else []
        for part in self._layout.parts:
            known = part.frames if part.is_uncompressed and part.frames is not None else 0
            read = min(start, known)
            start -= read
            for block in self._decoded(part, max(1, values // self.channels), read):
                read += len(block)
                new = block[start:] if start else block
                start -= len(block) - len(new)
                if len(new):
                    yield new
            note = None if part.verify is None else part.verify(read)
            if part.frames is not None and part.frames - read > TOLERANCE_SECONDS * self.rate:
                raise DamagedError(
                    f"damaged or cut off {self._layout.kind} file: it holds {part.frames} samples "
                    f"per channel, and {read} could be decoded"
                )
            if note and note not in notes:
                notes.append(note)
        self.note = "; ".join(notes) or None

    def _decoded(self, part: Part, frames: int, start: int) -> Iterator[Block]:
        import soundfile

        read = 0
        while True:
            known = read
            try:
                for block in self._straight(part, frames, start):
                    new = block[known:]
                    known -= len(block) - len(new)
                    read += len(new)
                    if len(new):
                        yield new
                if part.fault is not None:
                    raise part.fault
                return
            except soundfile.SoundFileError as error:
                other = None if part.retry is None else part.retry()
                if other is None:
                    raise DamagedError(
                        f"damaged or cut off {self._layout.kind} file: {_words(error)}"
                    ) from error
                part = other

    def _straight(self, part: Part, frames: int, start: int) -> Iterator[Block]:
        file = self._opened if part is self._layout.parts[0] else None
        self._opened = None
        with file or self._open(part) as file:
            exact = self.channels == 1 and file.subtype in _FLOAT32_IS_EXACT
            dtype = "float32" if exact else "float64"
            if start:
                file.seek(start)
            # After each read of a seekable file, soundfile seeks to its position. That changes
            # the last bits of MP3, and fails in a FLAC file of unknown length.
            file.seekable = lambda: False
            while len(block := file.read(frames, dtype=dtype, always_2d=True)):
                yield block

    def _open(self, part: Part) -> Any:
        import soundfile

        kind = self._layout.kind
        try:
            opened = soundfile.SoundFile(_file(part))
        except soundfile.SoundFileError as error:
            if kind == "CAF" and getattr(error, "code", 0) == _UNSUPPORTED_ENCODING:
                raise OtherCodingError("CAF of this coding", "needs_extra") from error
            size = sum(len(piece) for piece in part.pieces)
            # An MPEG frame begins with eleven set bits, and so may other files.
            reason = "not_audio" if kind == "MP3" else "undecodable"
            raise DamagedError(f"{size} bytes of {kind}: {_words(error)}", reason) from error
        if opened.format not in self._layout.formats:
            opened.close()
            raise DamagedError(f"a {kind} header around {opened.format}", "not_audio")
        return opened


def _file(part: Part) -> io.BytesIO | Stitched:
    piece, *more = part.pieces
    if isinstance(piece, memoryview) and not more and part.times_longer == 1:
        # An unmodified file needs neither our code at each read nor a copy.
        whole = piece.obj
        if isinstance(whole, bytes) and len(whole) == len(piece):
            return io.BytesIO(whole)
    return Stitched(part.pieces, part.times_longer)


def _words(error: Exception) -> str:
    """Return libsndfile's message without the address of the object it was reading."""
    text = str(getattr(error, "error_string", error))
    return text.removeprefix("Error : ").strip().rstrip(".")
