"""What it costs to decode clips, against an earlier revision of this package or against soundfile.

    python -m benchmarks.decoding                     beside soundfile's own whole-file read
    python -m benchmarks.decoding --against e7c8c47   beside the decoder of that commit
    python -m benchmarks.decoding --memory            peak memory by the length of a clip

CPU milliseconds a clip, mono at the rate of the file; each figure in a process of its own, the two
sides in turn, medians and ratios over the repeats.
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.machine import processor

FORMATS = (("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III"))
CLIPS = 40
SECONDS = 5.0
ROUNDS = 5
MEMORY_SECONDS = (10, 60, 600)


def clips(kind: str, subtype: str, channels: int) -> list[bytes]:
    """Noise under a slow envelope, at rates that recorders have."""
    made = []
    for number in range(CLIPS):
        rate = (24_000, 44_100, 48_000)[number % 3]
        noise = np.random.default_rng(number).normal(size=(round(SECONDS * rate), channels))
        envelope = 0.02 + 0.2 * (np.sin(np.arange(len(noise)) / rate * 2) > 0.5)
        buffer = io.BytesIO()
        soundfile.write(buffer, noise * envelope[:, None], rate, format=kind, subtype=subtype)
        made.append(buffer.getvalue())
    return made


def measure(side: str) -> dict[str, float]:
    """CPU milliseconds a clip by format; run in a process of its own."""
    if side == "soundfile":

        def decode(data: bytes) -> object:
            samples, _ = soundfile.read(io.BytesIO(data), dtype="float64", always_2d=True)
            return samples.mean(axis=1).astype(np.float32)

    else:
        from audio_assets.audio.decode import DurationLimits, decode_clip

        limits = DurationLimits()

        def decode(data: bytes) -> object:
            return decode_clip(data, limits)

    found = {}
    for kind, subtype in FORMATS:
        for channels in (1, 2):
            files = clips(kind, subtype, channels)
            decode(files[0])
            started = time.process_time()
            for _ in range(ROUNDS):
                for data in files:
                    decode(data)
            spent = time.process_time() - started
            found[f"{kind} {channels}"] = spent / (ROUNDS * CLIPS) * 1000
    return found


def peak_megabytes(seconds: int) -> float:
    """Peak memory that decoding a stereo FLAC at 96 kHz to 48 kHz adds, without its bytes."""
    import resource

    from audio_assets.audio.decode import DurationLimits, Waveform, decode_clip

    block = np.random.default_rng(0).normal(scale=0.01, size=(96_000, 2))
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", 96_000, 2, format="FLAC", subtype="PCM_16") as file:
        for _ in range(seconds):
            file.write(block)
    data = buffer.getvalue()
    decode_clip(data[:1], DurationLimits())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    clip = decode_clip(data, DurationLimits(), 48_000)
    assert isinstance(clip, Waveform) and abs(clip.seconds - seconds) < 0.01
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def in_process(*args: str, path: Path) -> str:
    """What this module prints in a new process, with the package taken from a folder."""
    environment = os.environ | {"PYTHONPATH": f"{path}:{Path.cwd()}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-m", "benchmarks.decoding", *args]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", help="commit of this repository to compare with")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    if options.peak:
        print(peak_megabytes(options.peak))
        return
    print(processor())
    if options.memory:
        for seconds in MEMORY_SECONDS:
            peak = float(in_process("--peak", str(seconds), path=Path.cwd()))
            print(f"{seconds:4d} s, stereo at 96 kHz, to 48 kHz: {peak:.0f} MB more at the peak")
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.against:
            command = ["git", "archive", options.against, "audio_assets"]
            archive = subprocess.run(command, check=True, capture_output=True).stdout
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                tar.extractall(folder, filter="data")
        other = "decoder" if options.against else "soundfile"
        rounds = []
        for _ in range(options.repeats):
            before = in_process("--measure", other, path=Path(folder))
            after = in_process("--measure", "decoder", path=Path.cwd())
            rounds.append((json.loads(before), json.loads(after)))
    print(f"{'CPU ms a clip':16s} {options.against or 'soundfile':>10s} {'this':>8s} {'ratio':>6s}")
    for name in rounds[0][0]:
        before = statistics.median(one[name] for one, _ in rounds)
        after = statistics.median(two[name] for _, two in rounds)
        ratio = statistics.median(two[name] / one[name] for one, two in rounds)
        print(f"{name + ' ch':16s} {before:10.2f} {after:8.2f} {ratio:6.2f}")


if __name__ == "__main__":
    main()
