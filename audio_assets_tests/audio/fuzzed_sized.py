"""AIFF, AU, CAF and W64 files with changed sizes, counts and flags.

Not the sample rate, nor the channels, coding and offset of AU (what lies before its audio is
annotation), nor the flags of CAF: nothing else in such a file says them.
"""

import struct

import numpy as np

from audio_assets_tests.audio.fuzzed import LENGTHS, Field, Fuzzed, change
from audio_assets_tests.audio.odd_files import encoded, whole

RATE = 24_000


def fuzzed_sized(rng: np.random.Generator) -> Fuzzed:
    """A changed file of one of these formats."""
    seconds = float(rng.choice(LENGTHS))
    kind = str(rng.choice(["AIFF", "AU", "CAF", "W64"]))
    subtype = str(rng.choice(["PCM_16", "PCM_24", "FLOAT"]))
    original = encoded(kind, subtype, seconds=seconds)
    fields = {"AIFF": _aiff, "AU": _au, "CAF": _caf, "W64": _w64}[kind](original)
    if rng.random() < 0.6:
        fields = [f for f in fields if "size" in f.name or f.name == "frames"]
    while True:
        data = bytearray(original)
        said = change(data, fields, rng)
        if kind == "AIFF" and "frames" in " ".join(said) and len(said) > 1:
            # Beside an open number of frames nothing contradicts other bits, channels or offsets.
            continue
        if not (kind == "W64" and _consistent(original, bytes(data))):
            break
    name = f"{kind} {subtype}, {seconds} s, {', '.join(said)}"
    return Fuzzed("SIZED", name, bytes(data), whole(seconds), RATE)


def _chunks(data: bytes, at: int, words: str, header: int) -> list[tuple[bytes, int]]:
    """Names and places of chunks whose sizes ``words`` unpacks after a name of four bytes."""
    found = []
    while at + header <= len(data):
        (size,) = struct.unpack_from(words, data, at + 4)
        found.append((data[at : at + 4], at))
        at += header + size + (size % 2 if words == ">I" else 0)
    return found


def _aiff(data: bytes) -> list[Field]:
    found = [Field("FORM size", 4, 4, "big")]
    for name, at in _chunks(data, 12, ">I", 8):
        found.append(Field(f"{name.decode()} size", at + 4, 4, "big"))
        if name == b"COMM":
            found.append(Field("channels", at + 8, 2, "big"))
            found += [Field("frames", at + 10, 4, "big")] * 2
            found.append(Field("bits", at + 14, 2, "big"))
        elif name == b"SSND":
            found.append(Field("SSND offset", at + 8, 4, "big"))
            found.append(Field("SSND block", at + 12, 4, "big"))
    return found


def _au(data: bytes) -> list[Field]:
    return [Field("size", 8, 4, "big")]


def _caf(data: bytes) -> list[Field]:
    found = []
    for name, at in _chunks(data, 8, ">q", 12):
        found.append(Field(f"{name.decode()} size", at + 4, 8, "big"))
        if name == b"desc":
            for word, offset in (("packet", 28), ("frames", 32), ("channels", 36), ("bits", 40)):
                found.append(Field(f"{word} of desc", at + offset, 4, "big"))
    return found


def _w64(data: bytes) -> list[Field]:
    found = [Field("riff size", 16, 8)]
    at = 40
    while at + 24 <= len(data):
        name = data[at : at + 4].decode()
        (size,) = struct.unpack_from("<Q", data, at + 16)
        found.append(Field(f"{name} size", at + 16, 8))
        if name == "fmt ":
            words = ("format", "channels", "rate", "byte rate", "align", "bits")
            offsets, sizes = (24, 26, 28, 32, 36, 38), (2, 2, 4, 4, 2, 2)
            found += [Field(w, at + o, s) for w, o, s in zip(words, offsets, sizes, strict=True)]
        at += size + -size % 8
    return found


def _consistent(original: bytes, changed: bytes) -> bool:
    """Whether another format is described without a contradiction."""
    at = original.index(b"fmt ") + 24
    before = struct.unpack_from("<HHIIHH", original, at)
    after = struct.unpack_from("<HHIIHH", changed, at)
    _, channels, rate, byte_rate, align, bits = after
    agree = align == channels * ((bits + 7) // 8) and byte_rate == rate * align
    return before != after and agree
