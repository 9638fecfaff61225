"""Odd WAV files: sizes, chunks, parts, cuts, codings, rates and channels."""

import struct
from collections.abc import Iterator

import numpy as np

from audio_assets_tests.audio.odd_files import RATE, SECONDS, OddFile, encoded, id3v2, whole
from audio_assets_tests.audio.odd_wav import (
    Make,
    chunk,
    format_body,
    half_size,
    long_forms,
    pcm16,
    rf64,
    sizes,
    used,
    wav,
)
from audio_assets_tests.audio.steps import Heard, order, steps


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
        yield f"{name} before", lambda body=body: used(wav(before=body), False)
        yield f"{name} after", lambda body=body: used(wav(after=body), False)
        yield (
            f"{name} after, outside RIFF",
            lambda body=body: used(wav() + body),
        )
    for name, body in {"short": odd_text, "long": long_text + b"x"}.items():
        bare = chunk(b"LIST", body, pad=False)
        yield f"{name} odd, not padded, before", lambda bare=bare: used(wav(before=bare))
        yield f"{name} odd, not padded, after", lambda bare=bare: used(wav(after=bare))
    late = chunk(b"fact", struct.pack("<I", 9))
    yield "chunks between fmt and data", lambda: used(_between(chunk(b"bext", bytes(602)) + late))
    yield (
        "odd chunk without pad between fmt and data",
        lambda: used(_between(chunk(b"LIST", odd_text, pad=False))),
    )
    for name, after in {
        "a broken last chunk": chunk(b"LIST", long_text, size=40_000),
        "a last chunk of all ones": chunk(b"guan", long_text, size=0xFFFFFFFF),
        "a cut chunk header": b"LIST\x04",
        "NULs": bytes(300),
        "erased flash": b"\xff" * 30_000,
        "a newline": b"\n",
        "a line": b"\r\n# end of file\r\n",
        "junk": bytes(range(7, 256)),
        "ID3v1": b"TAG".ljust(128, b"\0"),
    }.items():
        yield f"{name} after", lambda after=after: used(wav(after=after))
        yield f"{name} after, outside RIFF", lambda after=after: used(wav() + after)
    odd = np.uint8(np.round(steps(SECONDS, RATE)[:-1, 0] * 127 + 128)).tobytes()
    for name, pad in {"padded": b"\0", "not padded": b""}.items():
        for behind in (b"", chunk(b"LIST", b"INFO" + chunk(b"ICMT", long_text))):
            yield (
                f"odd size of 8-bit audio, {name}{', before a LIST' if behind else ''}",
                lambda pad=pad, behind=behind: used(
                    wav(odd, after=pad + behind, fmt=format_body(bits=8))
                ),
            )
    long_axml = chunk(b"axml", long_text, size=0xFFFFFFFF)
    yield "axml of a size that stands in ds64", lambda: used(wav() + long_axml, False)
    for align in (1, 4, 16):
        yield (
            f"{align} bytes a frame, all else right",
            lambda align=align: used(_with_align(align), False),
        )
    yield "ID3v2 before RIFF", lambda: used(id3v2() + wav())


def _with_align(align: int) -> bytes:
    data = wav()
    return data[:32] + struct.pack("<H", align) + data[34:]


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
        yield f"{kind} cut in half", lambda kind=kind: _cut_inhalf_size(encoded(subtype=kind))
    yield "extensible cut in half", lambda: _cut_inhalf_size(encoded("WAVEX"))
    yield "RIFX cut in half", lambda: _cut_inhalf_size(encoded(endian="BIG"))


def _cut(data: bytes, missing: float) -> OddFile:
    return OddFile(data, None, missing=missing, reasons=frozenset({"undecodable"}))


def _cut_inhalf_size(data: bytes) -> OddFile:
    body = data.index(b"data") + 8
    # Half of the frames, whatever their size.
    return _cut(data[: body + (len(data) - body) // 2], SECONDS / 2)


def codings() -> Iterator[tuple[str, Make]]:
    """Codings, channels and rates."""
    for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"):
        for channels in (1, 2):
            yield (
                f"{subtype}, {channels} channels",
                lambda s=subtype, c=channels: used(encoded(subtype=s, channels=c), False),
            )
            for size in (0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000 - 44):
                yield (
                    f"{subtype}, {channels} channels, size {size:#x}",
                    lambda s=subtype, c=channels, size=size: used(
                        _with_size(encoded(subtype=s, channels=c), size)
                    ),
                )
            yield (
                f"{subtype}, {channels} channels, half the size",
                lambda s=subtype, c=channels: used(half_size(encoded(subtype=s, channels=c)), True),
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
        lambda: used(wav(fmt=struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 12))),
    )
    yield (
        "a byte rate of 0",
        lambda: used(wav(fmt=struct.pack("<HHIIHH", 1, 1, RATE, 0, 2, 16)), refusable=True),
    )


def _with_size(data: bytes, size: int) -> bytes:
    at = data.index(b"data") + 4
    return data[:at] + struct.pack("<I", size) + data[at + 4 :]


def _blocks(subtype: str, channels: int, size: int | None = None, half: bool = False) -> OddFile:
    rate = 8_000 if subtype in ("GSM610", "G721_32") else RATE
    data = encoded(subtype=subtype, channels=channels, rate=rate)
    if half:
        data = half_size(data)
    elif size is not None:
        data = _with_size(data, size)
    return OddFile(data, whole(longer=0.09, slack=0.09), rate=rate, note=half or None)


def cases() -> dict[str, Make]:
    """All odd WAV files by what is odd."""
    groups = (sizes, long_forms, chunks, parts, cut, codings)
    return {f"WAV {name}": make for group in groups for name, make in group()}
