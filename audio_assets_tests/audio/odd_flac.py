"""Odd FLAC files: lengths, checksums, bytes around the stream, and cuts."""

from collections.abc import Callable, Iterator

from audio_assets_tests.audio.odd_files import (
    RATE,
    SECONDS,
    OddFile,
    ape,
    encoded,
    id3v1,
    id3v2,
    whole,
)
from audio_assets_tests.audio.steps import Heard, order

Make = Callable[[], OddFile]

_TOTAL = slice(18, 26)
_MD5 = slice(26, 42)
_BITS_OF_TOTAL = 36


def flac(
    total: int | None = None, *, md5: bool = True, seconds: float = SECONDS, first: int = 0
) -> bytes:
    """A FLAC file of which STREAMINFO names this number of samples, and an MD5 or none."""
    data = bytearray(encoded("FLAC", seconds=seconds, first=first))
    if total is not None:
        field = int.from_bytes(data[_TOTAL], "big") >> _BITS_OF_TOTAL << _BITS_OF_TOTAL
        data[_TOTAL] = (field | total).to_bytes(8, "big")
    if not md5:
        data[_MD5] = bytes(16)
    return bytes(data)


def frames(data: bytes) -> list[int]:
    """Where the frames begin, by sync code and the checksum of the header."""
    at = 4
    while True:
        last, size = data[at] >> 7, int.from_bytes(data[at + 1 : at + 4], "big")
        at += 4 + size
        if last:
            break
    found: list[int] = []
    while 0 <= (at := data.find(b"\xff", at)) < len(data) - 5:
        if data[at + 1] in (0xF8, 0xF9) and header_length(data, at, len(found)):
            found.append(at)
        at += 1
    return found


def header_length(data: bytes, at: int, number: int) -> int:
    """Bytes of the header of frame ``number`` at this place; 0 if there is none."""
    coded = chr(number).encode()
    block, rate = data[at + 2] >> 4, data[at + 2] & 15
    length = 4 + len(coded) + {6: 1, 7: 2}.get(block, 0) + {12: 1, 13: 2, 14: 2}.get(rate, 0)
    header = data[at : at + length + 1]
    right = header[4 : 4 + len(coded)] == coded and crc8(header[:-1]) == header[-1]
    return length + 1 if right else 0


def _table(polynomial: int, bits: int) -> list[int]:
    """What each byte makes of a checksum of so many bits."""
    top, found = 1 << bits - 1, []
    for byte in range(256):
        crc = byte << bits - 8
        for _ in range(8):
            crc = crc << 1 ^ (polynomial if crc & top else 0)
        found.append(crc & (2 * top - 1))
    return found


_TABLE_8 = _table(0x07, 8)
_TABLE_16 = _table(0x8005, 16)


def crc8(data: bytes) -> int:
    """Checksum of a frame's header: polynomial x8 + x2 + x + 1."""
    crc = 0
    for byte in data:
        crc = _TABLE_8[crc ^ byte]
    return crc


def crc16(data: bytes) -> int:
    """Checksum of a frame: polynomial x16 + x15 + x2 + 1."""
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ _TABLE_16[crc >> 8 ^ byte]
    return crc


def _used(data: bytes, note: bool | None = None, *, refusable: bool = False) -> OddFile:
    return OddFile(data, whole(), refusable=refusable, note=note)


