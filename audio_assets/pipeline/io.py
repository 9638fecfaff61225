"""Store tables as Parquet files under the results root."""

from typing import Any

import dagster as dg
from upath import UPath

from audio_assets.pipeline.failures import clear_failures
from audio_assets.results.parquet import read_table, write_table
from audio_assets.tables import ALL_TABLES

_TABLES = {table.name: table for table in ALL_TABLES}


class TableIOManager(dg.UPathIOManager):
    """Write an asset's table to ``{asset}/{partition}.parquet`` and read it.

    An input declared with ``allow_missing_partitions`` is always a dict from partition key to
    table, also for a single partition, where Dagster's own class passes the bare table. Partitions
    without a file are left out.
    """

    extension = ".parquet"

    def dump_to_path(self, context: dg.OutputContext, obj: Any, path: UPath) -> None:
        with clear_failures():
            write_table(path, obj, _TABLES[context.asset_key.path[-1]])

    def load_from_path(self, context: dg.InputContext, path: UPath) -> Any:
        return read_table(path, _TABLES[context.asset_key.path[-1]])

    def load_input(self, context: dg.InputContext) -> Any:
        with clear_failures():
            return self._load(context)

    def _load(self, context: dg.InputContext) -> Any:
        if not (context.definition_metadata or {}).get("allow_missing_partitions"):
            return super().load_input(context)
        paths = self._get_paths_for_partitions(context)
        tables = {}
        for key, path in sorted(paths.items()):
            try:
                tables[str(key)] = self.load_from_path(context, path)
            except FileNotFoundError:
                context.log.warning(f"{context.asset_key.to_user_string()} has no {key}: {path}")
        return tables

    def _handle_transition_to_partitioned_asset(
        self, context: dg.OutputContext, path: UPath
    ) -> None:
        """Do nothing: no table was ever without partitions.

        Dagster's own method would access a bucket through another file system.
        """

    def make_directory(self, path: UPath) -> None:
        """Do nothing: writing a file creates its folder."""
