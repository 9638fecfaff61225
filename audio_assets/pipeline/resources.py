"""Build the resources of the assets from the settings."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_START_TAG,
    MAX_RETRIES_TAG,
    PARTITION_NAME_TAG,
    RETRY_NUMBER_TAG,
)

from audio_assets.errors import SettingsError
from audio_assets.objects.roots import open_root
from audio_assets.pipeline.partitions import wrong_partition
from audio_assets.pipeline.stage_assets import GUARD
from audio_assets.pipeline.versions import EARLIER_VERSIONS_TAG, VERSIONS_TAG, require_versions
from audio_assets.settings import Settings


def table_io_manager(settings: Settings) -> dg.IOManagerDefinition:
    """Define the IO manager of the results root, created when a run first needs it."""

    @dg.io_manager(
        description="Tables as Parquet files under the results root.",
        required_resource_keys={GUARD},
    )
    def tables(_: dg.InitResourceContext) -> dg.IOManager:
        from audio_assets.pipeline.io import TableIOManager

        return TableIOManager(open_root(settings.results_root))

    return tables


def run_guard(settings: Settings, partitions_of: Mapping[str, dg.PartitionsDefinition[Any]]) -> Any:
    """Define a resource that refuses a wrong run before its first step.

    It refuses a run without a partition or with an unknown one: ``dagster job launch`` accepts any
    tags, and the steps would fail with unclear errors. It also refuses a run that a sensor or
    schedule requested under other settings: those are read when the code location is loaded, and
    by a run when it starts.

    Parameters
    ----------
    settings
        Settings of the run.
    partitions_of
        Partitions definition by job; the other jobs have none.
    """

    @dg.resource(
        description="Refuses a run of a wrong partition, or requested under other settings."
    )
    def guard(context: dg.InitResourceContext) -> None:
        run = context.run
        if run is None:
            return
        assert context.instance is not None
        fault = _other_versions(run, settings) or _wrong_partition(
            run, partitions_of.get(run.job_name), context.instance
        )
        if fault:
            # Otherwise it would be restarted, like a run whose worker was lost.
            context.instance.add_run_tags(run.run_id, {MAX_RETRIES_TAG: "0"})
            raise dg.Failure(fault, allow_retries=False)

    return guard


def _other_versions(run: dg.DagsterRun, settings: Settings) -> str | None:
    # A user who re-executes a run wants today's versions, but its tags are copied.
    by_hand = run.parent_run_id is not None and RETRY_NUMBER_TAG not in run.tags
    asked = run.tags.get(VERSIONS_TAG, run.tags.get(EARLIER_VERSIONS_TAG))
    if asked is None or by_hand:
        return None
    try:
        require_versions(asked, settings)
    except SettingsError as error:
        return str(error)
    return None


def _wrong_partition(
    run: dg.DagsterRun,
    definition: dg.PartitionsDefinition[Any] | None,
    instance: dg.DagsterInstance,
) -> str | None:
    if definition is None or ASSET_PARTITION_RANGE_START_TAG in run.tags:
        return None
    given = run.tags.get(PARTITION_NAME_TAG)
    with partition_loading_context(dynamic_partitions_store=instance):
        keys = definition.get_partition_keys()
    return None if given in keys else wrong_partition(run.job_name, given, keys)
