"""AIFF, W64, CAF and AU, and with the extra M4A, AAC, WMA, 3GP, WavPack and rare codings."""

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from audio_assets.audio.decode import DurationLimits, Waveform, decode_clip
from audio_assets.audio.faults import ClipFault
from audio_assets_tests.audio.compressed import LAYER_II, SECONDS, WITH_EXTRA
from audio_assets_tests.audio.odd_files import encoded, whole
from audio_assets_tests.audio.odd_wav import chunk
from audio_assets_tests.audio.test_header_claims import seconds_in

LIMITS = DurationLimits()
RATE = 24_000
PLAIN = [
    ("AIFF", "PCM_16"),
    ("AIFF", "PCM_24"),
    ("AIFF", "PCM_S8"),
    ("AIFF", "FLOAT"),
    ("AIFF", "ULAW"),
    ("W64", "PCM_16"),
    ("W64", "PCM_24"),
    ("W64", "FLOAT"),
    ("CAF", "PCM_16"),
    ("CAF", "PCM_24"),
    ("CAF", "FLOAT"),
    ("AU", "PCM_16"),
    ("AU", "PCM_24"),
    ("AU", "FLOAT"),
    ("AU", "ULAW"),
]


def used(data: bytes, note: bool | None = None, seconds: float = SECONDS) -> Waveform:
    result = decode_clip(data, LIMITS)
    assert isinstance(result, Waveform), result
    problems = whole(seconds).problems(result.samples, result.sample_rate, RATE)
    assert not problems, f"{problems}; note {result.note!r}"
    if note is not None:
        assert (result.note is not None) == note, result.note
    return result


def cut_by(data: bytes, missing: float, near: float = 0.03) -> None:
    result = decode_clip(data, LIMITS)
    assert isinstance(result, ClipFault), f"used {result.seconds:.3f} s, note {result.note!r}"
    assert result.reason == "undecodable", result
    assert any(abs(s - missing) <= near for s in seconds_in(result.detail)), result.detail


# Formats that need no extra


@pytest.mark.parametrize(("kind", "subtype"), PLAIN)
@pytest.mark.parametrize("channels", [1, 2])
def test_a_whole_file_is_used(kind: str, subtype: str, channels: int) -> None:
    found = used(encoded(kind, subtype, seconds=SECONDS, channels=channels), note=False)
    assert (found.sample_rate, found.channels) == (RATE, channels)
    assert found.file_format.startswith(kind)


@pytest.mark.parametrize(("kind", "subtype"), PLAIN)
@pytest.mark.parametrize("missing", [1.0, 0.2])
def test_a_cut_file_is_refused_with_what_is_missing(
    kind: str, subtype: str, missing: float
) -> None:
    data = encoded(kind, subtype, seconds=SECONDS)
    # Chunks behind the audio are few bytes, or a part of what is cut.
    per_second = (len(data) - len(encoded(kind, subtype, seconds=SECONDS - 1))) / 1
    cut_by(data[: len(data) - round(missing * per_second)], missing)


@pytest.mark.parametrize("kind", ["AIFF", "W64", "CAF", "AU"])
def test_what_follows_a_file_is_no_audio_and_no_damage(kind: str) -> None:
    data = encoded(kind, "PCM_16", seconds=SECONDS)
    for after in (b"\n", bytes(300), b"TAG".ljust(128, b"\0")):
        used(data + after)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0x80000000])
def test_an_au_file_of_open_length_is_used_whole(size: int) -> None:
    data = encoded("AU", "PCM_16", seconds=SECONDS)
    used(data[:8] + struct.pack(">I", size) + data[12:])


def test_an_au_file_with_half_its_size_is_used_whole_and_says_so() -> None:
    data = encoded("AU", "PCM_16", seconds=SECONDS)
    half = struct.unpack(">I", data[8:12])[0] // 2
    used(data[:8] + struct.pack(">I", half) + data[12:], note=True)


def test_a_caf_file_of_open_length_is_used_whole() -> None:
    data = encoded("CAF", "PCM_16", seconds=SECONDS)
    at = data.index(b"data") + 4
    used(data[:at] + struct.pack(">q", -1) + data[at + 8 :])


def test_a_caf_file_with_half_its_size_is_used_whole_and_says_so() -> None:
    data = encoded("CAF", "PCM_16", seconds=SECONDS)
    at = data.index(b"data") + 4
    half = struct.unpack_from(">q", data, at)[0] // 2
    used(data[:at] + struct.pack(">q", half) + data[at + 8 :], note=True)


def with_aiff_sizes(frames: int | None, size: int | None) -> bytes:
    """An AIFF file with other numbers in COMM and SSND."""
    data = encoded("AIFF", "PCM_16", seconds=SECONDS)
    comm, ssnd = data.index(b"COMM") + 10, data.index(b"SSND") + 4
    changed = bytearray(data)
    if frames is not None:
        changed[comm : comm + 4] = struct.pack(">I", frames)
    if size is not None:
        changed[ssnd : ssnd + 4] = struct.pack(">I", size)
    return bytes(changed)


@pytest.mark.parametrize("size", [None, 0, 8, 0xFFFFFFFF, 0x7FFFFFFF])
@pytest.mark.parametrize("frames", [0, 0xFFFFFFFF])
def test_an_aiff_file_of_open_length_is_used_whole(frames: int, size: int | None) -> None:
    used(with_aiff_sizes(frames, size))


