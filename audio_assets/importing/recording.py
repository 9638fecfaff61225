"""Cut clips out of a recording in one pass over its audio.

Memory depends on the clips, not on the recording. The positions of the clips are decided in
:mod:`audio_assets.importing.clip_times`.
"""

from __future__ import annotations

import io
import mmap
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio_assets.audio.decode import CHANNELS, SAMPLE_RATES
from audio_assets.audio.parts import DamagedError
from audio_assets.audio.sound import BLOCK_VALUES, Block, open_sound
from audio_assets.importing.layout import ImportRefusedError

# Codings that WAV stores unchanged, with a type for all their values. Other files are stored as
# floating point, because a lossy file may decode to more than full scale.
_INTEGERS: dict[str, type[np.signedinteger]] = {
    "PCM_U8": np.int16, "PCM_16": np.int16, "PCM_24": np.int32, "PCM_32": np.int32,
}  # fmt: skip
_AS_THEY_ARE: dict[str, type[np.number]] = {
    **_INTEGERS, "FLOAT": np.float32, "DOUBLE": np.float64,
}  # fmt: skip
# Overlapping clips are cut in one pass as long as they fit into this many bytes together.
_OPEN_BYTES = 2**28
# Pages of the file that were read count as memory of the process until they are released.
_GIVEN_BACK_EVERY = 64


class Recording:
    """A recording.

    Parameters
    ----------
    path
        A local file.

    Attributes
    ----------
    rate
        Sample rate in Hz.
    channels
        Number of channels.
    frames
        Samples per channel: before the first pass the container's count, or None if unknown;
        afterwards the decoded number.
    is_decoded
        Whether a pass has been made.
    fault
        Message if audio is missing after ``frames``, or None; known after the first pass.
    note
        Remark on an unusual file that can be used completely, or None; known after the first pass.

    Raises
    ------
    ImportRefusedError
        If it cannot be read or decoded, or no run accepts its sample rate or channels.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._data = _mapped(path)
        try:
            self._sound = open_sound(self._data, cut_too=True)
        except DamagedError as error:
            raise ImportRefusedError(f"{path} cannot be decoded: {error}", "Replace it.") from error
        self.rate, self.channels = self._sound.rate, self._sound.channels
        for value, (low, high), unit in (
            (self.channels, CHANNELS, "channels"),
            (self.rate, SAMPLE_RATES, "Hz"),
        ):
            if not low <= value <= high:
                raise ImportRefusedError(
                    f"{path} has {value} {unit}, and runs accept {low} to {high} {unit}",
                    "Convert it.",
                )
        self._subtype = self._sound.file_format.split()[-1]
        self.frames = self._sound.frames
        self.is_decoded = False
        self.fault: str | None = None
        self.note: str | None = None

    @property
    def seconds(self) -> float:
        """Duration in seconds; infinite if unknown."""
        return float("inf") if self.frames is None else self.frames / self.rate

    def cut(self, segments: Sequence[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
        """Cut segments in one pass over the recording.

        Parameters
        ----------
        segments
            First sample of each segment, and the one after its last.

        Yields
        ------
        tuple[int, bytes]
            Index of a segment, and a WAV file of it with the sample rate, the channels and, unless
            the file is lossy, the bits of the recording. Segments that end after the recording are
            left out; so are some of very many overlapping ones, but never all.
        """
        waiting = sorted(range(len(segments)), key=lambda index: segments[index], reverse=True)
        cut: list[_Cut] = []
        self.fault = None
        end = 0
        try:
            for number, (at, block) in enumerate(self._blocks(segments)):
                end = at + len(block)
                while waiting and segments[waiting[-1]][0] < end:
                    index = waiting.pop()
                    new = _Cut(index, *segments[index], self.channels, self._subtype)
                    if not cut or new.size + sum(one.size for one in cut) <= _OPEN_BYTES:
                        cut.append(new)
                for one in cut:
                    one.add(block, at)
                for one in [one for one in cut if one.stop <= end]:
                    cut.remove(one)
                    yield one.index, one.wav(self.rate)
                if number % _GIVEN_BACK_EVERY == 0:
                    self._release()
        except DamagedError as error:
            self.fault = str(error)
        self.frames = end
        self.note = self._sound.note
        self.is_decoded = True

    def _blocks(self, segments: Sequence[tuple[int, int]]) -> Iterator[tuple[int, Block]]:
        """Yield the recording in blocks, with the first sample of each, to its end.

        If the decoder can skip, only the segments and the last sample are read.
        """
        runs: list[tuple[int, int | None]] = [(0, None)]
        if self._sound.can_skip and self._sound.frames:
            runs = [*_joined(segments), (self._sound.frames - 1, None)]
        for at, stop in runs:
            for block in self._sound.blocks(BLOCK_VALUES, at):
                # Samples after the end of a run may be part of the next one.
                yield at, block if stop is None else block[: stop - at]
                at += len(block)
                if stop is not None and at >= stop:
                    break

    def _release(self) -> None:
        if hasattr(mmap, "MADV_DONTNEED"):
            self._data.madvise(mmap.MADV_DONTNEED)


class _Cut:
    """A segment while it is being cut."""

    def __init__(self, index: int, first: int, stop: int, channels: int, subtype: str) -> None:
        self.index, self.first, self.stop = index, first, stop
        self._channels = channels
        self._subtype = subtype
        kept = np.dtype(_AS_THEY_ARE.get(subtype, np.float32))
        self.size = (stop - first) * channels * kept.itemsize
        self._blocks: list[NDArray[np.number]] = []

    def add(self, block: Block, at: int) -> None:
        """Keep the segment's part of a block that begins at this sample."""
        part = block[max(self.first - at, 0) : max(self.stop - at, 0)]
        if len(part):
            self._blocks.append(_kept(part, self._subtype))

    def wav(self, rate: int) -> bytes:
        """Return the segment as a WAV file; can be called once."""
        import soundfile

        subtype = self._subtype
        if subtype not in _AS_THEY_ARE:
            doubles = any(block.dtype == np.float64 for block in self._blocks)
            subtype = "DOUBLE" if doubles else "FLOAT"
        out = io.BytesIO()
        with soundfile.SoundFile(out, "w", rate, self._channels, subtype, format="WAV") as file:
            for block in self._blocks:
                file.write(block)
        self._blocks = []
        _clear_time(out)
        return out.getvalue()


