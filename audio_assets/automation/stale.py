"""The sensor that keeps everything downstream of the inventories fresh.

It evaluates states rather than events: every tick asks ``staleness`` again, so that changes between
a request and the next tick, reverted changes and lost ticks need no special handling.
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
"""Limit that keeps ticks short and queued requests recent."""


def build_stale_sensor(plan: AssetPlan, jobs_by_name: Mapping[str, Any]) -> dg.SensorDefinition:
    names_seen = NamesSeen(plan.settings.listing_max_seconds)

    @dg.sensor(
        jobs=list(jobs_by_name.values()),
        minimum_interval_seconds=plan.settings.sensor_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Runs everything stale or missing once its inputs have settled. "
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
        text = standing_words(decision)
        if missing := plan.models.not_installed():
            text += f"; not installed: {', '.join(missing)}"
        for task in decision.of(Standing.FAILED):
            context.log.warning(f"{task} failed and is given up for now")
        now = time.time()
        behind = what_is_behind(decision, jobs_of_no_species=JOBS_OF_MODELS)
        since = behind_since(behind, read_since(context.cursor), now)
        for name in late_names(since, plan.settings.late_hours, now):
            hours = (now - since[name]) / 3600
            late = f"{name} has been behind for {hours:.0f} h: {behind[name]}"
            context.log.warning(late)
            text += f"; late: {late}"
        # Without asset events: Dagster stores only one per partition of a check outside a run. A
        # second one fails the tick before its run requests are stored, and every later tick too.
        return dg.SensorResult(
            run_requests=requests[:_REQUESTS_A_TICK],
            cursor=write_since(since),
            skip_reason=dg.SkipReason(text) if not requests else None,
        )

    return stale_partitions


def stale_decision(plan: AssetPlan, instance: dg.DagsterInstance, staleness: Staleness) -> Decision:
    """Decide on every task of the instance."""
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
    """Return the work on an inventory: the failed work of its newest run, or a missing inventory.

    An existing inventory is fresh by its versions, whatever happened to the runs that should have
    updated it. Detecting changed audio is up to the audio sensor.
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
    """Return why a species' clips, or the notice for an empty name, may not be read; else empty."""
    if not species:
        return refusal_of_notice(plan.roots.audio)
    inventory = plan.roots.last_version(AUDIO_INVENTORY, species, _log)
    return "" if inventory is None else refusal_of_clips(plan.roots.audio, inventory)


def standing_words(decision: Decision) -> str:
    """Count the tasks by state, and name those that were given up."""
    counts = {standing: len(found) for standing in Standing if (found := decision.of(standing))}
    parts = [", ".join(f"{number} {standing}" for standing, number in counts.items())]
    parts += [f"given up: {task}" for task in decision.of(Standing.FAILED)]
    return "; ".join(parts)
