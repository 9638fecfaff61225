"""What the assets are given at run time, made from the settings."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_START_TAG,
    MAX_RETRIES_TAG,
    PARTITION_NAME_TAG,
)

from audio_assets.assets.plan import GUARD
from audio_assets.partitions import wrong_partition
from audio_assets.roots import open_root
from audio_assets.settings import Settings


def table_io_manager(settings: Settings) -> dg.IOManagerDefinition:
    """The IO manager under the results root, made when a run first needs it."""

    @dg.io_manager(
        description="Tables as Parquet files under the results root.",
        required_resource_keys={GUARD},
    )
    def tables(_: dg.InitResourceContext) -> dg.IOManager:
        from audio_assets.io_managers import TableIOManager

        return TableIOManager(open_root(settings.results_root))

    return tables


def partition_guard(partitions_of: Mapping[str, dg.PartitionsDefinition[Any]]) -> Any:
    """Refuses a run without a partition, or with one that does not exist, before its first step.

    ``dagster job launch`` takes any tags, and the steps would fail with words of their own.

    Parameters
    ----------
    partitions_of
        Partitions definition by job; the other jobs have none.
    """

    @dg.resource(description="Refuses a run whose partition is missing or unknown.")
    def guard(context: dg.InitResourceContext) -> None:
        run = context.run
        if run is None or ASSET_PARTITION_RANGE_START_TAG in run.tags:
            return
        definition = partitions_of.get(run.job_name)
        if definition is None:
            return
        given = run.tags.get(PARTITION_NAME_TAG)
        with partition_loading_context(dynamic_partitions_store=context.instance):
            keys = definition.get_partition_keys()
        if given in keys:
            return
        assert context.instance is not None
        # Such a run would be started anew like one whose worker is lost.
        context.instance.add_run_tags(run.run_id, {MAX_RETRIES_TAG: "0"})
        raise dg.Failure(wrong_partition(run.job_name, given, keys), allow_retries=False)

    return guard
