"""What the assets are given at run time, made from the settings."""

import dagster as dg

from audio_assets.roots import open_root
from audio_assets.settings import Settings


def table_io_manager(settings: Settings) -> dg.IOManagerDefinition:
    """The IO manager under the results root, made when a run first needs it."""

    @dg.io_manager(description="Tables as Parquet files under the results root.")
    def tables(_: dg.InitResourceContext) -> dg.IOManager:
        from audio_assets.io_managers import TableIOManager

        return TableIOManager(open_root(settings.results_root))

    return tables
