"""What a fault of the domain becomes in Dagster, and what is left of earlier runs."""

import logging
import time
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.execution.api import execute_run_iterator

from audio_assets.catalog import listing
from audio_assets.definitions import build_defs
from audio_assets.errors import AudioAssetsError, StorageError, TransientStorageError
from audio_assets.pipeline.assets import audio_inventory
from audio_assets.pipeline.partitions import SPECIES
from audio_assets.pipeline.plan import clear_failures
from audio_assets.pipeline.probes import READ_ALL_TAG, take_inventory
from audio_assets.pipeline.stages import INVENTORY
from audio_assets.tables import CLIP_DIGESTS
from audio_assets_tests.place import new_place
from audio_assets_tests.small_audio import clip, write_clip, write_species


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


@pytest.mark.slow
def test_a_listing_reads_only_what_the_last_inventory_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_time, real_read = time.time_ns, listing._computed
    read: list[str] = []
    monkeypatch.setattr(listing.time, "time_ns", lambda: real_time() + 60 * 10**9)

    def counted(folder: Any, prefix: str, name: str, *entry: Any) -> str:
        read.append(name)
        return real_read(folder, prefix, name, *entry)

    monkeypatch.setattr(listing, "_computed", counted)
    with new_place(tmp_path) as place:
        write_species(place.audio, "owl", recordings=4)
        job = build_defs(place.plan().settings).resolve_job_def(INVENTORY)
        place.instance.add_dynamic_partitions(SPECIES.name or "", ["owl"])
        job.execute_in_process(instance=place.instance, partition_key="owl")
        assert len(read) == 16
        write_clip(place.audio / "owl/data/pos/new.wav", clip(1, tone=True))
        inventory, _ = take_inventory(place.plan(), "owl")
        assert len(inventory) == 17 and read[16:] == ["new.wav"]
        tags = {READ_ALL_TAG: "true"}
        job.execute_in_process(instance=place.instance, partition_key="owl", tags=tags)
        assert len(read) == 17 + 17


@pytest.mark.slow
def test_a_damaged_last_version_is_said_and_read_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger(__name__)
    with new_place(tmp_path) as place:
        plan = place.plan()
        assert plan.last_version(CLIP_DIGESTS, "owl", log) is None and not caplog.records
        write_species(place.audio, "owl", recordings=4)
        assert place.run("owl").failures == {}
        before = plan.last_version(CLIP_DIGESTS, "owl", log)
        assert len(before) == 16
        path = plan.results.table("clip_digests", "owl")
        path.write_bytes(path.read_bytes()[:100])
        assert plan.last_version(CLIP_DIGESTS, "owl", log) is None
        assert "All clips are read again" in caplog.text and str(path) in caplog.text
        # A changed listing has it made again.
        write_species(place.audio, "owl", recordings=5)
        assert place.run("owl").failures == {}
        assert len(plan.last_version(CLIP_DIGESTS, "owl", log)) == 20
