"""The results of the container modules: the parts of a file to decode, and their contents.

A length in a header is only a claim. Checking it belongs to the module of the container; this
module defines the types of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from audio_assets.audio.stitched import Piece

TOLERANCE_SECONDS = 0.05
"""A file that lacks no more than this of its header's count does not count as cut off."""


class DamagedError(Exception):
    """A file cannot be used as a whole; the message has figures.

    Parameters
    ----------
    detail
        The problem in plain words.
    reason
        Key of :data:`audio_assets.tables.QUARANTINE_REASONS`.
    """

    def __init__(self, detail: str, reason: str = "undecodable") -> None:
        super().__init__(detail, reason)
        self.detail = detail
        self.reason = reason

    def __str__(self) -> str:
        return self.detail


class OtherCodingError(DamagedError):
    """A file of a container that is read without the extra has a coding that only the extra reads.

    ``detail`` is the container and coding in plain words.
    """


@dataclass(frozen=True)
class Part:
    """A section of a file that a decoder reads as a separate file.

    Attributes
    ----------
    pieces
        Bytes of the part, with a wrong header repaired.
    frames
        Samples per channel; None if only decoding can determine it.
    times_longer
        See :class:`audio_assets.audio.stitched.Stitched`.
    verify
        Takes the decoded samples per channel and returns a remark, or None. It raises
        :class:`DamagedError` if some are missing.
    retry
        Called if the decoder fails; returns the part without the data that confused it, or None
        if all of it is audio.
    fault
        The fault if audio is missing after the part, or None.
    is_uncompressed
        Whether the decoder finds a sample by its offset, so that ``frames`` is exact.
    """

    pieces: Sequence[Piece]
    frames: int | None = None
    times_longer: int = 1
    verify: Callable[[int], str | None] | None = None
    retry: Callable[[], Part | None] | None = None
    fault: DamagedError | None = None
    is_uncompressed: bool = False


@dataclass(frozen=True)
class Layout:
    """A file as its container describes it.

    Attributes
    ----------
    kind
        Name of the container, such as ``WAV``.
    formats
        Names that libsndfile may use for it.
    parts
        Parts in order; several if files were joined.
    note
        Remark on an unusual file that can be used completely, or None.
    """

    kind: str
    formats: tuple[str, ...]
    parts: Sequence[Part]
    note: str | None = None


@dataclass(frozen=True)
class StreamSummary:
    """Facts about a file's audio that are known before all of it is read.

    Attributes
    ----------
    rate
        Hz.
    channels
        Number of channels.
    frames
        Least number of samples per channel, whatever the rest of the file contains; None if only
        reading all of it can determine it.
    sample_bytes
        Most bytes that a sample of one channel takes in the file.
    """

    rate: float
    channels: int
    frames: int | None = None
    sample_bytes: float = 4.0


def cut_off(missing: float, promised: float, source: str) -> DamagedError:
    """Return the fault of a file that lacks a part.

    Parameters
    ----------
    missing, promised
        Seconds.
    source
        Part of the file that contains the promised length.
    """
    return DamagedError(
        f"the file is cut off: {missing:.2f} s of the {promised:.2f} s that {source} promises are "
        "missing"
    )
