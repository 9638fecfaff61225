"""Time and peak memory of embedding as the number of clips grows, and the cost of one more clip.

    python -m benchmarks.scale [--clips 1000 5000 20000] [--encoder placeholder] [--added-to 2000]

Clips are synthetic, one second long and all different. A run is what the asset ``embeddings`` does:
the folder is listed, what the embedding store lacks is embedded, and the table is assembled. Each
is a fresh process; memory is that of the process and its largest worker together. CPU seconds count
all workers, and leave out imports of this process.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.machine import cpu_seconds, peak_mb, processor

RATE = 16_000


def write_clips(folder: Path, first: int, last: int) -> None:
    import soundfile

    for label in ("pos", "neg"):
        (folder / "owl" / "data" / label).mkdir(parents=True, exist_ok=True)
    for number in range(first, last):
        rng = np.random.default_rng(number)
        sound = rng.normal(scale=0.1, size=RATE)
        label = "pos" if number % 2 else "neg"
        soundfile.write(folder / f"owl/data/{label}/{number:06d}_1_a.wav", sound, RATE)


def run(encoder_name: str, audio: str, results: str, workers: int) -> dict[str, float]:
    import pandas as pd
    import pyarrow.parquet
    import soundfile
    import soxr
    from upath import UPath

    from audio_assets.audio.decode import DurationLimits
    from audio_assets.encoders.registry import get_encoder, load_encoder
    from audio_assets.storage.embedding_store import EmbeddingStore
    from audio_assets.storage.embedding_table import embed_inventory
    from audio_assets.storage.files import read_file
    from audio_assets.storage.inventory import build_inventory
    from audio_assets.storage.listing import list_objects
    from audio_assets.storage.recordings import read_recording_rules

    # Imported here, so that they do not count as work.
    assert pd and pyarrow.parquet and soundfile and soxr
    encoder = load_encoder(encoder_name)
    at_start = peak_mb()
    start = cpu_seconds()
    root = UPath(audio)
    inventory = build_inventory(list_objects(root, "owl"), read_recording_rules(root, ()))
    table, counts = embed_inventory(
        inventory,
        "data",
        encoder=encoder,
        make_encoder=partial(load_encoder, encoder_name),
        store=EmbeddingStore(UPath(results), encoder.name, encoder.fingerprint, warn=print),
        read=lambda uri: read_file(UPath(uri)),
        limits=DurationLimits(),
        species_classes=(),
        workers=workers,
        progress=lambda done, total: None,
        in_processes=get_encoder(encoder_name).in_processes,
    )
    assert (table["status"] == "ok").all()
    seconds = cpu_seconds() - start
    return {"CPU": seconds, "peak": peak_mb(), "start": at_start, "embedded": counts.embedded}


def fresh(*arguments: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", "--run", *arguments],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(encoder: str, sizes: list[int], added_to: int, workers: int) -> None:
    print("| clips | embedded | CPU s | CPU ms a clip | peak MB | growth from the first |")
    print("|---|---|---|---|---|---|")
    first_peak = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written = 0
        for size in sizes:
            write_clips(folder / "audio", written, size)
            written = size
            found = fresh(encoder, str(folder / "audio"), str(folder / f"{size}"), str(workers))
            first_peak = first_peak or found["peak"]
            print(
                f"| {size} | {found['embedded']:g} | {found['CPU']:.1f} | "
                f"{1e3 * found['CPU'] / size:.2f} | {found['peak']:.0f} | "
                f"{100 * (found['peak'] / first_peak - 1):+.1f} % |",
                flush=True,
            )
    if added_to:
        with tempfile.TemporaryDirectory() as name:
            places = (f"{name}/audio", f"{name}/results")
            write_clips(Path(places[0]), 0, added_to)
            first = fresh(encoder, *places, str(workers))
            write_clips(Path(places[0]), added_to, added_to + 1)
            second = fresh(encoder, *places, str(workers))
            print(
                f"\n{added_to} clips with {encoder}: {first['CPU']:.2f} CPU s; one more: "
                f"{second['embedded']:g} embedded, {second['CPU']:.2f} CPU s, "
                f"{100 * second['CPU'] / first['CPU']:.1f} %."
            )
    print(f"\nMachine: {processor()}, Python {platform.python_version()}, numpy {np.__version__}.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", nargs="*", type=int, default=[1_000, 5_000, 20_000])
    parser.add_argument("--encoder", default="placeholder")
    parser.add_argument("--added-to", type=int, default=2_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--run", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        print(json.dumps(run(*given.run[:3], workers=int(given.run[3]))))
    else:
        main(given.encoder, given.clips, given.added_to, given.workers)
