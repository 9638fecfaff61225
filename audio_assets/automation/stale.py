"""The sensor that keeps everything behind the inventories fresh.

It looks at states and at no events: at every tick the stale decision of ``staleness`` is asked
anew, so that a change between a request and the next tick, one that flips back, or a tick that was
lost needs no care of its own.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import extract_data_version_from_entry

from audio_assets import jobs
from audio_assets.assets.plan import AssetPlan
from audio_assets.automation.runs import history_of, last_run_failed, run_request, running_tasks
from audio_assets.automation.tasks import all_tasks, species_to_keep
from audio_assets.checks import IN_TIME
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
        late = late_species(plan, context.instance, decision)
        return dg.SensorResult(
            run_requests=requests[:_REQUESTS_A_TICK],
            asset_events=_check_events(late, _read(context.cursor)),
            cursor=json.dumps(sorted(late)),
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


def late_species(
    plan: AssetPlan, instance: dg.DagsterInstance, decision: Decision
) -> dict[str, str]:
    """Species whose audio of LATE_HOURS ago has no results yet, with what is behind."""
    behind: dict[str, list[Task]] = {}
    for task, standing in decision.standings.items():
        species = task.partition.rpartition("|")[2]
        if standing is not Standing.FRESH and task.job not in (jobs.ENCODERS, jobs.INVENTORY):
            behind.setdefault(species, []).append(task)
    deadline = time.time() - 3600 * plan.settings.late_hours
    return {
        species: ", ".join(f"{task}: {decision.standings[task]}" for task in tasks)
        for species, tasks in behind.items()
        if species and _audio_since(instance, species) < deadline
    }


def _audio_since(instance: dg.DagsterInstance, species: str) -> float:
    """When the audio of now was first listed; never, for a species without an inventory."""
    since, version = float("inf"), None
    made = dg.AssetRecordsFilter(dg.AssetKey("audio_inventory"), asset_partitions=[species])
    # Newest first; the nightly schedule adds one a day where nothing changes.
    for record in instance.fetch_materializations(made, limit=100).records:
        found = extract_data_version_from_entry(record.event_log_entry)
        if version is not None and found != version:
            break
        since, version = record.timestamp, found
    return since


def _check_events(late: Mapping[str, str], before: Sequence[str]) -> list[dg.AssetCheckEvaluation]:
    """Events of species that are late now, and of those that no longer are."""
    events = [(name, False, f"behind: {what}") for name, what in late.items() if name not in before]
    events += [(name, True, "up to date again") for name in before if name not in late]
    return [
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("roc_auc_chart"),
            check_name=IN_TIME,
            passed=passed,
            severity=dg.AssetCheckSeverity.WARN,
            description=what,
            partition=name,
        )
        for name, passed, what in events
    ]


def _read(cursor: str | None) -> list[str]:
    return list(json.loads(cursor or "[]"))


def standing_words(decision: Decision) -> str:
    """How many tasks stand how, and the names of those that were given up."""
    counts = {standing: len(found) for standing in Standing if (found := decision.of(standing))}
    said = [", ".join(f"{number} {standing}" for standing, number in counts.items())]
    said += [f"given up: {task}" for task in decision.of(Standing.FAILED)]
    return "; ".join(said)
