"""The sensor that keeps everything behind the inventories fresh.

It looks at states and at no events: at every tick the stale decision of ``staleness`` is asked
anew, so that a change between a request and the next tick, one that flips back, or a tick that was
lost needs no care of its own.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from audio_assets import jobs
from audio_assets.assets.plan import AssetPlan
from audio_assets.automation.runs import history_of, last_run_failed, run_request, running_tasks
from audio_assets.automation.tasks import all_tasks, species_to_keep
from audio_assets.errors import AudioAssetsError, EncoderError, TransientStorageError
from audio_assets.scheduling.decisions import (
    ATTEMPTS,
    Decision,
    History,
    Standing,
    Task,
    Work,
    decide,
)
from audio_assets.staleness import (
    Probe,
    Staleness,
    State,
    duplicate_encoder_probe,
    encoder_probe,
)
from audio_assets.tables import BALANCED_MANIFEST

_REQUESTS_A_TICK = 100
"""So that a tick stays short, and what is queued does not get old."""


def build_stale_sensor(plan: AssetPlan, jobs_by_name: Mapping[str, Any]) -> dg.SensorDefinition:
    @dg.sensor(
        jobs=list(jobs_by_name.values()),
        minimum_interval_seconds=plan.settings.sensor_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Runs what is stale or missing once all that it is built on has come to rest. "
        f"Work that failed {ATTEMPTS} times is given up until its code or inputs change.",
    )
    def stale_partitions(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        assert context.repository_def is not None
        graph = context.repository_def.asset_graph
        staleness = Staleness(graph, plan, context.instance, of_all=True)
        decision = stale_decision(plan, context.instance, staleness)
        requests = [
            run_request(plan, task, *due)
            for task, due in decision.due.items()
            # The audio sensor asks for these: it knows whether files are still being copied.
            if task.job != jobs.INVENTORY
        ]
        said = standing_words(decision)
        for task in decision.of(Standing.FAILED):
            context.log.warning(f"{task} failed and is given up until its code or inputs change")
        now = time.time()
        behind = species_behind(decision)
        since = behind_since(behind, _read(context.cursor), now)
        for species in late_species(since, plan.settings.late_hours, now):
            hours = (now - since[species]) / 3600
            late = f"{species} has been behind for {hours:.0f} h: {behind[species]}"
            context.log.warning(late)
            said += f"; late: {late}"
        # Without asset events: of a check outside a run Dagster stores one per partition. A second
        # fails the tick before its run requests are stored, and so every tick from then on.
        return dg.SensorResult(
            run_requests=requests[:_REQUESTS_A_TICK],
            cursor=json.dumps(since, sort_keys=True),
            skip_reason=dg.SkipReason(said) if not requests else None,
        )

    return stale_partitions


def stale_decision(plan: AssetPlan, instance: dg.DagsterInstance, staleness: Staleness) -> Decision:
    """How every task of the instance stands now."""
    tasks = all_tasks(plan, species_to_keep(plan, instance))
    plans = jobs.job_plans(plan)
    probes = {
        jobs.ENCODERS: encoder_probe(plan),
        jobs.DUPLICATES: duplicate_encoder_probe(plan),
    }

    def work(task: Task) -> Work | None:
        # Nothing was ever drawn, and nothing can be.
        if (
            task.job == jobs.CHARTS
            and staleness.state(BALANCED_MANIFEST.name, task.partition) is State.MISSING
        ):
            return None
        return _work(staleness, plans[task.job].assets, task, probes.get(task.job))

    def history(task_work: Work) -> History:
        return history_of(instance, task_work)

    def elsewhere(task: Task) -> bool:
        return task.job == jobs.INVENTORY and last_run_failed(instance, task)

    return decide(
        tasks,
        running=running_tasks(plan, instance, tasks),
        work=work,
        history=history,
        now=time.time(),
        elsewhere=elsewhere,
    )


def _work(
    staleness: Staleness, assets: Sequence[str], task: Task, probe: Probe | None
) -> Work | None:
    partition = task.partition or None
    try:
        todo = staleness.due(assets, partition, probe)
        outside = probe.look(task.partition).version if probe is not None and todo else ""
    except TransientStorageError:
        # A run would only wait for the same bucket: the tick fails with its words, in good time.
        raise
    except AudioAssetsError as error:
        # The run meets the same fault and reports it; another fault is other work.
        todo, outside = list(assets[:1]), _fault(error)
    if not todo:
        return None
    # Of all assets of the task: a try that made some of them is still a try at the same work.
    own = staleness.signature(assets, partition)
    digest = hashlib.sha256(f"{own} {outside}".encode()).hexdigest()[:16]
    return Work(tuple(todo), digest)


def _fault(error: BaseException) -> str:
    """What tells a fault from another.

    The words of an encoder's own error may differ each time (an address, a temporary name): by
    them it would be other work at each look, and be tried for ever. Its kind stays.
    """
    if not isinstance(error, EncoderError):
        return str(error)
    while error.__cause__ is not None:
        error = error.__cause__
    return type(error).__qualname__


def species_behind(decision: Decision) -> dict[str, str]:
    """Species with work that is not done, and which that is, in words."""
    behind: dict[str, list[str]] = {}
    for task, standing in decision.standings.items():
        species = task.partition.rpartition("|")[2]
        is_of_species = species and task.job not in (jobs.ENCODERS, jobs.INVENTORY)
        if is_of_species and standing is not Standing.FRESH:
            behind.setdefault(species, []).append(f"{task}: {standing}")
    return {species: ", ".join(tasks) for species, tasks in behind.items()}


def behind_since(
    behind: Iterable[str], before: Mapping[str, float], now: float
) -> dict[str, float]:
    """Since when each species has been behind: now, unless it was at the last tick too.

    Parameters
    ----------
    behind
        Species that are behind now.
    before
        What this gave at the last tick.
    now
        Seconds since the epoch.
    """
    return {species: before.get(species, now) for species in behind}


def late_species(since: Mapping[str, float], late_hours: float, now: float) -> list[str]:
    """Species that have been behind for longer than ``late_hours``."""
    return sorted(name for name, start in since.items() if now - start > 3600 * late_hours)


def _read(cursor: str | None) -> dict[str, float]:
    """Since when which species have been behind; an earlier version kept their names alone."""
    kept = json.loads(cursor or "{}")
    return kept if isinstance(kept, dict) else {}


def standing_words(decision: Decision) -> str:
    """How many tasks stand how, and the names of those that were given up."""
    counts = {standing: len(found) for standing in Standing if (found := decision.of(standing))}
    said = [", ".join(f"{number} {standing}" for standing, number in counts.items())]
    said += [f"given up: {task}" for task in decision.of(Standing.FAILED)]
    return "; ".join(said)
