"""Kill a run, then the daemon, in the middle of a backfill: is it finished, and what is done twice?

    python benchmarks/kill_daemon.py --clips 800

``dagster job backfill`` asks for two models of one species, with the clone's own instance and
workspace files. When the first shards are stored the process of the run gets SIGKILL; when more
are, the daemon and all its processes do, and a new daemon is started. Prints figures, and exits
with 1 if a partition is left undone, an asset partition was materialized twice, or a clip that was
stored was embedded again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from dagster._core.definitions.partitions.context import partition_loading_context

import audio_assets
from audio_assets.definitions import build_defs
from audio_assets.embeddings.store import EmbeddingStore
from audio_assets.instance.launcher import _worker_of, process_lives
from audio_assets.models.registry import load_encoder
from audio_assets.objects.roots import open_root
from audio_assets.pipeline.partitions import SPECIES
from audio_assets.settings import PREFIX, load_settings
from audio_assets_tests.small_audio import write_species

CLONE = Path(audio_assets.__file__).parents[1]
MODELS = ("birdnet", "svm")
PARTITIONS = [f"{model}|owl" for model in MODELS]
PATIENCE_SECONDS = 900
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
SETTINGS = {
    "models": MODELS,
    "duplicate_encoder": "",
    "training_sizes": (4, 8),
    "folds": 2,
    "repeats": 1,
    "species_classes": {},
}


@dataclass(frozen=True)
class Place:
    """Audio, results and Dagster home."""

    folder: Path

    @property
    def roots(self) -> dict[str, str]:
        return {
            "audio_root": str(self.folder / "audio"),
            "results_root": str(self.folder / "results"),
        }

    @property
    def environment(self) -> dict[str, str]:
        given = {name: json.dumps(value) for name, value in SETTINGS.items() if value != ""}
        given |= {**self.roots, "duplicate_encoder": ""}
        others = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
        return {
            **others,
            **{PREFIX + name.upper(): value for name, value in given.items()},
            "DAGSTER_HOME": str(self.folder / "home"),
            "PYTHONPATH": str(CLONE),
        }

    def prepare(self, clips: int) -> None:
        """Write the audio and make what comes before the backfill."""
        (self.folder / "home").mkdir()
        shutil.copy(CLONE / "dagster.yaml", self.folder / "home")
        write_species(self.folder / "audio", "owl", recordings=clips // 4, clips=2)
        defs = build_defs(load_settings(**self.roots, **SETTINGS))
        with dg.DagsterInstance.from_config(str(self.folder / "home")) as instance:
            instance.add_dynamic_partitions(SPECIES.name or "", ["owl"])
            before = [("inventory", "owl"), ("duplicates", None), ("splits", "owl")]
            for job, key in [*before, *(("encoders", model) for model in MODELS)]:
                with partition_loading_context(dynamic_partitions_store=instance):
                    defs.resolve_job_def(job).execute_in_process(
                        instance=instance, partition_key=key, run_config=QUIET
                    )

    def dagster(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start Dagster's command line, or its daemon, as the head of a process group."""
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *arguments, "-w", str(CLONE / "workspace.yaml")],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def store(self) -> EmbeddingStore:
        encoder = load_encoder(MODELS[0])
        root = open_root(self.roots["results_root"])
        store = EmbeddingStore(root, encoder.name, encoder.fingerprint, warn=print)
        store.refresh()
        return store

    def stored(self) -> int:
        return len(self.store())

    def wait(self, what: str, condition: Callable[[], bool]) -> float:
        """Seconds until something is so."""
        started = time.monotonic()
        while not condition():
            if time.monotonic() - started > PATIENCE_SECONDS:
                print((self.folder / "log").read_text()[-5000:])
                raise SystemExit(f"it did not happen: {what}")
            time.sleep(0.2)
        return time.monotonic() - started


