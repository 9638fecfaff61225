"""Find the real end of the audio in an uncompressed file, whatever its header claims.

This applies to containers whose audio is one run of bytes: WAV, RF64, W64, AIFF, CAF and AU.
Reading their headers belongs to the modules of these containers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from audio_assets.audio.parts import TOLERANCE_SECONDS, DamagedError, cut_off
from audio_assets.audio.stitched import Data, is_filling

# Sizes left by writers that cannot seek back: 0, or the largest value of a field with or without
# sign, rounded down to a block or minus the header (0x7FFFF000 by SoX, 0xFFFFFFDB, ...).
_LARGEST = (2**31, 2**32, 2**63, 2**64)
_BELOW, _ABOVE = 0x2000, 0x80
# Chunks with wrong sizes are searched for in this many bytes at the end of the file.
_SEARCHED = 2**16


@dataclass(frozen=True)
class Claim:
    """A header's claims about the audio.

    Attributes
    ----------
    body
        First byte of the audio.
    claimed
        Number of its bytes according to the header.
    end
        End of the file without tags.
    frame_bytes
        Bytes of a sample of all channels, or of a block of a compressed format.
    bytes_per_second
        Rate of the audio.
    agrees
        Whether the total size in the header is consistent with ``claimed``.
    """

    body: int
    claimed: int
    end: int
    frame_bytes: int
    bytes_per_second: float
    agrees: bool = False

    def seconds(self, size: int) -> float:
        """Return the duration of a number of bytes in seconds."""
        return size / self.bytes_per_second


@dataclass(frozen=True)
class Extent:
    """The place of the audio in a file.

    Attributes
    ----------
    start, end
        First byte, and the byte after the last one.
    note
        Remark on an error in the header, or None.
    follows
        Start of the chunks after the audio, or None.
    fault
        The fault if audio is missing, or None.
    """

    start: int
    end: int
    note: str | None = None
    follows: int | None = None
    fault: DamagedError | None = None


def is_open(size: int) -> bool:
    """Return whether a writer left this size open."""
    return size == 0 or any(top - _BELOW <= size <= top + _ABOVE for top in _LARGEST)


def least_audio(claim: Claim, are_chunks: Callable[[int], bool]) -> int:
    """Return the least number of bytes that :func:`find_audio` will find, without reading them.

    Parameters
    ----------
    are_chunks
        As for :func:`find_audio`.

    Raises
    ------
    DamagedError
        If more than 50 ms are missing.
    """
    there = claim.end - claim.body
    if there == 0 or 0 < claim.claimed <= there:
        return min(there, claim.claimed)
    if claim.claimed == 0 and are_chunks(claim.body):
        return 0
    fault = _missing(claim)
    if fault is not None:
        raise fault
    return max(there - _SEARCHED, 0)


def find_audio(
    data: Data,
    claim: Claim,
    *,
    are_chunks: Callable[[int], bool],
    trailer: Callable[[int, int], int],
) -> Extent:
    """Find the audio of a file.

    Parameters
    ----------
    data
        The file.
    claim
        Its header's claims.
    are_chunks
        Returns whether the bytes from an offset to the end are chunks of the container.
    trailer
        Returns the start of chunks that fill the rest of a range; its end if there are none.

    Returns
    -------
    Extent
        The place of the audio, with a fault if more than 50 ms are missing.
    """
    present = claim.end - claim.body
    if present == 0:
        return Extent(claim.body, claim.body)
    if claim.claimed > present:
        return Extent(claim.body, _without_trailer(claim, trailer), fault=_missing(claim))
    after = claim.body + claim.claimed
    if claim.claimed and is_filling(data, after, claim.end):
        # Reserved space, or the rest of a block.
        return Extent(claim.body, _whole_blocks(claim))
    for follows in (after + claim.claimed % 2, after):
        if follows >= claim.end:
            return Extent(claim.body, after)
        if are_chunks(follows):
            return Extent(claim.body, after, follows=follows)
    left = claim.end - after
    if claim.claimed and claim.agrees and claim.seconds(left) <= TOLERANCE_SECONDS:
        # A few bytes that no longer belong to the file.
        return Extent(claim.body, _whole_blocks(claim))
    end = _without_trailer(claim, trailer)
    if claim.claimed == 0 or end - after < claim.frame_bytes:
        return Extent(claim.body, end)
    heard = claim.seconds(end - claim.body)
    return Extent(
        claim.body,
        end,
        f"its header counts {claim.seconds(claim.claimed):.2f} s of audio, and {heard:.2f} s are "
        "there and were used",
    )


def _missing(claim: Claim) -> DamagedError | None:
    """Return the fault of a file with less audio than claimed, unless the size was left open."""
    missing = claim.seconds(claim.claimed - (claim.end - claim.body))
    if is_open(claim.claimed) or missing <= TOLERANCE_SECONDS:
        return None
    return cut_off(missing, claim.seconds(claim.claimed), "its header")


def _whole_blocks(claim: Claim) -> int:
    """Return the end of the block in which the claimed size ends, within the file."""
    blocks = -(-claim.claimed // claim.frame_bytes)
    return min(claim.end, claim.body + blocks * claim.frame_bytes)


def _without_trailer(claim: Claim, trailer: Callable[[int, int], int]) -> int:
    return trailer(max(claim.body, claim.end - _SEARCHED), claim.end)
