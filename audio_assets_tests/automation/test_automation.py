"""What recomputes when, on a real instance: the sensors are ticked and their runs executed."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from audio_assets import load_learning_curves
from audio_assets.encoders.placeholder import PlaceholderEncoder
from audio_assets.errors import AudioRootError
from audio_assets.pipeline.stages import STAGES
from audio_assets_tests.automation.ticks import Automation, Ran, a_clip, queued, replace_clip
from audio_assets_tests.place import new_place
from audio_assets_tests.small_audio import clip, write_clip, write_species

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_drawing")]

OF_SPECIES = {
    "clip_digests",
    "near_duplicates",
    "balanced_manifest",
    "roc_auc_chart",
    "model_comparison",
    "quarantine",
    "clip_properties",
    "findings",
    "calibration",
    "hard_clips",
    "embedding_map",
    "answer",
}
OF_EXPERIMENT = {"embeddings", "fold_scores", "fold_predictions", "learning_curve", "leak_check"}
WHOLE: set[Ran] = {("duplicate_encoder", None), ("experiment_report", None)}


def partitions(species: str, model: str = "placeholder") -> set[Ran]:
    """Every asset partition of a species, its inventory included."""
    own = {(asset, species) for asset in OF_SPECIES | {"audio_inventory"}}
    return own | {(asset, f"{model}|{species}") for asset in OF_EXPERIMENT}


def assert_each_once(ran: list[Ran], expected: set[Ran]) -> None:
    assert sorted(ran, key=str) == sorted(expected, key=str)


def assert_current(automation: Automation) -> None:
    """The published numbers are those of a place that saw nothing but the audio of now."""
    published = automation.place.results.learning_curves.read_bytes()
    with tempfile.TemporaryDirectory() as folder, new_place(Path(folder)) as fresh:
        shutil.copytree(automation.place.audio, fresh.audio, dirs_exist_ok=True)
        assert fresh.run("owl", "fox", **automation.settings).failures == {}
        assert published == fresh.results.learning_curves.read_bytes()


def test_everything_is_filled_once_and_then_nothing_is_asked_for(shared):
    automation, first = shared
    expected = WHOLE | {("encoder_card", "placeholder")} | partitions("owl") | partitions("fox")
    assert_each_once(first, expected)
    assert set(load_learning_curves(automation.place.results.root)["species"]) == {"owl", "fox"}
    assert automation.settle() == []


def test_a_new_species_is_added_and_touches_no_other(automation):
    automation.settle()
    write_species(automation.place.audio, "fox", recordings=4)
    assert_each_once(automation.settle(), partitions("fox") | {("experiment_report", None)})
    assert set(load_learning_curves(automation.place.results.root)["species"]) == {"fox", "owl"}


@pytest.mark.parametrize("change", ["added", "replaced", "removed"])
def test_a_changed_clip_reruns_its_species_once_and_no_other(filled, change):
    folder = filled.place.audio / "owl" / "data" / "pos"
    if change == "added":
        write_clip(folder / "owl-pos-t-099_pos_1sec_1_a.wav", clip(99, tone=True))
    elif change == "replaced":
        replace_clip(filled, seed=98)
    else:
        a_clip(filled).unlink()
    ran = filled.settle()
    assert len(ran) == len(set(ran))
    assert {partition for _, partition in ran} == {"owl", "placeholder|owl", None}
    assert {("embeddings", "placeholder|owl"), ("roc_auc_chart", "owl")} <= set(ran)
    assert filled.settle() == []


def test_listing_again_what_is_the_same_makes_the_inventory_alone(filled):
    a_clip(filled).touch()
    assert filled.settle() == [("audio_inventory", "owl")]


def test_a_new_code_version_runs_that_asset_and_what_its_content_changes(filled, monkeypatch):
    monkeypatch.setitem(STAGES, "leak_check", replace(STAGES["leak_check"], version=99))
    assert_each_once(
        filled.settle(), {("leak_check", "placeholder|owl"), ("leak_check", "placeholder|fox")}
    )


def test_a_changed_setting_runs_what_it_changes_once(filled):
    filled.settings["target_auc"] = 0.8
    made = ("model_comparison", "answer")
    compared = {(asset, species) for asset in made for species in ("owl", "fox")}
    assert_each_once(filled.settle(), compared | {("experiment_report", None)})


def test_a_new_model_runs_beside_the_others(filled):
    filled.settings["models"] = ("placeholder", "random_forest")
    ran = filled.settle()
    experiments = {one for one in ran if one[1] and "|" in one[1]}
    keys = ("random_forest|owl", "random_forest|fox")
    assert experiments == {(asset, key) for asset in OF_EXPERIMENT for key in keys}
    assert ("roc_auc_chart", "owl") in ran and ("balanced_manifest", "owl") not in ran
    assert len(ran) == len(set(ran))


def test_other_weights_run_the_models_of_that_encoder(filled, monkeypatch):
    monkeypatch.setattr(PlaceholderEncoder, "fingerprint", "e" * 64)
    ran = filled.settle()
    assert ("encoder_card", "placeholder") in ran and ("embeddings", "placeholder|owl") in ran
    assert ("balanced_manifest", "owl") not in ran
    assert filled.settle() == []


def test_an_output_that_was_deleted_is_made_again(filled):
    filled.place.results.chart("owl", "png").unlink()
    assert filled.settle() == [("roc_auc_chart", "owl")]


def test_a_change_between_a_request_and_the_next_tick_is_not_lost(filled):
    replace_clip(filled, seed=1)
    assert filled.tick("changed_audio") == []
    (request,) = filled.tick("changed_audio")
    # The run lists what is there now, and what comes after it is another change.
    replace_clip(filled, seed=2)
    filled.execute(request)
    replace_clip(filled, seed=3)
    ran = filled.settle()
    assert ("audio_inventory", "owl") in ran and ("embeddings", "placeholder|owl") in ran
    assert filled.settle() == []
    assert_current(filled)


def test_a_change_while_its_species_is_being_worked_on_is_not_lost(filled):
    replace_clip(filled, seed=1)
    filled.tick("changed_audio")
    (request,) = filled.tick("changed_audio")
    filled.execute(request)
    (request,) = filled.tick("stale_partitions")
    with queued(filled, request):
        # Nothing is asked for twice while it is queued or running ...
        assert filled.tick("stale_partitions") == []
        replace_clip(filled, seed=2)
        filled.tick("changed_audio")
        (again,) = filled.tick("changed_audio")
        filled.execute(again)
        assert filled.tick("stale_partitions") == []
    # ... and the queued run itself takes what is there when it starts.
    filled.execute(request)
    filled.settle()
    assert_current(filled)


def test_a_change_that_flips_back_before_it_was_seen_runs_nothing_after_the_inventory(filled):
    before = a_clip(filled).read_bytes()
    replace_clip(filled, seed=1)
    filled.tick("changed_audio")
    a_clip(filled).write_bytes(before)
    assert set(filled.settle()) <= {("audio_inventory", "owl")}


def test_a_change_that_flips_back_after_it_was_worked_on_is_worked_on_again(filled):
    numbers = filled.place.results.learning_curves.read_bytes()
    before = a_clip(filled).read_bytes()
    for data in (None, before):
        if data is None:
            replace_clip(filled, seed=1)
        else:
            a_clip(filled).write_bytes(data)
        ran = filled.settle()
        assert ("fold_scores", "placeholder|owl") in ran and len(ran) == len(set(ran))
    assert filled.place.results.learning_curves.read_bytes() == numbers


def test_a_removed_species_folder_leaves_no_numbers_behind(automation):
    write_species(automation.place.audio, "fox", recordings=4)
    automation.settle()
    shutil.rmtree(automation.place.audio / "owl")
    automation.settle()
    curves = load_learning_curves(automation.place.results.root)
    assert curves[curves["species"] == "owl"]["mean"].isna().all()
    assert curves[curves["species"] == "fox"]["mean"].notna().any()
    assert automation.settle() == []


def test_a_drive_that_is_not_mounted_takes_no_numbers_away(filled):
    published = filled.place.results.learning_curves.read_bytes()
    aside = filled.place.audio.with_name("mounted")
    filled.place.audio.rename(aside)
    filled.place.audio.mkdir()
    for sensor in ("species_folders", "changed_audio"):
        with pytest.raises(AudioRootError, match="mounted"):
            filled.tick(sensor)
    assert filled.tick("stale_partitions") == []
    failures = filled.place.run("owl", "fox", **filled.settings).failures
    assert set(failures) == {"owl, inventory", "fox, inventory"}
    assert filled.place.results.learning_curves.read_bytes() == published
    filled.place.audio.rmdir()
    aside.rename(filled.place.audio)
    assert filled.settle() == []


def test_audio_that_is_still_being_copied_is_left_alone(automation):
    automation.tick("species_folders")
    for number in range(3):
        write_clip(
            automation.place.audio / f"owl/data/pos/owl-pos-t-{number}00_pos_1sec_1_z.wav",
            clip(number, tone=True),
        )
        assert automation.tick("changed_audio") == []
    assert len(automation.tick("changed_audio")) == 1


def test_work_that_somebody_else_runs_is_not_asked_for(filled):
    filled.settings["target_auc"] = 0.8
    instance = filled.place.instance
    run = instance.create_run_for_job(
        filled.defs.resolve_job_def("charts"),
        tags={"dagster/partition": "owl"},
        status=dg.DagsterRunStatus.STARTED,
    )
    assert {request.partition_key for request in filled.tick("stale_partitions")} == {"fox"}
    instance.delete_run(run.run_id)
    assert {request.partition_key for request in filled.tick("stale_partitions")} == {"owl", "fox"}
