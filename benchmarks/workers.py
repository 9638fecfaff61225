"""Windows a second with one worker process and with two.

    python -m benchmarks.workers [--encoder birdnet] [--workers 2] [--repeats 3]

Clips of 3 s of noise at 44.1 kHz are decoded, resampled and embedded as the asset ``embeddings``
does it, without store and table. The clock starts when every worker has had two batches, so that
the start of processes and the loading of models do not count. Both numbers of workers take turns.
Time passed is what is measured here, so the machine has to be idle.
"""

import argparse
import io
import platform
import statistics
import time
from functools import partial

import numpy as np

from audio_assets.audio.decode import DurationLimits
from audio_assets.embeddings.stream import Clip
from audio_assets.embeddings.worker_stream import embed_in_processes
from audio_assets.models.registry import load_encoder
from benchmarks.machine import processor

RATE = 44_100
DIFFERENT = 96
# What a worker takes at a time.
BATCH = 16


def sounds() -> list[bytes]:
    import soundfile

    rng = np.random.default_rng(0)
    files = []
    for _ in range(DIFFERENT):
        file = io.BytesIO()
        soundfile.write(file, rng.normal(scale=0.1, size=3 * RATE), RATE, format="WAV")
        files.append(file.getvalue())
    return files


def windows_a_second(encoder: str, files: list[bytes], workers: int, counted: int) -> float:
    before = 2 * BATCH * workers
    results = embed_in_processes(
        (Clip(str(i), str(i % DIFFERENT)) for i in range(before + counted)),
        lambda uri: files[int(uri)],
        partial(load_encoder, encoder),
        limits=DurationLimits(),
        workers=workers,
        known=lambda sha256: False,
    )
    for number, result in enumerate(results, start=1):
        assert result.embedding is not None, result
        if number == before:
            start = time.perf_counter()
    return counted / (time.perf_counter() - start)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", default="birdnet")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clips", type=int, default=320, help="counted in each measurement")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    files = sounds()
    pairs = [
        tuple(windows_a_second(given.encoder, files, n, given.clips) for n in (1, given.workers))
        for _ in range(given.repeats)
    ]
    one, many = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    ratios = sorted(pair[1] / pair[0] for pair in pairs)
    print(
        f"{given.encoder}: {one:.1f} windows a second with one worker, {many:.1f} with "
        f"{given.workers}: {statistics.median(ratios):.2f} times ({ratios[0]:.2f} to "
        f"{ratios[-1]:.2f}).\nMachine: {processor()}, Python {platform.python_version()}, numpy "
        f"{np.__version__}."
    )
