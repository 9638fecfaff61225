"""What Dagster's runs say of tasks: which are under way, and how often equal work was tried."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_START_TAG, PARTITION_NAME_TAG

from audio_assets import jobs
from audio_assets.assets.plan import AssetPlan
from audio_assets.scheduling.decisions import History, Task, Work
from audio_assets.versions import VERSIONS_TAG, versions_tag

WORK_TAG = "audio_assets/work"
TASK_TAG = "audio_assets/task"

# Whoever cancels a run does not want it back at the next tick.
_IN_VAIN = {dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
_UNFINISHED = [status for status in dg.DagsterRunStatus if status not in FINISHED_STATUSES]


def running_tasks(
    plan: AssetPlan, instance: dg.DagsterInstance, tasks: Iterable[Task]
) -> frozenset[Task]:
    """Tasks that a run of any origin is queued for or working on.

    A run over a range of partitions counts for all partitions.
    """
    plans = jobs.job_plans(plan)
    every = frozenset(asset for job in plans.values() for asset in job.assets)
    busy: set[tuple[str, str]] = set()
    in_all_partitions: set[str] = set()
    for run in instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED)):
        if run.asset_selection is not None:
            assets = frozenset(key.to_user_string() for key in run.asset_selection)
        else:
            assets = frozenset(plans[run.job_name].assets) if run.job_name in plans else every
        if ASSET_PARTITION_RANGE_START_TAG in run.tags:
            in_all_partitions |= assets
        partition = run.tags.get(PARTITION_NAME_TAG, "")
        busy |= {(asset, partition) for asset in assets}
    return frozenset(
        task
        for task in tasks
        for asset in plans[task.job].assets
        if (asset, task.partition) in busy or asset in in_all_partitions
    )


def history_of(instance: dg.DagsterInstance, work: Work) -> History:
    """Earlier runs of equal work."""
    return _history(instance, {WORK_TAG: work.signature})


def last_run_failed(instance: dg.DagsterInstance, task: Task) -> bool:
    """Whether the newest run that was requested for a task failed, whatever its inputs were.

    One that was cancelled counts as failed here too.
    """
    return _history(instance, {TASK_TAG: str(task)}).failures > 0


def run_request(plan: AssetPlan, task: Task, work: Work, history: History) -> dg.RunRequest:
    """The request of a piece of work.

    Its key names the newest of the earlier runs: asked for twice it is run once, and yet work that
    is due again, because audio flipped back or a file was deleted, is not taken for what was done
    before. A run with this key is newer than the one it names, so there is none yet, whichever runs
    were deleted; a count of the runs would come back.
    """
    return dg.RunRequest(
        run_key=f"{work.signature}-{history.newest or 'first'}",
        job_name=task.job,
        partition_key=task.partition or None,
        asset_selection=[dg.AssetKey(asset) for asset in work.assets],
        tags={
            WORK_TAG: work.signature,
            TASK_TAG: str(task),
            VERSIONS_TAG: versions_tag(work.assets, plan.settings),
        },
    )


def _history(instance: dg.DagsterInstance, tags: dict[str, str]) -> History:
    newest_first = instance.get_run_records(dg.RunsFilter(tags=tags))
    failures = 0
    for record in newest_first:
        if record.dagster_run.status not in _IN_VAIN:
            break
        failures += 1
    last_end = max((record.end_time or 0.0 for record in newest_first), default=0.0)
    newest = newest_first[0].dagster_run.run_id if newest_first else ""
    return History(newest, failures, last_end)
