"""What the modules of the containers say of a file: the parts to decode and what they hold.

A length in a header is a claim. How it is checked is known to the module of the container; here are
the terms in which the answer is given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from audio_assets.audio.stitched import Piece

TOLERANCE_SECONDS = 0.05
"""A file that lacks no more than this of what its header counts is not called cut."""


class DamagedError(Exception):
    """A file cannot be used as a whole; the message has figures.

    Parameters
    ----------
    detail
        What is wrong, in plain words.
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
    """A stretch of a file that a decoder reads as a file of its own.

    Attributes
    ----------
    pieces
        Its bytes, the header repaired where that was wrong.
    frames
        Samples per channel that it holds; None where only decoding can tell.
    times_longer
        See :class:`audio_assets.audio.stitched.Stitched`.
    verify
        Given the samples per channel that were decoded: a remark, or None. It raises
        :class:`DamagedError` where some are missing.
    retry
        Where the decoder fails: the part without what confused it, or None if all of it is audio.
    fault
        What is missing after it, or None.
    is_uncompressed
        Whether the decoder finds a sample by its place, so that ``frames`` is the truth.
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
        Names that libsndfile may give it.
    parts
        What it holds, in order; several where files were joined.
    note
        What is odd about the file although all of it can be used, or None.
    """

    kind: str
    formats: tuple[str, ...]
    parts: Sequence[Part]
    note: str | None = None


@dataclass(frozen=True)
class Told:
    """What a file tells of its audio before all of it is read.

    Attributes
    ----------
    rate
        Hz.
    channels
        Their number.
    frames
        Samples per channel that are there, however the rest of the file is read; None where only
        reading all of it can tell.
    sample_bytes
        The most that a sample of a channel takes in the file.
    """

    rate: float
    channels: int
    frames: int | None = None
    sample_bytes: float = 4.0


def cut_off(missing: float, promised: float, source: str) -> DamagedError:
    """The fault of a file that lacks a part.

    Parameters
    ----------
    missing, promised
        Seconds.
    source
        What promises them.
    """
    return DamagedError(
        f"the file is cut off: {missing:.2f} s of the {promised:.2f} s that {source} promises are "
        "missing"
    )
