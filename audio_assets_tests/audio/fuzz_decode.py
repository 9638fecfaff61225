"""Decodes thousands of damaged clips and prints what became of them as JSON.

Run by ``test_fuzz_decode.py`` in a process of its own, so that a crash or hang of a C library ends
that process alone: ``python fuzz_decode.py FOLDER CASES SEED``.
"""

import faulthandler
import io
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from audio_assets.audio.decode import DurationLimits, Waveform, decode_clip
from audio_assets.audio.faults import ClipFault

SECONDS_A_CASE = 20
CLIPS_A_FORMAT = 3


def originals(folder: Path) -> list[tuple[str, bytes]]:
    """Real WAV and OGG clips, and FLAC and MP3 made of them."""
    found = []
    for ending in ("wav", "ogg"):
        paths = sorted(folder.rglob(f"*.{ending}"), key=lambda path: path.stat().st_size)
        for path in paths[:CLIPS_A_FORMAT]:
            found.append((ending, path.read_bytes()))
            samples, rate = soundfile.read(path)
            for kind in ("FLAC", "MP3"):
                # MP3 knows no rate above 48 kHz; every other sample is sound enough to break.
                step = 2 if kind == "MP3" and rate > 48_000 else 1
                buffer = io.BytesIO()
                soundfile.write(buffer, samples[::step], rate // step, format=kind)
                found.append((kind.lower(), buffer.getvalue()))
    return found


def damaged(
    clips: list[tuple[str, bytes]], cases: int, rng: np.random.Generator
) -> Iterator[tuple[str, bytes]]:
    """Kind of damage, and bytes; kinds and clips in turn."""
    kinds = ("random", "random after a magic number", "flipped", "flipped header", "cut", "hole")
    for case in range(cases):
        name, whole = clips[case // len(kinds) % len(clips)]
        kind = kinds[case % len(kinds)]
        data = bytearray(whole)
        if kind.startswith("random"):
            data = bytearray(rng.bytes(int(rng.integers(1, 20_000))))
            if kind != "random":
                data[: min(12, len(data))] = whole[: min(12, len(data))]
        elif kind.startswith("flipped"):
            end = min(len(data), 200) if kind == "flipped header" else len(data)
            for at in rng.integers(0, end, size=int(rng.integers(1, 9))):
                data[at] ^= 1 << int(rng.integers(8))
        elif kind == "cut":
            del data[int(rng.integers(len(data))) :]
        else:
            start = int(rng.integers(len(data)))
            del data[start : start + int(rng.integers(1, 5_000))]
        yield f"{name}, {kind}", bytes(data)


def main(folder: Path, cases: int, seed: int) -> None:
    clips = originals(folder)
    limits = DurationLimits()
    for name, data in clips:
        assert isinstance(decode_clip(data, limits), Waveform), name
    outcomes: Counter[str] = Counter()
    by_kind: Counter[str] = Counter()
    for number, (kind, data) in enumerate(damaged(clips, cases, np.random.default_rng(seed))):
        # A hang in C code is ended with a traceback.
        faulthandler.dump_traceback_later(SECONDS_A_CASE, exit=True)
        print(f"case {number} of seed {seed}: {kind}", file=sys.stderr, flush=True)
        result = decode_clip(data, limits)
        if isinstance(result, ClipFault):
            outcome = result.reason
            assert result.detail
        else:
            outcome = "used"
            assert result.samples.ndim == 1 and result.samples.dtype == np.float32
            assert np.isfinite(result.samples).all()
            assert limits.fault(result.seconds) is None
        outcomes[outcome] += 1
        by_kind[kind.split(", ")[1]] += 1
    faulthandler.cancel_dump_traceback_later()
    print(json.dumps({"outcomes": outcomes, "kinds": by_kind}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
