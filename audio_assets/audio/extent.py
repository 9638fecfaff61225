"""Where the audio of an uncompressed file really ends, whatever its header counts.

For containers whose audio is one run of bytes: WAV, RF64, W64, AIFF, CAF and AU. How their headers
are read belongs to the modules of these containers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from audio_assets.audio.parts import TOLERANCE_SECONDS, DamagedError, cut_off
from audio_assets.audio.stitched import Data, is_filling

# What writers that cannot seek back leave as a size: 0, or the largest value of a field with or
# without sign, rounded down to a block or less the header (0x7FFFF000 of SoX, 0xFFFFFFDB, ...).
_LARGEST = (2**31, 2**32, 2**63, 2**64)
_BELOW, _ABOVE = 0x2000, 0x80
# Chunks at the end of a file whose sizes are wrong are looked for in so many last bytes.
_SEARCHED = 2**16


@dataclass(frozen=True)
class Claim:
    """What a header says of the audio.

    Attributes
    ----------
    body
        First byte of the audio.
    claimed
        Number of its bytes by the header.
    end
        End of the file, tags left out.
    frame_bytes
        Bytes of a sample of all channels, or of a block of a compressed format.
    bytes_per_second
        Of the audio.
    agrees
        Whether the size of the whole, as the header has it, fits ``claimed``.
    """

    body: int
    claimed: int
    end: int
    frame_bytes: int
    bytes_per_second: float
    agrees: bool = False

    def seconds(self, size: int) -> float:
        """Duration of so many bytes in seconds."""
        return size / self.bytes_per_second


@dataclass(frozen=True)
class Extent:
    """Where the audio is.

    Attributes
    ----------
    start, end
        First byte, and the byte after the last one.
    note
        What the header has wrong, or None.
    follows
        Where the chunks after it begin, or None.
    fault
        What is missing of it, or None.
    """

    start: int
    end: int
    note: str | None = None
    follows: int | None = None
    fault: DamagedError | None = None


def is_open(size: int) -> bool:
    """Whether a writer left this size open."""
    return size == 0 or any(top - _BELOW <= size <= top + _ABOVE for top in _LARGEST)


def least_audio(claim: Claim, are_chunks: Callable[[int], bool]) -> int:
    """Bytes that :func:`find_audio` finds at least, told without a look at them.

    Parameters
    ----------
    are_chunks
        As there.

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
        What its header says.
    are_chunks
        Whether the bytes from here to the end are chunks of the container.
    trailer
        Where chunks begin that fill the bytes between two places to the end; the end if none do.

    Returns
    -------
    Extent
        With a fault if more than 50 ms are missing.
    """
    present = claim.end - claim.body
    if present == 0:
        return Extent(claim.body, claim.body)
    if claim.claimed > present:
        return Extent(claim.body, _without_trailer(claim, trailer), fault=_missing(claim))
    after = claim.body + claim.claimed
    if claim.claimed and is_filling(data, after, claim.end):
        # Space that was set aside, or the rest of a block.
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
    """The fault of a file that has less audio than a writer claimed who knew how much there is."""
    missing = claim.seconds(claim.claimed - (claim.end - claim.body))
    if is_open(claim.claimed) or missing <= TOLERANCE_SECONDS:
        return None
    return cut_off(missing, claim.seconds(claim.claimed), "its header")


def _whole_blocks(claim: Claim) -> int:
    """End of the block that the claimed size ends in, as far as there is one."""
    blocks = -(-claim.claimed // claim.frame_bytes)
    return min(claim.end, claim.body + blocks * claim.frame_bytes)


def _without_trailer(claim: Claim, trailer: Callable[[int, int], int]) -> int:
    return trailer(max(claim.body, claim.end - _SEARCHED), claim.end)
