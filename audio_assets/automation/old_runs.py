"""The sensor that deletes old runs, so that Dagster's database does not grow forever."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from audio_assets.settings import Settings

_LOOK_SECONDS = 3600
# Dagster ends a tick after a minute, and sensors of a local daemon wait for each other.
_TICK_SECONDS = 15.0


def build_old_runs_sensor(settings: Settings) -> dg.SensorDefinition:
    # A separate sensor, so that a failure affects only its own ticks. Not a job, which would add a
    # run, and a pod on a cluster, each time.
    @dg.sensor(
        name="old_runs",
        minimum_interval_seconds=_LOOK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Deletes runs that ended more than AUDIO_ASSETS_KEEP_RUNS_DAYS ago, with their "
        "events and local logs. Runs that the state of an asset depends on are kept at any age.",
    )
    def old_runs_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        if not settings.keep_runs_days:
            return dg.SkipReason("AUDIO_ASSETS_KEEP_RUNS_DAYS is 0: all runs are kept")
        assert context.repository_def is not None
        deleted, done = delete_old_runs(
            context.instance,
            context.repository_def.asset_graph,
            datetime.now(UTC) - timedelta(days=settings.keep_runs_days),
            seconds=_TICK_SECONDS,
        )
        more = "" if done else "; the next tick continues"
        return dg.SkipReason(f"{deleted} old runs deleted{more}")

    return old_runs_sensor


def delete_old_runs(
    instance: dg.DagsterInstance, graph: AssetGraph, cutoff: datetime, *, seconds: float
) -> tuple[int, bool]:
    """Delete runs that ended before the cutoff and that nothing depends on.

    Parameters
    ----------
    instance
        Instance that records the runs.
    graph
        The assets whose states must not change.
    cutoff
        Runs that were requested or ended later are kept.
    seconds
        Stop after this time; the next call continues.

    Returns
    -------
    deleted
        Number of runs.
    done
        Whether there are no more.
    """
    from audio_assets.automation.retention import old_runs

    end = time.monotonic() + seconds
    deleted = 0
    for run in old_runs(instance, graph, cutoff):
        _delete(instance, run.run_id)
        deleted += 1
        if time.monotonic() > end:
            return deleted, False
    return deleted, True


def _delete(instance: dg.DagsterInstance, run_id: str) -> None:
    """Delete a run with its data; the run itself last, so that a kill leaves nothing behind."""
    # Imported here: they import alembic, which would double the import time of the code location.
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
    from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
    from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
    from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager

    events = instance.event_log_storage
    events.delete_events(run_id)
    if isinstance(events, SqlEventLogStorage):
        # Dagster leaves these rows. The newest result of a check is never among them.
        with events.index_connection() as connection:
            connection.execute(
                AssetCheckExecutionsTable.delete().where(
                    AssetCheckExecutionsTable.c.run_id == run_id
                )
            )
    if isinstance(events, SqliteEventLogStorage):
        _delete_shard(events.path_for_shard(run_id))
    logs = instance.compute_log_manager
    # Logs in a bucket have a lifecycle rule: the code server may not delete there.
    if isinstance(logs, LocalComputeLogManager):
        logs.delete_logs(prefix=[run_id])
    instance.run_storage.delete_run(run_id)


def _delete_shard(path: str) -> None:
    """Delete the file of a run's events, which even empty would take most of a run's disk space."""
    for name in (path, f"{path}-wal", f"{path}-shm"):
        try:
            os.unlink(name)
        except FileNotFoundError:
            continue
