"""CPU seconds per hour of audio of the encoders, as the registry declares them.

    python -m benchmarks.embedding_cost [birdnet mfcc mobilenet resnet vgg] [--files 24]

Clips of 3 s at 48, 44.1 and 22.05 kHz are read, decoded, resampled and embedded by one worker on
one CPU; the median over the rates is printed. Process start, imports and loading are left out.
Backbones of Keras have random weights of the published architecture, which take as long. Encoders
whose architecture is published only with the weights (Perch, YAMNet, VGGish) cannot be measured
with stand-ins.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.embedding import RATES, SECONDS, WARM_UP, in_threads, ours, write_files
from benchmarks.machine import cpu_seconds, processor

MEASURED = ("birdnet", "mfcc", "mobilenet", "resnet", "vgg")
BACKBONES = ("mobilenet", "resnet", "vgg")


def measure(name: str, files: int) -> float:
    """Return CPU seconds per hour of audio; run in a fresh process."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        if name in BACKBONES:
            from audio_assets.encoders.keras_backbones import KerasBackboneEncoder
            from audio_assets_tests.weights.stand_ins import write_backbone

            weights = write_backbone(Path(folder), name).parent
            loop = in_threads(KerasBackboneEncoder(name, weights))
        else:
            loop = ours(name)
        clips = Path(folder) / "clips"
        clips.mkdir()
        write_files(clips, files)
        for rate in RATES:
            paths = sorted((clips / str(rate)).iterdir())
            loop(paths[:WARM_UP])
            start = cpu_seconds()
            windows = loop(paths)
            assert windows == len(paths), (windows, len(paths))
            taken.append((cpu_seconds() - start) / (SECONDS * len(paths)))
    return 3600.0 * statistics.median(taken)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("encoders", nargs="*", default=list(MEASURED))
    parser.add_argument("--files", type=int, default=24)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(f"{measure(given.measure, given.files):.1f}")
    else:
        print("| encoder | CPU s per hour of audio |")
        print("|---|---|")
        for encoder in given.encoders:
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.embedding_cost", "--measure", encoder]
                + ["--files", str(given.files)],
                cwd=Path(__file__).parent.parent,
                stdout=subprocess.PIPE,
                check=True,
                text=True,
            )
            print(f"| {encoder} | {done.stdout.split()[-1]} |", flush=True)
        print(f"\n{given.files} files per rate, one CPU. Machine: {processor()}.")
