"""Run queues: both refuse wrong partitions, and the cluster's sets the pod size by model.

All runs pass through here: from the UI, backfills, sensors, automation, retries and the command
line. Tags of a job would not suffice for the pods: Dagster sets the same tags on all its
partitions, and assets that are materialized by automation or from the asset graph belong to none of
our jobs. The webserver and the daemon import this module, so they run the project's own image.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click
import dagster as dg
from dagster._core.remote_representation.external_data import PartitionNamesSnap
from dagster._core.run_coordinator import QueuedRunCoordinator, SubmitRunContext
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_START_TAG,
    MAX_RETRIES_TAG,
    PARTITION_NAME_TAG,
)
from dagster._serdes import ConfigurableClassData
from typing_extensions import Self

from audio_assets.instance.pods import DEFAULT, POD_TAG, PODS, PodSize, pod_of
from audio_assets.models.registry import get_model, model_names
from audio_assets.pipeline.partitions import ENCODER_TAG, REFUSED_TAG, wrong_partition

_POD = {
    "cpu": dg.Field(float, description="Cores requested; also the number of workers."),
    "memory_gib": dg.Field(float, description="Memory requested and allowed, GiB."),
    "gpus": dg.Field(int, is_required=False, default_value=0),
    "node_selector": dg.Field({str: str}, is_required=False, default_value={}),
}


class RefusedRunError(click.ClickException):
    """A run without a valid partition of its job; a command line prints it without a traceback."""


class PartitionRunCoordinator(QueuedRunCoordinator[dg.DagsterInstance]):
    """Queues runs as Dagster's own coordinator does, except those without a valid partition.

    Dagster would queue these without a message, and they would fail when their turn comes.
    """

    def submit_run(self, context: SubmitRunContext) -> dg.DagsterRun:
        """Queue a run.

        Raises
        ------
        RefusedRunError
            If its job has partitions and the run names none of them; the message lists them.
        """
        run = context.dagster_run
        keys = self._partitions(context)
        given = run.tags.get(PARTITION_NAME_TAG)
        if keys is None or given in keys or ASSET_PARTITION_RANGE_START_TAG in run.tags:
            return super().submit_run(context)
        # Dagster counts it as failed now; it must not be retried, and the caller was informed.
        _forget_plans(self._instance, run.run_id)
        self._instance.add_run_tags(run.run_id, {MAX_RETRIES_TAG: "0", REFUSED_TAG: "true"})
        raise RefusedRunError(wrong_partition(run.job_name, given, keys))

    def _partitions(self, context: SubmitRunContext) -> Sequence[str] | None:
        """Return the partitions of a run's job; None if it has none, or they are unknown."""
        origin = context.dagster_run.remote_job_origin
        assert origin is not None
        repository, job = origin.repository_origin.get_selector(), context.dagster_run.job_name
        sets = context.workspace.get_partition_sets(repository)
        if all(found.job_name != job for found in sets):
            return None
        names = context.workspace.get_partition_names(
            repository, job, self._instance, selected_asset_keys=None
        )
        return names.partition_names if isinstance(names, PartitionNamesSnap) else None


class PodRunCoordinator(PartitionRunCoordinator):
    """Queues runs like :class:`PartitionRunCoordinator`, each with the pod of its model.

    The pod of a run whose assets use a further encoder
    (:data:`audio_assets.pipeline.partitions.ENCODER_TAG`) is large enough for that one, too.

    Parameters
    ----------
    pods
        Sizes by model, or ``default``, that replace those of
        :data:`audio_assets.instance.pods.PODS`.
    inst_data, **queue
        As passed by Dagster.

    Raises
    ------
    UnknownModelError
        If ``pods`` names an unknown model.
    ValueError
        If a size is out of range.
    """

    def __init__(
        self,
        pods: Mapping[str, Mapping[str, Any]] | None = None,
        inst_data: ConfigurableClassData | None = None,
        **queue: Any,
    ) -> None:
        super().__init__(inst_data=inst_data, **queue)
        given = {name: PodSize(**size) for name, size in (pods or {}).items()}
        for name in given.keys() - {DEFAULT}:
            get_model(name)
        self._pods = {**PODS, **given}

    @classmethod
    def config_type(cls) -> Any:
        queue: Any = super().config_type()
        pods = dg.Field({str: _POD}, is_required=False, description="Pods by model, or `default`.")
        return {**queue, "pods": pods}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> Self:
        return cls(inst_data=inst_data, **config_value)

    def submit_run(self, context: SubmitRunContext) -> dg.DagsterRun:
        run = context.dagster_run
        # A tag that was set by hand is left alone, and so is that of a retried run.
        if POD_TAG not in run.tags:
            pod = pod_of(run.tags.get(PARTITION_NAME_TAG), self._pods)
            for encoder in _encoders(context):
                for model in model_names():
                    if model in self._pods and get_model(model).encoder == encoder:
                        pod = pod.or_more(self._pods[model])
            self._instance.add_run_tags(run.run_id, {POD_TAG: json.dumps(pod.run_config())})
        return super().submit_run(context)


def _forget_plans(instance: dg.DagsterInstance, run_id: str) -> None:
    """Delete what a run was about to do: in the UI these checks and assets would have failed."""
    storage = instance.event_log_storage
    storage.delete_events(run_id)
    if isinstance(storage, SqlEventLogStorage):
        # Dagster keeps them when it deletes the events of a run.
        with storage.index_connection() as connection:
            rows = AssetCheckExecutionsTable
            connection.execute(rows.delete().where(rows.c.run_id == run_id))


def _encoders(context: SubmitRunContext) -> frozenset[str]:
    """Return the encoders named by the assets of a run, as loaded from the code location."""
    run = context.dagster_run
    assert run.remote_job_origin is not None
    place = run.remote_job_origin.repository_origin.get_selector()
    graph = context.workspace.get_repository(place).asset_graph
    # A job that is launched as a whole selects nothing.
    keys = run.asset_selection or graph.asset_keys_for_job(run.job_name)
    tags = (graph.get(key).tags for key in keys if graph.has(key))
    return frozenset(found[ENCODER_TAG] for found in tags if ENCODER_TAG in found)
