"""Cost of the sensors over many objects that rest: ``python benchmarks/sensor_tick.py``.

The audio is empty files in a temporary folder, or objects in the stand-in for a bucket, which
then has the results as well. The instance remembers every partition of every asset as made from
that audio, so that the ticks look at all there is and ask for no run.

The first table is of one tick of each sensor, the second of an hour (``--minutes``) of ticks every
30 s. The clock is put forward between them; what an hour asks of a bucket is as if it had passed.

For an earlier revision, call this file with ``PYTHONPATH`` set to a worktree of it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_TAG,
    INPUT_DATA_VERSION_TAG_PREFIX,
    INPUT_EVENT_POINTER_TAG_PREFIX,
)
from dagster._core.definitions.partitions.context import partition_loading_context

from audio_assets.automation.listings import listings_now
from audio_assets.definitions import build_defs
from audio_assets.objects.files import is_local, write_atomic
from audio_assets.pipeline.partitions import SPECIES, build_partitions, partition_key, split_key
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.probes import LISTING
from audio_assets.pipeline.stages import JOBS, stages_of_job
from audio_assets.results.layout import CHART_FORMATS
from audio_assets.settings import load_settings

TICK_SECONDS = 30.0
SENSORS = ("species_folders", "changed_audio", "stale_partitions")
BUCKET = "field-audio"
# Those whose weights are always there.
MODELS = ("birdnet", "random_forest", "svm", "placeholder")


def write_audio(root: Path, species: Sequence[str], objects: int) -> None:
    """Empty files, evenly over species and labels."""
    for name in species:
        for label in ("pos", "neg"):
            folder = root / name / "data" / label
            folder.mkdir(parents=True)
            for number in range(objects // len(species) // 2):
                (folder / f"{name}-{label}-t-{number // 3:06d}_9sec_1_{number % 3}.wav").touch()


def put_audio(server: Any, species: Sequence[str], objects: int) -> None:
    """The same in a bucket."""
    for name in species:
        for label in ("pos", "neg"):
            for number in range(objects // len(species) // 2):
                stem = f"{name}-{label}-t-{number // 3:06d}_9sec_1_{number % 3}"
                server.put(BUCKET, f"audio/{name}/data/{label}/{stem}.wav", b"")


def serve(connection: Any, species: Sequence[str], objects: int) -> None:
    """Serve a bucket with the audio until this process is ended; its address is sent."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from audio_assets_tests.bucket_server import BucketServer

    with BucketServer(BUCKET).serve() as server:
        put_audio(server, species, objects)
        connection.send(server.url)
        # Until the other end is closed; asked in words, since asking the bucket would count.
        while connection.recv() == "how many requests":
            connection.send(len(server.requests))


def remember(
    defs: dg.Definitions,
    plan: AssetPlan,
    instance: dg.DagsterInstance,
    inventories: Mapping[str, str] | None = None,
) -> int:
    """Record every partition as materialized from the audio of now; how many there are.

    ``inventories`` are the data versions of the species' inventories, if they matter.
    """
    versions = inventories or {}
    species = instance.get_dynamic_partitions(SPECIES.name or "")
    models = plan.settings.models
    keys: dict[Any, list[str | None]] = {
        None: [None],
        SPECIES: list(species),
        plan.partitions.models: list(models),
        plan.partitions.species_by_model: [partition_key(m, s) for m in models for s in species],
    }
    digests = listings_now(plan, species)
    graph = defs.resolve_asset_graph()
    latest: dict[str, int] = {}
    count = 0
    for job in JOBS:
        for asset in stages_of_job(job, plan.settings):
            node = graph.get(dg.AssetKey(asset))
            tags = {CODE_VERSION_TAG: node.code_version or "", DATA_VERSION_TAG: "one"}
            if asset == "duplicate_encoder":
                tags[DATA_VERSION_TAG] = "off"
            for parent in (key.to_user_string() for key in node.parent_keys):
                known = "off" if parent == "duplicate_encoder" else "one"
                tags[f"{INPUT_DATA_VERSION_TAG_PREFIX}/{parent}"] = known
                tags[f"{INPUT_EVENT_POINTER_TAG_PREFIX}/{parent}"] = str(latest[parent])
            for key in keys[plan.partitions.of(JOBS[job].per)]:
                inventory = versions.get((key or "").rpartition("|")[2], "one")
                if asset == "audio_inventory":
                    tags[DATA_VERSION_TAG] = inventory
                elif f"{INPUT_DATA_VERSION_TAG_PREFIX}/audio_inventory" in tags:
                    tags[f"{INPUT_DATA_VERSION_TAG_PREFIX}/audio_inventory"] = inventory
                if asset == "encoder_card" and key:
                    tags[DATA_VERSION_TAG] = plan.models.encoder_version(key)
                metadata = {LISTING: digests[key]} if asset == "audio_inventory" and key else {}
                instance.report_runless_asset_event(
                    dg.AssetMaterialization(asset, partition=key, tags=tags, metadata=metadata)
                )
                _touch_outputs(plan, asset, key)
                count += 1
            latest[asset] = instance.event_log_storage.get_maximum_record_id() or 0
    return count


