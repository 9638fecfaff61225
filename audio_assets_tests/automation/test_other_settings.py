"""Runs that have other settings than the sensors and schedules that ask for them."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.storage.tags import TagType, get_tag_type
from dagster._utils.tags import normalize_tags

from audio_assets.automation.decisions import ATTEMPTS
from audio_assets.definitions import build_defs
from audio_assets.pipeline.stages import JOBS, Per, stages_of_job
from audio_assets.pipeline.versions import EARLIER_VERSIONS_TAG, VERSIONS_TAG, versions_tag
from audio_assets_tests.automation.test_alerts import failed_run
from audio_assets_tests.automation.test_webhook import hook  # noqa: F401
from audio_assets_tests.automation.ticks import QUIET, Automation, replace_clip
from audio_assets_tests.place import Place, new_place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with new_place(tmp_path) as place:
        place.instance.add_dynamic_partitions("species", ["owl"])
        yield place


def refused(automation: Automation) -> dict[str, int]:
    """Jobs whose runs were refused, and how often, always before their first step."""
    instance = automation.place.instance
    jobs: dict[str, int] = {}
    failed = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])
    for run in instance.get_runs(failed):
        assert not instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_START)
        jobs[run.job_name] = jobs.get(run.job_name, 0) + 1
    return jobs


@pytest.mark.slow
@pytest.mark.usefixtures("no_drawing")
@pytest.mark.parametrize(
    ("changed", "stopped", "made", "not_made"),
    [
        (
            {"target_auc": 0.8},
            {"charts", "answers", "report"},
            "learning_curve",
            "model_comparison",
        ),
        ({"seed": 7}, {"splits", "charts", "report"}, "audio_inventory", "fold_scores"),
    ],
)
def test_runs_with_other_settings_are_given_up_and_made_once_the_sensors_have_these(
    automation, monkeypatch, changed, stopped, made, not_made
):
    automation.settings["retry_seconds"] = 0
    automation.settle()
    automation.settings_of_runs = changed
    replace_clip(automation, seed=5)
    published = automation.place.results.learning_curves.read_bytes()
    ran = automation.settle()
    assert len(ran) == len(set(ran))
    names = {asset for asset, _ in ran}
    assert made in names and not names & {not_made, "experiment_report"}
    assert automation.place.results.learning_curves.read_bytes() == published
    assert refused(automation) == dict.fromkeys(stopped, ATTEMPTS)
    said = automation.look("stale_partitions").skip_message
    assert all(f"given up: {job}" in said for job in stopped)

    # The code server is restarted.
    automation.settings |= changed
    ran = automation.settle()
    assert {("model_comparison", "owl"), ("experiment_report", None)} <= set(ran)
    assert refused(automation) == dict.fromkeys(stopped, ATTEMPTS)
    assert "given up" not in automation.look("stale_partitions").skip_message
    with new_place(automation.place.audio.parent / "anew") as anew:
        anew.audio.rmdir()
        anew.audio.symlink_to(automation.place.audio)
        assert anew.run("owl", **automation.settings).failures == {}
        assert (
            anew.results.learning_curves.read_bytes()
            == automation.place.results.learning_curves.read_bytes()
        )


def test_every_asset_refuses_a_run_that_was_asked_for_with_another_version(place):
    plan = place.plan(bootstrap=100)
    defs = build_defs(plan.settings)
    graph = defs.resolve_asset_graph()
    keys = {
        Per.ALL: None,
        Per.MODEL: "placeholder",
        Per.SPECIES: "owl",
        Per.SPECIES_AND_MODEL: "placeholder|owl",
    }
    for name, job in JOBS.items():
        for asset in stages_of_job(name, plan.settings):
            result = defs.resolve_job_def(name).execute_in_process(
                instance=place.instance,
                partition_key=keys[job.per],
                asset_selection=list(graph.get(dg.AssetKey(asset)).execution_set_asset_keys),
                tags={VERSIONS_TAG: f'{{"{asset}": "0-of-others"}}'},
                raise_on_error=False,
                run_config=QUIET,
            )
            said = str([event.event_specific_data for event in result.all_events])
            assert f"they result in another version of {asset}." in said
            assert "STEP_START" not in {event.event_type_value for event in result.all_events}
            # Lost workers are started anew; this is none.
            run = place.instance.get_run_by_id(result.run_id)
            assert run.tags["dagster/max_retries"] == "0"


def test_the_alert_of_a_refused_run_says_what_differs_and_what_to_do(place, hook):  # noqa: F811
    asked = versions_tag(["clip_digests", "balanced_manifest"], place.plan(seed=7).settings)
    defs = build_defs(place.plan(webhook_url=hook.url).settings)
    failed_run(defs, place.instance, **{VERSIONS_TAG: asked})
    (message,) = hook.got
    assert message["text"].splitlines()[1:] == [
        "This run has other settings (or other code) than the sensor or schedule that requested "
        "it: they result in another version of balanced_manifest.",
        "Restart the code server (on one machine `dagster dev` or `make ui`), so that it reads the "
        "settings again.",
    ]


AUTOMATIC = {"dagster/retry_number": "1"}


def test_a_run_that_was_asked_for_before_an_upgrade_is_checked_by_the_tag_of_then(place):
    job = build_defs(place.plan().settings).resolve_job_def("encoders")
    tags = {EARLIER_VERSIONS_TAG: '{"encoder_card": "0"}', "dagster/partition": "placeholder"}
    run = place.instance.create_run_for_job(job, tags=tags)
    assert not execute_run(InMemoryJob(job), run, place.instance, raise_on_error=False).success
    said = str(place.instance.all_logs(run.run_id))
    assert "they result in another version of encoder_card." in said


def test_the_versions_of_a_run_are_kept_off_the_list_of_runs():
    assert get_tag_type(VERSIONS_TAG) is TagType.HIDDEN
    # Warnings are errors here: one says which names are no good.
    assert normalize_tags({VERSIONS_TAG: "{}"}) == {VERSIONS_TAG: "{}"}


@pytest.mark.parametrize(("retry", "success"), [({}, True), (AUTOMATIC, False)])
def test_a_run_that_somebody_executes_again_has_the_settings_of_now(place, retry, success):
    # Its tags are copied; so are those of a run whose worker was lost, which Dagster starts again.
    tags = {VERSIONS_TAG: '{"encoder_card": "0"}', "dagster/partition": "placeholder", **retry}
    job = build_defs(place.plan().settings).resolve_job_def("encoders")
    run = place.instance.create_run_for_job(
        job, tags=tags, parent_run_id="first", root_run_id="first"
    )
    done = execute_run(InMemoryJob(job), run, place.instance, raise_on_error=False)
    assert done.success is success
