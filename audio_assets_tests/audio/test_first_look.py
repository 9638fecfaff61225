"""A look at a large file finds nothing but what reading all of it would find, for few bytes."""

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_assets.audio import glimpse
from audio_assets.audio.decode import DurationLimits, Waveform, decode_clip
from audio_assets.audio.faults import ClipFault
from audio_assets.audio.first_look import first_look, most_bytes
from audio_assets.audio.glimpse import Glimpse, GlimpseLimitError
from audio_assets_tests.audio import odd_flac, odd_mp3, odd_ogg, odd_wav_files
from audio_assets_tests.audio.fuzz_headers import fuzzed
from audio_assets_tests.audio.hostile_files import Hostile, long_wav, no_audio, wide_flac
from audio_assets_tests.audio.odd_files import OddFile, encoded, id3v2
from audio_assets_tests.audio.odd_mp3 import bare
from audio_assets_tests.audio.odd_wav import wav
from audio_assets_tests.bucket_server import Sparse

LIMITS = DurationLimits()
# The odd files are of 2 to 3 s.
SHORT = DurationLimits(0.1, 1.0)
FEW = DurationLimits(0.1, 600.0, max_samples=12_000)
CASES = {**odd_wav_files.cases(), **odd_flac.cases(), **odd_ogg.cases(), **odd_mp3.cases()}
MOST = 2**18


@lru_cache(maxsize=1)
def made(name: str) -> OddFile:
    return CASES[name]()


def look(data: bytes | Sparse, limits: DurationLimits = LIMITS) -> tuple[ClipFault | None, int]:
    """What a look finds, and the bytes that it read."""
    seen = Glimpse(len(data), lambda start, end: data[start:end])
    return first_look(seen, limits), seen.bytes_read


def agrees(data: bytes, limits: DurationLimits) -> ClipFault | None:
    """What a look finds, once the decoder has found it, too."""
    found, _ = look(data, limits)
    if found is not None:
        result = decode_clip(data, limits)
        assert isinstance(result, ClipFault), f"used, and a look says {found}"
        # A file may be too long, or of a sample rate that is none, and damaged besides.
        assert result.reason == found.reason or (
            found.reason != "undecodable" and result.reason == "undecodable"
        ), f"{result}, and a look says {found}"
    return found


@pytest.mark.parametrize("limits", [LIMITS, SHORT, FEW], ids=["default", "short", "few samples"])
@pytest.mark.parametrize("name", CASES)
def test_a_look_at_an_odd_file_finds_what_the_decoder_finds(
    name: str, limits: DurationLimits
) -> None:
    agrees(made(name).data, limits)


@pytest.mark.parametrize("seed", range(3))
def test_a_look_at_a_changed_header_finds_what_the_decoder_finds(seed: int) -> None:
    found = [agrees(fuzzed(number, seed).data, SHORT) for number in range(100)]
    # It would find nothing wrong if it looked at nothing.
    assert sum(fault is not None for fault in found) > 20


@given(
    st.sampled_from(["WAV", "FLAC", "OGG", "MP3", "AIFF", "W64", "CAF", "AU", "RF64"]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4),
    st.floats(0.01, 1),
)
@settings(max_examples=200)
def test_a_look_at_a_damaged_file_finds_what_the_decoder_finds(
    kind: str, changes: list[tuple[float, int]], share: float
) -> None:
    data = bytearray(encoded(kind, rate=48_000))
    for where, byte in changes:
        data[int(where * min(200, len(data)))] = byte
    agrees(bytes(data[: int(len(data) * share)]), SHORT)


TOO_LONG = {
    **{
        kind: lambda kind=kind: encoded(kind, "PCM_16", seconds=30.0)
        for kind in ("WAV", "FLAC", "AIFF", "W64", "CAF", "AU", "RF64")
    },
    "WAV of open length": lambda: wav(np.ones(30 * 24_000, "<i2").tobytes(), size=0xFFFFFFFF),
    "WAV of length 0": lambda: wav(np.ones(30 * 24_000, "<i2").tobytes(), size=0),
    "WAV behind a tag": lambda: id3v2(300_000) + encoded("WAV", "PCM_16", seconds=30.0),
    "FLAC behind a tag": lambda: id3v2(300_000) + encoded("FLAC", "PCM_16", seconds=30.0),
    "FLAC of open length": lambda: odd_flac.flac(0, seconds=30.0),
}


@pytest.mark.parametrize("name", TOO_LONG)
def test_a_file_that_is_too_long_is_told_by_its_ends(name: str) -> None:
    data = TOO_LONG[name]()
    assert len(data) > MOST
    found, read = look(data, DurationLimits(0.1, 10.0))
    assert found == decode_clip(data, DurationLimits(0.1, 10.0))
    assert found is not None and found.reason == "too_long"
    assert read <= MOST
    assert look(data, DurationLimits(0.1, 100.0))[0] is None