def test_an_aiff_file_with_half_its_length_is_used_whole_and_says_so() -> None:
    frames = round(SECONDS * RATE) // 2
    used(with_aiff_sizes(frames, 8 + 2 * frames), note=True)


def test_an_aiff_file_whose_two_lengths_differ_is_refused() -> None:
    # Its frames may be too few, or its channels or bits too many.
    found = decode_clip(with_aiff_sizes(round(SECONDS * RATE) // 2, None), DurationLimits())
    assert isinstance(found, ClipFault) and "contradicts itself" in found.detail


@pytest.mark.parametrize("size", [0, 2**64 - 1, 2**63 - 1])
def test_a_w64_file_of_open_length_is_used_whole(size: int) -> None:
    data = encoded("W64", "PCM_16", seconds=SECONDS)
    at = data.index(b"data") + 16
    used(data[:at] + struct.pack("<Q", size) + data[at + 8 :])


def test_chunks_beside_the_audio_of_an_aiff_file_are_no_audio() -> None:
    data = encoded("AIFF", "PCM_16", seconds=SECONDS)
    text = b"a recorder by the pond, left of the oak; " * 128
    extra = b"ANNO" + struct.pack(">I", len(text)) + text
    size = struct.pack(">I", len(data) - 8 + len(extra))
    used(data[:4] + size + data[8:] + extra, note=False)
    used(data[:4] + size + data[8:12] + extra + data[12:], note=False)


# Formats of the extra


@pytest.mark.parametrize("name", [*WITH_EXTRA, *LAYER_II])
def test_a_compressed_file_is_used_whole(name: str) -> None:
    coding = {**WITH_EXTRA, **LAYER_II}[name]
    result = decode_clip(coding.file(), LIMITS)
    assert isinstance(result, Waveform), result
    problems = coding.heard().problems(result.samples, result.sample_rate, coding.rate)
    assert not problems, problems
    assert (result.sample_rate, result.channels) == (coding.rate, coding.channels)
    assert result.note is None
    assert coding.name in result.file_format


# Streams of frames alone name no length.
NAME_A_LENGTH = [name for name in WITH_EXTRA if not name.startswith("AAC")]


@pytest.mark.parametrize("name", NAME_A_LENGTH)
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_compressed_file_that_was_cut_is_refused(name: str, share: float) -> None:
    data = WITH_EXTRA[name].file()
    result = decode_clip(data[: int(share * len(data))], LIMITS)
    assert isinstance(result, ClipFault), f"used {result.seconds:.3f} s, note {result.note!r}"
    assert result.reason in ("undecodable", "not_audio")
    # Where a figure is given, it is right to a frame, of which WavPack's have up to 0.4 s.
    frame = 0.2 if name.startswith("WavPack") else 0.13
    figures = seconds_in(result.detail)
    missing = SECONDS * (1 - share)
    assert not figures or any(abs(s - missing) < frame for s in figures), result.detail


@pytest.mark.parametrize("name", ["AAC", "AAC 16 kHz"])
def test_a_cut_stream_of_frames_is_heard_to_its_end_or_refused(name: str) -> None:
    coding = WITH_EXTRA[name]
    data = coding.file()
    result = decode_clip(data[: len(data) // 2], LIMITS)
    if isinstance(result, Waveform):
        assert result.seconds > 0.45 * SECONDS
    else:
        assert result.reason == "undecodable"


@pytest.mark.parametrize("name", WITH_EXTRA)
@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.03, 0.1, 0.99])
def test_damaged_compressed_files_never_raise(name: str, share: float) -> None:
    data = bytearray(WITH_EXTRA[name].file())
    at = int(share * len(data))
    for changed in (data[: at + 40], data[:at] + bytes(100) + data[at + 100 :], data[:at] + data):
        result = decode_clip(bytes(changed), LIMITS)
        assert isinstance(result, Waveform | ClipFault)


def test_without_the_extra_a_fault_names_the_format_and_a_command_that_converts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = {name: (coding.name, coding.file()) for name, coding in WITH_EXTRA.items()}
    monkeypatch.setitem(sys.modules, "av", None)
    for name, data in files.values():
        result = decode_clip(data, LIMITS)
        assert isinstance(result, ClipFault)
        assert result.reason == "needs_extra"
        assert name in result.detail
        assert "ffmpeg -i" in result.detail
        assert "formats" in result.detail


def test_formats_without_need_of_the_extra_are_read_without_it(tmp_path: Path) -> None:
    for kind in ("WAV", "FLAC", "OGG", "MP3", "AIFF", "W64", "CAF", "AU"):
        (tmp_path / kind).write_bytes(encoded(kind, seconds=SECONDS))
    program = """
import sys
from pathlib import Path
sys.modules["av"] = None
from audio_assets.audio.decode import DurationLimits, decode_clip
for path in sorted(Path(sys.argv[1]).iterdir()):
    assert decode_clip(path.read_bytes(), DurationLimits()).seconds > 2.1, path
    print(path.name)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 8


def test_a_wave_chunk_does_not_pass_for_another_format() -> None:
    result = decode_clip(chunk(b"fmt ", bytes(16)) + bytes(5_000), LIMITS)
    assert isinstance(result, ClipFault)
    assert result.reason == "not_audio"
