"""Make the asset of a stage from the function that computes it.

The decorators contain what all assets share: partitions, inputs and code version from the table of
stages, clear failures, the data version, and the columns that the UI shows. The columns of a table
are defined in :mod:`audio_assets.tables`, the computation of a stage in its module under
``assets/``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dagster as dg

from audio_assets.pipeline.failures import clear_failures, log_while_running
from audio_assets.pipeline.partitions import Partitions
from audio_assets.pipeline.signatures import with_parameters
from audio_assets.pipeline.stage_graph import fans_in
from audio_assets.pipeline.stages import STAGES, Per, Stage, stages_of
from audio_assets.pipeline.versions import code_version
from audio_assets.settings import Settings
from audio_assets.tables import Column, Table

if TYPE_CHECKING:
    import pandas as pd

    from audio_assets.results.pieces import PiecewiseTable

TABLES_IO = "tables"
OWNERS = ["team:audio-assets"]
KINDS = {"python", "parquet"}
GUARD = "run_guard"
"""Resource that refuses a wrong run; the IO manager of the tables requires it too."""
ENCODERS_POOL, READERS_POOL = "encoders", "audio_readers"
"""Pools that limit the number of simultaneous runs that embed, and that read audio."""
FAN_IN = dg.AssetIn(metadata={"allow_missing_partitions": True})
"""An input that is a dict from partition key to table, without the partitions that are missing."""
IN = dg.AssetIn()
"""An input of the same partition."""
PROGRESS = "progress"
"""Resource that reports the progress of a stage."""
NO_TAGS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Made:
    """Result of a stage that is a table.

    Attributes
    ----------
    table
        Rows, as its definition describes them.
    metadata
        Shown in the UI beside the number of rows.
    version
        Data version; by default that of the table's content.
    """

    table: pd.DataFrame | PiecewiseTable
    metadata: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""


@dataclass(frozen=True)
class StageAssets:
    """Decorators that make the asset of a stage from the function that computes it.

    Partitions, upstream assets and code version come from the stage's row. The function takes the
    context, then by name the inputs to load and the resource ``progress`` if it reports its own
    progress. An input with many partitions, or an optional one, is passed as a dict from partition
    key to table, without missing ones. A parameter with a default may name a stage that the
    settings turn off; ``**`` takes all inputs. Errors become failures that say what to do.
    """

    settings: Settings
    partitions: Partitions

    def table(
        self,
        table: Table,
        *,
        group: str,
        tags: Mapping[str, str] = NO_TAGS,
        pool: str | None = None,
    ) -> Callable[[Callable[..., Made]], dg.AssetsDefinition]:
        """Decorate the function of a stage that is one table.

        Parameters
        ----------
        table
            Table that names the stage and describes its columns in the UI.
        tags
            Tags of the asset, shown in the UI.
        pool
            Pool that limits the number of simultaneous runs with this asset.
        """

        def decorate(function: Callable[..., Made]) -> dg.AssetsDefinition:
            @functools.wraps(function)
            def compute(*context: Any, **inputs: Any) -> dg.MaterializeResult[Any]:
                return as_result(table, function(*context, **inputs))

            return self._asset(
                table.name,
                io_manager_key=TABLES_IO,
                group_name=group,
                kinds=KINDS,
                metadata=column_schema(table),
                tags=tags,
                pool=pool,
            )(compute)

        return decorate

    def tables(
        self, tables: Sequence[Table], *, group: str
    ) -> Callable[[Callable[..., Sequence[Made]]], dg.AssetsDefinition]:
        """Decorate a function that makes several stages.

        Parameters
        ----------
        tables
            Tables in the order in which the function returns them. The first names the op and has
            the inputs; the others are stages made by it.
        """

        def decorate(function: Callable[..., Sequence[Made]]) -> dg.AssetsDefinition:
            stage = STAGES[tables[0].name]
            loaded = self._loaded(stage, function)

            @functools.wraps(function)
            def compute(
                context: dg.AssetExecutionContext, **inputs: Any
            ) -> Iterator[dg.MaterializeResult[Any]]:
                with _running(context, function):
                    made = function(context, **inputs)
                    for table, one in zip(tables, made, strict=True):
                        yield as_result(table, one)

            return dg.multi_asset(
                name=stage.name,
                partitions_def=self.partitions.of(stage.per),
                ins=_ins(stage, loaded),
                deps=self._deps(stage, loaded),
                outs={
                    table.name: dg.AssetOut(
                        description=table.description,
                        code_version=code_version(table.name, self.settings),
                        io_manager_key=TABLES_IO,
                        group_name=group,
                        kinds=KINDS,
                        owners=OWNERS,
                        metadata=column_schema(table),
                    )
                    for table in tables
                },
            )(_as_dagster_reads(compute, loaded))

        return decorate

    def other(
        self, name: str, **options: Any
    ) -> Callable[[Callable[..., dg.MaterializeResult[Any]]], dg.AssetsDefinition]:
        """Decorate the function of a stage that is not a table.

        Parameters
        ----------
        name
            Name of the row in the table of stages.
        **options
            Further options of :func:`dagster.asset`.
        """
        # Tables require the guard through their IO manager.
        return self._asset(name, required_resource_keys={GUARD}, **options)

    def _asset(
        self, name: str, **options: Any
    ) -> Callable[[Callable[..., dg.MaterializeResult[Any]]], dg.AssetsDefinition]:
        stage = STAGES[name]

        def decorate(
            function: Callable[..., dg.MaterializeResult[Any]],
        ) -> dg.AssetsDefinition:
            loaded = self._loaded(stage, function)

            @functools.wraps(function)
            def compute(
                context: dg.AssetExecutionContext, **inputs: Any
            ) -> dg.MaterializeResult[Any]:
                with _running(context, function):
                    return function(context, **inputs)

            made: dg.AssetsDefinition = dg.asset(
                name=name,
                partitions_def=self.partitions.of(stage.per),
                ins=_ins(stage, loaded),
                deps=self._deps(stage, loaded),
                code_version=code_version(name, self.settings),
                owners=OWNERS,
                **options,
            )(_as_dagster_reads(compute, loaded))
            return made

        return decorate

    def _inputs(self, stage: Stage) -> list[str]:
        known = {one.name for one in stages_of(self.settings)}
        return [name for name in stage.inputs if name in known]

    def _loaded(self, stage: Stage, function: Callable[..., Any]) -> list[str]:
        _, *parameters = inspect.signature(function).parameters.values()
        if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters):
            return self._inputs(stage)
        asked = [one.name for one in parameters]
        unknown = [name for name in asked if name not in (*stage.inputs, PROGRESS)]
        if unknown:
            raise TypeError(
                f"the function of {stage.name} takes {', '.join(unknown)}; its row in the table "
                f"of stages has {', '.join(stage.inputs) or 'no inputs'}"
            )
        return [name for name in self._inputs(stage) if name in asked]

    def _deps(self, stage: Stage, loaded: Sequence[str]) -> list[dg.AssetDep]:
        return [_dependency(name, stage) for name in self._inputs(stage) if name not in loaded]


def _as_dagster_reads(compute: Callable[..., Any], loaded: Sequence[str]) -> Callable[..., Any]:
    # An input that the settings turn off is left out, so that the function uses its default.
    parameters: dict[str, Any] = {"context": dg.AssetExecutionContext}
    parameters |= dict.fromkeys(loaded, Any)
    if PROGRESS in inspect.signature(compute).parameters:
        parameters[PROGRESS] = dg.ResourceParam[object]
    return with_parameters(compute, parameters)


def _ins(stage: Stage, loaded: Sequence[str]) -> dict[str, dg.AssetIn]:
    return {
        name: FAN_IN if name in stage.optional or fans_in(name, stage.name) else IN
        for name in loaded
    }


@contextmanager
def _running(context: dg.AssetExecutionContext, function: Callable[..., Any]) -> Iterator[None]:
    """Report errors and progress of a stage's function."""
    with clear_failures(context.retry_number), ExitStack() as stack:
        if PROGRESS not in inspect.signature(function).parameters:
            stack.enter_context(log_while_running(context))
        yield