HOSTILE = {
    "3.0 GB of WAV": (long_wav(31_250), "31250.0 s, longer than 600 s"),
    "2.5 GB that are no audio": (no_audio(2_500_000_000), "2500000000 bytes that begin with no"),
    "590 s of 8 channels at 384 kHz": (wide_flac(590), "1812.5 million samples in all channels"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_told_by_few_of_its_bytes(name: str) -> None:
    hostile, words = HOSTILE[name]
    found, read = look(hostile.sparse())
    assert found is not None and found.reason == hostile.reason
    assert words in found.detail
    assert read <= MOST


# What a clip of 600 s has at most by what these tell: 448 kbit/s, or 4 bytes a sample.
UNTOLD = {
    "MP3": (bare("CBR", 44_100, seconds=2.0), 34e6),
    "OGG": (encoded("OGG", "VORBIS", rate=48_000), 600 * 48_000 * 4),
    "M4A": (b"\0\0\0\x20ftypM4A ", 480e6),
    # It tells its length, and may have room set aside.
    "WAV with little audio": (encoded("WAV", "PCM_16"), 480e6),
    "FLAC without frames": (encoded("FLAC")[:4_000], 600 * 24_000 * 4),
}


@pytest.mark.parametrize("name", UNTOLD)
def test_a_file_that_does_not_tell_is_bounded_by_its_bytes(name: str) -> None:
    pytest.importorskip("av")
    start, audio = UNTOLD[name]
    beside = 2**24
    size = round(audio) + beside
    assert look(Sparse(size - 500_000, start))[0] is None
    found, read = look(Sparse(size + 500_000, start))
    assert found is not None and found.reason == "too_large"
    assert f"{(size + 500_000) / 1e6:.1f} MB" in found.detail
    assert read <= 2**19


def test_a_lower_bound_on_samples_bounds_the_bytes_too() -> None:
    few = DurationLimits(max_samples=1_000_000)
    assert most_bytes(few) == 4_000_000 + 2**24 < most_bytes(LIMITS)
    assert look(Sparse(2**25, encoded("OGG", "VORBIS", rate=48_000)), few)[0] is not None


def test_frames_that_begin_a_file_by_chance_are_no_audio() -> None:
    found, _ = look(Sparse(10**9, b"\xff\xfb\x90\x00"))
    assert found is not None and found.reason == "not_audio"


def test_a_file_of_gigabytes_whose_header_claims_little_is_not_read() -> None:
    """The samples that its header counts are there, and 3 GB of something behind them."""
    data = encoded("WAV", "PCM_16")
    found, read = look(Hostile(data, 3 * 10**9, "").sparse())
    assert found is not None and found.reason == "too_large"
    assert read <= 2**19


def test_a_format_of_the_extra_is_not_read_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    data = Sparse(2**25, b"\0\0\0\x20ftypM4A ")
    found, _ = look(data)
    assert found == decode_clip(data[0:4_096], LIMITS)
    assert found is not None and found.reason == "needs_extra"


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_of_all_channels_are_bounded(kind: str, channels: int) -> None:
    data = encoded(kind, rate=48_000, channels=channels)
    heard = decode_clip(data, LIMITS)
    assert isinstance(heard, Waveform)
    samples = heard.heard.frames * channels
    assert isinstance(decode_clip(data, DurationLimits(max_samples=samples)), Waveform)
    found = decode_clip(data, DurationLimits(max_samples=samples - 1))
    assert isinstance(found, ClipFault) and found.reason == "too_large"
    assert f"{samples / 1e6:.1f} million samples in all channels" in found.detail


def test_samples_that_only_decoding_tells_are_bounded_while_they_come() -> None:
    """WAV of ADPCM: its header counts bytes and no samples."""
    data = encoded("WAV", "MS_ADPCM", rate=48_000, seconds=30.0)
    found = decode_clip(data, DurationLimits(max_samples=600_000))
    assert found == ClipFault("too_large", "more than 0.6 million samples in all channels")


def test_a_bound_of_no_samples_is_an_error() -> None:
    with pytest.raises(ValueError, match="at most 0 samples"):
        DurationLimits(max_samples=0)


@given(
    st.binary(max_size=300),
    st.binary(min_size=1, max_size=3),
    st.integers(-310, 310),
    st.integers(-310, 310),
)
def test_a_glimpse_reads_as_the_whole_file_does(
    data: bytes, wanted: bytes, start: int, end: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glimpse, "_BLOCK", 16)
        seen = Glimpse(len(data), lambda low, high: data[low:high])
        assert len(seen) == len(data)
        assert seen[start:end] == data[start:end]
        low, high = max(0, start), max(0, end)
        assert seen.find(wanted, low, high) == data.find(wanted, low, high)
        assert seen.rfind(wanted, low, high) == data.rfind(wanted, low, high)
        if data:
            assert seen[-1] == data[-1]
        # No byte is read twice.
        assert seen.bytes_read <= len(data)


def test_a_glimpse_gives_up_before_it_reads_too_much() -> None:
    read = []

    def part(start: int, end: int) -> bytes:
        read.append(end - start)
        return bytes(end - start)

    seen = Glimpse(10**9, part, most=2**18)
    with pytest.raises(GlimpseLimitError):
        seen.find(b"x")
    with pytest.raises(GlimpseLimitError):
        seen[0 : 2**20]
    assert sum(read) == seen.bytes_read <= 2**18


def test_a_cut_file_is_called_cut_and_not_too_long() -> None:
    data = encoded("WAV", "PCM_16", seconds=30.0)[:-100_000]
    found, _ = look(data, SHORT)
    assert found == decode_clip(data, SHORT)
    assert found is not None and "cut off" in found.detail


def test_chunks_behind_no_audio_are_not_taken_for_audio() -> None:
    data = wav(b"") + b"LIST" + (500_000).to_bytes(4, "little") + bytes(500_000)
    assert look(data, SHORT)[0] is None
    assert decode_clip(data, SHORT) == ClipFault("no_samples", "a WAV header and no samples")


def test_room_that_was_set_aside_beside_the_audio_makes_no_clip_too_large() -> None:
    data = encoded("WAV", "PCM_16", rate=8_000, seconds=10.0) + bytes(40_000_000)
    limits = DurationLimits(0.5, 600.0)
    assert isinstance(decode_clip(data, limits), Waveform)
    assert look(data, limits)[0] is None
