"""The code location: the only place where assets, checks, jobs and resources are wired together."""

from dataclasses import replace
from typing import Any

import dagster as dg

from audio_assets.automation.alerts import build_failure_sensor
from audio_assets.automation.audio import build_audio_sensor, build_species_sensor
from audio_assets.automation.nightly import build_nightly_inventory, build_nightly_report
from audio_assets.automation.old_runs import build_old_runs_sensor
from audio_assets.automation.stale import build_stale_sensor
from audio_assets.automation.watch import (
    build_health_check,
    build_health_job,
    build_health_sensor,
)
from audio_assets.pipeline.assets.audio_inventory import build_audio_inventory
from audio_assets.pipeline.assets.balanced_manifest import build_balanced_manifest
from audio_assets.pipeline.assets.bootstrap_scores import build_bootstrap_scores
from audio_assets.pipeline.assets.calibration import build_calibration
from audio_assets.pipeline.assets.clip_digests import build_clip_digests
from audio_assets.pipeline.assets.clip_properties import build_clip_properties
from audio_assets.pipeline.assets.embedding_map import build_embedding_map
from audio_assets.pipeline.assets.embeddings import build_embeddings
from audio_assets.pipeline.assets.encoder_card import build_encoder_card
from audio_assets.pipeline.assets.experiment_report import build_experiment_report
from audio_assets.pipeline.assets.findings import build_findings
from audio_assets.pipeline.assets.fold_scores import build_fold_scores
from audio_assets.pipeline.assets.hard_clips import build_hard_clips
from audio_assets.pipeline.assets.leak_check import build_leak_check
from audio_assets.pipeline.assets.learning_curve import build_learning_curve
from audio_assets.pipeline.assets.model_comparison import build_model_comparison
from audio_assets.pipeline.assets.near_duplicates import (
    build_duplicate_encoder,
    build_near_duplicates,
)
from audio_assets.pipeline.assets.quarantine import build_quarantine
from audio_assets.pipeline.assets.roc_auc_chart import build_roc_auc_chart
from audio_assets.pipeline.checks import build_checks
from audio_assets.pipeline.jobs import INVENTORY, REPORT, build_jobs, job_plans
from audio_assets.pipeline.partitions import build_partitions
from audio_assets.pipeline.plan import GUARD, TABLES_IO, AssetPlan
from audio_assets.pipeline.resources import run_guard, table_io_manager
from audio_assets.pipeline.staleness import Staleness
from audio_assets.progress import LogProgress
from audio_assets.settings import Settings, load_settings

_ASSETS = (
    build_audio_inventory,
    build_clip_digests,
    build_encoder_card,
    build_duplicate_encoder,
    build_near_duplicates,
    build_balanced_manifest,
    build_embeddings,
    build_fold_scores,
    build_learning_curve,
    build_leak_check,
    build_quarantine,
    build_clip_properties,
    build_calibration,
    build_findings,
)
# Of what they read, these leave out what was not made anew.
_OF_CURRENT = (
    build_roc_auc_chart,
    build_model_comparison,
    build_hard_clips,
    build_embedding_map,
    build_experiment_report,
)

_TICK_PATIENCE_SECONDS = 20.0
"""Dagster ends a tick after a minute, without a word of what failed; the next one tries again."""
_EXAMINING_PATIENCE_SECONDS = 6.0
"""The tick that examines the health asks each root several times, and has the same minute."""


def build_defs(settings: Settings | None = None, **resources: Any) -> dg.Definitions:
    """Everything that the code location offers.

    Parameters
    ----------
    settings
        Read from the environment and ``.env`` if not given.
    **resources
        Replace resources of the same name: ``tables`` (the IO manager), ``progress``.
    """
    settings = settings or load_settings()
    plan = AssetPlan(settings, build_partitions(settings))
    # Without draws there is nothing to materialize, and the chart of the assets is simpler.
    bootstrap = (build_bootstrap_scores,) if settings.bootstrap else ()
    jobs = build_jobs(plan)
    health_job = build_health_job()
    watching = replace(plan, patience=_TICK_PATIENCE_SECONDS)

    def look(instance: dg.DagsterInstance, *, of_all: bool = False) -> Staleness:
        return Staleness(built.resolve_asset_graph(), plan, instance, of_all=of_all)

    built = dg.Definitions(
        assets=[
            *(build(plan) for build in (*_ASSETS, *bootstrap)),
            *(build(plan, look) for build in _OF_CURRENT),
        ],
        asset_checks=[*build_checks(plan, look), build_health_check(watching, look)],
        jobs=[*jobs.values(), health_job],
        sensors=[
            build_species_sensor(watching),
            build_audio_sensor(watching, jobs[INVENTORY]),
            build_stale_sensor(watching, jobs),
            build_failure_sensor(settings),
            build_health_sensor(replace(plan, patience=_EXAMINING_PATIENCE_SECONDS), health_job),
            build_old_runs_sensor(settings),
        ],
        schedules=[
            build_nightly_inventory(plan, jobs[INVENTORY]),
            build_nightly_report(plan, jobs[REPORT]),
        ],
        loggers={"console": dg.colored_console_logger, "json": dg.json_console_logger},
        # A step in a process of its own would import everything anew, and a run has few steps.
        executor=dg.in_process_executor,
        resources={
            TABLES_IO: table_io_manager(settings),
            "progress": LogProgress(),
            GUARD: run_guard(
                settings,
                {
                    name: job.partitions
                    for name, job in job_plans(plan).items()
                    if job.partitions is not None
                },
            ),
            **resources,
        },
    )
    return built


@dg.definitions
def defs() -> dg.Definitions:
    """The code location of ``workspace.yaml``: settings are read when it is loaded."""
    return build_defs()