def lengths() -> Iterator[tuple[str, Make]]:
    """Numbers of samples that are not those of the file."""
    n = round(SECONDS * RATE)
    for md5 in (True, False):
        name = "" if md5 else ", no MD5"
        yield f"right{name}", lambda md5=md5: _used(flac(md5=md5), False)
        yield f"total 0{name}", lambda md5=md5: _used(flac(0, md5=md5))
        for total in (1, 100, 4_096, n // 3, n // 2, n - 4_096):
            yield (
                f"total {total} of {n}{name}",
                lambda total=total, md5=md5: _used(flac(total, md5=md5), True),
            )
        for off in (-600, -1, 1, 600):
            yield (
                f"total off by {off}{name}",
                lambda off=off, md5=md5: _used(flac(n + off, md5=md5)),
            )
        # Without an MD5, nothing tells such a file from one that was cut between two frames.
        for total in (n + 4_096, 2 * n, 2**32 - 1, 2**36 - 1):
            yield (
                f"total {total} of {n}{name}",
                lambda total=total, md5=md5: _used(
                    flac(total, md5=md5), True if md5 else None, refusable=not md5
                ),
            )
    yield "wrong MD5", lambda: _used(_wrong_md5(), refusable=True)


def _wrong_md5() -> bytes:
    data = bytearray(flac())
    data[_MD5] = bytes(range(16))
    return bytes(data)


def around() -> Iterator[tuple[str, Make]]:
    """Bytes before and after the stream."""
    before = {"ID3v2": id3v2(), "ID3v2.4": id3v2(9_000, major=4), "two ID3v2": id3v2() * 2}
    after = {
        "ID3v1": id3v1(),
        "APE": ape(),
        "APE and ID3v1": ape() + id3v1(),
        "ID3v2": id3v2(),
        "NULs": bytes(5_000),
        "a newline": b"\n",
        "junk": bytes(range(256)) * 9,
        "one byte": b"\x00",
        "0xff": b"\xff" * 64,
    }
    n = round(SECONDS * RATE)
    for total, name in ((None, ""), (0, ", total 0"), (n // 2, ", half the total")):
        for what, extra in before.items():
            yield (
                f"{what} before{name}",
                lambda extra=extra, total=total: _used(extra + flac(total)),
            )
        for what, extra in after.items():
            yield (
                f"{what} after{name}",
                lambda extra=extra, total=total: _used(flac(total) + extra),
            )
            yield (
                f"{what} after{name}, no MD5",
                lambda extra=extra, total=total: _used(flac(total, md5=False) + extra),
            )
    yield "ID3v2 before and ID3v1 after", lambda: _used(id3v2() + flac() + id3v1())
    # The decoder fails at pictures whose own lengths are wrong.
    yield "a FLAC header within a picture", lambda: _used(_with_picture(flac()[:42] * 9), False)
    yield "an empty picture", lambda: _used(_with_picture(b""), False)
    yield "a cuesheet without tracks", lambda: _used(_with_picture(bytes(396), b"\x85"), False)


def _with_picture(picture: bytes, kind: bytes = b"\x86") -> bytes:
    data = flac()
    block = kind + len(picture).to_bytes(3, "big") + picture
    return data[:4] + b"\0" + data[5:42] + block + data[frames(data)[0] :]


def cut() -> Iterator[tuple[str, Make]]:
    """Cut, joined and damaged files."""
    for share in (0.3, 0.5, 0.9):
        yield f"cut at {share}", lambda share=share: _cut(flac(), share)
        yield f"cut at {share}, no MD5", lambda share=share: _cut(flac(md5=False), share)
        for md5 in (True, False):
            yield (
                f"cut at {share}, total 0, {'MD5' if md5 else 'no MD5'}",
                lambda share=share, md5=md5: OddFile(
                    flac(0, md5=md5)[: int(share * len(flac()))], None
                ),
            )
    yield "cut at 0.5, ID3v2 before", lambda: _cut(id3v2() + flac(), 0.5)
    yield "cut at 0.5, ID3v1 after", lambda: _cut(flac(), 0.5, after=id3v1())
    yield "cut between two frames", lambda: _cut_between(flac(), missing=True)
    yield "cut between two frames, no MD5", lambda: _cut_between(flac(md5=False), missing=True)
    # The MD5 is of the whole.
    yield "cut between two frames, total 0", lambda: _cut_between(flac(0), missing=False)
    yield "cut between two frames, total 0, no MD5", _cut_beyond_knowledge
    yield "the last byte missing", lambda: OddFile(flac()[:-1], None)
    for total in (None, 0):
        for md5 in (True, False):
            name = f"total {total}, {'MD5' if md5 else 'no MD5'}"
            yield (
                f"corrupted in the middle, {name}",
                lambda total=total, md5=md5: OddFile(_corrupted(flac(total, md5=md5)), None),
            )
            yield (
                f"a frame missing, {name}",
                lambda total=total, md5=md5: OddFile(_without_frame(flac(total, md5=md5)), None),
            )
            yield (
                f"two joined, {name}",
                lambda total=total, md5=md5: OddFile(
                    flac(total, md5=md5, seconds=1.0) + flac(total, md5=md5, seconds=1.0, first=4),
                    Heard(1.99, 2.01, order(1.0) + order(1.0, 4)),
                    refusable=True,
                ),
            )
    for rate in (1_000, 8_000, 44_100, 192_000, 384_000, 655_350):
        yield (
            f"{rate} Hz",
            lambda rate=rate: OddFile(
                encoded("FLAC", seconds=0.6, rate=rate), whole(0.6), rate=rate, note=False
            ),
        )
    for subtype in ("PCM_S8", "PCM_24"):
        yield subtype, lambda subtype=subtype: _used(encoded("FLAC", subtype), False)


def _cut(data: bytes, share: float, after: bytes = b"") -> OddFile:
    at = int(share * len(data))
    starts = [start for start in frames(flac()) if start + len(data) - len(flac()) <= at]
    block = int.from_bytes(flac()[8:10], "big")
    # The frame that was cut cannot be used.
    missing = SECONDS - (len(starts) - 1) * block / RATE
    return OddFile(data[:at] + after, None, missing=missing, reasons=frozenset({"undecodable"}))


def _cut_between(data: bytes, *, missing: bool) -> OddFile:
    starts = frames(data)
    middle = len(starts) // 2
    seconds = middle * int.from_bytes(data[8:10], "big") / RATE
    return OddFile(data[: starts[middle]], None, missing=SECONDS - seconds if missing else None)


def _cut_beyond_knowledge() -> OddFile:
    data = flac(0, md5=False)
    starts = frames(data)
    middle = len(starts) // 2
    seconds = middle * int.from_bytes(data[8:10], "big") / RATE
    return OddFile(data[: starts[middle]], whole(seconds))


def _corrupted(data: bytes) -> bytes:
    changed = bytearray(data)
    changed[len(data) // 2] ^= 0x10
    return bytes(changed)


def _without_frame(data: bytes) -> bytes:
    starts = frames(data)
    middle = len(starts) // 2
    return data[: starts[middle]] + data[starts[middle + 1] :]


def cases() -> dict[str, Make]:
    """All odd FLAC files by what is odd."""
    return {f"FLAC {name}": make for group in (lengths, around, cut) for name, make in group()}
