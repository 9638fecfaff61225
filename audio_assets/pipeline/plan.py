"""What the asset factories share: settings, roots, error handling, the decorator of tables."""

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from audio_assets.encoders.base import Encoder
from audio_assets.errors import AudioAssetsError, ResultsError, TransientStorageError
from audio_assets.models.registry import get_model, load_encoder
from audio_assets.objects.roots import open_root
from audio_assets.pipeline.partitions import Partitions
from audio_assets.pipeline.stages import STAGES, Per, Stage, fans_in, stages_of
from audio_assets.pipeline.versions import code_version
from audio_assets.progress import LogProgress
from audio_assets.settings import Settings
from audio_assets.tables import Column, Table

if TYPE_CHECKING:
    from upath import UPath

    from audio_assets.results.layout import ResultsLayout

TABLES_IO = "tables"
OWNERS = ["team:audio-assets"]
KINDS = {"python", "parquet"}
GUARD = "run_guard"
"""Resource that refuses a wrong run; the IO manager of the tables needs it, too."""
# Few: the storage has retried for two minutes before a transient error comes here. Not given to
# Dagster, which under a policy tries an interrupted step again: a terminated run went on.
_RETRIES = dg.RetryPolicy(
    max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
ENCODERS_POOL, READERS_POOL = "encoders", "audio_readers"
"""Pools that bound the runs that embed, and those that read audio, at the same time."""
FAN_IN = dg.AssetIn(metadata={"allow_missing_partitions": True})
"""An input that is a dict from partition key to table, whatever is missing."""
IN = dg.AssetIn()
"""An input of the same partition."""
NO_TAGS: Mapping[str, str] = {}


@dataclass(frozen=True)
class AssetPlan:
    """Settings and partitions that a set of assets is built for.

    Attributes
    ----------
    patience
        Seconds after which to give up on a bucket that fails, if other than two minutes.
    """

    settings: Settings
    partitions: Partitions
    patience: float | None = None

    def table_asset(
        self,
        table: Table,
        *,
        group: str,
        tags: Mapping[str, str] = NO_TAGS,
        pool: str | None = None,
    ) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
        """Decorator of an asset that is one table.

        Its partitions and upstream assets are those of its row in the table of stages. Inputs that
        the function names are loaded: one of many partitions comes as a dict from partition key to
        table, without what is missing. With ``**`` it is given those that it does not name too.

        Parameters
        ----------
        table
            Names the asset, and describes its columns in the UI.
        tags
            Of the asset, as the UI shows them.
        pool
            Bounds how many runs with this asset there are at a time.
        """
        stage = STAGES[table.name]

        def decorate(function: Callable[..., Any]) -> dg.AssetsDefinition:
            asked = inspect.signature(function).parameters
            takes_more = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in asked.values())
            known = {one.name for one in stages_of(self.settings)}
            inputs = [name for name in stage.inputs if name in known]
            loaded = [name for name in inputs if name in asked or takes_more]
            return dg.asset(
                name=table.name,
                partitions_def=self.partitions.of(stage.per),
                ins={name: FAN_IN if fans_in(name, table.name) else IN for name in loaded},
                deps=[_dependency(name, stage) for name in inputs if name not in loaded],
                code_version=self.version(table.name),
                io_manager_key=TABLES_IO,
                group_name=group,
                kinds=KINDS,
                owners=OWNERS,
                metadata=column_schema(table),
                tags=tags,
                pool=pool,
            )(function)

        return decorate

    def version(self, asset: str) -> str:
        """Code version of an asset under these settings."""
        return code_version(asset, self.settings)

    @property
    def variants(self) -> frozenset[str]:
        """Variants of the clips that the models read."""
        return frozenset(self.settings.variant(model) for model in self.settings.models)

    def load_encoder(self, model: str) -> Encoder:
        """A new encoder of a model, to be used by one thread."""
        return load_encoder(get_model(model).encoder, self.settings.weight_places(self.patience))

    def encoder_version(self, model: str) -> str:
        """What the results of a model depend on beside its clips and the settings of them."""
        return f"{self.load_encoder(model).fingerprint}-{self.reading_version(model)}"

    def reading_version(self, model: str) -> str:
        """Which clips the model reads, and which head it trains, e.g. ``data-logistic``."""
        return f"{self.settings.variant(model)}-{get_model(model).head}"

    def last_version(self, table: Table, species: str, log: logging.Logger) -> Any:
        """The table of a species as it was last made; None if there is none, or none to be read."""
        from audio_assets.results.parquet import read_table

        try:
            return read_table(self.results.table(table.name, species), table)
        except FileNotFoundError:
            return None
        except ResultsError as damage:
            log.warning(f"All clips are read again: {damage}")
            return None

    @property
    def workers(self) -> int:
        """Processes or threads that embed and train, at least 1.

        Without a setting, the CPUs that affinity and the container's quota leave to this process.
        """
        import joblib

        return self.settings.workers or int(joblib.cpu_count())

    @property
    def audio_root(self) -> "UPath":
        """The audio root; a :class:`SettingsError` if it is not set."""
        return open_root(self.settings.require_audio_root(), patience=self.patience)

    @property
    def results(self) -> "ResultsLayout":
        """Where things lie under the results root."""
        from audio_assets.results.layout import ResultsLayout

        return ResultsLayout(open_root(self.settings.results_root, patience=self.patience))


@contextmanager
def clear_failures(context: dg.AssetExecutionContext | None = None) -> Iterator[None]:
    """Turn errors into a Dagster failure; only transient ones are retried.

    Work that does not say itself how far it is gives its context: the run's log then has a line
    every 30 s.
    """
    try:
        if context is None:
            yield
            return
        title = context.op_execution_context.op.name
        if context.has_partition_key:
            title = f"{context.partition_key}: {title}"
        with LogProgress().task(title, context.log.info):
            yield
    except TransientStorageError as error:
        attempt = 1 if context is None else context.retry_number + 1
        raise dg.RetryRequested(
            max_retries=_RETRIES.max_retries, seconds_to_wait=_RETRIES.calculate_delay(attempt)
        ) from dg.Failure(description=str(error))
    except AudioAssetsError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    except (dg.Failure, dg.RetryRequested):
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise dg.Failure(description=what, allow_retries=False) from error


def _dependency(name: str, stage: Stage) -> dg.AssetDep:
    """An upstream asset that is not loaded."""
    upstream = STAGES[name].per
    if upstream is Per.MODEL and stage.per is Per.SPECIES:
        # Dagster would look for models of the names of species.
        return dg.AssetDep(name, partition_mapping=dg.AllPartitionMapping())
    return dg.AssetDep(name)


def column_schema(table: Table) -> dict[str, Any]:
    """Metadata that shows the table's columns in the UI."""
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
