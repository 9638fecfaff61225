"""What doctor, check and webhook tell of a faulty automation, until it is mended."""

import json
from typing import Any

import dagster as dg
import pytest

from audio_assets.automation import watch
from audio_assets.automation.decisions import ATTEMPTS
from audio_assets.automation.health import Health, examine_health
from audio_assets.automation.problems import Kind
from audio_assets.automation.runs import forgive
from audio_assets.automation.stale import standing_words
from audio_assets.catalog import access, listing
from audio_assets.errors import AudioRootError
from audio_assets.evaluation import species as species_evaluation
from audio_assets.pipeline.staleness import Staleness
from audio_assets_tests.automation.test_webhook import Hook, hook  # noqa: F401
from audio_assets_tests.automation.ticks import QUIET, Automation, queued, replace_clip

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_drawing")]


def examined(automation: Automation) -> Health:
    plan = automation.place.plan(**automation.settings)
    graph = automation.defs.resolve_asset_graph()
    instance = automation.place.instance
    return examine_health(plan, instance, Staleness(graph, plan.roots, instance, of_all=True))


def found(automation: Automation) -> dict[str, str]:
    """Problems by their keys: what is wrong."""
    return {problem.key: problem.what for problem in examined(automation).problems}


def check(automation: Automation) -> bool | None:
    """Tick the sensor, make the check if it asks for it, and say what the check says now."""
    instance = automation.place.instance
    for request in automation.tick("health"):
        automation.defs.resolve_job_def(request.job_name).execute_in_process(
            instance=instance,
            tags={**request.tags, "dagster/run_key": request.run_key or ""},
            run_config=QUIET,
        )
    key = watch.CHECK
    record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    event = record.event.dagster_event if record.event is not None else None
    assert event is not None
    return event.asset_check_evaluation_data.passed


def forbid(monkeypatch: pytest.MonkeyPatch, species: str) -> None:
    really = listing._list

    def list_or_fail(folder: Any, **options: Any) -> Any:
        if f"/{species}/" in str(folder):
            raise AudioRootError(f"{species} cannot be listed", "Give the right to read it.")
        return really(folder, **options)

    monkeypatch.setattr(listing, "_list", list_or_fail)


def test_nothing_is_wrong_with_an_automation_at_rest(filled):
    assert found(filled) == {} and check(filled) is True
    # What did not change is not checked again.
    assert filled.tick("health") == []


def test_an_inventory_that_is_given_up_is_told_everywhere_until_rights_are_back(
    filled, monkeypatch, hook  # noqa: F811
):
    assert check(filled) is True
    filled.settings |= {"retry_seconds": 0, "webhook_url": hook.url}
    forbid(monkeypatch, "owl")
    # Its inventory of before stays, and is fresh by its versions.
    filled.settle()
    (problem,) = examined(filled).problems
    assert problem.key == "given up: inventory owl" and problem.species == "owl"
    assert "owl cannot be listed" in problem.what and "retry --species owl" in problem.remedy
    assert "given up: inventory owl" in filled.look("stale_partitions").skip_message
    assert check(filled) is False
    (message,) = hook.got
    assert "owl cannot be listed" in message["text"] and "retry" in message["text"]
    assert check(filled) is False and len(hook.got) == 1

    monkeypatch.undo()
    # Nothing has changed, so nothing is made; and nothing is wrong any more.
    assert filled.settle() == []
    assert found(filled) == {} and check(filled) is True
    assert hook.got[1]["text"] == "audio-assets: resolved: given up: inventory owl"


def test_an_inventory_that_failed_is_over_when_it_is_made_by_hand(filled, monkeypatch):
    filled.settings["retry_seconds"] = 0
    with monkeypatch.context() as patch:
        forbid(patch, "owl")
        filled.settle()
        assert "given up: inventory owl" in found(filled)
        replace_clip(filled, seed=31)
    assert filled.place.run("owl", **filled.settings).failures == {}
    assert found(filled) == {}


def test_a_webhook_that_was_down_is_told_later(filled, monkeypatch, hook):  # noqa: F811
    filled.settings |= {"retry_seconds": 0, "webhook_url": hook.url}
    with monkeypatch.context() as patch:
        forbid(patch, "fox")
        filled.settle()
        hook.status = 500
        filled.tick("health")
        told = len(hook.got)
        hook.status = 200
        filled.tick("health")
        assert "fox cannot be listed" in hook.got[-1]["text"] and len(hook.got) == told + 1
        filled.tick("health")
        assert len(hook.got) == told + 1
    filled.settle()


