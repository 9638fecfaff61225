"""Select the old runs that can be deleted: those that no decision depends on.

Deleting a run deletes its events, and Dagster's stale status is read from events. These runs stay:

- those that hold the newest materialization, or the newest failed attempt, of any partition of any
  asset, or the newest result of a check on it;
- those that hold what these were made from. The stale status compares the version of an input now
  with the version that was read. If the event of that version is gone, the partition looks stale
  although nothing has changed, and all that is built on it is made again;
- those that held the newest materialization of a partition at the cutoff, since a run that was
  going on then may have read it. So no run may take longer than runs are kept;
- the newest run of each task, and the failures that count when the task is given up;
- those that have not ended, members of backfills that have not, and what other runs were retried
  from.

What becomes of a partition whose model or species is no longer among the settings is the exception:
its newest materialization stays, but what it was made from need not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.data_version import extract_data_provenance_from_entry
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.execution.backfill import (
    BULK_ACTION_TERMINAL_STATUSES,
    BulkActionsFilter,
    BulkActionStatus,
)
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.tags import BACKFILL_ID_TAG, PARENT_RUN_ID_TAG, ROOT_RUN_ID_TAG

from audio_assets.automation.runs import FORGIVEN_TAG, TASK_TAG, WORK_TAG

_RECORDS_AT_ONCE = 500
_RUNS_AT_ONCE = 200
_IN_VAIN = {dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}


class _Cell(NamedTuple):
    """One partition of one asset; the partition is None for an asset without partitions."""

    asset: dg.AssetKey
    partition: str | None


def old_runs(
    instance: dg.DagsterInstance, graph: AssetGraph, cutoff: datetime
) -> Iterator[dg.DagsterRun]:
    """Runs that ended before the cutoff and that nothing rests on, oldest first.

    Each has to be deleted before the next is asked for: what a run rests on is read again then.

    Parameters
    ----------
    instance
        Where the runs are recorded.
    graph
        The assets whose states have to stay as they are.
    cutoff
        Runs that were asked for or ended later are left out.
    """
    ended = dg.RunsFilter(statuses=list(FINISHED_STATUSES), created_before=cutoff)
    if not instance.get_run_records(ended, limit=1):
        return
    kept = _runs_of_assets(instance, graph, cutoff) | _newest_runs(instance)
    backfills = _open_backfills(instance)
    tasks = _Tasks(instance)
    cursor = None
    while page := instance.get_run_records(
        ended, limit=_RUNS_AT_ONCE, cursor=cursor, ascending=True
    ):
        retried = _retried(instance)
        for record in page:
            run = record.dagster_run
            is_needed = (
                run.run_id in kept
                or run.run_id in retried
                or run.tags.get(BACKFILL_ID_TAG) in backfills
                or (record.end_time or 0.0) >= cutoff.timestamp()
                or tasks.need(run)
            )
            if is_needed:
                # The next page begins behind it: of a run that is gone Dagster gives no next page.
                cursor = run.run_id
            else:
                yield run


def _runs_of_assets(
    instance: dg.DagsterInstance, graph: AssetGraph, cutoff: datetime
) -> frozenset[str]:
    """Runs whose events the states of the assets are read from."""
    kept: set[str] = set()
    newest: dict[_Cell, dg.EventLogRecord] = {}
    for asset in instance.get_asset_keys():
        for record in _newest_materializations(instance, asset):
            newest[_Cell(asset, record.partition_key)] = record
        attempts = instance.event_log_storage.get_latest_asset_partition_materialization_attempts_without_materializations(  # noqa: E501
            asset
        )
        kept |= {run_id for run_id, _ in attempts.values()}
        planned = instance.get_latest_planned_materialization_info(asset)
        if planned is not None:
            kept.add(planned.run_id)
    kept |= {record.run_id for record in newest.values()}
    checks = list(graph.asset_check_keys)
    kept |= {
        found.latest_planned_run_id
        for found in instance.event_log_storage.get_asset_check_partition_info(checks)
    }
    for cell, before_id in _inputs_read(instance, graph, newest):
        found = _newest_before(instance, cell, before_storage_id=before_id)
        kept |= {found.run_id} if found is not None else set()
    for cell, record in newest.items():
        if record.timestamp >= cutoff.timestamp():
            found = _newest_before(instance, cell, before_timestamp=cutoff.timestamp())
            kept |= {found.run_id} if found is not None else set()
    return frozenset(kept)


def _newest_materializations(
    instance: dg.DagsterInstance, asset: dg.AssetKey
) -> Iterator[dg.EventLogRecord]:
    """The newest materialization of each partition, and of the asset as a whole."""
    ids = instance.event_log_storage.get_latest_storage_id_by_partition(
        asset, dg.DagsterEventType.ASSET_MATERIALIZATION
    )
    numbers = list(ids.values())
    for start in range(0, len(numbers), _RECORDS_AT_ONCE):
        some = numbers[start : start + _RECORDS_AT_ONCE]
        wanted = dg.AssetRecordsFilter(asset, storage_ids=some)
        yield from instance.fetch_materializations(wanted, limit=len(some)).records
    yield from instance.fetch_materializations(dg.AssetRecordsFilter(asset), limit=1).records


def _inputs_read(
    instance: dg.DagsterInstance, graph: AssetGraph, newest: Mapping[_Cell, dg.EventLogRecord]
) -> Iterator[tuple[_Cell, int]]:
    """Partitions that newest materializations read before they were made again.

    With each comes the storage id that the materialization which was read is below.
    """
    seen = set()
    with partition_loading_context(dynamic_partitions_store=instance):
        for cell, record in newest.items():
            provenance = extract_data_provenance_from_entry(record.event_log_entry)
            if provenance is None or not graph.has(cell.asset):
                continue
            for parent in graph.get(cell.asset).parent_keys:
                read = provenance.input_storage_ids.get(parent)
                if read is None:
                    continue
                for one in _parents(graph, cell, parent):
                    made = newest.get(one)
                    if made is not None and made.storage_id > read and (one, read) not in seen:
                        seen.add((one, read))
                        yield one, read + 1


def _parents(graph: AssetGraph, cell: _Cell, parent: dg.AssetKey) -> Sequence[_Cell]:
    """Partitions of a parent that a partition is made from."""
    if not graph.get(parent).is_partitioned:
        # Their data version is recorded where they are read.
        return ()
    definition = graph.get(cell.asset).partitions_def
    if definition is not None and (
        cell.partition is None or not definition.has_partition_key(cell.partition)
    ):
        return ()
    found = graph.get_parent_partition_keys_for_child(cell.partition, parent, cell.asset)
    return [_Cell(parent, key) for key in found.partitions_subset.get_partition_keys()]


def _newest_before(
    instance: dg.DagsterInstance,
    cell: _Cell,
    *,
    before_storage_id: int | None = None,
    before_timestamp: float | None = None,
) -> dg.EventLogRecord | None:
    wanted = dg.AssetRecordsFilter(
        cell.asset,
        asset_partitions=[cell.partition] if cell.partition is not None else None,
        before_storage_id=before_storage_id,
        before_timestamp=before_timestamp,
    )
    return next(iter(instance.fetch_materializations(wanted, limit=1).records), None)


def _newest_runs(instance: dg.DagsterInstance) -> frozenset[str]:
    """The run that was asked for last, and the one that ended last.

    SQLite gives the number of a deleted last row to the next one. The cursor of the sensor for
    failed runs would then be beyond the next failure.
    """
    ended = dg.RunsFilter(statuses=list(FINISHED_STATUSES))
    found = [
        *instance.get_run_records(limit=1),
        *instance.get_run_records(ended, limit=1, order_by="end_time"),
    ]
    return frozenset(record.dagster_run.run_id for record in found)


def _open_backfills(instance: dg.DagsterInstance) -> frozenset[str]:
    statuses = [
        status for status in BulkActionStatus if status not in BULK_ACTION_TERMINAL_STATUSES
    ]
    found = instance.get_backfills(filters=BulkActionsFilter(statuses=statuses))
    return frozenset(backfill.backfill_id for backfill in found)


def _retried(instance: dg.DagsterInstance) -> frozenset[str]:
    """Runs that other runs name as what they were retried from."""
    tags = instance.run_storage.get_run_tags([ROOT_RUN_ID_TAG, PARENT_RUN_ID_TAG])
    return frozenset(run_id for _, values in tags for run_id in values)


class _Tasks:
    """The runs on which giving up a task depends."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._newest: dict[str, dg.DagsterRun] = {}

    def need(self, run: dg.DagsterRun) -> bool:
        """Return whether a run counts towards the failures of a task."""
        if TASK_TAG not in run.tags:
            return False
        newest = self._newest_of(run.tags[TASK_TAG])
        if newest.run_id == run.run_id:
            return True
        signature = run.tags.get(WORK_TAG)
        if signature is None:
            return False
        runs = self._instance.get_runs(dg.RunsFilter(tags={TASK_TAG: run.tags[TASK_TAG]}))
        place = [one.run_id for one in runs].index(run.run_id)
        later, earlier = runs[:place], runs[place + 1 :]
        if _failed(run):
            is_counted = all(_failed(one) for one in later)
            return is_counted and newest.tags.get(WORK_TAG) == signature
        # It ends the count of failures before it, where one of these had to stay.
        return any(_failed(one) for one in earlier)

    def _newest_of(self, task: str) -> dg.DagsterRun:
        if task not in self._newest:
            (found,) = self._instance.get_runs(dg.RunsFilter(tags={TASK_TAG: task}), limit=1)
            self._newest[task] = found
        return self._newest[task]


def _failed(run: dg.DagsterRun) -> bool:
    return run.status in _IN_VAIN and FORGIVEN_TAG not in run.tags
