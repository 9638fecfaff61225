"""Ogg files with changed pages, of which a share has the right checksum all the same."""

from dataclasses import replace

import numpy as np

from audio_assets_tests.audio.fuzzed import LENGTHS, Fuzzed, other_value
from audio_assets_tests.audio.odd_files import encoded, whole
from audio_assets_tests.audio.odd_ogg import Page, joined, pages
from audio_assets_tests.audio.steps import Heard, order

RATE = 48_000
_BITS = {"version": 8, "flags": 8, "granule": 63, "serial": 32, "sequence": 32}


def fuzzed_ogg(rng: np.random.Generator) -> Fuzzed:
    """A changed Ogg file of Vorbis or Opus, of one part or two."""
    seconds = float(rng.choice(LENGTHS))
    subtype = str(rng.choice(["VORBIS", "OPUS"]))
    two = bool(rng.random() < 0.2)
    if two:
        seconds = 2.0
        parts = [encoded("OGG", subtype, seconds=1.0, rate=RATE, first=4 * n) for n in range(2)]
        found = [
            replace(page, serial=n + 1) for n, part in enumerate(parts) for page in pages(part)
        ]
        heard = Heard(1.99, 2.01, order(1.0) + order(1.0, 4), slack=0.06, gap=0.08)
    else:
        found = pages(encoded("OGG", subtype, seconds=seconds, rate=RATE))
        heard = whole(seconds, slack=0.06)
    said = []
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        number = int(rng.integers(len(found)))
        words, page = _changed(found, number, rng)
        found[number] = page
        said.append(f"{words} of page {number} of {len(found)}")
    name = f"{subtype}, {'two parts, ' if two else ''}{seconds} s, {', '.join(said)}"
    # Without a position at its end, the last block of the coder is heard whole. A last page of less
    # than 50 ms may be missing: no file is called cut for it.
    heard = replace(heard, low=heard.low - 0.04, high=heard.high + 0.03, gap=0.08)
    return Fuzzed("OGG", name, joined(found), heard, RATE)


def _changed(found: list[Page], number: int, rng: np.random.Generator) -> tuple[str, Page]:
    page = found[number]
    # The checksum as it was before.
    stored = int.from_bytes(page.data()[22:26], "little")
    way = str(rng.choice([*_BITS, "flags", "granule", "lacing", "checksum", "first packet"]))
    if way == "checksum":
        return way, replace(page, crc=other_value(stored, 32, rng))
    if way == "lacing":
        lacing = bytearray(page.lacing)
        at = int(rng.integers(len(lacing)))
        lacing[at] = other_value(lacing[at], 8, rng)
        changed = replace(page, lacing=bytes(lacing))
    elif way == "first packet":
        changed = _other_identification(page, rng)
    else:
        old = getattr(page, way)
        new = other_value(old, _BITS[way], rng)
        if way == "flags":
            new = old ^ int(rng.integers(1, 8))
        if way == "granule" and _earlier_end(found, number, new):
            new = max(p.granule for p in found) + int(rng.integers(1, 10 * RATE))
        changed = replace(page, **{way: new})
        way = f"{way} {old:#x} to {new:#x}"
    if rng.random() < 0.3:
        return f"{way} with the old checksum", replace(changed, crc=stored)
    return way, replace(changed, crc=None)


def _earlier_end(found: list[Page], number: int, granule: int) -> bool:
    """Whether a position is that of a part which ends within its last page.

    This is how an encoder says that the rest of the last page is padding: nothing contradicts it.
    A later position on the page before says the same, where it is the first one with audio.
    """

    def last(at: int) -> bool:
        return at == len(found) - 1 or found[at + 1].serial != found[at].serial

    page = found[number]
    if last(number):
        return found[number - 1].granule <= granule < page.granule
    return last(number + 1) and page.granule < granule <= found[number + 1].granule


def _other_identification(page: Page, rng: np.random.Generator) -> Page:
    """Change what a first packet says of bit rates or of the rate before encoding.

    Not the sample rate or channels of Vorbis, nor the pre-skip and gain of Opus: no other field
    contradicts them.
    """
    body = bytearray(page.body)
    if body[:8] == b"OpusHead":
        at, size = 12, 4
    elif body[:7] == b"\x01vorbis":
        at, size = 16 + 4 * int(rng.integers(3)), 4
    else:
        return page
    old = int.from_bytes(body[at : at + size], "little")
    body[at : at + size] = other_value(old, 8 * size, rng).to_bytes(size, "little")
    return replace(page, body=bytes(body))
