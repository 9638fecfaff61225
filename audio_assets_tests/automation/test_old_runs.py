"""Old runs are deleted, and no state and no decision changes by it."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context

from audio_assets.automation.decisions import Standing
from audio_assets.automation.old_runs import delete_old_runs
from audio_assets.automation.runs import TASK_TAG
from audio_assets.automation.stale import stale_decision
from audio_assets.evaluation import species as species_evaluation
from audio_assets.pipeline.probes import READ_ALL_TAG
from audio_assets.pipeline.staleness import Staleness
from audio_assets_tests.automation.ticks import (
    QUIET,
    SETTINGS,
    Automation,
    queued,
    replace_clip,
)
from audio_assets_tests.place import Place, new_place
from audio_assets_tests.small_audio import write_species

pytestmark = pytest.mark.usefixtures("no_drawing")

SPECIES = ("owl", "fox")


def soon() -> datetime:
    """A moment by which every run that has ended is old."""
    return datetime.now(UTC) + timedelta(seconds=2)


def prune(automation: Automation, cutoff: datetime | None = None) -> int:
    """Delete every run that has ended and that nothing rests on; how many."""
    graph = automation.defs.resolve_asset_graph()
    deleted, done = delete_old_runs(
        automation.place.instance, graph, cutoff or soon(), seconds=600.0
    )
    assert done
    return deleted


def seen(automation: Automation) -> dict[str, Any]:
    """All that is known and decided now: states, data versions, failures, checks, the status."""
    instance = automation.place.instance
    plan = automation.place.plan(**automation.settings)
    graph = automation.defs.resolve_asset_graph()
    found: dict[str, Any] = {}
    with partition_loading_context(dynamic_partitions_store=instance):
        staleness = Staleness(graph, plan.roots, instance, of_all=True)
        for key in graph.materializable_asset_keys:
            name, definition = key.to_user_string(), graph.get(key).partitions_def
            for partition in definition.get_partition_keys() if definition else [None]:
                record = instance.get_latest_data_version_record(key, partition_key=partition)
                found[f"{name} {partition}"] = (
                    staleness.state(name, partition),
                    staleness.up_to_date(name, partition),
                    staleness.signature([name], partition),
                    partition is not None and staleness.failed([name], partition),
                    record and record.storage_id,
                )
        decision = stale_decision(
            plan, instance, Staleness(graph, plan.roots, instance, of_all=True)
        )
        found["standings"] = dict(decision.standings)
        found["due"] = {task: work for task, (work, _) in decision.due.items()}
        found["status"] = automation.place.status(*SPECIES, **automation.settings)
    checks = instance.event_log_storage.get_asset_check_partition_info(list(graph.asset_check_keys))
    found["checks"] = sorted(checks, key=repr)
    for sensor in ("changed_audio", "stale_partitions"):
        tick = automation.look(sensor)
        found[sensor] = (tick.skip_message, [one.run_key for one in tick.run_requests or ()])
    return found


def at_night(automation: Automation) -> None:
    """All inventories anew; where the audio is what it was, nothing follows."""
    job = automation.defs.resolve_job_def("inventory")
    for name in SPECIES:
        job.execute_in_process(
            instance=automation.place.instance,
            partition_key=name,
            tags={READ_ALL_TAG: "true"},
            run_config=QUIET,
        )


def fail(*arguments: Any, **options: Any) -> Any:
    raise RuntimeError("the disk is on fire")


@pytest.mark.slow
def test_no_state_and_no_decision_changes_when_old_runs_go(
    filled: Automation, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.settings["retry_seconds"] = 0

    def in_vain() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(species_evaluation, "score_species", fail)
            replace_clip(filled, seed=21)
            filled.settle()

    def other_settings(**changes: Any) -> None:
        filled.settings |= changes
        filled.settle()

    def replaced(seed: int) -> None:
        replace_clip(filled, seed=seed)
        filled.settle()

    steps: dict[str, Callable[[], object]] = {
        "two nights": lambda: (at_night(filled), at_night(filled)),
        "other settings": lambda: other_settings(repeats=2),
        "and back": lambda: other_settings(**SETTINGS),
        "given up, and a night": lambda: (in_vain(), at_night(filled)),
        "mended": lambda: replaced(22),
    }
    deleted = 0
    for name, step in steps.items():
        step()
        before = seen(filled)
        deleted += prune(filled)
        assert seen(filled) == before, name
        assert filled.settle() == [], name
        if name.startswith("given up"):
            assert Standing.FAILED in before["standings"].values()
            assert "given up: experiment placeholder|owl" in before["stale_partitions"][0]
    assert deleted > 15
    # It was not by keeping most of them.
    runs = filled.place.instance.get_runs_count()
    assert prune(filled) == 0
    at_night(filled)
    at_night(filled)
    prune(filled)
    assert filled.place.instance.get_runs_count() <= runs + len(SPECIES)


@pytest.fixture
def at_rest(filled: Automation) -> Automation:
    """With nothing that could be deleted."""
    prune(filled)
    return filled


def superseded(automation: Automation) -> set[str]:
    """Runs of which every event but those of last night is superseded."""
    before = {run.run_id for run in automation.place.instance.get_runs()}
    at_night(automation)
    at_night(automation)
    now = automation.place.instance.get_runs()
    return {run.run_id for run in now[len(SPECIES) :] if run.run_id not in before}


@pytest.mark.slow
def test_runs_younger_than_the_cutoff_stay(at_rest: Automation) -> None:
    old = superseded(at_rest)
    assert prune(at_rest, datetime.now(UTC) - timedelta(hours=1)) == 0
    prune(at_rest)
    assert not [one for one in old if at_rest.place.instance.has_run(one)]


@pytest.mark.slow
def test_what_was_newest_at_the_cutoff_stays_for_runs_that_were_going_on(
    at_rest: Automation,
) -> None:
    at_night(at_rest)
    read = at_rest.place.instance.get_runs(limit=len(SPECIES))
    cutoff = soon()
    time.sleep(max(0.0, (cutoff - datetime.now(UTC)).total_seconds()))
    at_night(at_rest)
    prune(at_rest, cutoff)
    assert all(at_rest.place.instance.has_run(run.run_id) for run in read)
    prune(at_rest)
    assert not any(at_rest.place.instance.has_run(run.run_id) for run in read)


@pytest.mark.slow
def test_runs_that_go_on_and_what_they_were_retried_from_stay(at_rest: Automation) -> None:
    old = sorted(superseded(at_rest))
    instance = at_rest.place.instance
    tags = {"dagster/root_run_id": old[0], "dagster/parent_run_id": old[1]}
    request = dg.RunRequest(job_name="inventory", partition_key="owl", tags=tags)
    with queued(at_rest, request) as going_on:
        prune(at_rest)
        assert {one for one in old if instance.has_run(one)} == {old[0], old[1]}
        assert instance.has_run(going_on.run_id)
    # What the run itself had planned went with it.
    prune(at_rest)
    assert not [one for one in old if instance.has_run(one)]


@pytest.mark.slow
def test_members_of_a_backfill_that_goes_on_stay(at_rest: Automation) -> None:
    from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

    instance = at_rest.place.instance
    backfill = PartitionBackfill(
        "abcdefgh", BulkActionStatus.REQUESTED, from_failure=False, tags={}, backfill_timestamp=0.0
    )
    instance.add_backfill(backfill)
    old = superseded(at_rest)
    member = min(old)
    instance.add_run_tags(member, {"dagster/backfill": "abcdefgh"})
    prune(at_rest)
    assert {one for one in old if instance.has_run(one)} == {member}
    instance.update_backfill(backfill.with_status(BulkActionStatus.COMPLETED_SUCCESS))
    prune(at_rest)
    assert not instance.has_run(member)


@pytest.mark.slow
def test_the_newest_run_of_a_task_stays(at_rest: Automation) -> None:
    old = superseded(at_rest)
    instance = at_rest.place.instance
    for run_id in old:
        instance.add_run_tags(run_id, {TASK_TAG: "inventory hawk"})
    newest = next(run.run_id for run in instance.get_runs() if run.run_id in old)
    prune(at_rest)
    assert {one for one in old if instance.has_run(one)} == {newest}


@pytest.fixture
def on_disk(tmp_path: Path) -> Iterator[Automation]:
    """One species, on an instance of SQLite files."""
    home = tmp_path / "home"
    home.mkdir()
    with (
        new_place(tmp_path / "place") as place,
        dg.instance_for_test(temp_dir=str(home)) as instance,
    ):
        write_species(place.audio, "owl", recordings=4)
        yield Automation(Place(place.audio, place.results, instance), dict(SETTINGS))


def files_of(home: str, run_id: str) -> list[str]:
    return [
        os.path.join(folder, name)
        for folder, _, names in os.walk(home)
        for name in names
        if run_id in os.path.join(folder, name)
    ]


@pytest.mark.slow
def test_nothing_of_a_deleted_run_is_left_on_disk(on_disk: Automation) -> None:
    instance = on_disk.place.instance
    instance.add_dynamic_partitions("species", ["owl"])
    job = on_disk.defs.resolve_job_def("inventory")
    for _ in range(3):
        job.execute_in_process(instance=instance, partition_key="owl", run_config=QUIET)
    newest, *older = [run.run_id for run in instance.get_runs()]
    tables = ("event_logs", "asset_check_executions")
    assert all(files_of(instance.root_directory, run_id) for run_id in older)
    assert all(rows_of(instance, table, run_id) for table in tables for run_id in older)
    assert prune(on_disk) == 2
    for run_id in older:
        assert not instance.has_run(run_id)
        assert files_of(instance.root_directory, run_id) == []
        assert [rows_of(instance, table, run_id) for table in tables] == [0, 0]
    assert all(rows_of(instance, table, newest) for table in tables)


def rows_of(instance: dg.DagsterInstance, table: str, run_id: str) -> int:
    with instance.event_log_storage.index_connection() as connection:
        query = f"SELECT count(*) FROM {table} WHERE run_id = '{run_id}'"
        return int(connection.exec_driver_sql(query).scalar())


def test_a_fault_of_deleting_fails_this_sensor_and_no_other(
    on_disk: Automation, monkeypatch: pytest.MonkeyPatch
) -> None:
    from audio_assets.automation import old_runs

    monkeypatch.setattr(old_runs, "delete_old_runs", fail)
    with pytest.raises(Exception, match="on fire"):
        on_disk.look("old_runs")
    assert on_disk.look("species_folders").dynamic_partitions_requests


def test_zero_days_keep_all_runs(on_disk: Automation) -> None:
    on_disk.settings["keep_runs_days"] = 0
    assert "all runs are kept" in on_disk.look("old_runs").skip_message
    on_disk.settings["keep_runs_days"] = 30
    assert on_disk.look("old_runs").skip_message == "0 old runs deleted"
