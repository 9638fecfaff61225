"""Odd WAV files: sizes, chunks, codings, rates and channels."""

import struct
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from audio_assets_tests.audio.odd_files import (
    RATE,
    SECONDS,
    OddFile,
    encoded,
    id3v2,
    whole,
)
from audio_assets_tests.audio.steps import Heard, order, steps

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


def _used(data: bytes, note: bool | None = None, **more: object) -> OddFile:
    return OddFile(data, whole(), note=note, **more)  # type: ignore[arg-type]


def sizes() -> Iterator[tuple[str, Make]]:
    """Sizes that are not those of the file, nothing of which is missing."""
    n = len(pcm16(steps(SECONDS, RATE)))
    for off in (-44, -36, -8, -7, -4, -3, -2, -1, 1, 2, 3, 4, 7, 8, 36, 44, 512, 2_000):
        # Beyond 10 ms, or 480 bytes, a difference has to be named.
        note = True if off < -480 else None
        yield f"size off by {off}", lambda off=off, note=note: _used(wav(size=n + off), note)
        yield (
            f"size off by {off} and RIFF with it",
            lambda off=off, note=note: _used(wav(size=n + off, riff=n + off + 36), note),
        )
    placeholders = [p - less for p, less in product(PLACEHOLDERS, LESS)]
    for size in [*placeholders, *FURTHER_PLACEHOLDERS]:
        riffs = {"with it": size + 36, "right": n + 36, "0": 0, "36": 36, "all ones": 0xFFFFFFFF}
        for name, riff in riffs.items():
            yield (
                f"size {size:#x}, RIFF {name}",
                lambda size=size, riff=riff: _used(wav(size=size, riff=riff)),
            )
    yield "size 0x7fffffff in whole frames of six bytes", _stereo_24_bit_placeholder
    for riff in (0, 36, 80, n, 2 * n, 0x7FFFF024, 0xFFFFFFFF):
        yield f"right size, RIFF {riff:#x}", lambda riff=riff: _used(wav(riff=riff), None)
    for size in (44, 2, 512, n // 10, n // 3, n // 3 + 1, n // 2, n - 4_800):
        yield (
            f"size {size} of {n}, RIFF with it",
            lambda size=size: _used(wav(size=size, riff=size + 36), True),
        )
        yield f"size {size} of {n}, RIFF right", lambda size=size: _used(wav(size=size), True)
    for size in (0, 44, 0xFFFFFFFF, 0x7FFFF000):
        # A LIST of 26 bytes may pass for half a millisecond of audio.
        tail = chunk(b"LIST", b"INFOISFT\x0e\0\0\0Lavf58.45.100\0")
        yield (
            f"size {size:#x} before a LIST",
            lambda size=size, tail=tail: _used(wav(size=size, riff=size + 36, after=tail)),
        )
    yield "RIFX", lambda: _used(encoded(endian="BIG"), False)
    yield "RIFX, size 0", lambda: _used(_sizes_big_endian(0))
    yield "RIFX, size 0xffffffff", lambda: _used(_sizes_big_endian(0xFFFFFFFF))
    yield "RIFX, half the size", lambda: _used(_sizes_big_endian(n // 2), True)
    yield "a zero-filled tail", lambda: _used(wav() + bytes(40_000))
    yield (
        "a zero-filled tail within RIFF",
        lambda: _used(wav(after=bytes(40_000))),
    )


def _stereo_24_bit_placeholder() -> OddFile:
    data = encoded(subtype="PCM_24", channels=2)
    at = data.index(b"data") + 4
    return _used(data[:at] + struct.pack("<I", 0x7FFFFFFF // 6 * 6) + data[at + 4 :])


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
    yield "RF64", lambda: _used(rf64(n), False)
    yield "RF64, empty ds64", lambda: _used(rf64(0))
    yield "RF64, ds64 of a sixth", lambda: _used(rf64(n // 6), True)
    yield "RF64, ds64 of a half", lambda: _used(rf64(n // 2), True)
    yield "RF64, ds64 off by 44", lambda: _used(rf64(n + 44))
    yield "RF64, ds64 all ones", lambda: _used(rf64(2**64 - 1 - 72))
    yield "RF64, ds64 all ones of 63 bits", lambda: _used(rf64(2**63 - 1))
    yield "RF64, ds64 with a table", lambda: _used(
        rf64(n, table=struct.pack("<I4sQ", 1, b"cue ", 0))
    )
    yield "RF64, size in the chunk itself", lambda: _used(rf64(0, size=n))
    yield "RF64, stale ds64, size in the chunk itself", lambda: _used(rf64(n // 2, size=n))
    yield "RF64 with a RIFF size", lambda: _used(rf64(n, riff=n + 72))
    yield "RF64, size 0, empty ds64", lambda: _used(rf64(0, size=0))
    yield (
        "RF64 without ds64",
        lambda: _used(wav(size=0xFFFFFFFF, riff=0xFFFFFFFF, magic=b"RF64"), refusable=True),
    )
    yield "BW64", lambda: _used(rf64(n, magic=b"BW64"), refusable=True)
    yield (
        "RIFF with room for ds64",
        lambda: _used(wav(before=chunk(b"JUNK", bytes(28))), False),
    )
    yield "RF64 by libsndfile", lambda: _used(encoded("RF64"), False)
    yield (
        "extensible",
        lambda: _used(wav(fmt=format_body(extensible=True)), False),
    )
    yield "extensible by libsndfile", lambda: _used(encoded("WAVEX"), False)
    for size in (0, 0xFFFFFFFF, 0x7FFFF000 - 68):
        yield (
            f"extensible, size {size:#x}",
            lambda size=size: _used(wav(fmt=format_body(extensible=True), size=size)),
        )
    yield (
        "extensible, 24 bit, half the size",
        lambda: _used(_half(encoded("WAVEX", "PCM_24")), True),
    )


def _half(data: bytes) -> bytes:
    at = data.index(b"data") + 4
    size = int.from_bytes(data[at : at + 4], "little") // 2
    return data[:at] + struct.pack("<I", size) + data[at + 4 :]


def chunks() -> Iterator[tuple[str, Make]]:
    """Chunks and bytes before and after the audio. Those of 5 kB would be a tenth of a second."""
    odd_text = b"INFOIART\x05\0\0\0abcd\0"
    long_text = b"a recorder by the pond, left of the oak; " * 128
    for name, body in {
        "LIST": chunk(b"LIST", odd_text + b"\0"),
        "long LIST": chunk(b"LIST", b"INFO" + chunk(b"ICMT", long_text)),
        "bext": chunk(b"bext", b"AudioMoth".ljust(602, b"\0")),
        "guan": chunk(b"guan", b"GUANO|Version: 1.0\nMake: Pond\n" * 9),
        "long guan": chunk(b"guan", b"GUANO|Version: 1.0\n" + long_text),
        "wamd": chunk(b"wamd", bytes(36) + b"SM4"),
        "id3": chunk(b"id3 ", id3v2(5_000)),
        "fact": chunk(b"fact", struct.pack("<I", round(SECONDS * RATE))),
        "a wrong fact": chunk(b"fact", struct.pack("<I", 999)),
        "empty": chunk(b"LIST", b""),
        "unknown": chunk(b"zQ7 ", b"\x01\x80" * 2_500),
        "JUNK": chunk(b"JUNK", bytes(4_000)),
        "FLLR": chunk(b"FLLR", bytes(4_044)),
        "two": chunk(b"bext", bytes(602)) + chunk(b"iXML", long_text),
        "odd, padded": chunk(b"LIST", odd_text),
        "long odd, padded": chunk(b"iXML", long_text + b"x"),
    }.items():
        yield f"{name} before", lambda body=body: _used(wav(before=body), False)
        yield f"{name} after", lambda body=body: _used(wav(after=body), False)
        yield (
            f"{name} after, outside RIFF",
            lambda body=body: _used(wav() + body),
        )
    for name, body in {"short": odd_text, "long": long_text + b"x"}.items():
        bare = chunk(b"LIST", body, pad=False)
        yield f"{name} odd, not padded, before", lambda bare=bare: _used(wav(before=bare))
        yield f"{name} odd, not padded, after", lambda bare=bare: _used(wav(after=bare))
    late = chunk(b"fact", struct.pack("<I", 9))
    yield "chunks between fmt and data", lambda: _used(_between(chunk(b"bext", bytes(602)) + late))
    yield (
        "odd chunk without pad between fmt and data",
        lambda: _used(_between(chunk(b"LIST", odd_text, pad=False))),
    )
    for name, after in {
        "a broken last chunk": chunk(b"LIST", long_text, size=40_000),
        "a last chunk of all ones": chunk(b"guan", long_text, size=0xFFFFFFFF),
        "a cut chunk header": b"LIST\x04",
        "NULs": bytes(300),
        "a newline": b"\n",
        "a line": b"\r\n# end of file\r\n",
        "junk": bytes(range(7, 256)),
        "ID3v1": b"TAG".ljust(128, b"\0"),
    }.items():
        yield f"{name} after", lambda after=after: _used(wav(after=after))
        yield f"{name} after, outside RIFF", lambda after=after: _used(wav() + after)
    odd = np.uint8(np.round(steps(SECONDS, RATE)[:-1, 0] * 127 + 128)).tobytes()
    for name, pad in {"padded": b"\0", "not padded": b""}.items():
        for behind in (b"", chunk(b"LIST", b"INFO" + chunk(b"ICMT", long_text))):
            yield (
                f"odd size of 8-bit audio, {name}{', before a LIST' if behind else ''}",
                lambda pad=pad, behind=behind: _used(
                    wav(odd, after=pad + behind, fmt=format_body(bits=8))
                ),
            )
    yield "ID3v2 before RIFF", lambda: _used(id3v2() + wav())


def _between(extra: bytes) -> bytes:
    data = wav(after=b"")
    at = data.index(b"data")
    inner = data[8:at] + extra + data[at:]
    return b"RIFF" + struct.pack("<I", len(inner)) + inner


def parts() -> Iterator[tuple[str, Make]]:
    """Several files or data chunks in one: used whole, or refused and named."""
    first, second = pcm16(steps(1.0)), pcm16(steps(1.0, first=4))
    both = Heard(1.98, 2.03, order(1.0) + order(1.0, 4), slack=0.06, gap=0.06)
    files = {
        "two files joined": wav(first) + wav(second),
        "three files joined": wav(first) + wav(second) + wav(pcm16(steps(1.0, first=8))),
        "two data chunks": wav(first, after=chunk(b"data", second)),
        "two data chunks, the first empty": wav(b"", after=chunk(b"data", first + second)),
        "two data chunks, a LIST between": wav(
            first, after=chunk(b"LIST", b"INFO") + chunk(b"data", second)
        ),
        "wavl": wav(first, after=chunk(b"slnt", bytes(4)) + chunk(b"data", second)),
        "two files joined, the first of open length": wav(first, size=0xFFFFFFFF) + wav(second),
    }
    three = Heard(2.98, 3.03, order(1.0) + order(1.0, 4) + order(1.0, 8), slack=0.06, gap=0.06)
    for name, data in files.items():
        heard = three if name.startswith("three") else both
        yield (
            name,
            lambda data=data, heard=heard: OddFile(data, heard, refusable=True),
        )


def cut() -> Iterator[tuple[str, Make]]:
    """Truly cut files. Up to 50 ms may be missing."""
    n = len(pcm16(steps(SECONDS, RATE)))
    bytes_a_second = 2 * RATE
    for seconds in (1.05, 0.7, 0.2, 0.1, 0.06):
        lost = round(seconds * bytes_a_second)
        yield f"cut by {seconds} s", lambda lost=lost: _cut(wav()[:-lost], lost / bytes_a_second)
        yield (
            f"cut by {seconds} s, size open, RIFF right",
            lambda lost=lost: _cut(
                wav(size=0xFFFFFFFF, riff=n + 36)[:-lost], lost / bytes_a_second
            ),
        )
        yield (
            f"RF64 cut by {seconds} s",
            lambda lost=lost: _cut(rf64(n, cut=lost), lost / bytes_a_second),
        )
    for odd in (1, 3):
        yield (
            f"cut by 0.5 s and {odd} bytes",
            lambda odd=odd: _cut(wav()[: -24_000 - odd], 0.5),
        )
    yield "cut at the header", lambda: OddFile(wav()[:44], None, missing=None)
    yield "cut before data", lambda: OddFile(wav()[:36], None)
    yield "cut in fmt", lambda: OddFile(wav()[:26], None)
    for lost in (1, 2, 480, 960, 2_000):
        seconds = SECONDS - lost / bytes_a_second
        heard = whole(seconds)
        yield (
            f"cut by {lost} bytes",
            lambda lost=lost, heard=heard: OddFile(wav()[:-lost], heard),
        )
    for kind in ("PCM_24", "FLOAT", "ULAW", "IMA_ADPCM", "MS_ADPCM"):
        yield f"{kind} cut in half", lambda kind=kind: _cut_in_half(encoded(subtype=kind))
    yield "extensible cut in half", lambda: _cut_in_half(encoded("WAVEX"))
    yield "RIFX cut in half", lambda: _cut_in_half(encoded(endian="BIG"))


def _cut(data: bytes, missing: float) -> OddFile:
    return OddFile(data, None, missing=missing, reasons=frozenset({"undecodable"}))


def _cut_in_half(data: bytes) -> OddFile:
    body = data.index(b"data") + 8
    # Half of the frames, whatever their size.
    return _cut(data[: body + (len(data) - body) // 2], SECONDS / 2)


def codings() -> Iterator[tuple[str, Make]]:
    """Codings, channels and rates."""
    for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"):
        for channels in (1, 2):
            yield (
                f"{subtype}, {channels} channels",
                lambda s=subtype, c=channels: _used(encoded(subtype=s, channels=c), False),
            )
            for size in (0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000 - 44):
                yield (
                    f"{subtype}, {channels} channels, size {size:#x}",
                    lambda s=subtype, c=channels, size=size: _used(
                        _with_size(encoded(subtype=s, channels=c), size)
                    ),
                )
            yield (
                f"{subtype}, {channels} channels, half the size",
                lambda s=subtype, c=channels: _used(_half(encoded(subtype=s, channels=c)), True),
            )
    # Their blocks are whole, so that up to one may follow the audio: 505 to 1017 frames.
    for subtype in ("IMA_ADPCM", "MS_ADPCM", "GSM610", "NMS_ADPCM_16", "G721_32"):
        for channels in (1, 2):
            if channels == 2 and subtype not in ("IMA_ADPCM", "MS_ADPCM"):
                continue
            yield f"{subtype}, {channels} channels", lambda s=subtype, c=channels: _blocks(s, c)
            for size in (0, 0xFFFFFFFF, 0x7FFFFFFF - 36):
                yield (
                    f"{subtype}, {channels} channels, size {size:#x}",
                    lambda s=subtype, c=channels, size=size: _blocks(s, c, size),
                )
    yield "IMA_ADPCM, half the size", lambda: _blocks("IMA_ADPCM", 1, 0, half=True)
    for channels in (3, 8, 9, 16, 33, 64):
        yield (
            f"{channels} channels",
            lambda c=channels: OddFile(
                encoded(seconds=0.6, channels=c, rate=8_000), whole(0.6), rate=8_000, note=False
            ),
        )
        yield (
            f"{channels} channels, size 0",
            lambda c=channels: OddFile(
                _with_size(encoded(seconds=0.6, channels=c, rate=8_000), 0), whole(0.6), rate=8_000
            ),
        )
    rates = (
        1_000,
        2_000,
        4_000,
        8_000,
        11_025,
        44_100,
        192_000,
        256_000,
        384_000,
        500_000,
        576_000,
    )
    for rate in (*rates, 768_000):
        yield (
            f"{rate} Hz",
            lambda rate=rate: OddFile(
                encoded(seconds=0.6, rate=rate), whole(0.6), rate=rate, note=False
            ),
        )
    yield "65 channels", lambda: OddFile(encoded(seconds=0.6, channels=65), None)
    yield "999 Hz", lambda: OddFile(encoded(rate=999), None)
    yield "768001 Hz", lambda: OddFile(encoded(seconds=0.6, rate=768_001), None)
    yield (
        "12 bits in 16",
        lambda: _used(wav(fmt=struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 12))),
    )
    yield (
        "a byte rate of 0",
        lambda: _used(wav(fmt=struct.pack("<HHIIHH", 1, 1, RATE, 0, 2, 16)), refusable=True),
    )


def _with_size(data: bytes, size: int) -> bytes:
    at = data.index(b"data") + 4
    return data[:at] + struct.pack("<I", size) + data[at + 4 :]


def _blocks(subtype: str, channels: int, size: int | None = None, half: bool = False) -> OddFile:
    rate = 8_000 if subtype in ("GSM610", "G721_32") else RATE
    data = encoded(subtype=subtype, channels=channels, rate=rate)
    if half:
        data = _half(data)
    elif size is not None:
        data = _with_size(data, size)
    return OddFile(data, whole(longer=0.09, slack=0.09), rate=rate, note=half or None)


def cases() -> dict[str, Make]:
    """All odd WAV files by what is odd."""
    groups = (sizes, long_forms, chunks, parts, cut, codings)
    return {f"WAV {name}": make for group in groups for name, make in group()}
