"""Which runs are queued."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.remote_representation.external_data import PartitionNamesSnap
from dagster._core.run_coordinator import SubmitRunContext

from audio_assets.instance.queue import PartitionRunCoordinator, RefusedRunError

KEYS = ["birdnet|coyote", "svm|coyote"]
# Jobs and their partitions, as a code location tells them.
WORKSPACE: Any = SimpleNamespace(
    get_partition_sets=lambda repository: [SimpleNamespace(job_name="experiment")],
    get_partition_names=lambda *asked, selected_asset_keys: PartitionNamesSnap(KEYS),
)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def submit(instance: dg.DagsterInstance, job: str, **tags: str) -> dg.DagsterRun:
    place = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("here"), "__repository__")
    run = dg.DagsterRun(job, tags=tags, remote_job_origin=RemoteJobOrigin(place, job))
    instance.add_run(run)
    coordinator = PartitionRunCoordinator()
    coordinator.register_instance(instance)
    return coordinator.submit_run(SubmitRunContext(run, WORKSPACE))


@pytest.mark.parametrize(
    ("job", "tags"),
    [
        ("experiment", {"dagster/partition": "birdnet|coyote"}),
        ("experiment", {"dagster/asset_partition_range_start": "birdnet|coyote"}),
        ("report", {}),
    ],
)
def test_a_run_of_a_right_partition_is_queued(instance, job, tags):
    assert submit(instance, job, **tags).status is dg.DagsterRunStatus.QUEUED


@pytest.mark.parametrize(
    ("tags", "fault"),
    [
        ({}, "names no partition"),
        (
            {"dagster/partition": "birdnet|coyot"},
            "has the unknown partition birdnet|coyot\nPerhaps you mean birdnet|coyote? Choose one",
        ),
    ],
)
def test_a_run_of_no_partition_is_refused_with_the_right_ones(instance, tags, fault):
    with pytest.raises(RefusedRunError) as refused:
        submit(instance, "experiment", **tags)
    said = refused.value.message
    assert fault in said and "The partitions are: birdnet|coyote, svm|coyote" in said
    (run,) = instance.get_runs()
    # Neither started anew nor posted: who asked was told.
    assert run.tags["dagster/max_retries"] == "0" and run.tags["audio_assets/refused"] == "true"
