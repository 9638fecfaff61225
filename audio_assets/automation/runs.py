"""What Dagster's runs say of tasks: which are under way, and how often equal work was tried.

Requests for runs and the tags by which they are found again belong here as well. What is due is
decided elsewhere.
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
"""Tag of a failed run that no longer counts: somebody wants its work tried again."""

_FAILURE = f"{dg.Failure.__module__}.{dg.Failure.__qualname__}"
# A cancelled run must not be requested again at the next tick.
_IN_VAIN = {dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
# The daemon starts it again within seconds. One that it does not is ours to ask for.
_RETRY_STARTS_SECONDS = 300
_UNFINISHED = [status for status in dg.DagsterRunStatus if status not in FINISHED_STATUSES]


def running_tasks(
    plan: AssetPlan, instance: dg.DagsterInstance, tasks: Iterable[Task]
) -> frozenset[Task]:
    """Tasks that a run of any origin is queued for or working on.

    A run over a range of partitions counts for all partitions, and a run that was lost as long as
    Dagster is about to start it again: asked for meanwhile, its work would be done twice.
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
    """When the settings want failed work to be tried again."""
    return Retries(settings.retry_seconds, 3600 * settings.give_up_hours)


def history_of(instance: dg.DagsterInstance, work: Work) -> History:
    """Earlier runs of equal work, and how often it failed in a row.

    Any run of its task that succeeded since ends the row, whatever its inputs were: audio that was
    forbidden, read and forbidden again meets the same fault with the same signature, and is
    another case all the same. Runs that failed at other inputs neither count nor end it.
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
    """The work that the newest requested run of a task failed at, whatever its inputs were.

    None if it succeeded, is forgiven, or the first of the task's assets was materialized since, by
    any run. A cancelled run counts as one that failed.
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
    """Let the failures of tasks no longer count, so that the next tick tries them again.

    Works on any machine that reaches the instance: it adds a tag to the failed runs.

    Parameters
    ----------
    wanted
        Which tasks; all if not given.

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
    """Why a run failed, in the words of the fault that began it; empty if its log does not say."""
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
        # A run that fails before its first step says why in the event of its end.
        elif event.event_specific_data is not None:
            errors.append(event.job_failure_data.error)
    said = [cause_of(error) for error in errors if error is not None]
    return said[0] if said else ""


def cause_of(error: SerializableErrorInfo) -> str:
    """The words of the fault behind an error: of this package's own if there is one.

    An error of this package says what to do; what it was raised from, and what Dagster wraps it in,
    do not. Anything else is named with its class.
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


def _failed(record: RunRecord) -> bool:
    run = record.dagster_run
    return run.status in _IN_VAIN and FORGIVEN_TAG not in run.tags
