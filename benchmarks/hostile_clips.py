"""What a run costs over a species that holds a file which is no clip: memory, bytes and CPU time.

    python -m benchmarks.hostile_clips                     this revision
    python -m benchmarks.hostile_clips --against 3b1a114   that commit before it
    python -m benchmarks.hostile_clips --files FLAC --places folder

Three files in turn, in a folder and in a bucket (the stand-in of the tests): a WAV file of 3.0 GB
that is 8.7 h long, 2.5 GB that are no audio, and a FLAC file of 2 MB that decodes to 590 s of 8
channels at 384 kHz. Each lies among 40 good clips of a second. A run is what ``audio-assets run``
does for the species and BirdNET, in a process of its own. The large files are sparse on the disk.

Memory is that of the process and of its workers at the same time, by the peaks of each (VmHWM),
which the kernel counts; what is shared between them counts more than once. An earlier revision may
need 8 GB.
"""

import argparse
import csv
import io
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from audio_assets_tests.audio.hostile_files import Hostile, long_wav, no_audio, wide_flac
from audio_assets_tests.bucket_server import BucketServer
from audio_assets_tests.small_audio import write_species
from benchmarks.machine import children, high_water_mb, processor

SPECIES = "owl"
BUCKET = "field-audio"
HOSTILE = f"{SPECIES}/data/pos/hostile.bin"
GOOD = 40
FILES = {
    "WAV": lambda: long_wav(31_250),
    "no audio": lambda: no_audio(2_500_000_000),
    "FLAC": wide_flac,
}

# Of what both revisions have.
_RUN = """
import sys
import dagster as dg
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.definitions import build_defs
from audio_assets.pipeline.partitions import build_partitions
from audio_assets.automation.local_runner import LocalRunner
from audio_assets.settings import load_settings
settings = load_settings(
    audio_root=sys.argv[1], results_root=sys.argv[2], models=("birdnet",),
    training_sizes=(0, 4, 8), folds=3, repeats=2,
)
plan = AssetPlan(settings, build_partitions(settings))
with dg.DagsterInstance.ephemeral() as instance:
    LocalRunner(build_defs(settings), plan, instance).bring_up_to_date(["owl"], ["birdnet"])
"""


def run(code: Path, audio: str, results: Path) -> tuple[float, float]:
    """CPU seconds and peak MB of a run with the package of a folder."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"PYTHONPATH": str(code), "OMP_NUM_THREADS": "1"}
    peak = 0.0
    with (results.parent / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _RUN, audio, str(results)],
            env=environment,
            stdout=log,
            stderr=log,
        )
        while process.poll() is None:
            pids = [process.pid, *children(process.pid)]
            peak = max(peak, sum(high_water_mb(pid) for pid in pids))
            time.sleep(0.05)
    if process.returncode:
        sys.exit((results.parent / "log").read_text()[-3_000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak


def outcome(results: Path) -> str:
    """What became of the file, and how many others were used."""
    import pandas as pd

    columns = ["uri", "status", "reason"]
    (table,) = results.glob("**/embeddings*/**/owl*.parquet")
    rows = pd.read_parquet(table, columns=columns)
    is_hostile = rows["uri"].str.endswith(HOSTILE)
    with (results / "quarantine.csv").open(newline="") as file:
        named = [row["reason"] for row in csv.DictReader(file) if row["uri"].endswith(HOSTILE)]
    assert named == rows.loc[is_hostile, "reason"].dropna().tolist()
    used = int((rows.loc[~is_hostile, "status"] == "ok").sum())
    return f"{named[0] if named else 'used'}, {used} of {GOOD} others used"


@dataclass(frozen=True)
class Cost:
    """What a run cost, and what became of the clips; ``sent`` is the MB of the file downloaded."""

    peak: float
    sent: float | None
    cpu: float
    outcome: str


def measure(code: Path, place: str, hostile: Hostile) -> Cost:
    """One file in one place."""
    with tempfile.TemporaryDirectory() as name:
        folder, results = Path(name) / "audio", Path(name) / "results"
        write_species(folder, SPECIES)
        if place == "folder":
            hostile.write(folder / HOSTILE)
            cpu, peak = run(code, str(folder), results)
            return Cost(peak, None, cpu, outcome(results))
        with BucketServer(BUCKET).serve() as server:
            for path in sorted(folder.rglob("*.wav")):
                server.put(BUCKET, f"audio/{path.relative_to(folder)}", path.read_bytes())
            # Its checksum is computed once, before the clock starts.
            assert server.put(BUCKET, f"audio/{HOSTILE}", hostile.sparse()).digests
            os.environ["STORAGE_EMULATOR_HOST"] = server.url
            cpu, peak = run(code, f"gs://{BUCKET}/audio", results)
            sent = server.sent[f"audio/{HOSTILE}"] / 1e6
        return Cost(peak, sent, cpu, outcome(results))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", help="commit of this repository to measure instead")
    parser.add_argument("--files", nargs="*", choices=FILES, default=list(FILES))
    parser.add_argument("--places", nargs="*", choices=("folder", "bucket"))
    given = parser.parse_args()
    print(f"{processor()}; {given.against or 'this revision'}\n")
    print("| place | file | peak MB | MB of it downloaded | CPU s | outcome |")
    print("|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as name:
        code = Path.cwd()
        if given.against:
            command = ["git", "archive", given.against, "audio_assets"]
            archive = subprocess.run(command, check=True, capture_output=True).stdout
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                tar.extractall(name, filter="data")
            code = Path(name)
        for place in given.places or ("folder", "bucket"):
            for file in given.files:
                cost = measure(code, place, FILES[file]())
                sent = "" if cost.sent is None else f"{cost.sent:.2f}"
                print(
                    f"| {place} | {file} | {cost.peak:.0f} | {sent} | {cost.cpu:.0f} | "
                    f"{cost.outcome} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
