"""What the sensors run, and what is red in the UI, after a fresh installation."""

import dagster as dg
import pytest

from audio_assets_tests.automation.ticks import SETTINGS, Automation
from audio_assets_tests.place import new_place
from audio_assets_tests.small_audio import write_species

DONE = {"birdnet", "random_forest", "svm"}


def checks_of(instance: dg.DagsterInstance) -> list[dg.AssetCheckEvaluation]:
    return [
        record.event_log_entry.dagster_event.asset_check_evaluation_data
        for run in instance.get_runs()
        for record in instance.get_records_for_run(
            run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
        ).records
    ]


@pytest.mark.slow
def test_nothing_is_red_after_a_fresh_installation_and_the_models_without_weights_are_named(
    tmp_path, no_drawing
):
    with new_place(tmp_path) as place:
        write_species(place.audio, "owl", recordings=12)
        settings = {**SETTINGS, "models": None, "cache_dir": str(tmp_path / "cache")}
        automation = Automation(place, settings)
        ran = automation.settle()
        assert {partition for asset, partition in ran if asset == "encoder_card"} == DONE
        assert {partition for asset, partition in ran if asset == "learning_curve"} == {
            f"{model}|owl" for model in DONE
        }
        health = automation.defs.resolve_job_def("health")
        assert health.execute_in_process(instance=place.instance, raise_on_error=False).success
        statuses = {run.status for run in place.instance.get_runs()}
        assert statuses == {dg.DagsterRunStatus.SUCCESS}
        found = checks_of(place.instance)
        assert {"both_classes_present", "automation_is_healthy"} <= {c.check_name for c in found}
        # The level of these clips does give the labels away.
        failed = [
            c for c in found if not c.passed and c.check_name != "nothing_gives_the_labels_away"
        ]
        assert [(c.check_name, c.description) for c in failed] == []
        absent = "perch, vgg, mobilenet, resnet"
        told = automation.look("stale_partitions").skip_message
        assert told.endswith(f"; not installed: {absent}")
        report = place.instance.get_latest_materialization_event(dg.AssetKey("experiment_report"))
        metadata = report.asset_materialization.metadata
        assert metadata["models not installed"].value == absent
        assert metadata["partitions without a result"].value == 0


@pytest.mark.slow
def test_a_model_that_the_settings_name_fails_red_without_its_weights(tmp_path, no_drawing):
    with new_place(tmp_path) as place:
        write_species(place.audio, "owl", recordings=4)
        settings = {**SETTINGS, "models": ("placeholder", "vgg"), "cache_dir": str(tmp_path)}
        automation = Automation(place, settings)
        automation.settle()
        failed = [r for r in place.instance.get_runs() if r.status is dg.DagsterRunStatus.FAILURE]
        assert {run.tags["dagster/partition"] for run in failed} == {"vgg"}
