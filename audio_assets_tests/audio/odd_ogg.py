"""Odd Ogg files: pages, ends and parts, of Vorbis, Opus and FLAC."""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from audio_assets_tests.audio.odd_files import OddFile, encoded, whole
from audio_assets_tests.audio.odd_flac import flac, frames
from audio_assets_tests.audio.steps import Heard, order

Make = Callable[[], OddFile]

CONTINUED, FIRST, LAST = 1, 2, 4
RATE = 48_000
SECONDS = 3.1
_HEADER = struct.Struct("<4sBBqIII")
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class Page:
    """One page; the checksum is computed where it is not given."""

    flags: int
    granule: int
    serial: int
    sequence: int
    lacing: bytes
    body: bytes
    version: int = 0
    crc: int | None = None

    def data(self) -> bytes:
        """Bytes of the page."""
        fields = (b"OggS", self.version, self.flags, self.granule, self.serial, self.sequence)
        tail = bytes([len(self.lacing)]) + self.lacing + self.body
        crc = _crc(_HEADER.pack(*fields, 0) + tail) if self.crc is None else self.crc
        return _HEADER.pack(*fields, crc) + tail


def pages(data: bytes) -> list[Page]:
    """Pages of a whole file."""
    found = []
    at = 0
    while at < len(data):
        _, version, flags, granule, serial, sequence, _ = _HEADER.unpack_from(data, at)
        segments = data[at + 26]
        lacing = data[at + 27 : at + 27 + segments]
        body = at + 27 + segments
        at = body + sum(lacing)
        found.append(Page(flags, granule, serial, sequence, lacing, data[body:at], version))
    return found


def joined(found: list[Page]) -> bytes:
    """Bytes of the pages one after another."""
    return b"".join(page.data() for page in found)


def _crc(page: bytes) -> int:
    # CRC-32 without reflection, start or end value: zlib's, on bytes with their bits reversed.
    crc = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(crc.to_bytes(4, "little").translate(_REVERSED), "big")


def flac_in_ogg(seconds: float = SECONDS, first: int = 0, serial: int = 77) -> bytes:
    """FLAC in Ogg pages, two frames per page."""
    data = flac(seconds=seconds, first=first)
    starts = frames(data)
    head = b"\x7fFLAC\x01\x00" + struct.pack(">H", 1) + data[:4] + b"\x00" + data[5:42]
    comment = b"\x84\x00\x00\x0c" + struct.pack("<I", 4) + b"test" + bytes(4)
    block = int.from_bytes(data[8:10], "big")
    ends = [*starts[1:], len(data)]
    packets = [data[start:end] for start, end in zip(starts, ends, strict=True)]
    made = [_page(FIRST, 0, serial, 0, [head]), _page(0, 0, serial, 1, [comment])]
    total = round(seconds * 24_000)
    for n in range(0, len(packets), 2):
        last = n + 2 >= len(packets)
        granule = min(total, (n + 2) * block)
        made.append(_page(LAST * last, granule, serial, len(made), packets[n : n + 2]))
    return joined(made)


