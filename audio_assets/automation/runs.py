"""Derive the state of tasks from Dagster's runs: those in progress, and attempts at equal work.

Requests for runs, and the tags by which runs are found again, belong here as well. Deciding what is
due belongs in :mod:`audio_assets.automation.decisions`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.storage.dagster_run import FINISHED_STATUSES, RunRecord
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_START_TAG,
    AUTO_RETRY_RUN_ID_TAG,
    PARTITION_NAME_TAG,
    WILL_RETRY_TAG,
)
from dagster_shared.error import SerializableErrorInfo

from audio_assets.automation.decisions import History, Retries, Task, Work
from audio_assets.errors import AudioAssetsError
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.stages import JOBS, stages_of_job
from audio_assets.pipeline.versions import VERSIONS_TAG, versions_tag
from audio_assets.settings import Settings

WORK_TAG = "audio_assets/work"
TASK_TAG = "audio_assets/task"
FORGIVEN_TAG = "audio_assets/forgiven"
"""Tag of a failed run that no longer counts, because a retry was requested."""

_FAILURE = f"{dg.Failure.__module__}.{dg.Failure.__qualname__}"
# A cancelled run must not be requested again at the next tick.
_IN_VAIN = {dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
# The daemon restarts a lost run within seconds; after this time the work is requested again.
_RETRY_STARTS_SECONDS = 300
_UNFINISHED = [status for status in dg.DagsterRunStatus if status not in FINISHED_STATUSES]


def running_tasks(
    plan: AssetPlan, instance: dg.DagsterInstance, tasks: Iterable[Task]
) -> frozenset[Task]:
    """Return the tasks with a queued or running run of any origin.

    A run over a range of partitions counts for all partitions. A lost run counts as long as Dagster
    is about to restart it, because requesting its work meanwhile would do it twice.
    """
    stages = {job: stages_of_job(job, plan.settings) for job in JOBS}
    every = frozenset(asset for assets in stages.values() for asset in assets)
    busy: set[tuple[str, str]] = set()
    in_all_partitions: set[str] = set()
    unfinished = instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED))
    for run in (*unfinished, *_about_to_be_retried(instance)):
        if run.asset_selection is not None or run.asset_check_selection is not None:
            assets = frozenset(key.to_user_string() for key in run.asset_selection or ())
        else:
            assets = frozenset(stages.get(run.job_name, every))
        if ASSET_PARTITION_RANGE_START_TAG in run.tags:
            in_all_partitions |= assets
        partition = run.tags.get(PARTITION_NAME_TAG, "")
        busy |= {(asset, partition) for asset in assets}
    return frozenset(
        task
        for task in tasks
        for asset in stages[task.job]
        if (asset, task.partition) in busy or asset in in_all_partitions
    )


def _about_to_be_retried(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    since = datetime.now(UTC) - timedelta(seconds=_RETRY_STARTS_SECONDS)
    lost = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.FAILURE], tags={WILL_RETRY_TAG: "true"}, updated_after=since
    )
    return [run for run in instance.get_runs(lost) if AUTO_RETRY_RUN_ID_TAG not in run.tags]


def retries(settings: Settings) -> Retries:
    """Return the settings' schedule of retries."""
    return Retries(settings.retry_seconds, 3600 * settings.give_up_hours)


def history_of(instance: dg.DagsterInstance, work: Work) -> History:
    """Return the earlier runs of equal work, and its number of consecutive failures.

    Any successful run of the task ends the series, whatever its inputs were: audio that was
    forbidden, then read, then forbidden again has the same error and signature, but is a new case.
    Failed runs with other inputs neither count nor end the series.
    """
    same = instance.get_run_records(dg.RunsFilter(tags={WORK_TAG: work.signature}))
    if not same:
        return History()
    task = same[0].dagster_run.tags.get(TASK_TAG, "")
    failures = 0
    for record in instance.get_run_records(dg.RunsFilter(tags={TASK_TAG: task})):
        if not _failed(record):
            break
        failures += record.dagster_run.tags.get(WORK_TAG) == work.signature
    last_end = max(record.end_time or 0.0 for record in same)
    return History(same[0].dagster_run.run_id, failures, last_end)


