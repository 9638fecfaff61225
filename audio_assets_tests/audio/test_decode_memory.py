"""Memory of one clip is bounded, whatever a file holds or claims."""

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from audio_assets_tests.audio.hostile_files import steps_of_constants
from audio_assets_tests.audio.odd_files import encoded
from audio_assets_tests.audio.odd_flac import flac
from audio_assets_tests.audio.odd_mp3 import bare, mp3, with_count
from audio_assets_tests.audio.odd_ogg import joined, pages
from audio_assets_tests.audio.odd_wav import format_body, rf64, wav

ROOT = Path(__file__).parents[2]
MOST_MEGABYTES = 300
SECONDS = 590

# Memory and CPU beside the bytes of the file; a small clip before it loads what decoding needs.
_PROGRAM = """
import json, sys, time
from pathlib import Path
from audio_assets.audio.decode import DurationLimits, decode_clip
from audio_assets.audio.faults import ClipFault
from audio_assets_tests.audio.memory import peak_megabytes, resident_megabytes
from audio_assets_tests.audio.odd_files import encoded
data = Path(sys.argv[1]).read_bytes()
decode_clip(encoded("FLAC", seconds=0.6), DurationLimits(), rate=48_000)
before, start = resident_megabytes(), time.process_time()
# Memory is bounded however many samples are allowed.
result = decode_clip(data, DurationLimits(max_samples=10**10), rate=48_000)
found = {"megabytes": peak_megabytes() - before, "cpu": time.process_time() - start}
if isinstance(result, ClipFault):
    found |= {"reason": result.reason, "detail": result.detail}
else:
    found |= {"seconds": result.seconds, "kept": len(result.samples) / 48_000}
print(json.dumps(found))
"""


def decoded(data: bytes, folder: Path) -> dict[str, float | str]:
    path = folder / "clip"
    path.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    found: dict[str, float | str] = json.loads(done.stdout)
    print(len(data), found)
    return found


