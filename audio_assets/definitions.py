"""The code location: the only place where assets, checks, jobs and resources are wired together."""

from dataclasses import replace
from importlib import import_module
from inspect import signature
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
from audio_assets.pipeline.checks import build_checks
from audio_assets.pipeline.current import StalenessOf
from audio_assets.pipeline.jobs import build_jobs
from audio_assets.pipeline.partitions import build_partitions
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.resources import run_guard, table_io_manager
from audio_assets.pipeline.stage_assets import GUARD, TABLES_IO, StageAssets
from audio_assets.pipeline.stages import INVENTORY, JOBS, REPORT, stages_of
from audio_assets.pipeline.staleness import Staleness
from audio_assets.progress import LogProgress
from audio_assets.settings import Settings, load_settings

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
    jobs = build_jobs(settings)
    health_job = build_health_job()
    watching = replace(plan, patience=_TICK_PATIENCE_SECONDS)

    def staleness_of(instance: dg.DagsterInstance, *, of_all: bool = False) -> Staleness:
        return Staleness(built.resolve_asset_graph(), plan.roots, instance, of_all=of_all)

    built = dg.Definitions(
        assets=_assets(plan, staleness_of),
        asset_checks=[
            *build_checks(plan, staleness_of),
            build_health_check(watching, staleness_of),
        ],
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
        # A step in a process of its own would import everything again, and a run has few steps.
        executor=dg.in_process_executor,
        resources={
            TABLES_IO: table_io_manager(settings),
            "progress": LogProgress(),
            GUARD: run_guard(
                settings,
                {
                    name: partitions
                    for name, job in JOBS.items()
                    if (partitions := plan.partitions.of(job.per)) is not None
                },
            ),
            **resources,
        },
    )
    return built


def _assets(plan: AssetPlan, staleness_of: StalenessOf) -> list[dg.AssetsDefinition]:
    """One asset per stage, from ``build_{stage}`` of the module of its name.

    It is given what it has parameters for.
    """
    parts = {
        "assets": StageAssets(plan.settings, plan.partitions),
        "settings": plan.settings,
        "roots": plan.roots,
        "models": plan.models,
        "staleness_of": staleness_of,
    }
    made = []
    for stage in stages_of(plan.settings):
        if not stage.made_by:
            module = import_module(f"audio_assets.pipeline.assets.{stage.name}")
            build = getattr(module, f"build_{stage.name}")
            made.append(build(**{name: parts[name] for name in signature(build).parameters}))
    return made


@dg.definitions
def defs() -> dg.Definitions:
    """The code location of ``workspace.yaml``: settings are read when it is loaded."""
    return build_defs()
