"""FLAC files with changed STREAMINFO, metadata blocks, frame headers and tags."""

import numpy as np

from audio_assets_tests.audio.fuzzed import LENGTHS, Field, Fuzzed, change
from audio_assets_tests.audio.odd_files import encoded, id3v1, id3v2, whole
from audio_assets_tests.audio.odd_flac import crc8, crc16, flac, frames, header_length

RATE = 24_000
# Packed fields of STREAMINFO, in bits from its tenth byte.
_PACKED = {"rate": (44, 20), "channels": (41, 3), "bits": (36, 5), "total": (0, 36)}


def fuzzed_flac(rng: np.random.Generator) -> Fuzzed:
    """A changed FLAC file."""
    seconds = float(rng.choice(LENGTHS))
    md5 = bool(rng.random() < 0.5)
    original = flac(md5=md5, seconds=seconds)
    if rng.random() < 0.2:
        # Where channels are joined differently nothing but an MD5 tells it.
        original, md5 = encoded("FLAC", seconds=seconds, channels=2), True
    data = bytearray(original)
    way = rng.choice(["STREAMINFO", "total", "blocks", "frame", "bits", "ID3v2"])
    if way == "STREAMINFO":
        said = _streaminfo(data, str(rng.choice(list(_PACKED))), rng)
        if rng.random() < 0.3:
            said += change(data, _plain(), rng)
    elif way == "total":
        said = _streaminfo(data, "total", rng)
    elif way == "blocks":
        said = change(data, _blocks(original), rng)
    elif way == "frame":
        said = _frame(data, rng)
    elif way == "bits":
        said = _flip(data, frames(original)[0], rng)
    else:
        tag = bytearray(id3v2(int(rng.integers(40, 3_000))))
        said = change(tag, [Field("ID3v2 size", 6, 4, "big"), Field("ID3v2 flags", 5, 1)], rng)
        data = tag + data + (id3v1() if rng.random() < 0.5 else b"")
    name = f"{'MD5' if md5 else 'no MD5'}, {seconds} s, {', '.join(said)}"
    return Fuzzed("FLAC", name, bytes(data), whole(seconds), RATE)


def _streaminfo(data: bytearray, name: str, rng: np.random.Generator) -> list[str]:
    from audio_assets_tests.audio.fuzzed import other_value

    low, bits = _PACKED[name]
    packed = Field("packed", 18, 8, "big")
    whole_field = packed.read(data)
    old = whole_field >> low & (1 << bits) - 1
    new = other_value(old, bits, rng) & (1 << bits) - 1
    packed.write(data, whole_field ^ (old ^ new) << low)
    return [f"{name} {old} to {new}"]


def _plain() -> list[Field]:
    names = (
        ("smallest block", 8, 2),
        ("largest block", 10, 2),
        ("smallest frame", 12, 3),
        ("largest frame", 15, 3),
    )
    md5 = [Field("first half of the MD5", 26, 8, "big"), Field("second half", 34, 8, "big")]
    return [Field(name, at, size, "big") for name, at, size in names] + md5


def _blocks(data: bytes) -> list[Field]:
    found = []
    at = 4
    while True:
        found.append(Field("type of a metadata block", at, 1, "big"))
        found.append(Field("size of a metadata block", at + 1, 3, "big"))
        last = data[at] >> 7
        at += 4 + int.from_bytes(data[at + 1 : at + 4], "big")
        if last:
            return found + _plain()


def _frame(data: bytearray, rng: np.random.Generator) -> list[str]:
    """Change the header of one frame, at times with the right checksums."""
    starts = [*frames(bytes(data)), len(data)]
    number = int(rng.integers(len(starts) - 1))
    start, end = starts[number], starts[number + 1]
    length = header_length(bytes(data), start, number)
    at = start + int(rng.integers(length))
    bit = int(rng.integers(8))
    data[at] ^= 1 << bit
    right = bool(rng.random() < 0.5) and at != start + length - 1
    if right:
        data[start + length - 1] = crc8(bytes(data[start : start + length - 1]))
        data[end - 2 : end] = crc16(bytes(data[start : end - 2])).to_bytes(2, "big")
    checked = " with right checksums" if right else ""
    return [f"bit {bit} of byte {at - start} of frame {number} of {len(starts) - 1}{checked}"]


def _flip(data: bytearray, end: int, rng: np.random.Generator) -> list[str]:
    said = []
    for at in rng.integers(0, end, size=int(rng.integers(1, 4))):
        bit = int(rng.integers(8))
        data[int(at)] ^= 1 << bit
        said.append(f"bit {bit} of byte {at}")
    return said
