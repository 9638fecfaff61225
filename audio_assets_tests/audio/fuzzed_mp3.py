"""MP3 files with changed counts, frame headers and sizes of tags."""

from dataclasses import replace

import numpy as np

from audio_assets_tests.audio.fuzzed import LENGTHS, Field, Fuzzed, change
from audio_assets_tests.audio.odd_files import ape, id3v1, id3v2
from audio_assets_tests.audio.odd_mp3 import (
    MODES,
    bare,
    counted,
    frames,
    mp3,
    whole_frames,
    with_vbri,
)

RATES = (16_000, 22_050, 44_100, 48_000)


def fuzzed_mp3(rng: np.random.Generator) -> Fuzzed:
    """A changed MP3 file."""
    seconds = float(rng.choice(LENGTHS))
    rate = int(rng.choice(RATES))
    mode = str(rng.choice(list(MODES)))
    kind = str(rng.choice(["as written", "bare", "VBRI"]))
    plain = bare(mode, rate, seconds=seconds)
    data = {"as written": mp3(mode, rate, seconds=seconds), "bare": plain}.get(kind) or with_vbri(
        plain
    )
    whole = bytearray(data)
    way = str(rng.choice(["count", "frame", "first frame", "tag before", "tag after"]))
    if way == "count":
        fields = _counts(data)
        said = change(whole, fields, rng) if fields else _frame(whole, rng, first=True)
    elif way == "tag before":
        whole, said = _tag_before(data, rng)
    elif way == "tag after":
        tag = bytearray(ape())
        end = len(tag) - 32
        fields = [Field("APE size", at + 12, 4) for at in (0, end)]
        fields += [Field("APE items", at + 16, 4) for at in (0, end)]
        said = change(tag, [*fields, Field("APE flags", end + 20, 4)], rng)
        whole += tag + (id3v1() if rng.random() < 0.5 else b"")
    else:
        said = _frame(whole, rng, first=way == "first frame")
    heard = whole_frames(plain, rate, seconds, more=1)
    if way != "tag after":
        # A frame whose own header is wrong is lost, and the next may need its bits.
        frame = (1_152 if rate >= 32_000 else 576) / rate
        low, slack = heard.low - 2 * frame, 0.07 + 2.5 * frame
        heard = replace(heard, low=low, slack=slack, gap=heard.gap + 0.08)
    name = f"{mode} {rate} Hz {kind}, {seconds} s, {', '.join(said)}"
    return Fuzzed("MP3", name, bytes(whole), heard, rate)


def _counts(data: bytes) -> list[Field]:
    """Fields of a Xing, Info or VBRI header.

    Not the delay and padding of LAME, three bytes from the 141st: they say where the sound begins
    and ends, and nothing contradicts them.
    """
    at = data.find(b"VBRI", 0, 200)
    if at >= 0:
        places = {"version": (4, 2), "delay": (6, 2), "bytes": (10, 4), "frames": (14, 4)}
        places |= {"entries": (18, 2), "scale": (20, 2), "size of an entry": (22, 2)}
    else:
        if not counted(data):
            return []
        at = max(data.find(b"Xing", 0, 200), data.find(b"Info", 0, 200))
        places = {"flags": (4, 4), "frames": (8, 4), "bytes": (12, 4), "a place": (60, 1)}
        places |= {"quality": (116, 4), "LAME's length": (148, 4), "tag's checksum": (154, 2)}
    found = [Field(f"header's {name}", at + a, size, "big") for name, (a, size) in places.items()]
    return [*found, *[field for field in found if field.name == "header's frames"] * 2]


def _frame(data: bytearray, rng: np.random.Generator, *, first: bool) -> list[str]:
    starts = frames(bytes(data))
    number = 0 if first else int(rng.integers(1, len(starts)))
    bit = int(rng.integers(32))
    data[starts[number] + bit // 8] ^= 0x80 >> bit % 8
    return [f"bit {bit} of the header of frame {number} of {len(starts)}"]


def _tag_before(data: bytes, rng: np.random.Generator) -> tuple[bytearray, list[str]]:
    while True:
        tag = bytearray(id3v2(int(rng.integers(40, 3_000)), major=int(rng.choice([3, 4]))))
        length = len(tag)
        fields = [Field("ID3v2 size", 6, 4, "big"), Field("ID3v2 flags", 5, 1)]
        said = change(tag, [*fields, fields[0]], rng)
        size = sum((byte & 127) << shift for byte, shift in zip(tag[6:10], (21, 14, 7, 0)))
        # A tag that ends just where a later frame begins holds the frames before it.
        if 10 + size - length not in frames(data)[1:]:
            return tag + data, said
