"""Odd sound files as recorders, pipes, phones and taggers write them, with what is right for each.

Every file is made here, or in the module of its format, from :mod:`.steps`; none is stored.
"""

import io
from dataclasses import dataclass
from functools import lru_cache

import soundfile

from audio_assets_tests.audio.steps import Heard, order, steps

SECONDS = 2.1
"""Duration of most sounds: eight steps and a part of the ninth."""
RATE = 24_000
# What a duration may be off, in seconds.
EXACT = 0.01


@dataclass(frozen=True)
class OddFile:
    """A file and what has to become of it.

    Attributes
    ----------
    data
        Its bytes.
    heard
        What has to be heard where it is used; None where it may only be refused.
    rate
        Sample rate of the sound as it was made, in Hz.
    refusable
        Whether it may be refused instead: all that matters then is that no part is used in silence.
    note
        True where the row has to say that the header was wrong, False where it must not, None where
        both are fair.
    missing
        Seconds that a refusal has to name as missing; None where they cannot be known.
    reasons
        Reasons that are fair for a refusal; empty for any.
    """

    data: bytes
    heard: Heard | None
    rate: int = RATE
    refusable: bool = False
    note: bool | None = None
    missing: float | None = None
    reasons: frozenset[str] = frozenset()


def whole(
    seconds: float = SECONDS, first: int = 0, *, longer: float = 0.0, slack: float = 0.04
) -> Heard:
    """All of the sound; ``longer`` seconds may follow or stand between its steps."""
    return Heard(
        seconds - EXACT,
        seconds + EXACT + longer,
        order(seconds, first),
        slack=slack,
        gap=max(0.06, longer),
    )


@lru_cache(maxsize=256)
def encoded(
    kind: str = "WAV",
    subtype: str | None = None,
    *,
    seconds: float = SECONDS,
    rate: int = RATE,
    channels: int = 1,
    first: int = 0,
    endian: str | None = None,
    mode: str | None = None,
    level: float | None = None,
) -> bytes:
    """The sound as libsndfile writes it."""
    buffer = io.BytesIO()
    soundfile.write(
        buffer,
        steps(seconds, rate, first, channels),
        rate,
        format=kind,
        subtype=subtype,
        endian=endian,
        bitrate_mode=mode,
        compression_level=level,
    )
    return buffer.getvalue()


def id3v2(body: int = 2_000, *, major: int = 3) -> bytes:
    """An ID3v2 tag with one text frame, padded to this size."""
    text = b"TIT2" + (11).to_bytes(4, "big") + bytes(2) + b"\x00coyote 042"
    return b"ID3" + bytes([major, 0, 0]) + syncsafe(body) + text + bytes(body - len(text))


def syncsafe(number: int) -> bytes:
    """Four bytes of seven bits, as ID3v2 writes sizes."""
    return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))


def id3v1() -> bytes:
    """The 128 bytes of an ID3v1 tag."""
    return (b"TAG" + b"coyote 042").ljust(128, b"\0")


def ape(items: int = 20) -> bytes:
    """An APEv2 tag with header and footer."""
    body = b"".join(
        (9).to_bytes(4, "little") + bytes(4) + b"Note%02d\0" % n + b"by a pond"
        for n in range(items)
    )

    def edge(flags: int) -> bytes:
        fields = (2_000, len(body) + 32, items, flags)
        return b"APETAGEX" + b"".join(f.to_bytes(4, "little") for f in fields) + bytes(8)

    return edge(0xA0000000) + body + edge(0x80000000)
