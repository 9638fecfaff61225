"""Who is told of a failed run, on a real instance and a local HTTP server."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from audio_assets.definitions import build_defs
from audio_assets_tests.automation.test_webhook import SECRET, Hook, hook  # noqa: F401
from audio_assets_tests.place import Place, new_place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with new_place(tmp_path) as place:
        yield place


def failed_run(defs: dg.Definitions, instance: dg.DagsterInstance, **tags: str) -> None:
    """A run of a partition that does not exist, and the sensor told of it."""
    job = defs.resolve_job_def("inventory")
    result = job.execute_in_process(
        instance=instance, tags={"dagster/partition": "nowl", **tags}, raise_on_error=False
    )
    context = dg.build_run_status_sensor_context(
        sensor_name="failed_runs",
        dagster_instance=instance,
        dagster_run=instance.get_run_by_id(result.run_id),
        dagster_event=next(event for event in result.all_events if event.is_run_failure),
    )
    defs.resolve_sensor_def("failed_runs")(context.for_run_failure())


def test_a_failed_run_is_posted_once_it_is_given_up_and_nobody_was_told(place, hook):  # noqa: F811
    defs = build_defs(place.plan(webhook_url=hook.url).settings)
    failed_run(defs, place.instance, **{"dagster/will_retry": "true"})
    failed_run(defs, place.instance, **{"audio_assets/refused": "true"})
    assert hook.got == []
    failed_run(defs, place.instance)
    (message,) = hook.got
    assert message["text"].startswith("audio-assets: inventory nowl failed (run ")
    reason = message["text"].splitlines()[1]
    assert reason == "This run of the job inventory has the unknown partition nowl"


def test_a_webhook_that_fails_stops_nothing_and_is_not_named(place, hook, capfd):  # noqa: F811
    hook.status = 500
    failed_run(build_defs(place.plan(webhook_url=hook.url).settings), place.instance)
    said = "".join(capfd.readouterr())
    assert "not posted: the webhook answered 500" in said and SECRET not in said


def test_the_address_of_the_webhook_is_shown_nowhere(place, hook):  # noqa: F811
    settings = place.plan(webhook_url=hook.url).settings
    assert SECRET not in repr(settings) and SECRET not in settings.model_dump_json()


@pytest.mark.parametrize(("given", "words"), [(None, "names no"), ("nowl", "unknown partition")])
def test_a_run_without_a_right_partition_fails_before_its_first_step(place, given, words):
    defs = build_defs(place.plan().settings)
    place.instance.add_dynamic_partitions("species", ["owl"])
    for job, keys in (("inventory", "owl"), ("experiment", "placeholder|owl")):
        result = defs.resolve_job_def(job).execute_in_process(
            instance=place.instance,
            tags={"dagster/partition": given} if given else {},
            raise_on_error=False,
        )
        assert not result.success
        # Lost workers are started anew; this is none.
        assert place.instance.get_run_by_id(result.run_id).tags["dagster/max_retries"] == "0"
        assert not [event for event in result.all_events if event.event_type_value == "STEP_START"]
        said = str([event.event_specific_data for event in result.all_events])
        assert words in said and f"The partitions are: {keys}" in said
