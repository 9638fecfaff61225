"""Decide which partitions are fresh, stale, missing or failed; nothing else does.

The decision is Dagster's own stale status (code versions and data versions), with what it cannot
know added: an output file that is gone counts as missing, and the first stages are compared with
the audio and the encoders as they are now. CachingStaleStatusResolver is private to Dagster, which
is therefore pinned.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.data_version import (
    NULL_DATA_VERSION,
    CachingStaleStatusResolver,
    DataProvenance,
    StaleStatus,
    extract_data_version_from_entry,
)
from dagster._core.definitions.events import AssetKeyPartitionKey
from dagster._core.definitions.partitions.context import use_partition_loading_context
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.loader import LoadingContext
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecordStatus,
    AssetCheckPartitionInfo,
)

from audio_assets.objects.files import file_names
from audio_assets.objects.names_seen import NamesSeen
from audio_assets.pipeline.probes import Probe
from audio_assets.pipeline.roots import Roots
from audio_assets.pipeline.stage_graph import made_together
from audio_assets.pipeline.stages import STAGES

if TYPE_CHECKING:
    from upath import UPath


class State(StrEnum):
    """State of one partition of one asset."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"


class Staleness:
    """Decides on states at one moment; make a new one after anything was materialized.

    Parameters
    ----------
    graph
        The assets that are asked about.
    roots
        Where their files are.
    instance
        Holds what Dagster remembers.
    of_all
        Whether many partitions will be asked about: what Dagster remembers of an asset is then read
        for all its partitions at once, which takes a hundredth of the time for a thousand of them.
    names_seen
        Output files that are believed to be there without another look.
    """

    def __init__(
        self,
        graph: AssetGraph,
        roots: Roots,
        instance: dg.DagsterInstance,
        *,
        of_all: bool = False,
        names_seen: NamesSeen | None = None,
    ) -> None:
        self._names_seen = names_seen
        self._roots = roots
        self._instance = instance
        self._resolver = _AllEdges(instance, graph, _Loading(instance))
        self._resolver.at_once = of_all
        self._names: dict[str, frozenset[str]] = {}
        self._up_to_date: dict[tuple[str, str | None], bool] = {}
        self._failed: dict[str, frozenset[str]] = {}

    def state(self, asset: str, partition: str | None) -> State:
        """State of a partition, by Dagster's versions and by the files under the results root.

        One that a blocking check has found wrong is stale: nothing may be built on it.
        """
        key = dg.AssetKey(asset)
        status = self._resolver.get_status(key, partition)
        if status == StaleStatus.MISSING or not self._outputs_exist(asset, partition):
            return State.MISSING
        if (asset, partition) in self._refused:
            return State.STALE
        return State.FRESH if status == StaleStatus.FRESH else State.STALE

    def up_to_date(self, asset: str, partition: str | None) -> bool:
        """Return whether a partition is fresh, and so is all that it was made from.

        A partition whose input could not be updated is fresh: nothing that it reads has changed.
        Its numbers are of earlier audio, settings or encoders all the same.
        """
        asked = (asset, partition)
        if asked not in self._up_to_date:
            self._up_to_date[asked] = self.state(asset, partition) is State.FRESH and all(
                self.up_to_date(*one)
                for one in self._resolver.inputs(dg.AssetKey(asset), partition)
            )
        return self._up_to_date[asked]

    def probe(self, probe: Probe, partition: str | None) -> State:
        """State of a first stage: its recorded data version against the one found now.

        Stale if the last attempt failed: what was recorded is of an earlier one.
        """
        state = self.state(probe.asset, partition)
        if state is not State.FRESH:
            return state
        record = self._instance.get_latest_data_version_record(
            dg.AssetKey(probe.asset), partition_key=partition
        )
        made = record and record.asset_materialization
        recorded = record and extract_data_version_from_entry(record.event_log_entry)
        if made is None or recorded is None:
            return State.STALE
        found = probe.find(partition or "")
        same = recorded.value == found.version and all(
            name in made.metadata and made.metadata[name].value == value
            for name, value in found.metadata.items()
        )
        failed = partition is not None and self.failed([probe.asset], partition)
        return State.FRESH if same and not failed else State.STALE

    def due(
        self, assets: Sequence[str], partition: str | None, probe: Probe | None = None
    ) -> list[str]:
        """Those of these assets that are not fresh.

        An asset that is fresh now may be stale when these are made: look again then. One that is
        stale is so by its own code and inputs, whatever comes of those before it.

        Parameters
        ----------
        assets
            Assets of one job, in the order of the data flow.
        """
        states = {asset: self.state(asset, partition) for asset in assets}
        if probe is not None:
            states[probe.asset] = self.probe(probe, partition)
        chosen = {asset for asset, state in states.items() if state is not State.FRESH}
        chosen = chosen.union(*(made_together(asset) for asset in chosen))
        return [asset for asset in assets if asset in chosen]

    def signature(self, assets: Sequence[str], partition: str | None) -> str:
        """16 hex digits that name a piece of work: these assets, their code and their inputs.

        Work that failed and has the same signature again would only be repeated.
        """
        graph = self._resolver.asset_graph
        work: list[object] = [partition]
        for asset in assets:
            key = dg.AssetKey(asset)
            versions = self._resolver.input_versions(key, partition, leave_out=assets)
            work.append((asset, graph.get(key).code_version, versions))
        return hashlib.sha256(repr(work).encode()).hexdigest()[:16]

    def failed(self, assets: Iterable[str], partition: str) -> bool:
        """Return whether the last attempt at any of the assets' partition failed."""
        return any(partition in self._failed_partitions(asset) for asset in assets)

    def _failed_partitions(self, asset: str) -> frozenset[str]:
        # Once per asset: it asks the database, and a status asks for each of 350 cells.
        if asset not in self._failed:
            self._failed[asset] = self._read_failed(asset)
        return self._failed[asset]

    def _read_failed(self, asset: str) -> frozenset[str]:
        from dagster._core.storage.partition_status_cache import (
            get_and_update_asset_status_cache_value,
        )

        key = dg.AssetKey(asset)
        definition = self._resolver.asset_graph.get(key).partitions_def
        value = get_and_update_asset_status_cache_value(self._instance, key, definition)
        if value is None or definition is None:
            return frozenset()
        failed = value.deserialize_failed_partition_subsets(definition)
        return frozenset(failed.get_partition_keys())

    def _outputs_exist(self, asset: str, partition: str | None) -> bool:
        parts = partition.split("|") if partition else ()
        paths = STAGES[asset].files(self._roots.results, asset, parts)
        seen = self._names_seen
        return all(
            (seen is not None and seen.has(path)) or path.name in self._names_in(path.parent)
            for path in paths
        )

    @functools.cached_property
    def _refused(self) -> frozenset[tuple[str, str | None]]:
        """Partitions whose newest materialization failed a blocking check."""
        graph = self._resolver.asset_graph
        blocking = [key for key in graph.asset_check_keys if graph.get(key).blocking]
        return frozenset(
            (found.check_key.asset_key.to_user_string(), found.partition_key)
            for found in self._instance.event_log_storage.get_asset_check_partition_info(blocking)
            if self._is_refused(found)
        )

    def _is_refused(self, found: AssetCheckPartitionInfo) -> bool:
        status = found.latest_execution_status
        if status != AssetCheckExecutionRecordStatus.PLANNED:
            return status == AssetCheckExecutionRecordStatus.FAILED and found.is_current
        # A run that was cancelled or lost before its check leaves this row above the last result.
        evaluated = self._instance.event_log_storage.get_asset_check_execution_history(
            found.check_key,
            limit=1,
            status={
                AssetCheckExecutionRecordStatus.FAILED,
                AssetCheckExecutionRecordStatus.SUCCEEDED,
            },
            partition_filter=PartitionKeyFilter(key=found.partition_key),
        )
        return [one.status for one in evaluated] == [AssetCheckExecutionRecordStatus.FAILED]

    def _names_in(self, folder: UPath) -> frozenset[str]:
        # Listed once: of a bucket, asking for each file of a thousand partitions takes minutes.
        key = str(folder)
        if key not in self._names:
            self._names[key] = frozenset(file_names(folder))
            if self._names_seen is not None:
                self._names_seen.note(folder, self._names[key])
        return self._names[key]


