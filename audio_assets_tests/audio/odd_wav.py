"""Makes WAV files by hand, and those whose sizes are odd."""

import struct
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from audio_assets_tests.audio.odd_files import (
    RATE,
    SECONDS,
    OddFile,
    encoded,
    whole,
)
from audio_assets_tests.audio.steps import steps

Make = Callable[[], OddFile]

PLACEHOLDERS = (0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0x80000000)
# Where a writer subtracts its header, and where it rounds down to whole frames.
LESS = (0, 36, 44)
FURTHER_PLACEHOLDERS = (0, 0xFFFFFFFE, 0xFFFFFFF8, 0xFFFFFF00, 0x7FFFFFFE, 0x7FFFFFF0, 0x7FFFFFFC)


def pcm16(samples: np.ndarray) -> bytes:
    """16-bit little-endian samples, channels interleaved."""
    return np.round(np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes()


def chunk(name: bytes, body: bytes, *, size: int | None = None, pad: bool = True) -> bytes:
    """A chunk, padded to an even size."""
    size = len(body) if size is None else size
    return name + struct.pack("<I", size) + body + (b"\0" if pad and len(body) % 2 else b"")


def format_body(
    rate: int = RATE, channels: int = 1, bits: int = 16, code: int = 1, extensible: bool = False
) -> bytes:
    """Body of the chunk ``fmt ``."""
    align = channels * ((bits + 7) // 8)
    fields = (0xFFFE if extensible else code, channels, rate, rate * align, align, bits)
    body = struct.pack("<HHIIHH", *fields)
    if extensible:
        guid = struct.pack("<H", code) + bytes.fromhex("000000001000800000aa00389b71")
        body += struct.pack("<HHI", 22, bits, 0) + guid
    return body


def wav(
    body: bytes | None = None,
    *,
    before: bytes = b"",
    after: bytes = b"",
    size: int | None = None,
    riff: int | None = None,
    fmt: bytes | None = None,
    magic: bytes = b"RIFF",
) -> bytes:
    """A WAV file; sizes are right unless they are given."""
    body = pcm16(steps(SECONDS, RATE)) if body is None else body
    inner = b"WAVE" + before + chunk(b"fmt ", format_body() if fmt is None else fmt)
    size = len(body) if size is None else size
    inner += b"data" + struct.pack("<I", size & 0xFFFFFFFF) + body + after
    riff = len(inner) if riff is None else riff
    return magic + struct.pack("<I", riff & 0xFFFFFFFF) + inner


def used(data: bytes, note: bool | None = None, *, refusable: bool = False) -> OddFile:
    """A file that is used whole."""
    return OddFile(data, whole(), note=note, refusable=refusable)


def sizes() -> Iterator[tuple[str, Make]]:
    """Sizes that are not those of the file, nothing of which is missing."""
    n = len(pcm16(steps(SECONDS, RATE)))
    for off in (-44, -36, -8, -7, -4, -3, -2, -1, 1, 2, 3, 4, 7, 8, 36, 44, 512, 2_000):
        # Beyond 10 ms, or 480 bytes, a difference has to be named.
        note = True if off < -480 else None
        yield f"size off by {off}", lambda off=off, note=note: used(wav(size=n + off), note)
        yield (
            f"size off by {off} and RIFF with it",
            lambda off=off, note=note: used(wav(size=n + off, riff=n + off + 36), note),
        )
    placeholders = [p - less for p, less in product(PLACEHOLDERS, LESS)]
    for size in [*placeholders, *FURTHER_PLACEHOLDERS]:
        riffs = {"with it": size + 36, "right": n + 36, "0": 0, "36": 36, "all ones": 0xFFFFFFFF}
        for name, riff in riffs.items():
            yield (
                f"size {size:#x}, RIFF {name}",
                lambda size=size, riff=riff: used(wav(size=size, riff=riff)),
            )
    yield "size 0x7fffffff in whole frames of six bytes", _stereo_24_bit_placeholder
    for riff in (0, 36, 80, n, 2 * n, 0x7FFFF024, 0xFFFFFFFF):
        yield f"right size, RIFF {riff:#x}", lambda riff=riff: used(wav(riff=riff), None)
    for size in (44, 2, 512, n // 10, n // 3, n // 3 + 1, n // 2, n - 4_800):
        yield (
            f"size {size} of {n}, RIFF with it",
            lambda size=size: used(wav(size=size, riff=size + 36), True),
        )
        yield f"size {size} of {n}, RIFF right", lambda size=size: used(wav(size=size), True)
    for size in (0, 44, 0xFFFFFFFF, 0x7FFFF000):
        # A LIST of 26 bytes may pass for half a millisecond of audio.
        tail = chunk(b"LIST", b"INFOISFT\x0e\0\0\0Lavf58.45.100\0")
        yield (
            f"size {size:#x} before a LIST",
            lambda size=size, tail=tail: used(wav(size=size, riff=size + 36, after=tail)),
        )
    yield "RIFX", lambda: used(encoded(endian="BIG"), False)
    yield "RIFX, size 0", lambda: used(_sizes_big_endian(0))
    yield "RIFX, size 0xffffffff", lambda: used(_sizes_big_endian(0xFFFFFFFF))
    yield "RIFX, half the size", lambda: used(_sizes_big_endian(n // 2), True)
    yield "a zero-filled tail", lambda: used(wav() + bytes(40_000))
    yield (
        "a zero-filled tail within RIFF",
        lambda: used(wav(after=bytes(40_000))),
    )


def _stereo_24_bit_placeholder() -> OddFile:
    data = encoded(subtype="PCM_24", channels=2)
    at = data.index(b"data") + 4
    return used(data[:at] + struct.pack("<I", 0x7FFFFFFF // 6 * 6) + data[at + 4 :])


def _sizes_big_endian(size: int) -> bytes:
    data = encoded(endian="BIG")
    at = data.index(b"data") + 4
    riff = struct.pack(">I", (size + 36) & 0xFFFFFFFF)
    return data[:4] + riff + data[8:at] + struct.pack(">I", size) + data[at + 4 :]


def rf64(
    promised: int,
    *,
    body: bytes | None = None,
    size: int = 0xFFFFFFFF,
    riff: int = 0xFFFFFFFF,
    cut: int = 0,
    magic: bytes = b"RF64",
    table: bytes = b"\0\0\0\0",
) -> bytes:
    """An RF64 file whose ds64 promises this many bytes of data, less ``cut`` bytes at its end."""
    fields = struct.pack("<QQQ", promised + 72 if promised else 0, promised, promised // 2)
    data = wav(body, before=chunk(b"ds64", fields + table), size=size, riff=riff, magic=magic)
    return data[: len(data) - cut]


def long_forms() -> Iterator[tuple[str, Make]]:
    """RF64 and WAVE_FORMAT_EXTENSIBLE."""
    n = len(pcm16(steps(SECONDS, RATE)))
    yield "RF64", lambda: used(rf64(n), False)
    yield "RF64, empty ds64", lambda: used(rf64(0))
    yield "RF64, ds64 of a sixth", lambda: used(rf64(n // 6), True)
    yield "RF64, ds64 of a half", lambda: used(rf64(n // 2), True)
    yield "RF64, ds64 off by 44", lambda: used(rf64(n + 44))
    yield "RF64, ds64 all ones", lambda: used(rf64(2**64 - 1 - 72))
    yield "RF64, ds64 all ones of 63 bits", lambda: used(rf64(2**63 - 1))
    yield "RF64, ds64 with a table", lambda: used(
        rf64(n, table=struct.pack("<I4sQ", 1, b"cue ", 0))
    )
    yield "RF64, size in the chunk itself", lambda: used(rf64(0, size=n))
    yield "RF64, stale ds64, size in the chunk itself", lambda: used(rf64(n // 2, size=n))
    yield "RF64 with a RIFF size", lambda: used(rf64(n, riff=n + 72))
    yield "RF64, size 0, empty ds64", lambda: used(rf64(0, size=0))
    yield (
        "RF64 without ds64",
        lambda: used(wav(size=0xFFFFFFFF, riff=0xFFFFFFFF, magic=b"RF64"), refusable=True),
    )
    yield "BW64", lambda: used(rf64(n, magic=b"BW64"), refusable=True)
    yield (
        "RIFF with room for ds64",
        lambda: used(wav(before=chunk(b"JUNK", bytes(28))), False),
    )
    yield "RF64 by libsndfile", lambda: used(encoded("RF64"), False)
    yield (
        "extensible",
        lambda: used(wav(fmt=format_body(extensible=True)), False),
    )
    yield "extensible by libsndfile", lambda: used(encoded("WAVEX"), False)
    for size in (0, 0xFFFFFFFF, 0x7FFFF000 - 68):
        yield (
            f"extensible, size {size:#x}",
            lambda size=size: used(wav(fmt=format_body(extensible=True), size=size)),
        )
    yield (
        "extensible, 24 bit, half the size",
        lambda: used(half_size(encoded("WAVEX", "PCM_24")), True),
    )


def half_size(data: bytes) -> bytes:
    """The file with half of its size in its header."""
    at = data.index(b"data") + 4
    size = int.from_bytes(data[at : at + 4], "little") // 2
    return data[:at] + struct.pack("<I", size) + data[at + 4 :]
