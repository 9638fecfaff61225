"""The sensors that look at the audio root: new species folders, and audio that changed."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dagster as dg

from audio_assets import jobs
from audio_assets.assets.plan import AssetPlan
from audio_assets.automation.listings import recorded_listings
from audio_assets.automation.runs import history_of, retries, run_request, running_tasks
from audio_assets.automation.tasks import species_to_keep
from audio_assets.errors import AudioAssetsError, TransientStorageError
from audio_assets.partitions import SPECIES
from audio_assets.scheduling.audio_changes import audio_changes, new_species
from audio_assets.scheduling.decisions import Inputs, Standing, Task, Work, decide
from audio_assets.staleness import Staleness, State

_LISTED_AT_ONCE = 8


def build_species_sensor(plan: AssetPlan) -> dg.SensorDefinition:
    @dg.sensor(
        minimum_interval_seconds=plan.settings.sensor_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Makes a partition of every new species folder. No partition is ever removed: "
        "a species whose folder is gone has an empty inventory.",
    )
    def species_folders(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        from audio_assets.storage.listing import list_species

        listing = list_species(plan.audio_root)
        for name, remedy in listing.rejected.items():
            context.log.warning(f"The folder {name!r} is no species: {remedy}")
        known = context.instance.get_dynamic_partitions(SPECIES.name or "")
        new = new_species(listing, known, plan.settings.species)
        said = [f"{len(known)} species known"]
        said += [f"not added: {name!r}, {why}" for name, why in listing.rejected.items()]
        return dg.SensorResult(
            dynamic_partitions_requests=[SPECIES.build_add_request(list(new))] if new else [],
            skip_reason=dg.SkipReason("; ".join(said)) if not new else None,
        )

    return species_folders


def build_audio_sensor(plan: AssetPlan, job: Any) -> dg.SensorDefinition:
    @dg.sensor(
        job=job,
        minimum_interval_seconds=plan.settings.sensor_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Has the inventory of a species made when its audio is not that of its last "
        "inventory, and has not changed since the last look.",
    )
    def changed_audio(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        instance = context.instance
        species = species_to_keep(plan, instance)
        now = _look(plan, species)
        changes = audio_changes(now, recorded_listings(instance, species), context.cursor)
        assert context.repository_def is not None
        graph = context.repository_def.asset_graph
        staleness = Staleness(graph, plan, instance, of_all=True)

        def work(task: Task) -> Work | None:
            name = task.partition
            fresh = staleness.state("audio_inventory", name) is State.FRESH
            if name in changes.moving or (fresh and name not in changes.settled):
                return None
            own = staleness.signature(("audio_inventory",), name)
            digest = hashlib.sha256(f"{own} {now[name]}".encode()).hexdigest()[:16]
            return Work(("audio_inventory",), digest)

        tasks = {Task(jobs.INVENTORY, name): Inputs() for name in now}
        decision = decide(
            tasks,
            running=running_tasks(plan, instance, tasks),
            work=work,
            history=lambda todo: history_of(instance, todo),
            now=time.time(),
            retries=retries(plan.settings),
        )
        requests = [run_request(plan, task, *due) for task, due in decision.due.items()]
        said = [f"{len(now)} species listed"]
        if changes.moving:
            said.append(f"still changing: {', '.join(changes.moving)}")
        said += [f"given up: {task}" for task in decision.of(Standing.FAILED)]
        return dg.SensorResult(
            run_requests=requests,
            cursor=changes.cursor,
            skip_reason=dg.SkipReason("; ".join(said)) if not requests else None,
        )

    return changed_audio


def _look(plan: AssetPlan, species: list[str]) -> dict[str, str]:
    """Digest of each species' listing.

    A species whose folder cannot be listed has a digest of the fault: its inventory is tried, fails
    with that fault and is given up, and no other species has to wait for it.

    Raises
    ------
    AudioAssetsError
        If the root cannot be listed or ``clips.csv`` cannot be read, or a bucket fails for now.
    """
    from audio_assets.storage.inventory import listing_digest
    from audio_assets.storage.listing import list_objects, list_species
    from audio_assets.storage.recordings import read_recording_rules

    root = plan.audio_root
    list_species(root)
    rules = read_recording_rules(root, plan.settings.recording_patterns)

    def digest(name: str) -> str:
        try:
            return listing_digest(list_objects(root, name, compute_checksums=False), rules)
        except TransientStorageError:
            raise
        except AudioAssetsError as error:
            return hashlib.sha256(str(error).encode()).hexdigest()[:16]

    # Of a bucket a listing is mostly waiting, and Dagster gives a tick a minute.
    with ThreadPoolExecutor(_LISTED_AT_ONCE) as pool:
        return dict(zip(species, pool.map(digest, species), strict=True))