class _AllEdges(CachingStaleStatusResolver):
    """Looks at every upstream partition, and knows one that was missing before.

    Dagster leaves an edge out once it has 100 of them, so a report over 100 species would look
    fresh for ever. And it takes an input that was missing when it was last asked for as unchanged
    for ever: the chart of a species whose only model failed stayed empty when the model was mended.
    What a run records is enough to decide both.
    """

    at_once = False

    def latest(self, asset: dg.AssetKey) -> Mapping[str | None, dg.EventLogRecord]:
        """The newest materialization of every partition of an asset."""
        if asset not in self._latest:
            ids = self._instance.get_latest_storage_id_by_partition(
                asset, dg.DagsterEventType.ASSET_MATERIALIZATION
            )
            records = (
                self._instance.fetch_materializations(
                    dg.AssetRecordsFilter(asset, storage_ids=list(ids.values())), limit=len(ids)
                ).records
                if ids
                else []
            )
            self._latest[asset] = {record.partition_key: record for record in records}
        return self._latest[asset]

    @functools.cached_property
    def _latest(self) -> dict[dg.AssetKey, Mapping[str | None, dg.EventLogRecord]]:
        return {}

    def _get_latest_data_version_record(
        self, key: AssetKeyPartitionKey
    ) -> dg.EventLogRecord | None:
        if self.at_once and key.partition_key is not None:
            return self.latest(key.asset_key).get(key.partition_key)
        return super()._get_latest_data_version_record(key)

    @use_partition_loading_context
    def input_versions(
        self, key: dg.AssetKey, partition: str | None, leave_out: Sequence[str]
    ) -> list[tuple[str, str | None, str]]:
        """Asset, partition and current data version of each input."""
        found = self._get_partition_dependencies(key=AssetKeyPartitionKey(key, partition))
        return [
            (name, one.partition_key, self._get_current_data_version(key=one).value)
            for one in sorted(found)
            if (name := one.asset_key.to_user_string()) not in leave_out
        ]

    @use_partition_loading_context
    def inputs(self, key: dg.AssetKey, partition: str | None) -> list[tuple[str, str | None]]:
        """Asset and partition of each input."""
        found = self._get_partition_dependencies(key=AssetKeyPartitionKey(key, partition))
        return [(one.asset_key.to_user_string(), one.partition_key) for one in found]

    def _get_partition_dependencies(
        self, *, key: AssetKeyPartitionKey
    ) -> Sequence[AssetKeyPartitionKey]:
        upstream: list[AssetKeyPartitionKey] = []
        for parent in self.asset_graph.get(key.asset_key).parent_keys:
            if not self.asset_graph.get(parent).is_partitioned:
                upstream.append(AssetKeyPartitionKey(parent))
                continue
            found = self.asset_graph.get_parent_partition_keys_for_child(
                key.partition_key, parent, key.asset_key
            )
            partitions = found.partitions_subset.get_partition_keys()
            upstream += [AssetKeyPartitionKey(parent, partition) for partition in partitions]
        return upstream

    def _is_dep_updated(self, provenance: DataProvenance, dep_key: AssetKeyPartitionKey) -> bool:
        read = provenance.input_storage_ids[dep_key.asset_key]
        if read is None:
            return self._get_current_data_version(key=dep_key) != NULL_DATA_VERSION
        if self.at_once and dep_key.partition_key is not None:
            latest = self._get_latest_data_version_record(key=dep_key)
            # Nothing is newer than what was read; Dagster would ask its database.
            if latest is None or latest.storage_id <= read:
                return False
        return super()._is_dep_updated(provenance, dep_key)


class _Loading(LoadingContext):
    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._loaders: dict[type, Any] = {}

    @property
    def instance(self) -> dg.DagsterInstance:
        return self._instance

    @property
    def loaders(self) -> dict[type, Any]:
        return self._loaders
