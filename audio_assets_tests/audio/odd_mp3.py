"""Odd MP3 files: with and without a count of frames, tags, joined and cut."""

from collections.abc import Callable, Iterator

from audio_assets_tests.audio.odd_files import (
    SECONDS,
    OddFile,
    ape,
    encoded,
    id3v1,
    id3v2,
    syncsafe,
    whole,
)
from audio_assets_tests.audio.steps import Heard, order

Make = Callable[[], OddFile]

RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
MODES = {"VBR": "VARIABLE", "CBR": "CONSTANT", "ABR": "AVERAGE"}
_SAMPLE_RATES = {
    3: (44_100, 48_000, 32_000),
    2: (22_050, 24_000, 16_000),
    0: (11_025, 12_000, 8_000),
}
_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


def frame_length(data: bytes, at: int) -> int:
    """Bytes of the Layer III frame at this place."""
    version, rate = data[at + 1] >> 3 & 3, data[at + 2] >> 2 & 3
    kbits = (_KBITS_1 if version == 3 else _KBITS_2)[data[at + 2] >> 4]
    padding = data[at + 2] >> 1 & 1
    return (144 if version == 3 else 72) * kbits * 1_000 // _SAMPLE_RATES[version][rate] + padding


def frame_samples(rate: int) -> int:
    """Samples per channel of one frame."""
    return 1_152 if rate >= 32_000 else 576


def frames(data: bytes) -> list[int]:
    """Where the frames of a file of frames alone begin, the one with the count included."""
    found = []
    at = 0
    while at + 4 <= len(data):
        assert data[at] == 0xFF, at
        found.append(at)
        at += frame_length(data, at)
    return found


def mp3(
    mode: str = "VBR", rate: int = 44_100, *, seconds: float = SECONDS, first: int = 0
) -> bytes:
    """An MP3 file as LAME writes it."""
    return encoded("MP3", seconds=seconds, rate=rate, first=first, mode=MODES[mode], level=0.5)


def counted(data: bytes) -> bool:
    """Whether the first frame holds a count."""
    first = data[: frame_length(data, 0)]
    return b"Xing" in first or b"Info" in first


def bare(
    mode: str = "VBR", rate: int = 44_100, *, seconds: float = SECONDS, first: int = 0
) -> bytes:
    """The same without the frame that holds the count."""
    data = mp3(mode, rate, seconds=seconds, first=first)
    return data[frame_length(data, 0) :] if counted(data) else data


def with_count(
    data: bytes, frames_named: int | None = None, bytes_named: int | None = None
) -> bytes:
    """The file with other figures in its Xing or Info frame."""
    at = max(data.find(b"Xing", 0, 200), data.find(b"Info", 0, 200))
    assert at >= 0 and data[at + 7] & 3 == 3
    changed = bytearray(data)
    if frames_named is not None:
        changed[at + 8 : at + 12] = frames_named.to_bytes(4, "big")
    if bytes_named is not None:
        changed[at + 12 : at + 16] = bytes_named.to_bytes(4, "big")
    return bytes(changed)


def without_figures(data: bytes) -> bytes:
    """The file with a Xing or Info frame that names neither frames nor bytes."""
    at = max(data.find(b"Xing", 0, 200), data.find(b"Info", 0, 200))
    changed = bytearray(data)
    changed[at + 7] &= ~3
    # The figures that follow move up: eight bytes of the list of places, which nobody needs here.
    return bytes(changed)