def test_work_that_was_given_up_is_tried_after_a_day_or_when_somebody_asks(automation, monkeypatch):
    tried: list[str] = []

    def failing(*arguments: Any, **options: Any) -> Any:
        tried.append(options["species"])
        raise RuntimeError("the disk is on fire")

    score = species_evaluation.score_species
    monkeypatch.setattr(species_evaluation, "score_species", failing)
    automation.settings["retry_seconds"] = 0
    automation.settle()
    assert len(tried) == ATTEMPTS
    (key,) = found(automation)
    assert key == "given up: experiment placeholder|owl"
    assert "the disk is on fire" in found(automation)[key]
    automation.settings["give_up_hours"] = 1e-9
    (request,) = automation.tick("stale_partitions")
    automation.execute(request)
    assert len(tried) == ATTEMPTS + 1
    automation.settings["give_up_hours"] = 24
    assert automation.settle() == [] and list(found(automation)) == [key]

    monkeypatch.setattr(species_evaluation, "score_species", score)
    forgive(automation.place.instance)
    assert ("learning_curve", "placeholder|owl") in automation.settle()
    assert found(automation) == {}


def test_no_run_is_asked_for_while_results_cannot_be_written(filled, monkeypatch):
    replace_clip(filled, seed=32)
    filled.settings["target_auc"] = 0.7

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(access, "write_atomic", refuse)
        with pytest.raises(PermissionError):
            filled.tick("stale_partitions")
        (problem,) = [one for one in examined(filled).problems if one.kind is Kind.RESULTS]
        assert "read-only file system" in problem.what
        assert check(filled) is False
    assert filled.settle() and found(filled) == {} and check(filled) is True


def test_refused_clips_use_up_no_attempt_and_work_resumes_by_itself(automation, monkeypatch):
    automation.settings["retry_seconds"] = 0
    refused = "403: the account may not read"
    with monkeypatch.context() as patch:

        def fail(*arguments: Any, **options: Any) -> Any:
            raise AudioRootError(refused, "Give the right.")

        patch.setattr(species_evaluation, "score_species", fail)
        patch.setattr("audio_assets.automation.stale.refusal_of_clips", lambda *_: refused)
        ran = automation.settle()
        # After the first failure the clips are asked for, and no run is wasted.
        assert ran.count(("embeddings", "placeholder|owl")) == 1
        instance = automation.place.instance
        failed = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
        assert len(failed) == 1
        assert found(automation) == {
            "access: owl": f"the clips of owl may not be read: {refused}",
        }
        said = standing_words(examined(automation).decision)
        assert "waiting for access to its audio" in said
    assert ("learning_curve", "placeholder|owl") in automation.settle()
    assert found(automation) == {}


def test_a_root_that_is_gone_is_named_and_hides_no_other_problem(filled, monkeypatch):
    aside = filled.place.audio.with_name("aside")
    filled.place.audio.rename(aside)
    try:
        health = examined(filled)
        first = health.problems[0]
        assert first.kind is Kind.AUDIO and "does not exist" in first.what
        assert health.decision is not None
    finally:
        aside.rename(filled.place.audio)
    assert found(filled) == {}


def test_the_sensor_stores_no_event_outside_of_a_run(filled, monkeypatch):
    with monkeypatch.context() as patch:
        forbid(patch, "owl")
        for _ in range(3):
            seen = filled.look("health")
            assert not seen.asset_events
            assert json.loads(seen.cursor).keys() == {"told"}


def test_work_that_is_given_up_is_not_told_as_mended_while_it_is_tried_again(
    automation, monkeypatch, hook  # noqa: F811
):
    def failing(*arguments: Any, **options: Any) -> Any:
        raise RuntimeError("the disk is on fire")

    automation.settings |= {"retry_seconds": 0, "webhook_url": hook.url}
    with monkeypatch.context() as patch:
        patch.setattr(species_evaluation, "score_species", failing)
        automation.settle()
        automation.tick("health")
        assert [message["text"].count("is given up") for message in hook.got] == [1]
        automation.settings["give_up_hours"] = 1e-9
        (request,) = automation.tick("stale_partitions")
        automation.tick("health")
        with queued(automation, request):
            assert found(automation) == {}
            automation.tick("health")
        assert len(hook.got) == 1
        automation.execute(request)
        automation.settings["give_up_hours"] = 24
        automation.tick("health")
        assert len(hook.got) == 1
    forgive(automation.place.instance)
    automation.settle()
    automation.tick("health")
    assert [message["text"] for message in hook.got[1:]] == [
        "audio-assets: resolved: given up: experiment placeholder|owl"
    ]
