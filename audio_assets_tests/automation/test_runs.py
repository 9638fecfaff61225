"""What the runs of an instance say of a piece of work, and the key that it is asked for by."""

import sys
import time
from collections.abc import Callable, Iterator
from itertools import combinations

import dagster as dg
import pytest
from dagster._utils.error import serializable_error_info_from_exc_info

from audio_assets.automation import runs
from audio_assets.automation.decisions import (
    ATTEMPTS,
    DEFAULT_RETRIES,
    Inputs,
    Standing,
    Task,
    Work,
    decide,
)
from audio_assets.automation.runs import (
    cause_of,
    failed_work,
    forgive,
    history_of,
    run_request,
    running_tasks,
)
from audio_assets.errors import AudioRootError
from audio_assets.pipeline.partitions import build_partitions
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.settings import load_settings

SETTINGS = load_settings()
PLAN = AssetPlan(SETTINGS, build_partitions(SETTINGS))
TASK = Task("splits", "owl")
WORK = Work(("balanced_manifest",), "0123456789abcdef")


@dg.op
def nothing() -> None: ...


@dg.job
def splits() -> None:
    nothing()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def asked(instance: dg.DagsterInstance) -> dg.RunRequest:
    return run_request(PLAN, TASK, WORK, history_of(instance, WORK))


def submit(instance: dg.DagsterInstance) -> dg.DagsterRun | None:
    """Ask for the work; None if the daemon would take it for what was asked for before."""
    request = asked(instance)
    tags = {**request.tags, "dagster/run_key": request.run_key or ""}
    key = {"dagster/run_key": tags["dagster/run_key"]}
    if instance.get_runs(dg.RunsFilter(tags=key)):
        return None
    return instance.create_run_for_job(splits, tags=tags, status=dg.DagsterRunStatus.STARTED)


def succeed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    instance.report_dagster_event(
        dg.DagsterEvent(event_type_value="PIPELINE_SUCCESS", job_name=run.job_name), run.run_id
    )


