"""The sensor that keeps everything behind the inventories fresh.

It looks at states and at no events: at every tick the stale decision of ``staleness`` is asked
anew, so that a change between a request and the next tick, one that flips back, or a tick that was
lost needs no care of its own.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Mapping
from typing import Any

import dagster as dg

from audio_assets.automation.decisions import (
    ATTEMPTS,
    Decision,
    History,
    Standing,
    Task,
    Work,
    decide,
)
from audio_assets.automation.lateness import (
    behind_since,
    late_names,
    read_since,
    what_is_behind,
    write_since,
)
from audio_assets.automation.listings import audio_is_as_recorded
from audio_assets.automation.runs import (
    failed_work,
    history_of,
    retries,
    run_request,
    running_tasks,
)
from audio_assets.automation.tasks import JOBS_OF_MODELS, all_tasks, species_to_keep
from audio_assets.automation.work import work_of
from audio_assets.catalog.access import check_writable, refusal_of_clips, refusal_of_notice
from audio_assets.objects.names_seen import NamesSeen
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.probes import duplicate_encoder_probe, encoder_probe
from audio_assets.pipeline.stages import DUPLICATES, ENCODERS, INVENTORY, REPORT, STAGES
from audio_assets.pipeline.staleness import Staleness, State
from audio_assets.tables import AUDIO_INVENTORY

_log = logging.getLogger(__name__)
# Jobs that read the clips of a species, and the one that reads the notice beside the species.
_READERS = frozenset({REPORT, *(row.job for row in STAGES.values() if row.reads_audio)})
_REQUESTS_A_TICK = 100
"""So that a tick stays short, and what is queued does not get old."""


def build_stale_sensor(plan: AssetPlan, jobs_by_name: Mapping[str, Any]) -> dg.SensorDefinition:
    names_seen = NamesSeen(plan.settings.listing_max_seconds)

    @dg.sensor(
        jobs=list(jobs_by_name.values()),
        minimum_interval_seconds=plan.settings.sensor_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Runs what is stale or missing once all that it is built on has come to rest. "
        f"Work that failed {ATTEMPTS} times is given up until its code or inputs change, or "
        "AUDIO_ASSETS_GIVE_UP_HOURS have passed.",
    )
    def stale_partitions(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        assert context.repository_def is not None
        graph = context.repository_def.asset_graph
        staleness = Staleness(
            graph, plan.roots, context.instance, of_all=True, names_seen=names_seen
        )
        decision = stale_decision(plan, context.instance, staleness)
        requests = [
            run_request(plan, task, *due)
            for task, due in decision.due.items()
            # The audio sensor asks for these: it knows whether files are still being copied.
            if task.job != INVENTORY
        ]
        if requests:
            # Runs that cannot write would only use up the attempts of their work.
            check_writable(plan.roots.results.root)
        said = standing_words(decision)
        for task in decision.of(Standing.FAILED):
            context.log.warning(f"{task} failed and is given up for now")
        now = time.time()
        behind = what_is_behind(decision, jobs_of_no_species=JOBS_OF_MODELS)
        since = behind_since(behind, read_since(context.cursor), now)
        for name in late_names(since, plan.settings.late_hours, now):
            hours = (now - since[name]) / 3600
            late = f"{name} has been behind for {hours:.0f} h: {behind[name]}"
            context.log.warning(late)
            said += f"; late: {late}"
        # Without asset events: of a check outside a run Dagster stores one per partition. A second
        # fails the tick before its run requests are stored, and so every tick from then on.
        return dg.SensorResult(
            run_requests=requests[:_REQUESTS_A_TICK],
            cursor=write_since(since),
            skip_reason=dg.SkipReason(said) if not requests else None,
        )

    return stale_partitions


def stale_decision(plan: AssetPlan, instance: dg.DagsterInstance, staleness: Staleness) -> Decision:
    """How every task of the instance stands now."""
    tasks = all_tasks(plan, species_to_keep(plan, instance))
    probes = {
        ENCODERS: encoder_probe(plan.models),
        DUPLICATES: duplicate_encoder_probe(plan.settings, plan.patience),
    }

    def work(task: Task) -> Work | None:
        if task.job == INVENTORY:
            return _inventory_work(plan, instance, staleness, task)
        return work_of(plan, staleness, task, probes.get(task.job))

    def history(task_work: Work) -> History:
        return history_of(instance, task_work)

    @functools.cache
    def refused_species(species: str) -> bool:
        return bool(refusal_of_species(plan, species))

    def refused(task: Task) -> bool:
        return task.job in _READERS and refused_species(task.partition.rpartition("|")[2])

    return decide(
        tasks,
        running=running_tasks(plan, instance, tasks),
        work=work,
        history=history,
        now=time.time(),
        retries=retries(plan.settings),
        refused=refused,
    )


def _inventory_work(
    plan: AssetPlan, instance: dg.DagsterInstance, staleness: Staleness, task: Task
) -> Work | None:
    """What of an inventory is to be done: what its newest run failed at, or one that is missing.

    An inventory that was made before is fresh by its versions, whatever became of the runs that
    were to make it again. Whether other audio awaits it is for the audio sensor to find.
    """
    failed = failed_work(instance, task, ("audio_inventory",))
    if staleness.state("audio_inventory", task.partition) is State.FRESH:
        return (
            None
            if failed is None or audio_is_as_recorded(plan, instance, task.partition)
            else failed
        )
    return failed or work_of(plan, staleness, task)


def refusal_of_species(plan: AssetPlan, species: str) -> str:
    """Why the clips of a species, or the notice if none is named, may not be read now.

    Empty if they may.
    """
    if not species:
        return refusal_of_notice(plan.roots.audio)
    inventory = plan.roots.last_version(AUDIO_INVENTORY, species, _log)
    return "" if inventory is None else refusal_of_clips(plan.roots.audio, inventory)


def standing_words(decision: Decision) -> str:
    """How many tasks stand how, and the names of those that were given up."""
    counts = {standing: len(found) for standing in Standing if (found := decision.of(standing))}
    said = [", ".join(f"{number} {standing}" for standing, number in counts.items())]
    said += [f"given up: {task}" for task in decision.of(Standing.FAILED)]
    return "; ".join(said)
