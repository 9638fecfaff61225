"""The Dagster jobs, one per row of :data:`audio_assets.pipeline.stages.JOBS`."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from audio_assets.pipeline.stages import JOBS, stages_of_job
from audio_assets.settings import Settings


def build_jobs(settings: Settings) -> Mapping[str, Any]:
    """Jobs by name, in the order in which they feed one another."""
    as_json = {"loggers": {"json": {"config": {"log_level": "INFO"}}}}
    config = as_json if settings.log_format == "json" else None
    return {
        name: dg.define_asset_job(
            name,
            list(stages_of_job(name, settings)),
            description=job.description,
            config=config,
        )
        for name, job in JOBS.items()
    }