def failed_work(instance: dg.DagsterInstance, task: Task, assets: tuple[str, ...]) -> Work | None:
    """Return the work of a task's newest requested run if that failed, whatever its inputs were.

    None if it succeeded, is forgiven, or the first of the task's assets has since been materialized
    by any run. A cancelled run counts as failed.
    """
    newest = instance.get_run_records(dg.RunsFilter(tags={TASK_TAG: str(task)}), limit=1)
    if not newest or not _failed(newest[0]):
        return None
    made = instance.fetch_materializations(
        dg.AssetRecordsFilter(
            dg.AssetKey(assets[0]), asset_partitions=[task.partition] if task.partition else None
        ),
        limit=1,
    ).records
    if made and made[0].timestamp > (newest[0].end_time or 0.0):
        return None
    return Work(assets, newest[0].dagster_run.tags[WORK_TAG])


def forgive(
    instance: dg.DagsterInstance, wanted: Callable[[Task], bool] = lambda _: True
) -> list[Task]:
    """Discard the failures of tasks, so that the next tick retries them.

    Works on any machine that can reach the instance: it adds a tag to the failed runs.

    Parameters
    ----------
    wanted
        Selects tasks; all by default.

    Returns
    -------
    list of Task
        The tasks whose newest requested run had failed, sorted.
    """
    failed = instance.get_run_records(dg.RunsFilter(statuses=list(_IN_VAIN)))
    names = {record.dagster_run.tags.get(TASK_TAG, "") for record in failed} - {""}
    forgiven = []
    for task in sorted(Task(*name.split(" ", 1)) for name in names):
        if not wanted(task):
            continue
        newest_first = instance.get_run_records(dg.RunsFilter(tags={TASK_TAG: str(task)}))
        streak = []
        for record in newest_first:
            if not _failed(record):
                break
            streak.append(record)
        for record in streak:
            instance.add_run_tags(record.dagster_run.run_id, {FORGIVEN_TAG: "true"})
        if streak:
            forgiven.append(task)
    return forgiven


def failure_reason(instance: dg.DagsterInstance, run_id: str) -> str:
    """Return the original error of a failed run; empty if its log does not contain it."""
    of_type = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}
    errors = []
    for entry in instance.all_logs(run_id, of_type=of_type):
        event = entry.dagster_event
        if event is None:
            continue
        if event.is_step_failure:
            failure = event.step_failure_data
            if failure.user_failure_data and failure.user_failure_data.description:
                return str(failure.user_failure_data.description)
            errors.append(failure.error)
        # A run that fails before its first step has the reason in its final event.
        elif event.event_specific_data is not None:
            errors.append(event.job_failure_data.error)
    causes = [cause_of(error) for error in errors if error is not None]
    return causes[0] if causes else ""


def cause_of(error: SerializableErrorInfo) -> str:
    """Return the message of the error behind an error, preferably one of this package.

    An error of this package contains the remedy; its causes, and Dagster's wrappers around it, do
    not. Any other error is named with its class.
    """
    while True:
        message = str(error.message).strip()
        kind, _, rest = message.partition(": ")
        if kind == _FAILURE or kind.startswith(AudioAssetsError.__module__ + "."):
            return rest
        if error.cause is None:
            return message
        error = error.cause


def run_request(plan: AssetPlan, task: Task, work: Work, history: History) -> dg.RunRequest:
    """Return the run request for a piece of work.

    Its key names the newest earlier run. Thus a repeated request runs once, yet work that is due
    again, because audio was reverted or a file was deleted, is not mistaken for the earlier work. A
    run with this key would be newer than the one it names, so there is none yet, whichever runs
    were deleted; a count of runs could repeat.
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


def _failed(record: RunRecord) -> bool:
    run = record.dagster_run
    return run.status in _IN_VAIN and FORGIVEN_TAG not in run.tags