def as_result(table: Table, made: Made) -> dg.MaterializeResult[Any]:
    """Return the result that Dagster records for a table."""
    from audio_assets.results.parquet import content_version

    return dg.MaterializeResult(
        asset_key=table.name,
        value=made.table,
        data_version=dg.DataVersion(made.version or content_version(made.table, table)),
        metadata={"dagster/row_count": len(made.table), **made.metadata},
    )


def _dependency(name: str, stage: Stage) -> dg.AssetDep:
    upstream = STAGES[name].per
    if upstream is Per.MODEL and stage.per is Per.SPECIES:
        # Dagster would otherwise search for models with the names of species.
        return dg.AssetDep(name, partition_mapping=dg.AllPartitionMapping())
    return dg.AssetDep(name)


def column_schema(table: Table) -> dict[str, Any]:
    """Return the metadata that shows the table's columns in the UI."""
    return {"dagster/column_schema": dg.TableSchema([_ui_column(c) for c in table.columns])}


def _ui_column(column: Column) -> dg.TableColumn:
    other = []
    if column.values is not None:
        other.append("one of " + ", ".join(column.values))
    if column.minimum is not None:
        other.append(f"at least {column.minimum:g}")
    if column.maximum is not None:
        other.append(f"at most {column.maximum:g}")
    description = f"{column.description} [{column.unit}]" if column.unit else column.description
    return dg.TableColumn(
        name=column.name,
        type=column.dtype,
        description=description,
        constraints=dg.TableColumnConstraints(nullable=column.nullable, other=other),
    )