def with_vbri(data: bytes, count: int | None = None) -> bytes:
    """Frames alone, behind a frame with a VBRI header as Fraunhofer's encoder writes it."""
    starts = frames(data)
    header = bytearray(data[:4])
    # The highest bit rate but one has room for the header in every version.
    header[2] = (header[2] & 0x0D) | 0xD0
    length = frame_length(bytes(header), 0)
    count = len(starts) if count is None else count
    fields = b"VBRI" + (1).to_bytes(2, "big") + (1_105).to_bytes(2, "big") + (75).to_bytes(2, "big")
    fields += (len(data) + length).to_bytes(4, "big") + count.to_bytes(4, "big")
    entries = 10
    per_entry = len(starts) // entries + 1
    fields += b"".join(n.to_bytes(2, "big") for n in (entries, 1, 2, per_entry))
    edges = [*starts[::per_entry], len(data)]
    sizes = [end - start for start, end in zip(edges, edges[1:], strict=False)]
    fields += b"".join(n.to_bytes(2, "big") for n in sizes).ljust(2 * entries, b"\0")
    return (bytes(header) + bytes(32) + fields).ljust(length, b"\0") + data


def whole_frames(
    data: bytes, rate: int, seconds: float = SECONDS, first: int = 0, more: int = 0
) -> Heard:
    """What is heard where all frames are decoded.

    The encoder's delay and padding are audio by all that can be known, and ``more`` frames may be:
    those that hold a count.
    """
    longest = (len(frames(data)) + more) * frame_samples(rate) / rate
    return whole(seconds, first, longer=max(0.0, longest - seconds), slack=0.07)


def _bare(mode: str, rate: int, before: bytes = b"", after: bytes = b"") -> OddFile:
    data = bare(mode, rate)
    return OddFile(before + data + after, whole_frames(data, rate), rate=rate)


def _counted(data: bytes, rate: int = 44_100, note: bool | None = None) -> OddFile:
    return OddFile(data, whole(slack=0.05), rate=rate, note=note)


