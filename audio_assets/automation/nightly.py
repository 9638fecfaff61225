"""The nightly schedules, which find changes that the sensors cannot see from sizes and times."""

from __future__ import annotations

from typing import Any

import dagster as dg

from audio_assets.automation.tasks import species_to_keep
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.probes import READ_ALL_TAG
from audio_assets.pipeline.stages import INVENTORY, REPORT, stages_of_job
from audio_assets.pipeline.versions import VERSIONS_TAG, versions_tag


def build_nightly_report(plan: AssetPlan, job: Any) -> dg.ScheduleDefinition:
    """Build the schedule of one report per night, whose age reveals a dead daemon."""
    return dg.ScheduleDefinition(
        name="nightly_report",
        job=job,
        cron_schedule="17 4 * * *",
        tags={VERSIONS_TAG: versions_tag(stages_of_job(REPORT, plan.settings), plan.settings)},
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Updates the report every night, so that a report older than a day means that "
        "the daemon is not running.",
    )


def build_nightly_inventory(plan: AssetPlan, job: Any) -> dg.ScheduleDefinition:
    @dg.schedule(
        job=job,
        cron_schedule="17 2 * * *",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Updates all inventories with the checksums of all files. Nothing else runs "
        "if the audio is unchanged.",
    )
    def nightly_inventory(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
        assets = stages_of_job(INVENTORY, plan.settings)
        tags = {READ_ALL_TAG: "true", VERSIONS_TAG: versions_tag(assets, plan.settings)}
        return [
            dg.RunRequest(run_key=name, partition_key=name, tags=tags)
            for name in species_to_keep(plan, context.instance)
        ]

    return nightly_inventory