def cancel(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    instance.report_run_canceled(run)


def standing(instance: dg.DagsterInstance, after: float) -> Standing:
    """How the work stands some seconds from now."""
    decision = decide(
        {TASK: Inputs()},
        running=(),
        work=lambda _: WORK,
        history=lambda work: history_of(instance, work),
        now=time.time() + after,
    )
    return decision.standings[TASK]


@pytest.mark.parametrize("deleted", [one for n in range(5) for one in combinations(range(4), n)])
def test_work_is_asked_for_once_whichever_earlier_runs_were_deleted(
    deleted: tuple[int, ...], instance: dg.DagsterInstance
) -> None:
    runs = []
    for _ in range(4):
        run = submit(instance)
        assert run is not None
        succeed(instance, run)
        runs.append(run)
    for number in deleted:
        instance.delete_run(runs[number].run_id)
    assert asked(instance).run_key == asked(instance).run_key
    assert submit(instance) is not None


def test_a_cancelled_run_waits_and_is_given_up_as_one_that_failed(
    instance: dg.DagsterInstance,
) -> None:
    assert standing(instance, 0) is Standing.DUE
    for number in range(1, ATTEMPTS + 1):
        run = submit(instance)
        assert run is not None
        cancel(instance, run)
        assert failed_work(instance, TASK, WORK.assets) == WORK
        assert history_of(instance, WORK).failures == number
        if number < ATTEMPTS:
            assert standing(instance, DEFAULT_RETRIES.wait(number) - 5) is Standing.RETRYING
            assert standing(instance, DEFAULT_RETRIES.wait(number) + 5) is Standing.DUE
    day = DEFAULT_RETRIES.given_up
    assert standing(instance, day - 5) is Standing.FAILED
    # Tried once more, and then given up for as long again.
    assert standing(instance, day + 5) is Standing.DUE
    run = submit(instance)
    assert run is not None
    cancel(instance, run)
    assert standing(instance, day - 5) is Standing.FAILED


def test_work_that_is_forgiven_is_due_at_once_and_given_up_as_late_as_new_work(
    instance: dg.DagsterInstance,
) -> None:
    for _ in range(ATTEMPTS):
        run = submit(instance)
        assert run is not None
        cancel(instance, run)
    other = instance.create_run_for_job(splits, tags={"audio_assets/task": "splits fox"})
    cancel(instance, other)
    assert forgive(instance, lambda task: task.partition == "wolf") == []
    assert standing(instance, 0) is Standing.FAILED
    assert forgive(instance, lambda task: task.partition == "owl") == [TASK]
    assert standing(instance, 0) is Standing.DUE
    assert failed_work(instance, TASK, WORK.assets) is None
    run = submit(instance)
    assert run is not None
    cancel(instance, run)
    assert history_of(instance, WORK).failures == 1
    assert forgive(instance) == [Task("splits", "fox"), TASK]
    assert forgive(instance) == []


def test_a_failure_is_over_when_the_partition_was_materialized_since(
    instance: dg.DagsterInstance,
) -> None:
    run = submit(instance)
    assert run is not None
    cancel(instance, run)
    for partition, over in (("fox", False), ("owl", True)):
        instance.report_runless_asset_event(
            dg.AssetMaterialization("balanced_manifest", partition=partition)
        )
        assert (failed_work(instance, TASK, WORK.assets) is None) is over


def test_failures_before_a_success_are_forgotten(instance: dg.DagsterInstance) -> None:
    for end in (cancel, succeed):
        run = submit(instance)
        assert run is not None
        end(instance, run)
    assert history_of(instance, WORK).failures == 0
    assert failed_work(instance, TASK, WORK.assets) is None


def test_the_fault_that_is_told_is_ours_and_not_what_it_came_from_or_is_wrapped_in() -> None:
    def told(raise_it: Callable[[], None]) -> str:
        try:
            raise_it()
        except Exception:
            return cause_of(serializable_error_info_from_exc_info(sys.exc_info()))
        raise AssertionError

    def ours() -> None:
        try:
            try:
                raise FileNotFoundError(2, "No such file")
            except OSError as error:
                raise AudioRootError("The root is gone", "Bring it back.") from error
        except AudioRootError as error:
            raise RuntimeError("Error in the sensor") from error

    def theirs() -> None:
        try:
            raise KeyError("species")
        except KeyError as error:
            raise RuntimeError("Error in the sensor") from error

    assert told(ours) == "The root is gone\nBring it back."
    assert told(theirs) == "KeyError: 'species'"


def test_a_lost_run_counts_as_running_until_dagster_has_started_it_again(instance, monkeypatch):
    lost = instance.create_run_for_job(
        splits,
        tags={"dagster/partition": "owl", "dagster/will_retry": "true"},
        status=dg.DagsterRunStatus.STARTED,
    )
    instance.report_run_failed(lost)
    assert running_tasks(PLAN, instance, [TASK]) == {TASK}
    with monkeypatch.context() as patch:
        # Dagster never did: the work is not left undone.
        patch.setattr(runs, "_RETRY_STARTS_SECONDS", -1)
        assert running_tasks(PLAN, instance, [TASK]) == frozenset()
    instance.add_run_tags(lost.run_id, {"dagster/auto_retry_run_id": "another"})
    assert running_tasks(PLAN, instance, [TASK]) == frozenset()


def test_work_that_failed_before_its_task_succeeded_at_other_inputs_is_tried_as_if_new(
    instance: dg.DagsterInstance,
) -> None:
    other = Work(WORK.assets, "fedcba9876543210")

    def run(work: Work, end: Callable[[dg.DagsterInstance, dg.DagsterRun], None]) -> None:
        request = run_request(PLAN, TASK, work, history_of(instance, work))
        tags = {**request.tags, "dagster/run_key": request.run_key or ""}
        created = instance.create_run_for_job(splits, tags=tags)
        end(instance, created)

    for _ in range(ATTEMPTS):
        run(WORK, cancel)
    # What fails at other inputs says nothing of these.
    run(other, cancel)
    assert history_of(instance, WORK).failures == ATTEMPTS
    assert history_of(instance, other).failures == 1
    run(other, succeed)
    assert history_of(instance, WORK).failures == 0
    assert standing(instance, 0) is Standing.DUE
    run(WORK, cancel)
    assert history_of(instance, WORK).failures == 1