def repeated_mp3() -> bytes:
    return bare("CBR", 44_100, seconds=3.0) * (SECONDS // 3 - 6)


def chained_ogg() -> bytes:
    part = pages(encoded("OGG", "VORBIS", seconds=3.0, rate=48_000))
    numbered = (
        [page.__class__(**{**vars(page), "serial": n}) for page in part] for n in range(190)
    )
    return b"".join(joined(found) for found in numbered)


def long_wav(seconds: float, rate: int, channels: int) -> bytes:
    piece = np.random.default_rng(1).integers(-9_000, 9_000, size=(rate, channels), dtype="<i2")
    body = piece.tobytes() * round(seconds)
    return wav(body, fmt=format_body(rate, channels))


def shortest_wav() -> bytes:
    return wav(np.random.default_rng(4).integers(-9_000, 9_000, 240, dtype="<i2").tobytes())


LONG: dict[str, Callable[[], tuple[bytes, float]]] = {
    "FLAC of 8 channels at 384 kHz": lambda: (steps_of_constants(SECONDS, 384_000, 8), SECONDS),
    "FLAC of 8 channels at 384 kHz, open length": lambda: (
        steps_of_constants(150, 384_000, 8, total=0),
        150,
    ),
    "FLAC of large blocks": lambda: (steps_of_constants(60, 384_000, 8, block=65_535), 60),
    "FLAC of one channel at 384 kHz": lambda: (steps_of_constants(SECONDS, 384_000, 1), SECONDS),
    "stereo WAV": lambda: (long_wav(SECONDS, 48_000, 2), SECONDS),
    "WAV at 384 kHz": lambda: (long_wav(150, 384_000, 1), 150),
    "WAV of 64 channels": lambda: (long_wav(20, 48_000, 64), 20),
    "WAV of 64 channels, open length": lambda: (
        long_wav(20, 48_000, 64).replace(b"data" + struct.pack("<I", 122_880_000), b"data\0\0\0\0"),
        20,
    ),
    "MP3 without a count": lambda: (repeated_mp3(), 580),
    "Ogg of 190 parts": lambda: (chained_ogg(), 570),
    "200 FLAC files joined": lambda: (flac(seconds=1.0) * 200, 200),
    "2,000 WAV files of 10 ms joined": lambda: (shortest_wav() * 2_000, 20),
}


@pytest.mark.posix
@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_a_long_clip_is_decoded_in_bounded_memory(name: str, tmp_path: Path) -> None:
    data, seconds = LONG[name]()
    found = decoded(data, tmp_path)
    assert found.get("seconds") == pytest.approx(seconds, rel=0.02), found
    assert found["kept"] == pytest.approx(found["seconds"], abs=0.01)
    assert float(found["megabytes"]) < MOST_MEGABYTES


def opposite() -> bytes:
    """Stereo whose channels cancel, so that the whole has to be known before one is chosen."""
    one = np.random.default_rng(2).integers(-9_000, 9_000, size=(48_000, 1), dtype="<i2")
    body = np.hstack([one, -one]).tobytes() * SECONDS
    return wav(body, fmt=format_body(48_000, 2))


@pytest.mark.posix
@pytest.mark.slow
def test_a_long_clip_whose_channels_cancel_is_decoded_in_bounded_memory(tmp_path: Path) -> None:
    found = decoded(opposite(), tmp_path)
    assert found.get("seconds") == SECONDS, found
    assert float(found["megabytes"]) < MOST_MEGABYTES


def aiff_of(frames: int) -> bytes:
    data = encoded("AIFF")
    at = data.index(b"COMM") + 10
    return data[:at] + struct.pack(">I", frames) + data[at + 4 :]


def claimed(kind: str, chunk: bytes, offset: int, size: bytes) -> bytes:
    data = encoded(kind)
    at = data.index(chunk) + offset
    return data[:at] + size + data[at + len(size) :]


GIANT: dict[str, Callable[[], bytes]] = {
    "WAV of 4 GB": lambda: wav(size=0xFFFFFFF0),
    "WAV of 3 GB": lambda: wav(size=3 * 10**9),
    "WAV of 4 GB in fmt": lambda: claimed("WAV", b"fmt ", 4, b"\xf0\xff\xff\xff"),
    "RF64 of 4 EB": lambda: rf64(2**62),
    "FLAC of 64 G samples": lambda: flac(2**36 - 1),
    "FLAC of 590 s": lambda: flac(SECONDS * 24_000, md5=False),
    "FLAC of 590 s of 8 channels at 384 kHz": lambda: steps_of_constants(
        1, 384_000, 8, total=SECONDS * 384_000
    ),
    "MP3 of 4 G frames": lambda: with_count(mp3(), 2**32 - 1, 2**32 - 1),
    "AIFF of 4 G frames": lambda: aiff_of(2**32 - 1),
    "CAF of 4 EB": lambda: claimed("CAF", b"data", 4, struct.pack(">q", 2**62)),
    "W64 of 8 EB": lambda: claimed("W64", b"data", 16, struct.pack("<Q", 2**63)),
    "AU of 2 GB": lambda: encoded("AU")[:8] + struct.pack(">I", 2**31) + encoded("AU")[12:],
}


@pytest.mark.posix
@pytest.mark.slow
@pytest.mark.parametrize("name", GIANT)
def test_a_claim_costs_no_memory(name: str, tmp_path: Path) -> None:
    found = decoded(GIANT[name](), tmp_path)
    assert float(found["megabytes"]) < 60
    assert float(found["cpu"]) < 2


@pytest.mark.posix
@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 8])
def test_a_clip_that_is_too_long_is_refused_in_bounded_memory(
    channels: int, tmp_path: Path
) -> None:
    # Of open length: only decoding tells.
    found = decoded(steps_of_constants(1_200, 192_000, channels, total=0), tmp_path)
    assert found.get("reason") == "too_long", found
    assert float(found["megabytes"]) < MOST_MEGABYTES
