"""Peak memory of embedding as the number of clips grows, and the cost of one more clip.

    python -m benchmarks.scale [--clips 1000 20000] [--added-to 2000] [--seconds 1] [--model svm]

Clips are synthetic, of equal length (one second if not told otherwise) and all different. A run is
what Dagster does for a species and a model (birdnet if not told otherwise): the asset
``embeddings`` with its check, in a fresh process, after ``audio_inventory`` in another. The clips
are read, decoded and embedded by as many workers as there are CPUs, the embedding store is filled,
and the table is written, hashed and looked through.

Memory is the peak of the process and those of all its workers, added up. CPU seconds are those of
both assets, workers included. For the cost of one more clip, imports, the start of processes,
the loading of definitions and of encoders are left out: everything was done once with a few clips
before, and what a worker costs before its first clip is subtracted.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import children, cpu_seconds, high_water_mb, processor

RATE = 16_000
SPECIES = "owl"


def write_clips(folder: Path, first: int, last: int, seconds: float) -> None:
    import soundfile

    for label in ("pos", "neg"):
        (folder / SPECIES / "data" / label).mkdir(parents=True, exist_ok=True)
    for number in range(first, last):
        sound = np.random.default_rng(number).normal(scale=0.1, size=round(seconds * RATE))
        label = "pos" if number % 2 else "neg"
        path = folder / SPECIES / "data" / label / f"{number:06d}_1_a.wav"
        soundfile.write(path, sound, RATE)


class Run:
    """What a place is made into by Dagster, in this process."""

    def __init__(self, model: str, place: Path, workers: int) -> None:
        import dagster as dg

        from audio_assets.definitions import build_defs
        from audio_assets.pipeline.partitions import SPECIES as PARTITIONS
        from audio_assets.pipeline.partitions import build_partitions
        from audio_assets.pipeline.plan import AssetPlan
        from audio_assets.pipeline.stages import EXPERIMENT, INVENTORY
        from audio_assets.settings import load_settings

        settings = load_settings(
            audio_root=str(place / "audio"),
            results_root=str(place / "results"),
            models=(model,),
            duplicate_encoder="",
            workers=workers,
        )
        self.model = model
        self.plan = AssetPlan(settings, build_partitions(settings))
        defs = build_defs(settings)
        # Made before the clock starts, as imports: a code server loads its jobs once, and users
        # have an instance from their first run on.
        self.jobs = {
            "audio_inventory": defs.resolve_job_def(INVENTORY),
            "embeddings": defs.resolve_job_def(EXPERIMENT),
        }
        self.instance = dg.DagsterInstance.ephemeral()
        self.instance.add_dynamic_partitions(PARTITIONS.name or "", [SPECIES])

    def make(self, asset: str) -> dict[str, Any]:
        """Materialize an asset and its checks; its metadata."""
        import dagster as dg

        from audio_assets.pipeline.partitions import partition_key

        listing = asset == "audio_inventory"
        result = self.jobs[asset].execute_in_process(
            instance=self.instance,
            partition_key=SPECIES if listing else partition_key(self.model, SPECIES),
            asset_selection=[dg.AssetKey(asset)],
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        checks = result.get_asset_check_evaluations()
        assert checks and all(check.passed for check in checks if check.blocking), checks
        (event,) = result.get_asset_materialization_events()
        return {key: value.value for key, value in event.materialization.metadata.items()}

    def worker_start(self) -> float:
        """CPU seconds of a worker process before its first clip; 0 where workers are threads."""
        from audio_assets.audio.decode import DurationLimits
        from audio_assets.embeddings.stream import Clip
        from audio_assets.embeddings.worker import ReadClip
        from audio_assets.embeddings.worker_pool import WorkerPool
        from audio_assets.models.registry import get_encoder, get_model, load_encoder

        name = get_model(self.model).encoder
        if not get_encoder(name).in_processes:
            return 0.0
        pool = WorkerPool(
            partial(load_encoder, name, self.plan.settings.weight_places()), DurationLimits()
        )
        path, *_ = (self.plan.roots.audio / SPECIES / "data" / "pos").iterdir()
        start = cpu_seconds()
        pool.embed([ReadClip(Clip("first", str(path)), "0" * 64, path.read_bytes())])
        pool.close()
        return cpu_seconds() - start


def part(name: str, model: str, place: Path, workers: int) -> dict[str, float]:
    """One asset, or both with all that comes before left out of the CPU seconds."""
    if name != "both":
        start = cpu_seconds()
        metadata = Run(model, place, workers).make(name)
        embedded = metadata.get("embedded now", 0)
        return {"CPU": cpu_seconds() - start, "peak": high_water_mb(), "embedded": embedded}
    with tempfile.TemporaryDirectory() as folder:
        write_clips(Path(folder) / "audio", 0, 4, 1.0)
        before = Run(model, Path(folder), workers)
        for asset in ("audio_inventory", "embeddings"):
            before.make(asset)
        worker_start = before.worker_start()
    run = Run(model, place, workers)
    start = cpu_seconds()
    run.make("audio_inventory")
    embedded = run.make("embeddings")["embedded now"]
    # A batch of clips starts a worker.
    started = min(workers, -(-embedded // 16))
    seconds = cpu_seconds() - start - started * worker_start
    return {"CPU": seconds, "embedded": embedded, "worker": worker_start}


def fresh(name: str, model: str, place: Path, workers: int) -> dict[str, float]:
    """As :func:`part` in a process of its own, with the peaks of its workers added."""
    peaks: dict[int, float] = {}
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.scale"]
        + ["--part", name, "--model", model, "--place", str(place), "--workers", str(workers)],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        while process.poll() is None:
            for pid in children(process.pid):
                # The last look counts: the first may be at a fork of the parent.
                peaks[pid] = high_water_mb(pid) or peaks.get(pid, 0.0)
            time.sleep(0.5)
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
    assert process.returncode == 0, process.returncode
    found: dict[str, float] = json.loads(lines[-1])
    return found | {"workers": sum(peaks.values())}


def grow(model: str, sizes: list[int], workers: int, seconds: float) -> None:
    print("| clips | listing: peak MB | embedding: CPU s | peak MB | of that workers | growth |")
    print("|---|---|---|---|---|---|")
    first = 0.0
    with tempfile.TemporaryDirectory() as name:
        written = 0
        for size in sizes:
            # A results root for each, over the same clips.
            place = Path(name) / str(size)
            place.mkdir()
            (place / "audio").symlink_to(Path(name) / "audio")
            write_clips(Path(name) / "audio", written, size, seconds)
            written = size
            listed = fresh("audio_inventory", model, place, workers)
            made = fresh("embeddings", model, place, workers)
            assert made["embedded"] == size, made
            peak = made["peak"] + made["workers"]
            first = first or peak
            print(
                f"| {size} | {listed['peak']:.0f} | {made['CPU']:.1f} | {peak:.0f} | "
                f"{made['workers']:.0f} | {peak / first - 1:+.1%} |",
                flush=True,
            )


def add_one(model: str, size: int, workers: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        write_clips(place / "audio", 0, size, seconds)
        first = fresh("both", model, place, workers)
        write_clips(place / "audio", size, size + 1, seconds)
        second = fresh("both", model, place, workers)
    assert (first["embedded"], second["embedded"]) == (size, 1), (first, second)
    print(
        f"\n{size} clips of {seconds:g} s with {model}: {first['CPU']:.2f} CPU s; one more, and "
        f"that one embedded: {second['CPU']:.2f} CPU s, {second['CPU'] / first['CPU']:.1%}. The "
        f"start of a worker, left out: {second['worker']:.2f} CPU s."
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", nargs="*", type=int, default=[1_000, 20_000])
    parser.add_argument("--model", default="birdnet")
    parser.add_argument("--added-to", type=int, default=2_000, help="0 for not at all")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a clip")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        print(json.dumps(part(given.part, given.model, given.place, given.workers)))
    else:
        if given.clips:
            grow(given.model, given.clips, given.workers, given.seconds)
        if given.added_to:
            add_one(given.model, given.added_to, given.workers, given.seconds)
        print(
            f"\n{given.workers} workers. Machine: {processor()}, Python "
            f"{platform.python_version()}, numpy {np.__version__}."
        )
