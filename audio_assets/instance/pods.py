"""Resources of a run's pod on Kubernetes, one row per model, and the tag made from them.

Dagster reads the tag ``dagster-k8s/config`` of a run when it creates the pod, and a misspelt key
shows only then, so no other module writes it. Attaching the tag to a run belongs in
:mod:`audio_assets.instance.queue`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

POD_TAG = "dagster-k8s/config"


@dataclass(frozen=True)
class PodSize:
    """Resources of a pod.

    Attributes
    ----------
    cpu
        Cores requested, and the number of workers (rounded up). There is no limit: a run may use
        spare cores of its node.
    memory_gib
        Memory in GiB, both requested and allowed, so that a run gets exactly this much.
    gpus
        NVIDIA GPUs. No encoder of this package uses one; your own encoders may.
    node_selector
        Labels that the node must have, e.g. ``{"cloud.google.com/gke-nodepool": "heavy"}``.

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    cpu: float
    memory_gib: float
    gpus: int = 0
    node_selector: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (self.cpu > 0 and self.memory_gib > 0 and self.gpus >= 0):
            raise ValueError(f"a pod needs more than 0 cores and GiB, and at least 0 GPUs: {self}")

    def run_config(self) -> dict[str, Any]:
        """Return the value of the tag, before conversion to JSON."""
        requests = {"cpu": f"{round(self.cpu * 1000)}m", "memory": self._memory}
        limits = {"memory": self._memory}
        pod: dict[str, Any] = {}
        if self.gpus:
            limits["nvidia.com/gpu"] = str(self.gpus)
            pod["tolerations"] = [
                {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
            ]
        if self.node_selector:
            pod["node_selector"] = dict(self.node_selector)
        # Otherwise a run starts one worker per CPU of the node, whatever it requested.
        workers = {"name": "AUDIO_ASSETS_WORKERS", "value": str(math.ceil(self.cpu))}
        config: dict[str, Any] = {
            "container_config": {
                "resources": {"requests": requests, "limits": limits},
                "env": [workers],
            }
        }
        if pod:
            config["pod_spec_config"] = pod
        return config

    def or_more(self, other: PodSize) -> PodSize:
        """Return a size that suffices for both: the larger numbers, and the labels of both."""
        return PodSize(
            cpu=max(self.cpu, other.cpu),
            memory_gib=max(self.memory_gib, other.memory_gib),
            gpus=max(self.gpus, other.gpus),
            node_selector={**self.node_selector, **other.node_selector},
        )

    @property
    def _memory(self) -> str:
        return f"{round(self.memory_gib * 1024)}Mi"


DEFAULT = "default"
"""Key of the table for runs without a model, and for models that are not in it."""

PODS: Mapping[str, PodSize] = {
    DEFAULT: PodSize(cpu=2, memory_gib=3),
    "birdnet": PodSize(cpu=2, memory_gib=3),
    "random_forest": PodSize(cpu=2, memory_gib=3),
    "svm": PodSize(cpu=2, memory_gib=3),
    "mobilenet": PodSize(cpu=2, memory_gib=6),
    "resnet": PodSize(cpu=2, memory_gib=6),
    "vgg": PodSize(cpu=2, memory_gib=8),
    "perch": PodSize(cpu=2, memory_gib=8),
    "perch_v2": PodSize(cpu=2, memory_gib=8),
    "yamnet": PodSize(cpu=2, memory_gib=6),
    "vggish": PodSize(cpu=2, memory_gib=6),
}
"""Model -> size. docs/cluster.md lists what was measured; the others are generous estimates."""


def pod_of(partition: str | None, pods: Mapping[str, PodSize] = PODS) -> PodSize:
    """Return the size of a run's pod.

    Parameters
    ----------
    partition
        Key of a model, or of a model and a species (``birdnet|coyote``); anything else, including
        None, has no model.
    """
    return pods.get((partition or "").split("|")[0], pods[DEFAULT])