def counts() -> Iterator[tuple[str, Make]]:
    """Every mode and rate, with a count, without one and with a wrong one."""
    for mode in MODES:
        for rate in RATES:
            name = f"{mode} {rate} Hz"
            yield name, lambda mode=mode, rate=rate: _as_written(mode, rate)
            yield f"{name} without a count", lambda mode=mode, rate=rate: _bare(mode, rate)
            yield f"{name} with VBRI", lambda mode=mode, rate=rate: _vbri(mode, rate)
    for mode in MODES:
        data = mp3(mode)
        n = len(frames(data)) - 1
        for count in (n // 2, n // 5, 1):
            yield (
                f"{mode} with a count of {count} of {n}",
                lambda data=data, count=count: _wrong(with_count(data, count), True),
            )
            yield (
                f"{mode} with a count of {count} of {n}, bytes with it",
                lambda data=data, count=count, n=n: _wrong(
                    with_count(data, count, len(data) * count // n), True
                ),
            )
        for count in (n + 3, 2 * n, 2**31, 2**32 - 1):
            # The bytes are those of the file, so whether frames are missing is open.
            yield (
                f"{mode} with a count of {count} of {n}",
                lambda data=data, count=count: _wrong(with_count(data, count), None, True),
            )
        yield f"{mode} with a count of 0", lambda data=data: _wrong(with_count(data, 0), None)
        yield (
            f"{mode} with half the bytes",
            lambda data=data: _wrong(with_count(data, None, len(data) // 2), None),
        )
        yield (
            f"{mode} with a header that has no figures",
            lambda data=data: _wrong(without_figures(data), None),
        )
        yield (
            f"{mode} with a count of {n // 2} in VBRI",
            lambda mode=mode, n=n: _vbri(mode, 44_100, n // 2, True),
        )


def _as_written(mode: str, rate: int) -> OddFile:
    data = mp3(mode, rate)
    if counted(data):
        return _counted(data, rate, False)
    return OddFile(data, whole_frames(data, rate), rate=rate, note=False)


def _vbri(mode: str, rate: int, count: int | None = None, note: bool | None = None) -> OddFile:
    data = bare(mode, rate)
    heard = whole_frames(data, rate, more=1)
    return OddFile(with_vbri(data, count), heard, rate=rate, note=note)


def _wrong(data: bytes, note: bool | None, refusable: bool = False) -> OddFile:
    # Where the count is not believed, delay and padding may be taken for audio.
    heard = whole_frames(data, 44_100)
    return OddFile(data, heard, rate=44_100, note=note, refusable=refusable)


def around() -> Iterator[tuple[str, Make]]:
    """Tags and junk before, between and after the frames."""
    before = {"ID3v2": id3v2(), "ID3v2.4": id3v2(9_000, major=4), "two ID3v2": id3v2() * 2}
    after = {
        "ID3v1": id3v1(),
        "ID3v2": id3v2(),
        "APE": ape(),
        "APE and ID3v1": ape() + id3v1(),
        "NULs": bytes(5_000),
        "a newline": b"\n",
        "junk": b"junk" * 40,
        "lyrics": b"LYRICSBEGIN" + b"la " * 400 + b"001200LYRICS200" + id3v1(),
    }
    for mode in ("VBR", "CBR"):
        for what, extra in before.items():
            yield (
                f"{mode}, {what} before",
                lambda mode=mode, extra=extra: _counted(extra + mp3(mode), note=False),
            )
            yield (
                f"{mode} without a count, {what} before",
                lambda mode=mode, extra=extra: _bare(mode, 44_100, before=extra),
            )
        for what, extra in after.items():
            yield (
                f"{mode}, {what} after",
                lambda mode=mode, extra=extra: _counted(mp3(mode) + extra),
            )
            yield (
                f"{mode} without a count, {what} after",
                lambda mode=mode, extra=extra: _bare(mode, 44_100, after=extra),
            )
        for what, extra in {"NULs": bytes(700), "junk": b"junk" * 40, "0xff": b"\xff" * 9}.items():
            yield (
                f"{mode}, {what} before the first frame",
                lambda mode=mode, extra=extra: _refusable(_counted(extra + mp3(mode))),
            )
            yield (
                f"{mode} without a count, {what} before the first frame",
                lambda mode=mode, extra=extra: _refusable(_bare(mode, 44_100, before=extra)),
            )
            yield (
                f"{mode}, {what} between two frames",
                lambda mode=mode, extra=extra: _between(mp3(mode), extra),
            )
            yield (
                f"{mode} without a count, {what} between two frames",
                lambda mode=mode, extra=extra: _between(bare(mode), extra),
            )
        yield (
            f"{mode} without a count, a long tag between two frames",
            lambda mode=mode: _between(bare(mode), id3v2(40_000)),
        )
        # Its end is missing from the tag: the frames begin within what it claims.
        yield (
            f"{mode} without a count, behind a tag that claims half of the frames",
            lambda mode=mode: _refusable(_bare(mode, 44_100, before=_greedy(bare(mode)))),
        )


def _greedy(data: bytes) -> bytes:
    tag = id3v2(500)
    return tag[:6] + syncsafe(500 + len(data) // 2) + tag[10:]


def _refusable(odd: OddFile) -> OddFile:
    return OddFile(odd.data, odd.heard, rate=odd.rate, refusable=True)


def _between(data: bytes, extra: bytes) -> OddFile:
    starts = frames(data)
    middle = starts[len(starts) // 2]
    heard = whole_frames(data, 44_100)
    # A decoder may lose the frame beside what it does not know.
    seconds = heard.low - frame_samples(44_100) / 44_100
    heard = Heard(seconds, heard.high, heard.order, heard.slack, heard.gap)
    return OddFile(data[:middle] + extra + data[middle:], heard, rate=44_100, refusable=True)


def parts() -> Iterator[tuple[str, Make]]:
    """Joined files are used whole; what stands between their sounds is delay and padding."""
    for mode in MODES:
        for rate in (8_000, 22_050, 44_100):
            for name, between in (
                ("", b""),
                (", ID3v2 in the middle", id3v2()),
                (", ID3v1 in the middle", id3v1()),
                (", APE and ID3v2 in the middle", ape() + id3v2()),
            ):
                for plain in (False, True):
                    yield (
                        f"two {mode} of {rate} Hz joined{name}"
                        f"{' without a count' if plain else ''}",
                        lambda mode=mode, rate=rate, between=between, plain=plain: _joined(
                            2, mode, rate, between, plain
                        ),
                    )
        yield f"three {mode} joined", lambda mode=mode: _joined(3, mode, 44_100, b"", False)
    yield (
        "one with and one without a count joined",
        lambda: _join([mp3(seconds=1.0), bare(seconds=1.0, first=4)], 44_100, b""),
    )
    yield (
        "one without and one with a count joined",
        lambda: _join([bare(seconds=1.0), mp3(seconds=1.0, first=4)], 44_100, b""),
    )
    yield (
        "two of different rates joined",
        lambda: _refusable(
            _join([bare(seconds=1.0), bare(rate=48_000, seconds=1.0, first=4)], 44_100, b"")
        ),
    )


def _joined(count: int, mode: str, rate: int, between: bytes, plain: bool) -> OddFile:
    make = bare if plain else mp3
    return _join([make(mode, rate, seconds=1.0, first=4 * n) for n in range(count)], rate, between)


def _join(made: list[bytes], rate: int, between: bytes) -> OddFile:
    count = len(made)
    samples = sum(len(frames(part)) for part in made) * frame_samples(rate)
    delays = samples / rate - count
    steps_heard = tuple(step for n in range(count) for step in order(1.0, 4 * n))
    # Delays lie before, between and after the parts.
    heard = Heard(
        count - 0.01 * count, samples / rate + 0.01, steps_heard, slack=0.08, gap=delays + 0.05
    )
    return OddFile(between.join(made), heard, rate=rate)


def cut() -> Iterator[tuple[str, Make]]:
    """Cut files: those with a count are refused, the others are whole by all that can be known."""
    for mode in MODES:
        for share in (0.5, 0.8):
            yield f"{mode} cut at {share}", lambda mode=mode, share=share: _cut(mp3(mode), share)
            yield (
                f"{mode} cut at {share}, ID3v2 before",
                lambda mode=mode, share=share: _cut(mp3(mode), share, before=id3v2()),
            )
            yield (
                f"{mode} cut at {share}, ID3v1 after",
                lambda mode=mode, share=share: _cut(mp3(mode), share, after=id3v1()),
            )
            yield (
                f"{mode} with VBRI cut at {share}",
                lambda mode=mode, share=share: _cut(with_vbri(bare(mode)), share),
            )
        for lost in (1, 40):
            yield (
                f"{mode} without a count, {lost} bytes of the last frame missing",
                lambda mode=mode, lost=lost: _cut_in_last_frame(mode, lost),
            )
        yield f"{mode} without a count cut in half", lambda mode=mode: _cut_bare(mode)


def _cut(data: bytes, share: float, before: bytes = b"", after: bytes = b"") -> OddFile:
    at = int(share * len(data))
    starts = frames(data)
    kept = sum(start <= at for start in starts) - 2
    # Delay and padding are some 0.05 s of the frames that are named.
    missing = (len(starts) - 1 - kept) * 1_152 / 44_100 - 0.02
    return OddFile(
        before + data[:at] + after,
        None,
        rate=44_100,
        missing=missing,
        reasons=frozenset({"undecodable"}),
    )


def _cut_in_last_frame(mode: str, lost: int) -> OddFile:
    data = bare(mode)
    heard = whole_frames(data, 44_100)
    # The last frame holds padding, and may be given up.
    heard = Heard(heard.low - 0.02, heard.high, heard.order, heard.slack, heard.gap)
    return OddFile(data[:-lost], heard, rate=44_100)


def _cut_bare(mode: str) -> OddFile:
    data = bare(mode)
    at = len(data) // 2 + 11
    kept = sum(start <= at for start in frames(data)) - 1
    longest = (kept + 1) * 1_152 / 44_100
    heard = Heard(longest - 0.07, longest + 0.01, order(longest - 0.05), slack=0.07, gap=0.06)
    return OddFile(data[:at], heard, rate=44_100, refusable=True)


def cases() -> dict[str, Make]:
    """All odd MP3 files by what is odd."""
    groups = (counts, around, parts, cut)
    return {f"MP3 {name}": make for group in groups for name, make in group()}
