"""What a fault of the domain becomes in Dagster."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.execution.api import execute_run_iterator

from audio_assets.definitions import build_defs
from audio_assets.errors import AudioAssetsError, StorageError, TransientStorageError
from audio_assets.pipeline.assets import audio_inventory
from audio_assets.pipeline.failures import clear_failures
from audio_assets.pipeline.partitions import SPECIES
from audio_assets.pipeline.stages import INVENTORY
from audio_assets_tests.place import new_place


@pytest.mark.parametrize("kind", [StorageError, AudioAssetsError])
def test_what_does_not_pass_is_not_tried_again(kind: type[AudioAssetsError]) -> None:
    with pytest.raises(dg.Failure) as raised, clear_failures():
        raise kind("What is wrong", "What to do.")
    assert raised.value.allow_retries is False
    assert raised.value.description == "What is wrong\nWhat to do."


def run_of_inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException) -> Any:
    """Status and events of a run whose listing ends so, and how often it listed."""
    calls = []
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda policy, attempt: 0.01)
    with new_place(tmp_path) as place:
        job = build_defs(place.plan().settings).resolve_job_def(INVENTORY)
        place.instance.add_dynamic_partitions(SPECIES.name or "", ["owl"])
        run = place.instance.create_run_for_job(job, tags={"dagster/partition": "owl"})

        def listing(*_: object, **__: object) -> None:
            calls.append(1)
            if isinstance(fault, DagsterExecutionInterruptedError):
                place.instance.report_run_canceling(run)
            raise fault

        monkeypatch.setattr(audio_inventory, "take_inventory", listing)
        events = list(execute_run_iterator(InMemoryJob(job), run, place.instance))
        ended = place.instance.get_run_by_id(run.run_id)
        assert ended is not None
        return ended.status, events, len(calls)


def test_what_passes_is_tried_three_times_and_then_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = TransientStorageError("What is wrong", "What to do.")
    status, events, calls = run_of_inventory(tmp_path, monkeypatch, fault)
    assert calls == 3
    (failure,) = [event for event in events if event.is_step_failure]
    said = failure.step_failure_data.user_failure_data
    assert said.description == "What is wrong\nWhat to do."


def test_a_run_that_is_terminated_is_canceled_and_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, _, calls = run_of_inventory(tmp_path, monkeypatch, DagsterExecutionInterruptedError())
    assert calls == 1
    assert status is dg.DagsterRunStatus.CANCELED
