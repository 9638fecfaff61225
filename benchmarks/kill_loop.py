"""Kill runs at random moments, then let one finish: is anything lost, or computed twice?

    python benchmarks/kill_loop.py --kills 100 --clips 200

An undisturbed run gives the reference. Then ``audio-assets run`` is started and gets SIGKILL at a
random moment, again and again on one results root and one Dagster home; a kill counts wherever it
falls. When a run got to its end before its kill, all that was published and embedded is deleted,
so that later kills fall into work too. A last run goes to the end. Prints figures, and exits with 1
if learning_curves.csv differs by a byte, a clip is in the store twice, or a temporary file is left.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from upath import UPath

from audio_assets.embeddings.store import EmbeddingStore
from audio_assets.models.registry import load_encoder
from audio_assets_tests.small_audio import write_species

RUN = "from audio_assets.cli import main; main()"


@dataclass(frozen=True)
class Place:
    """Audio, results and Dagster home of one series of runs."""

    folder: Path
    audio: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def prepare(self) -> None:
        """Make the Dagster home."""
        (self.folder / "home").mkdir(parents=True, exist_ok=True)
        (self.folder / "home" / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")

    def start(self) -> subprocess.Popen[str]:
        """Start ``audio-assets run`` with the placeholder model."""
        settings = {
            "AUDIO_ROOT": str(self.audio),
            "RESULTS_ROOT": str(self.results),
            "MODELS": '["placeholder"]',
            "TRAINING_SIZES": "[4, 16]",
            "FOLDS": "3",
            "REPEATS": "2",
            "DUPLICATE_ENCODER": "",
        }
        environment = {f"AUDIO_ASSETS_{name}": value for name, value in settings.items()}
        return subprocess.Popen(
            [sys.executable, "-c", RUN, "run", "--quiet"],
            cwd=self.folder,
            env={**os.environ, **environment, "DAGSTER_HOME": str(self.folder / "home")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self) -> float:
        """Run to the end; seconds."""
        started = time.monotonic()
        process = self.start()
        output, _ = process.communicate()
        if process.returncode != 0:
            raise SystemExit(f"The run ended with {process.returncode}:\n{output}")
        return time.monotonic() - started

    def curves(self) -> bytes:
        return (self.results / "learning_curves.csv").read_bytes()

    def store(self) -> EmbeddingStore:
        encoder = load_encoder("placeholder")
        root = UPath(self.results)
        store = EmbeddingStore(root, encoder.name, encoder.fingerprint, warn=print)
        store.refresh()
        return store

    def temporary_files(self) -> list[str]:
        return sorted(str(p) for p in self.results.rglob(".*") if p.is_file())


@dataclass(frozen=True)
class Outcome:
    """What a kill loop found."""

    kills: int
    finished: int
    left_by_kills: int
    seconds: float
    clips_in_store: int
    repeats: int
    same_curves: bool
    temporary_files: list[str]

    @property
    def ok(self) -> bool:
        return self.same_curves and not self.repeats and not self.temporary_files


def kill_loop(folder: Path, kills: int, clips: int, seed: int = 0) -> Outcome:
    """Kill ``kills`` runs over ``clips`` clips, half of them positive.

    Parameters
    ----------
    folder
        An empty folder.
    """
    rng = random.Random(seed)
    audio = folder / "audio"
    write_species(audio, "owl", recordings=clips // 4, clips=2)
    calm, hunted = Place(folder / "calm", audio), Place(folder / "hunted", audio)
    for place in (calm, hunted):
        place.prepare()
    whole = calm.finish()
    started = time.monotonic()
    killed = finished = left = repeats = 0
    while killed < kills:
        process = hunted.start()
        try:
            output, _ = process.communicate(timeout=rng.uniform(0.0, 1.0) * whole)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            killed += 1
            left += len(hunted.temporary_files())
            continue
        if process.returncode != 0:
            raise SystemExit(f"A run failed after {killed} kills:\n{output}")
        finished += 1
        repeats += hunted.store().repeats()
        shutil.rmtree(hunted.results)
    hunted.finish()
    store = hunted.store()
    return Outcome(
        kills=killed,
        finished=finished,
        left_by_kills=left,
        seconds=time.monotonic() - started,
        clips_in_store=len(store),
        repeats=repeats + store.repeats(),
        same_curves=hunted.curves() == calm.curves(),
        temporary_files=hunted.temporary_files(),
    )


def main() -> int:
    """Run the loop in a temporary folder and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = kill_loop(Path(folder), arguments.kills, arguments.clips, arguments.seed)
    print(outcome)
    print("ok" if outcome.ok else "NOT OK")
    return 0 if outcome.ok else 1


if __name__ == "__main__":
    sys.exit(main())
