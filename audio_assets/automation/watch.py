"""Report the automation's health: a sensor, an asset check, and the job of the check.

The sensor requests only runs of the check, so that an error in reporting can never delay a run that
computes results.
"""

import hashlib
import json
import time
import warnings
from collections.abc import Iterable
from typing import Any

import dagster as dg
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.tags import PRIORITY_TAG

from audio_assets.automation.decisions import Decision, Standing
from audio_assets.automation.health import examine_health
from audio_assets.automation.problems import Kind, Problem, news, read_reported, write_reported
from audio_assets.automation.webhook import WebhookError, post_message, shown
from audio_assets.instance.pods import POD_TAG, PodSize
from audio_assets.pipeline.current import StalenessOf
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.staleness import Staleness

CHECK = dg.AssetCheckKey(dg.AssetKey("experiment_report"), "automation_is_healthy")
JOB = "health"
_KEYS = "problems told"
_ASKED_TAG = "audio_assets/problems"
_ASKED_AGAIN_SECONDS = 3600.0
_TOLD_AT_ONCE = 20
# It queries databases and roots and computes nothing. High priority, so that it does not queue.
_RUN_TAGS = {
    POD_TAG: json.dumps(PodSize(cpu=0.25, memory_gib=1).run_config()),
    PRIORITY_TAG: "10",
}


def build_health_check(plan: AssetPlan, staleness_of: StalenessOf) -> dg.AssetChecksDefinition:
    """Build the check that fails while the automation has problems."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)

        @dg.asset_check(
            asset=CHECK.asset_key,
            name=CHECK.name,
            description="Roots can be reached, daemon and sensors work, nothing was given up and "
            "no species is late, as reported by `audio-assets doctor`.",
        )
        def automation_is_healthy(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
            instance = context.instance
            problems = examine_health(plan, instance, staleness_of(instance, of_all=True)).problems
            return dg.AssetCheckResult(
                passed=not problems,
                description="\n\n".join(map(str, problems)) or "no problems",
                metadata={
                    "problems": len(problems),
                    "models not installed": ", ".join(plan.models.not_installed()) or "none",
                    _KEYS: _digest(problems),
                },
            )

    return automation_is_healthy


def build_health_job() -> Any:
    """Build the job that runs only the check."""
    return dg.define_asset_job(
        JOB,
        dg.AssetSelection.checks(CHECK),
        description="Check the health of the automation.",
    )


def build_health_sensor(plan: AssetPlan, job: Any) -> dg.SensorDefinition:
    """Build the sensor that posts problems as they begin and end, and then runs the check."""
    webhook = plan.settings.webhook_url

    @dg.sensor(
        name="health",
        job=job,
        minimum_interval_seconds=plan.settings.health_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Logs problems of the automation as they begin and end, posts them to "
        "AUDIO_ASSETS_WEBHOOK_URL if it is set, and runs the check automation_is_healthy.",
    )
    def health(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        assert context.repository_def is not None
        graph = context.repository_def.asset_graph
        instance = context.instance
        staleness = Staleness(graph, plan.roots, instance, of_all=True)
        found = examine_health(plan, instance, staleness)
        problems = found.problems
        reported = read_reported(context.cursor)
        # A given-up task is not resolved while it is being retried or its inputs are being made.
        unsettled = _unsettled(reported, found.decision)
        new = news(reported - (unsettled - {problem.key for problem in problems}), problems)
        keys: Iterable[str] = {problem.key for problem in problems} | unsettled
        lines = new.lines()
        for line in lines:
            context.log.warning(line)
        if len(lines) > _TOLD_AT_ONCE:
            # A receiver that rejects long messages would never receive anything.
            more = len(lines) - _TOLD_AT_ONCE
            lines = [*lines[:_TOLD_AT_ONCE], f"audio-assets: and {more} more: audio-assets doctor"]
        if new and webhook is not None:
            try:
                post_message(webhook.get_secret_value(), "\n\n".join(shown(line) for line in lines))
            except WebhookError as error:
                # It will be posted again at the next tick.
                context.log.warning(f"not posted: {error}")
                keys = reported
        requests = _check_requests(instance, problems)
        keys_now = "; ".join(sorted(problem.key for problem in problems))
        return dg.SensorResult(
            run_requests=requests,
            cursor=write_reported(keys),
            skip_reason=(
                None if requests else dg.SkipReason(keys_now or "the automation has no problems")
            ),
        )

    return health


def _check_requests(instance: dg.DagsterInstance, problems: Iterable[Problem]) -> list[Any]:
    """Return a request for the check if its newest result has different problems."""
    digest = _digest(problems)
    last = instance.event_log_storage.get_latest_asset_check_execution_by_key([CHECK]).get(CHECK)
    evaluation = last.event.dagster_event if last is not None and last.event is not None else None
    if evaluation is not None and evaluation.event_type_value == "ASSET_CHECK_EVALUATION":
        found = evaluation.asset_check_evaluation_data.metadata.get(_KEYS)
        if found is not None and found.value == digest:
            return []
    runs = instance.get_runs(dg.RunsFilter(job_name=JOB), limit=1)
    if runs and runs[0].status not in FINISHED_STATUSES:
        return []
    # A check that failed, or found other problems than this, must not be requested endlessly.
    if runs and runs[0].tags.get(_ASKED_TAG) == digest and _ended_lately(instance, runs[0]):
        return []
    newest = runs[0].run_id if runs else "first"
    return [
        dg.RunRequest(
            run_key=f"{digest}-{newest}",
            job_name=JOB,
            asset_check_keys=[CHECK],
            tags={**_RUN_TAGS, _ASKED_TAG: digest},
        )
    ]


def _ended_lately(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    (record,) = instance.get_run_records(dg.RunsFilter([run.run_id]))
    return time.time() - (record.end_time or 0.0) < _ASKED_AGAIN_SECONDS


def _unsettled(reported: frozenset[str], decision: Decision | None) -> frozenset[str]:
    """Return the keys of reported problems that cannot be judged at present."""
    if decision is None:
        # For example while the results root is unavailable.
        return frozenset(key for key in reported if key.startswith((Kind.GIVEN_UP, Kind.LATE)))
    moving = (Standing.RUNNING, Standing.DUE, Standing.WAITING)
    tasks = [task for standing in moving for task in decision.of(standing)]
    return reported & {f"{Kind.GIVEN_UP}: {task}" for task in tasks}


def _digest(problems: Iterable[Problem]) -> str:
    keys = sorted(problem.key for problem in problems)
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:16]