def _clear_time(wav: io.BytesIO) -> None:
    """Remove the time of writing, so that cutting a clip again yields the same bytes."""
    # libsndfile writes it into the PEAK chunk of floating-point files, after the chunk's version.
    header = wav.getbuffer()[:128]
    at = bytes(header).find(b"PEAK")
    if 0 <= at < bytes(header).find(b"data"):
        header[at + 12 : at + 16] = bytes(4)


def _kept(block: Block, subtype: str) -> NDArray[np.number]:
    """Copy the samples into the type that their coding needs."""
    integer = _INTEGERS.get(subtype)
    if integer is not None:
        # Integers are written unchanged; libsndfile would round some floating-point values down.
        scale = -float(np.iinfo(integer).min)
        return np.rint(block.astype(np.float64) * scale).astype(integer)
    kind = _AS_THEY_ARE.get(subtype)
    if kind is None:
        single = block.astype(np.float32)
        # A few lossless formats have more digits.
        exact = block.dtype == np.float32 or np.array_equal(single, block, equal_nan=True)
        return single if exact else block.astype(np.float64)
    return block.astype(kind)


def _joined(segments: Sequence[tuple[int, int]]) -> list[tuple[int, int | None]]:
    """Return the segments in order, with overlapping ones merged."""
    joined = list[tuple[int, int | None]]()
    for first, stop in sorted(segments):
        before = joined[-1] if joined else None
        if before is not None and before[1] is not None and first <= before[1]:
            joined[-1] = (before[0], max(before[1], stop))
        else:
            joined.append((first, stop))
    return joined


def _mapped(path: Path) -> mmap.mmap:
    if not os.path.exists(path):
        raise ImportRefusedError(f"there is no file {path}", "Correct the path.")
    # Opening a pipe or a device could block.
    if not os.path.isfile(path):
        raise ImportRefusedError(f"{path} is not a regular file", "Correct the path.")
    try:
        with path.open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                raise ImportRefusedError(f"{path} cannot be decoded: it is empty", "Replace it.")
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise ImportRefusedError(f"{path} cannot be read: {error}", "Make it readable.") from error