def _touch_outputs(plan: AssetPlan, asset: str, key: str | None) -> None:
    results = plan.roots.results
    if asset in ("encoder_card", "duplicate_encoder"):
        return
    if key is None:
        paths = [results.learning_curves, results.comparisons, results.quarantine, results.report]
    else:
        paths = [results.table(asset, *(split_key(key) if "|" in key else (key,)))]
        if asset == "roc_auc_chart":
            paths += [results.chart(key, form) for form in CHART_FORMATS]
    for path in paths:
        if is_local(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        else:
            write_atomic(path, b"")


class Ticks:
    """Ticks of the sensors as the daemon makes them, one after the other."""

    def __init__(self, defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self.defs, self.instance = defs, instance
        self.cursors: dict[str, str | None] = {}

    def tick(self, name: str) -> tuple[Any, float, float]:
        """What a tick gives, and its seconds and CPU seconds."""
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursors.get(name),
            repository_def=self.defs.get_repository_def(),
            sensor_name=name,
        )
        wall, cpu = time.perf_counter(), time.process_time()
        with partition_loading_context(dynamic_partitions_store=self.instance), context:
            seen = self.defs.resolve_sensor_def(name).evaluate_tick(context)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        self.cursors[name] = seen.cursor
        return seen, wall, cpu


def measure(
    audio_root: str,
    results_root: str,
    folder: Path,
    species: Sequence[str],
    minutes: int,
    requests: Callable[[], int],
) -> None:
    """Print both tables."""
    settings = load_settings(
        audio_root=audio_root,
        results_root=results_root,
        models=MODELS,
        duplicate_encoder="",
    )
    plan = AssetPlan(settings, build_partitions(settings))
    defs = build_defs(settings)
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        instance.add_dynamic_partitions(SPECIES.name or "", list(species))
        print(f"{remember(defs, plan, instance)} asset partitions\n")
        ticks = Ticks(defs, instance)
        print("| sensor | s | CPU s | peak MB | requests | size of the cursor | says |")
        print("|---|---|---|---|---|---|---|")
        for name in SENSORS:
            before = requests()
            seen, wall, cpu = ticks.tick(name)
            asked = requests() - before
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            said = seen.skip_message or f"{len(seen.run_requests or ())} runs asked for"
            numbers = f"{wall:.1f} | {cpu:.1f} | {peak:.0f} | {asked} | {len(seen.cursor or '')}"
            print(f"| {name} | {numbers} | {said} |", flush=True)
        rest(ticks, minutes, requests)


def rest(ticks: Ticks, minutes: int, requests: Callable[[], int]) -> None:
    """Print what the sensors cost while nothing changes."""
    clock, counter, waited = time.time, time.monotonic, 0.0
    asked: dict[str, list[int]] = {name: [] for name in SENSORS}
    spent = dict.fromkeys(SENSORS, 0.0)
    time.time = lambda: clock() + waited
    time.monotonic = lambda: counter() + waited
    try:
        for _ in range(int(60 * minutes / TICK_SECONDS)):
            waited += TICK_SECONDS
            for name in SENSORS:
                before = requests()
                seen, _, cpu = ticks.tick(name)
                assert not seen.run_requests, f"{name} asks for runs of audio that rests"
                asked[name].append(requests() - before)
                spent[name] += cpu
    finally:
        time.time, time.monotonic = clock, counter
    first, last = (f"requests in {which} 2 minutes" for which in ("the first", "the last"))
    print(
        f"\n| sensor | CPU s in {minutes} minutes | requests | {first} | {last} | ticks without |"
    )
    print("|---|---|---|---|---|---|")
    for name, numbers in asked.items():
        none = f"{sum(not number for number in numbers)} of {len(numbers)}"
        shown = f"{sum(numbers)} | {sum(numbers[:4])} | {sum(numbers[-4:])} | {none}"
        print(f"| {name} | {spent[name]:.1f} | {shown} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--species", type=int, default=50)
    parser.add_argument("--minutes", type=int, default=60, help="of ticks while nothing changes")
    parser.add_argument("--bucket", action="store_true", help="in the stand-in for a bucket")
    options = parser.parse_args()
    species = [f"species_{number:03d}" for number in range(options.species)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not options.bucket:
            write_audio(folder / "audio", species, options.objects)
            roots = str(folder / "audio"), str(folder / "results")
            measure(*roots, folder, species, options.minutes, lambda: 0)
            return
        # In a process of its own, so that its work is not counted.
        here, there = multiprocessing.get_context("spawn").Pipe()
        arguments = (there, species, options.objects)
        server = multiprocessing.get_context("spawn").Process(target=serve, args=arguments)
        server.start()
        os.environ["STORAGE_EMULATOR_HOST"] = here.recv()

        def requests() -> int:
            here.send("how many requests")
            return int(here.recv())

        try:
            roots = f"gs://{BUCKET}/audio", f"gs://{BUCKET}/results"
            measure(*roots, folder, species, options.minutes, requests)
        finally:
            server.terminate()
            server.join()


if __name__ == "__main__":
    main()
