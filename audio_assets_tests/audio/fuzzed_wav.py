"""WAV files with changed sizes, counts and formats."""

import struct

import numpy as np

from audio_assets_tests.audio.fuzzed import LENGTHS, Field, Fuzzed, change
from audio_assets_tests.audio.odd_files import encoded, whole
from audio_assets_tests.audio.odd_wav import chunk, pcm16, rf64, wav
from audio_assets_tests.audio.steps import steps

RATE = 24_000
_LIST = chunk(b"LIST", b"INFOISFT\x0e\0\0\0Lavf58.45.100\0")
_FORMAT = ("format", "channels", "rate", "byte rate", "block align", "bits")
_BLOCKS = 0.09


def _originals(seconds: float) -> dict[str, bytes]:
    body = pcm16(steps(seconds, RATE))
    made = {
        "16 bit": wav(body),
        "LIST before": wav(body, before=_LIST),
        "LIST before data and after": _list_before_data(body) + _LIST,
        "LIST after": wav(body, after=_LIST),
        "RF64 by hand": rf64(len(body), body=body),
        "RF64": encoded("RF64", seconds=seconds),
        "extensible": encoded("WAVEX", seconds=seconds),
        "RIFX": encoded(endian="BIG", seconds=seconds),
        "stereo": encoded(channels=2, seconds=seconds),
    }
    for subtype in ("PCM_U8", "PCM_24", "FLOAT", "ULAW", "IMA_ADPCM", "MS_ADPCM"):
        made[subtype] = encoded(subtype=subtype, seconds=seconds)
    return made


def _list_before_data(body: bytes) -> bytes:
    data = wav(body)
    return (
        data[:4]
        + struct.pack("<I", len(data) - 8 + 2 * len(_LIST))
        + data[8:36]
        + _LIST
        + (data[36:])
    )


def fuzzed_wav(rng: np.random.Generator) -> Fuzzed:
    """A changed WAV file."""
    seconds = float(rng.choice(LENGTHS))
    originals = _originals(seconds)
    name = str(rng.choice(list(originals)))
    original = originals[name]
    while True:
        data = bytearray(original)
        fields = _fields(original)
        if rng.random() < 0.2:
            said = _flip(data, rng)
        else:
            if rng.random() < 0.6:
                fields = [field for field in fields if "size" in field.name or "ds64" in field.name]
            said = change(data, fields, rng)
        if not _another_truth(original, bytes(data)):
            break
    longer = _BLOCKS if "ADPCM" in name else 0.0
    heard = whole(seconds, longer=longer, slack=0.08 if longer else 0.04)
    return Fuzzed("WAV", f"{name}, {seconds} s, {', '.join(said)}", bytes(data), heard, RATE)


def _flip(data: bytearray, rng: np.random.Generator) -> list[str]:
    said = []
    for at in rng.integers(0, data.index(b"data") + 8, size=int(rng.integers(1, 4))):
        bit = int(rng.integers(8))
        data[int(at)] ^= 1 << bit
        said.append(f"bit {bit} of byte {at}")
    return said


def _chunks(data: bytes) -> list[tuple[bytes, int]]:
    order = "big" if data[:4] == b"RIFX" else "little"
    found = []
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], order)  # type: ignore[arg-type]
        found.append((data[at : at + 4], at))
        if data[at : at + 4] == b"data" and size == 0xFFFFFFFF:
            break
        at += 8 + size + size % 2
    return found


def _fields(data: bytes) -> list[Field]:
    order = "big" if data[:4] == b"RIFX" else "little"
    found = [Field("RIFF size", 4, 4, order)]
    for name, at in _chunks(data):
        word = name.decode()
        found.append(Field(f"{word} size", at + 4, 4, order))
        if name == b"data":
            # The commonest mistake gets a larger share.
            found += [found[-1]] * 3
        elif name == b"ds64":
            found += [Field(f"ds64 {n}", at + 8 + 8 * n, 8, order) for n in range(3)]
        elif name == b"fact":
            found.append(Field("fact count", at + 8, 4, order))
        elif name == b"fmt ":
            offsets, sizes = (8, 10, 12, 16, 20, 22), (2, 2, 4, 4, 2, 2)
            found += [
                Field(word, at + offset, size, order)
                for word, offset, size in zip(_FORMAT, offsets, sizes, strict=True)
            ]
    return found


def _another_truth(original: bytes, changed: bytes) -> bool:
    """Whether the header describes another sound without a contradiction.

    A rate together with its byte rate, another count of channels together with both, or another
    coding of the same bits (A-law or mu-law for 8-bit samples, floats for integers of 32 bits)
    leave nothing in the file by which they could be told. So does a file that calls itself another.
    """
    if original[:4] != changed[:4] and changed[:4] in (b"RIFF", b"RIFX", b"RF64"):
        return True
    at = original.index(b"fmt ") + 8
    order = ">" if original[:4] == b"RIFX" else "<"
    before = struct.unpack_from(f"{order}HHIIHH", original, at)
    after = struct.unpack_from(f"{order}HHIIHH", changed, at)
    subformat = slice(at + 24, at + 26)
    extensible = 0xFFFE in (before[0], after[0])
    if before == after and not (extensible and original[subformat] != changed[subformat]):
        return False
    code, channels, rate, byte_rate, align, bits = after
    if code in (2, 0x11, 0x31):
        # Blocks: a byte rate tells the rate, and samples per block tell the channels.
        return (
            code == before[0]
            and channels == before[1]
            and (
                abs(byte_rate * before[2] - before[3] * rate) < before[3] * before[2] // 100
                and (rate != before[2])
            )
        )
    consistent = align == channels * ((bits + 7) // 8) and byte_rate == rate * align
    return (
        consistent
        and (before[1], before[2], before[4]) != (channels, rate, align)
        or (consistent and code != before[0])
        or (consistent and extensible and original[subformat] != changed[subformat])
    )
