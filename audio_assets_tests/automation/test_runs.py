"""What the runs of an instance say of a piece of work, and the key that it is asked for by."""

import time
from collections.abc import Iterator
from itertools import combinations

import dagster as dg
import pytest

from audio_assets.assets.plan import AssetPlan
from audio_assets.automation.runs import history_of, last_run_failed, run_request
from audio_assets.partitions import build_partitions
from audio_assets.scheduling.decisions import (
    ATTEMPTS,
    Inputs,
    Standing,
    Task,
    Work,
    decide,
    retry_wait,
)
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
        assert last_run_failed(instance, TASK)
        assert history_of(instance, WORK).failures == number
        if number < ATTEMPTS:
            assert standing(instance, retry_wait(number) - 5) is Standing.RETRYING
            assert standing(instance, retry_wait(number) + 5) is Standing.DUE
    assert standing(instance, 1e9) is Standing.FAILED


def test_failures_before_a_success_are_forgotten(instance: dg.DagsterInstance) -> None:
    for end in (cancel, succeed):
        run = submit(instance)
        assert run is not None
        end(instance, run)
    assert history_of(instance, WORK).failures == 0
    assert not last_run_failed(instance, TASK)
