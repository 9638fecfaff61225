"""Report the state of each species and model: the scheduler's decision, for people.

The audio and the encoders are examined as they are now. A task whose last attempt failed counts as
failed until it succeeds; when it will be retried does not matter here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import dagster as dg

from audio_assets.automation.decisions import (
    ATTEMPTS,
    Decision,
    History,
    Inputs,
    Standing,
    Task,
    Work,
    decide,
)
from audio_assets.automation.listings import audio_is_as_recorded
from audio_assets.automation.runs import running_tasks
from audio_assets.automation.tasks import all_tasks
from audio_assets.automation.work import work_of
from audio_assets.errors import AudioAssetsError, TransientStorageError
from audio_assets.pipeline.partitions import partition_key
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.probes import (
    Found,
    Probe,
    duplicate_encoder_probe,
    encoder_probe,
    inventory_probe,
)
from audio_assets.pipeline.stage_graph import jobs_behind
from audio_assets.pipeline.stages import DUPLICATES, ENCODERS, EXPERIMENT, INVENTORY, stages_of_job
from audio_assets.pipeline.staleness import Staleness, State

# The audio first, since it belongs to the user. The encoder of near-duplicates stops every model.
_FAULTS_SHOWN = (INVENTORY, ENCODERS, DUPLICATES)

NOT_INSTALLED = "not installed"
"""State of a model that is enabled by default and has no weights here."""


@dataclass(frozen=True)
class CellStanding:
    """State of one species × model.

    Attributes
    ----------
    state
        ``fresh``, ``stale``, ``missing``, ``failed`` or ``not installed``.
    fault
        Problem that prevents it from being made; empty if none is known.
    running
        Whether a run is queued for it, or for what it is built on, or going on.
    """

    state: str
    fault: str
    running: bool


def cell_standings(
    plan: AssetPlan,
    instance: dg.DagsterInstance,
    staleness: Staleness,
    species: Sequence[str],
) -> dict[tuple[str, str], CellStanding]:
    """Determine the state of each species and model of the settings, by species and model.

    Parameters
    ----------
    staleness
        Over all assets, newly made with ``of_all``.
    """
    wanted = {EXPERIMENT, *jobs_behind(EXPERIMENT)}
    available = plan.models.available()
    tasks = {
        task: on for task, on in all_tasks(plan, species, available).items() if task.job in wanted
    }
    decision, faults = _decide(plan, instance, staleness, tasks)
    busy = running_tasks(plan, instance, tasks)
    found = {}
    for name in species:
        for model in plan.models:
            if model not in available:
                found[name, model] = CellStanding(NOT_INSTALLED, "", running=False)
                continue
            task = Task(EXPERIMENT, partition_key(model, name))
            behind = [*_behind(task, tasks), task]
            shown = [
                faults[one]
                for job in _FAULTS_SHOWN
                for one in behind
                if one.job == job and one in faults
            ]
            found[name, model] = CellStanding(
                _state({decision.standings[one] for one in behind}, task, staleness, plan),
                next(iter(shown), ""),
                not busy.isdisjoint(behind),
            )
    return found


def _state(standings: set[Standing], task: Task, staleness: Staleness, plan: AssetPlan) -> str:
    """State of a task by its own standing and those of all that it is built on."""
    if standings & {Standing.FAILED, Standing.BLOCKED}:
        return "failed"
    if standings == {Standing.FRESH}:
        return State.FRESH.value
    stages = stages_of_job(task.job, plan.settings)
    if any(staleness.state(stage, task.partition) is State.MISSING for stage in stages):
        return State.MISSING.value
    return State.STALE.value


def _decide(
    plan: AssetPlan,
    instance: dg.DagsterInstance,
    staleness: Staleness,
    tasks: dict[Task, Inputs],
) -> tuple[Decision, dict[Task, str]]:
    """The decision, and the errors of tasks that cannot be examined."""
    faults: dict[Task, str] = {}
    probes = {
        INVENTORY: inventory_probe(plan.roots, plan.settings.recording_patterns),
        DUPLICATES: duplicate_encoder_probe(plan.settings, plan.patience),
        ENCODERS: encoder_probe(plan.models),
    }

    def failed(task: Task) -> bool:
        stages = stages_of_job(task.job, plan.settings)
        return task in faults or staleness.failed(stages, task.partition)

    def probe_of(task: Task) -> Probe | None:
        probe = probes.get(task.job)
        # Audio that could not be listed for a while is unchanged.
        if probe is None or (
            task.job == INVENTORY
            and failed(task)
            and audio_is_as_recorded(plan, instance, task.partition)
        ):
            return None

        def noting_faults(partition: str) -> Found:
            try:
                return probe.find(partition)
            except AudioAssetsError as error:
                faults[task] = error.what
                raise

        return Probe(probe.asset, noting_faults)

    def work(task: Task) -> Work | None:
        try:
            found = work_of(plan, staleness, task, probe_of(task))
        except TransientStorageError as error:
            faults[task] = error.what
            found = Work(stages_of_job(task.job, plan.settings)[:1], "")
        return found and Work(found.assets, str(task))

    by_name = {str(task): task for task in tasks}

    def history(todo: Work) -> History:
        return History(failures=ATTEMPTS if failed(by_name[todo.signature]) else 0, last_end=now)

    now = 0.0
    # A task has a state even while it runs.
    return decide(tasks, running=(), work=work, history=history, now=now), faults


def _behind(task: Task, tasks: dict[Task, Inputs]) -> Iterable[Task]:
    for one in tasks[task].required:
        if one in tasks:
            yield from _behind(one, tasks)
            yield one