def experiments(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Runs of the backfill and their retries, newest first."""
    return list(instance.get_runs(dg.RunsFilter(job_name="experiment")))


def done(instance: dg.DagsterInstance) -> set[str]:
    """Partitions with a run that succeeded."""
    succeeded = [run for run in experiments(instance) if run.is_success]
    return {run.tags["dagster/partition"] for run in succeeded}


def worker(instance: dg.DagsterInstance) -> tuple[dg.DagsterRun, int]:
    """The run that is going on, and its process."""
    started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED], job_name="experiment")
    (run,) = instance.get_runs(started)
    found = _worker_of(instance, run.run_id)
    assert found is not None
    return run, found[0]


def has_ended(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    return instance.get_runs(dg.RunsFilter([run.run_id]))[0].is_finished


def kill_both(place: Place, clips: int) -> bool:
    """Carry out what the module says; whether all is well."""
    place.prepare(clips)
    backfill = place.dagster(
        "dagster", "job", "backfill", "-j", "experiment",
        "--partitions", ",".join(PARTITIONS), "--noprompt",
    )  # fmt: skip
    if backfill.wait(PATIENCE_SECONDS):
        raise SystemExit((place.folder / "log").read_text())
    daemon = place.dagster("dagster._daemon", "run")
    with dg.DagsterInstance.from_config(str(place.folder / "home")) as instance:
        place.wait("the first shards", lambda: place.stored() >= clips // 4)
        run, pid = worker(instance)
        os.kill(pid, signal.SIGKILL)
        at_first = place.stored()
        noticed = place.wait("the run's end", lambda: has_ended(instance, run))
        print(f"run killed with {at_first} of {clips} clips stored; noticed after {noticed:.0f} s")

        place.wait("more shards", lambda: place.stored() >= clips // 2)
        run, pid = worker(instance)
        os.killpg(daemon.pid, signal.SIGKILL)
        daemon.wait()
        if process_lives(pid, time.time()):
            os.kill(pid, signal.SIGKILL)
        at_second = place.stored()
        daemon = place.dagster("dagster._daemon", "run")
        noticed = place.wait("the run's end", lambda: has_ended(instance, run))
        print(f"daemon killed with {at_second} of {clips} clips stored")
        print(f"lost run noticed {noticed:.0f} s after the start of the new daemon")
        rest = place.wait("the end of the backfill", lambda: done(instance) == set(PARTITIONS))
        print(f"finished {rest:.0f} s later")
        daemon.send_signal(signal.SIGINT)
        daemon.wait(60)
        return judge(place, instance, clips, at_second)


def judge(place: Place, instance: dg.DagsterInstance, clips: int, stored: int) -> bool:
    """Print what was made how often; whether it is as it should be."""
    statuses = Counter(
        (run.tags["dagster/partition"], run.status.value) for run in experiments(instance)
    )
    made: Counter[tuple[str, str]] = Counter()
    embedded = 0
    for run in experiments(instance):
        for entry in instance.all_logs(
            run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
        ):
            made_now = entry.asset_materialization
            assert made_now is not None and made_now.partition is not None
            made[made_now.asset_key.to_user_string(), made_now.partition] += 1
            if (made_now.asset_key.to_user_string(), made_now.partition) == (
                "embeddings",
                PARTITIONS[0],
            ):
                embedded = int(str(made_now.metadata["embedded now"].value))
    repeats = place.store().repeats()
    print(f"runs: {dict(statuses)}")
    print(f"asset partitions: {len(made)}, each {set(made.values())} time(s)")
    print(f"embedded by the last run: {embedded} of the {clips - stored} that were not stored")
    print(f"clips in the store: {place.stored()}, twice: {repeats}")
    return (
        all(statuses[key, "SUCCESS"] == 1 for key in PARTITIONS)
        and set(made.values()) == {1}
        and embedded == clips - stored
        and not repeats
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=800)
    clips = parser.parse_args().clips
    with tempfile.TemporaryDirectory() as folder:
        ok = kill_both(Place(Path(folder)), clips)
    print("ok" if ok else "NOT OK")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
