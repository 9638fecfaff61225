"""The run queue of a cluster: gives every run the pod that its model needs.

All runs pass here: from the UI, backfills, sensors, automation, retries and the command line. Tags
of a job would not do: Dagster puts the same on all its partitions, and assets that are materialized
by automation or from the asset graph belong to no job of ours. It is imported by the webserver and
the daemon, so these run the project's own image.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.run_coordinator import QueuedRunCoordinator, SubmitRunContext
from dagster._core.storage.tags import PARTITION_NAME_TAG
from dagster._serdes import ConfigurableClassData
from typing_extensions import Self

from audio_assets.encoders.registry import get_model
from audio_assets.pods import DEFAULT, POD_TAG, PODS, PodSize, pod_of

_POD = {
    "cpu": dg.Field(float, description="Cores requested; also the number of workers."),
    "memory_gib": dg.Field(float, description="Memory requested and allowed, GiB."),
    "gpus": dg.Field(int, is_required=False, default_value=0),
    "node_selector": dg.Field({str: str}, is_required=False, default_value={}),
}


class PodRunCoordinator(QueuedRunCoordinator[dg.DagsterInstance]):
    """Queues runs as Dagster's own does, each with the pod of its model.

    Parameters
    ----------
    pods
        By model, or ``default``: what to use in place of :data:`audio_assets.pods.PODS`.
    inst_data, **queue
        As Dagster gives them.

    Raises
    ------
    UnknownModelError
        If ``pods`` names a model that there is not.
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
        # A tag that someone gave by hand is left alone, and so is a retried run's.
        if POD_TAG not in run.tags:
            pod = pod_of(run.tags.get(PARTITION_NAME_TAG), self._pods)
            self._instance.add_run_tags(run.run_id, {POD_TAG: json.dumps(pod.run_config())})
        return super().submit_run(context)