def _page(flags: int, granule: int, serial: int, sequence: int, packets: list[bytes]) -> Page:
    lacing = b"".join(b"\xff" * (len(p) // 255) + bytes([len(p) % 255]) for p in packets)
    assert len(lacing) <= 255
    return Page(flags, granule, serial, sequence, lacing, b"".join(packets))


@dataclass(frozen=True)
class _Coding:
    """One coding of a stream; ``skip`` samples at its start are no audio."""

    subtype: str
    rate: int = RATE
    granule_rate: int = RATE

    def make(self, seconds: float = SECONDS, first: int = 0, rate: int | None = None) -> bytes:
        if self.subtype == "FLAC":
            return flac_in_ogg(seconds, first, serial=77 + first)
        return encoded("OGG", self.subtype, seconds=seconds, rate=rate or self.rate, first=first)

    def seconds(self, granule: int, data: bytes) -> float:
        skip = 0
        if self.subtype == "OPUS":
            head = data.index(b"OpusHead")
            skip = int.from_bytes(data[head + 10 : head + 12], "little")
        return (granule - skip) / self.granule_rate


CODINGS = (_Coding("VORBIS"), _Coding("OPUS"), _Coding("FLAC", 24_000, 24_000))


def cases() -> dict[str, Make]:
    """All odd Ogg files by what is odd."""
    found: dict[str, Make] = {}
    for coding in CODINGS:
        for group in (_ends, _parts, _damage, _positions):
            for name, make in group(coding):
                found[f"OGG {coding.subtype} {name}"] = lambda m=make, c=coding: _of(c, m())
    # RFC 7845, 5.1: the rate of what was encoded may be left open.
    found["OGG OPUS of open rate"] = lambda: replace(_used(_of_open_rate(), False), rate=RATE)
    found["OGG OPUS of open rate without its last page"] = lambda: _of(
        CODINGS[1], _shortened(CODINGS[1], _of_open_rate())
    )
    return found


def _of(coding: _Coding, odd: OddFile) -> OddFile:
    # FLAC in Ogg may be refused as a whole: few programs write it.
    return replace(odd, rate=coding.rate, refusable=odd.refusable or coding.subtype == "FLAC")


def _used(data: bytes, note: bool | None = None, *, refusable: bool = False) -> OddFile:
    heard = whole(SECONDS, slack=0.06)
    return OddFile(data, heard, refusable=refusable, note=note)


def _ends(coding: _Coding) -> Iterator[tuple[str, Make]]:
    def changed(**fields: int) -> bytes:
        *before, last = pages(coding.make())
        return joined([*before, replace(last, **fields)])  # type: ignore[arg-type]

    yield "whole", lambda: _used(coding.make(), False)
    yield "no end-of-stream bit", lambda: _used(changed(flags=0))
    yield "without its last page", lambda: _shortened(coding)
    after = {
        "two NULs": bytes(2),
        "NULs": bytes(5_000),
        "a newline": b"\n",
        "junk": b"junk" * 40,
        "long junk": bytes(range(256)) * 40,
        "ID3v1": b"TAG".ljust(128, b"\0"),
        "a page without audio": _page(0, -1, 99, 0, [b"x" * 30]).data(),
    }
    for name, extra in after.items():
        refusable = name == "a page without audio"
        yield (
            f"{name} after",
            lambda extra=extra, r=refusable: _used(coding.make() + extra, refusable=r),
        )
        yield (
            f"no end-of-stream bit, {name} after",
            lambda extra=extra, r=refusable: _used(changed(flags=0) + extra, refusable=r),
        )
    for length in (4, 10, 26, 27):
        yield (
            f"{length} bytes of a page header after",
            lambda length=length: _used(coding.make() + coding.make()[:length], refusable=True),
        )
    yield (
        "an empty last page",
        lambda: _used(_with_empty_last_page(coding.make())),
    )


def _of_open_rate() -> bytes:
    head, *others = pages(encoded("OGG", "OPUS", seconds=SECONDS, rate=RATE))
    return joined([replace(head, body=head.body[:12] + bytes(4) + head.body[16:]), *others])


def _with_empty_last_page(data: bytes) -> bytes:
    *before, last = pages(data)
    end = replace(last, flags=LAST, sequence=last.sequence + 1, lacing=b"", body=b"")
    return joined([*before, replace(last, flags=last.flags & ~LAST), end])


def _shortened(coding: _Coding, data: bytes | None = None) -> OddFile:
    data = data or coding.make()
    kept = pages(data)[:-1]
    seconds = coding.seconds(kept[-1].granule, data)
    return OddFile(joined(kept), whole(seconds, slack=0.06))


def _parts(coding: _Coding) -> Iterator[tuple[str, Make]]:
    two = Heard(1.99, 2.01, order(1.0) + order(1.0, 4), slack=0.06, gap=0.08)
    three = Heard(2.98, 3.02, (*two.order, *order(1.0, 8)), slack=0.06, gap=0.08)

    def part(number: int) -> bytes:
        # Each part has a serial number of its own, as the format asks for.
        return joined(
            [replace(page, serial=1_000 + number) for page in pages(coding.make(1.0, 4 * number))]
        )

    def open_part(number: int) -> bytes:
        return joined([replace(p, flags=p.flags & ~LAST) for p in pages(part(number))])

    yield "two parts", lambda: OddFile(part(0) + part(1), two)
    yield "three parts", lambda: OddFile(part(0) + part(1) + part(2), three)
    yield (
        "two parts, the last without its end-of-stream bit",
        lambda: OddFile(part(0) + open_part(1), two),
    )
    yield (
        "two parts, the first without its end-of-stream bit",
        lambda: OddFile(open_part(0) + part(1), two, refusable=True),
    )
    yield (
        "two parts with one serial number",
        lambda: OddFile(coding.make(1.0) + _renumbered(coding.make(1.0, 4)), two, refusable=True),
    )
    yield (
        "two parts with junk between",
        lambda: OddFile(part(0) + b"junk" * 40 + part(1), two, refusable=True),
    )
    yield "two parts, NULs after", lambda: OddFile(part(0) + part(1) + bytes(500), two)
    yield (
        "two parts, the second cut",
        lambda: OddFile((part(0) + part(1))[:-1_500], None),
    )
    if coding.subtype != "FLAC":
        # Pitches go by the rate up to 16 kHz, so those of 24 and 48 kHz are the same.
        yield (
            "two parts of different rates",
            lambda: OddFile(part(0) + coding.make(1.0, 4, rate=24_000), two, refusable=True),
        )


def _renumbered(data: bytes) -> bytes:
    serial = pages(encoded("OGG", "VORBIS", seconds=1.0, rate=RATE))[0].serial
    return joined([replace(page, serial=serial) for page in pages(data)])


def _damage(coding: _Coding) -> Iterator[tuple[str, Make]]:
    def middle(found: list[Page]) -> int:
        return len(found) // 2

    def without(number: int) -> bytes:
        found = pages(coding.make())
        del found[number]
        return joined(found)

    def flipped() -> bytes:
        found = pages(coding.make())
        page = found[middle(found)]
        body = bytearray(page.body)
        crc = int.from_bytes(page.data()[22:26], "little")
        body[len(body) // 2] ^= 4
        found[middle(found)] = replace(page, body=bytes(body), crc=crc)
        return joined(found)

    def cut(share: float) -> bytes:
        data = coding.make()
        return data[: int(share * len(data))]

    for share in (0.3, 0.5, 0.9, 0.99):
        yield f"cut at {share}, in mid-page", lambda share=share: OddFile(cut(share), None)
    yield "the last byte missing", lambda: OddFile(coding.make()[:-1], None)
    yield (
        "cut in mid-page, NULs after",
        lambda: OddFile(cut(0.5) + bytes(9_000), None),
    )
    yield (
        "a page missing in the middle",
        lambda: OddFile(without(middle(pages(coding.make()))), None),
    )
    yield "the first page of audio missing", lambda: OddFile(without(3), None)
    yield "a damaged page", lambda: OddFile(flipped(), None)
    yield "the mark of the last page damaged", lambda: OddFile(_with_last_mark(b"OggR"), None)
    yield "junk between two pages", lambda: _used(_with_junk(coding.make()), refusable=True)
    yield "a page twice", lambda: _used(_with_page_twice(coding.make()), refusable=True)
    yield "two pages swapped", lambda: OddFile(_swapped(coding.make()), None)


def _with_last_mark(mark: bytes) -> bytes:
    *before, last = pages(encoded("OGG", "VORBIS", seconds=SECONDS, rate=RATE))
    return joined(before) + mark + last.data()[4:]


def _with_junk(data: bytes) -> bytes:
    found = pages(data)
    middle = len(found) // 2
    return joined(found[:middle]) + b"junk" * 40 + joined(found[middle:])


def _with_page_twice(data: bytes) -> bytes:
    found = pages(data)
    middle = len(found) // 2
    return joined([*found[: middle + 1], *found[middle:]])


def _swapped(data: bytes) -> bytes:
    found = pages(data)
    middle = len(found) // 2
    found[middle : middle + 2] = reversed(found[middle : middle + 2])
    return joined(found)


def _positions(coding: _Coding) -> Iterator[tuple[str, Make]]:
    """Granule positions and flags changed, with the right checksum."""

    def changed(number: int, **fields: int) -> bytes:
        found = pages(coding.make())
        found[number] = replace(found[number], **fields)  # type: ignore[arg-type]
        return joined(found)

    def granule(number: int) -> int:
        return pages(coding.make())[number].granule

    def used_or_refused(data: bytes) -> OddFile:
        # Without a position at its end, the last block of the coder is heard whole.
        heard = whole(SECONDS, slack=0.06, longer=0.06)
        return OddFile(data, heard, refusable=True)

    for name, position in {
        "doubled": lambda: 2 * granule(-1),
        "a second too large": lambda: granule(-1) + coding.granule_rate,
        "too small": lambda: granule(-1) // 3,
        "1": lambda: 1,
        "0": lambda: 0,
        "-1": lambda: -1,
        "-2": lambda: -2,
        "the largest": lambda: 2**63 - 1,
    }.items():
        yield (
            f"last position {name}",
            lambda p=position: used_or_refused(changed(-1, granule=p())),
        )
        yield (
            f"a middle position {name}",
            lambda p=position: used_or_refused(changed(-3, granule=p())),
        )
        yield (
            f"position of the first audio {name}",
            lambda p=position: used_or_refused(changed(3, granule=p())),
        )
    for number, where in ((-1, "last"), (-3, "middle"), (3, "first audio"), (0, "first")):
        for flags in range(8):
            yield (
                f"flags {flags} on the {where} page",
                lambda n=number, f=flags: used_or_refused(changed(n, flags=f)),
            )
