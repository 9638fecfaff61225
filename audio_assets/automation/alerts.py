"""The sensor that reports failed runs."""

from __future__ import annotations

import dagster as dg
from dagster._core.storage.tags import PARTITION_NAME_TAG, WILL_RETRY_TAG

from audio_assets.automation.runs import failure_reason
from audio_assets.automation.webhook import WebhookError, failure_message, post_message
from audio_assets.pipeline.partitions import REFUSED_TAG
from audio_assets.settings import Settings


def build_failure_sensor(settings: Settings) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        minimum_interval_seconds=settings.sensor_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Logs every failed run, and posts it to AUDIO_ASSETS_WEBHOOK_URL if it is set.",
    )
    def failed_runs(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        if run.tags.get(WILL_RETRY_TAG) == "true" or REFUSED_TAG in run.tags:
            return
        task = f"{run.job_name} {run.tags.get(PARTITION_NAME_TAG, '')}".strip()
        reason = failure_reason(context.instance, run.run_id) or str(context.failure_event.message)
        text = failure_message(task, reason, run.run_id)
        context.log.error(text)
        if settings.webhook_url is None:
            return
        try:
            post_message(settings.webhook_url.get_secret_value(), text)
        except WebhookError as error:
            # The log has the message; a broken webhook must not delay the next message.
            context.log.warning(f"not posted: {error}")

    return failed_runs
