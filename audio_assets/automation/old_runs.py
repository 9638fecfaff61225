"""The sensor that deletes old runs, so that Dagster's database does not grow for ever."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from audio_assets.settings import Settings

_LOOK_SECONDS = 3600
# Dagster ends a tick after a minute. Sensors of a local daemon wait for one another.
_TICK_SECONDS = 15.0


def build_old_runs_sensor(settings: Settings) -> dg.SensorDefinition:
    # A sensor of its own: whatever fails here is a failed tick of this one alone. And no job, which
    # would add a run, and a pod on a cluster, for each look.
    @dg.sensor(
        name="old_runs",
        minimum_interval_seconds=_LOOK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Deletes runs that ended more than AUDIO_ASSETS_KEEP_RUNS_DAYS ago, with their "
        "events and local logs. What the state of an asset rests on is kept, however old.",
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
        more = "" if done else "; the next look goes on"
        return dg.SkipReason(f"{deleted} old runs deleted{more}")

    return old_runs_sensor


def delete_old_runs(
    instance: dg.DagsterInstance, graph: AssetGraph, cutoff: datetime, *, seconds: float
) -> tuple[int, bool]:
    """Delete runs that ended before the cutoff and that nothing rests on.

    Parameters
    ----------
    instance
        Where the runs are recorded.
    graph
        The assets whose states have to stay as they are.
    cutoff
        Runs that were asked for or ended later are kept.
    seconds
        Stop after so long; the next call goes on.

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
    """Delete a run and what belongs to it; the run itself last, so that a kill leaves no rest."""
    # Importing them would double what importing the code location costs: they bring alembic.
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
    from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
    from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
    from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager

    events = instance.event_log_storage
    events.delete_events(run_id)
    if isinstance(events, SqlEventLogStorage):
        # Dagster leaves these. No newest result of a check is among them.
        with events.index_connection() as connection:
            connection.execute(
                AssetCheckExecutionsTable.delete().where(
                    AssetCheckExecutionsTable.c.run_id == run_id
                )
            )
    if isinstance(events, SqliteEventLogStorage):
        _delete_shard(events.path_for_shard(run_id))
    logs = instance.compute_log_manager
    # Those in a bucket have a lifecycle rule: the code server may not delete there.
    if isinstance(logs, LocalComputeLogManager):
        logs.delete_logs(prefix=[run_id])
    instance.run_storage.delete_run(run_id)


def _delete_shard(path: str) -> None:
    """The file of a run's events: emptied it would still be most of what a run takes on disk."""
    for name in (path, f"{path}-wal", f"{path}-shm"):
        try:
            os.unlink(name)
        except FileNotFoundError:
            continue
