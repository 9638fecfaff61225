"""What recomputes when, on a real instance: the sensors are ticked and their runs executed."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from audio_assets import definitions, load_learning_curves, versions
from audio_assets.automation import stale
from audio_assets.encoders.placeholder import PlaceholderEncoder
from audio_assets.errors import AudioRootError, TransientStorageError
from audio_assets.evaluation import manifest as split_plans
from audio_assets.evaluation import species as species_evaluation
from audio_assets.reporting import render
from audio_assets.scheduling import decisions
from audio_assets.scheduling.decisions import ATTEMPTS
from audio_assets.storage import embedding_table, listing
from audio_assets.storage.parquet import read_table
from audio_assets.tables import ROC_AUC_CHART
from audio_assets_tests.automation.ticks import Automation, Ran, queued
from audio_assets_tests.conftest import BUCKET
from audio_assets_tests.place import new_place
from audio_assets_tests.small_audio import clip, write_clip, write_species

pytestmark = pytest.mark.slow

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
}
OF_EXPERIMENT = {"embeddings", "fold_scores", "fold_predictions", "learning_curve", "leak_check"}
SETTINGS = {"training_sizes": (4,), "folds": 2, "repeats": 1}
WHOLE: set[Ran] = {("duplicate_encoder", None), ("experiment_report", None)}


@pytest.fixture(autouse=True, scope="module")
def _no_drawing() -> Iterator[None]:
    """Charts in name only: drawing takes longer than all the rest, and is tested elsewhere."""
    drawn = render.RenderedChart(html="<p>", svg="<svg>", png=b"PNG", json="{}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "render", lambda chart: drawn)
        patch.setattr(render, "preview_png", lambda chart: b"PNG")
        yield


@pytest.fixture
def automation(tmp_path: Path) -> Iterator[Automation]:
    """The sensors over one species, owl, before their first tick."""
    with new_place(tmp_path) as place:
        write_species(place.audio, "owl", recordings=4)
        yield Automation(place, dict(SETTINGS))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Automation, list[Ran]]]:
    """The same with owl and fox, when everything was made once, and what was."""
    with new_place(tmp_path_factory.mktemp("filled")) as place:
        for species in ("owl", "fox"):
            write_species(place.audio, species, recordings=4)
        automation = Automation(place, dict(SETTINGS))
        yield automation, automation.settle()


@pytest.fixture
def filled(shared: tuple[Automation, list[Ran]]) -> Automation:
    """Owl and fox at rest under the usual settings, whatever the tests before have changed."""
    automation, _ = shared
    automation.settings = dict(SETTINGS)
    automation.settle()
    return automation


def partitions(species: str, model: str = "placeholder") -> set[Ran]:
    """Every asset partition of a species, its inventory included."""
    own = {(asset, species) for asset in OF_SPECIES | {"audio_inventory"}}
    return own | {(asset, f"{model}|{species}") for asset in OF_EXPERIMENT}


def a_clip(automation: Automation, species: str = "owl") -> Path:
    return sorted((automation.place.audio / species / "data" / "pos").glob("*.wav"))[0]


def replace_clip(automation: Automation, seed: int, species: str = "owl") -> None:
    """Other audio under the same name; the size stays and the time moves."""
    write_clip(a_clip(automation, species), clip(seed, tone=True, level=0.02))


def assert_each_once(ran: list[Ran], expected: set[Ran]) -> None:
    assert sorted(ran, key=str) == sorted(expected, key=str)


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
    monkeypatch.setitem(versions._VERSIONS, "leak_check", (99, ("ci_level",)))
    assert_each_once(
        filled.settle(), {("leak_check", "placeholder|owl"), ("leak_check", "placeholder|fox")}
    )


def test_a_changed_setting_runs_what_it_changes_once(filled):
    filled.settings["target_auc"] = 0.8
    compared = {("model_comparison", "owl"), ("model_comparison", "fox")}
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


def test_a_failed_run_is_tried_a_few_times_then_given_up_and_reported(automation, monkeypatch):
    write_species(automation.place.audio, "fox", recordings=4)
    score = species_evaluation.score_species
    tried: list[str] = []

    def failing(*arguments: Any, **options: Any) -> Any:
        if options["species"] == "owl":
            tried.append("owl")
            raise RuntimeError("the disk is on fire")
        return score(*arguments, **options)

    monkeypatch.setattr(species_evaluation, "score_species", failing)
    monkeypatch.setattr(decisions, "_FIRST_WAIT_SECONDS", 0.0)
    ran = automation.settle()
    assert len(tried) == ATTEMPTS
    assert ("roc_auc_chart", "fox") in ran
    assert set(load_learning_curves(automation.place.results.root)["species"]) == {"fox"}
    assert "owl" in automation.place.results.report.read_text()
    said = automation.look("stale_partitions").skip_message
    assert "given up: experiment placeholder|owl" in said

    # Its inputs change: that is other work.
    monkeypatch.setattr(species_evaluation, "score_species", score)
    assert automation.settle() == []
    replace_clip(automation, seed=5)
    ran = automation.settle()
    assert ("learning_curve", "placeholder|owl") in ran
    assert set(load_learning_curves(automation.place.results.root)["species"]) == {"fox", "owl"}


@pytest.mark.slow
def test_splits_that_fail_leave_no_chart_of_earlier_audio(filled, monkeypatch):
    def fail(*arguments: Any, **options: Any) -> Any:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(decisions, "_FIRST_WAIT_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(split_plans, "build_manifest", fail)
        replace_clip(filled, seed=11)
        ran = filled.settle()
    assert ran.count(("roc_auc_chart", "owl")) == 1
    chart = filled.place.results.table("roc_auc_chart", "owl")
    assert read_table(chart, ROC_AUC_CHART).empty
    assert set(load_learning_curves(filled.place.results.root)["species"]) == {"fox"}
    replace_clip(filled, seed=12)
    filled.settle()
    assert not read_table(chart, ROC_AUC_CHART).empty


def test_what_failed_waits_longer_each_time_and_holds_up_nobody(automation, monkeypatch):
    write_species(automation.place.audio, "fox", recordings=4)
    score = species_evaluation.score_species

    def failing(*arguments: Any, **options: Any) -> Any:
        if options["species"] == "owl":
            raise RuntimeError("the disk is on fire")
        return score(*arguments, **options)

    monkeypatch.setattr(species_evaluation, "score_species", failing)
    ran = automation.settle()
    assert ("experiment_report", None) in ran and ("roc_auc_chart", "fox") in ran
    assert "1 waiting before it is tried again" in automation.look("stale_partitions").skip_message
    now = stale.time.time
    monkeypatch.setattr(stale.time, "time", lambda: now() + decisions.retry_wait(1) + 1)
    (request,) = automation.tick("stale_partitions")
    assert request.partition_key == "placeholder|owl"
    automation.execute(request)
    assert automation.tick("stale_partitions") == []


def test_weights_that_are_missing_fail_their_model_and_no_other(automation, monkeypatch):
    monkeypatch.setattr(decisions, "_FIRST_WAIT_SECONDS", 0.0)
    automation.settings["models"] = ("placeholder", "vgg")
    automation.settings["weights_root"] = str(automation.place.audio.parent / "none")
    automation.settings["cache_dir"] = str(automation.place.audio.parent / "cache")
    ran = automation.settle()
    assert ("roc_auc_chart", "owl") in ran and ("experiment_report", None) in ran
    assert not [one for one in ran if one[1] and "vgg" in one[1]]
    said = automation.look("stale_partitions").skip_message
    assert "given up: encoders vgg" in said


def test_a_removed_species_folder_leaves_no_numbers_behind(automation):
    automation.settle()
    shutil.rmtree(automation.place.audio / "owl")
    automation.settle()
    assert load_learning_curves(automation.place.results.root)["mean"].isna().all()
    assert automation.settle() == []


def test_audio_that_is_still_being_copied_is_left_alone(automation):
    automation.tick("species_folders")
    for number in range(3):
        write_clip(
            automation.place.audio / f"owl/data/pos/owl-pos-t-{number}00_pos_1sec_1_z.wav",
            clip(number, tone=True),
        )
        assert automation.tick("changed_audio") == []
    assert len(automation.tick("changed_audio")) == 1


def test_a_listing_that_fails_is_a_failed_tick_and_changes_nothing(filled, monkeypatch):
    cursors = dict(filled.cursors)
    aside = filled.place.audio.with_name("aside")
    filled.place.audio.rename(aside)
    for sensor in ("species_folders", "changed_audio"):
        with pytest.raises(AudioRootError, match="does not exist"):
            filled.tick(sensor)
    aside.rename(filled.place.audio)
    assert filled.cursors == cursors

    def fails(*arguments: Any, **options: Any) -> Any:
        raise TransientStorageError("the bucket answers 503", "Try again.")

    with monkeypatch.context() as patch:
        patch.setattr(listing, "_list", fails)
        with pytest.raises(Exception, match="503"):
            filled.tick("changed_audio")
    assert filled.settle() == []


def test_a_tick_gives_up_on_a_bucket_before_dagster_gives_up_on_the_tick(
    automation, bucket_server, monkeypatch
):
    assert definitions._TICK_PATIENCE_SECONDS < 30
    monkeypatch.setattr(definitions, "_TICK_PATIENCE_SECONDS", 0.2)
    automation.settings["audio_root"] = f"gs://{BUCKET}/audio"
    bucket_server.fail(503, times=-1)
    for sensor in ("species_folders", "changed_audio"):
        with pytest.raises(TransientStorageError, match="for 0.2 s"):
            automation.look(sensor)


def test_a_species_that_cannot_be_listed_holds_up_no_other(filled, monkeypatch):
    monkeypatch.setattr(decisions, "_FIRST_WAIT_SECONDS", 0.0)
    replace_clip(filled, seed=7, species="fox")
    really = listing._list

    def list_or_fail(folder: Any, **options: Any) -> Any:
        if "/owl/" in str(folder):
            raise AudioRootError("owl cannot be listed", "Give the right to read it.")
        return really(folder, **options)

    monkeypatch.setattr(listing, "_list", list_or_fail)
    ran = filled.settle()
    assert ("roc_auc_chart", "fox") in ran and ("experiment_report", None) in ran
    assert not [one for one in ran if one[1] == "owl"]
    assert "given up: inventory owl" in filled.look("changed_audio").skip_message
    monkeypatch.undo()
    assert filled.settle() == []


def test_a_folder_whose_name_is_no_key_is_reported_and_not_added(automation):
    write_species(automation.place.audio, "Barn owl", recordings=1)
    seen = automation.look("species_folders")
    assert [r.partition_keys for r in seen.dynamic_partitions_requests] == [["owl"]]
    automation.tick("species_folders")
    assert "not added: 'Barn owl'" in automation.look("species_folders").skip_message
    assert automation.place.instance.get_dynamic_partitions("species") == ["owl"]


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


def assert_current(automation: Automation) -> None:
    """The published numbers are those of a place that saw nothing but the audio of now."""
    published = automation.place.results.learning_curves.read_bytes()
    with tempfile.TemporaryDirectory() as folder, new_place(Path(folder)) as fresh:
        shutil.copytree(automation.place.audio, fresh.audio, dirs_exist_ok=True)
        assert fresh.run("owl", "fox", **automation.settings).failures == {}
        assert published == fresh.results.learning_curves.read_bytes()


def test_nothing_is_built_on_what_a_blocking_check_refuses(automation, monkeypatch):
    monkeypatch.setattr(decisions, "_FIRST_WAIT_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(embedding_table, "embedding_faults", lambda *_, **__: ["pos/a: not finite"])
        ran = automation.settle()
    assert ran.count(("embeddings", "placeholder|owl")) == ATTEMPTS
    assert not [one for one in ran if one[0] in ("fold_scores", "learning_curve")]
    assert ("experiment_report", None) in ran
    assert "given up: experiment" in automation.look("stale_partitions").skip_message
    assert automation.place.run("owl", **automation.settings).failures == {}
    assert set(load_learning_curves(automation.place.results.root)["species"]) == {"owl"}


def test_a_species_whose_results_do_not_follow_its_audio_fails_a_check_until_they_do(
    filled, monkeypatch
):
    def events() -> list[tuple[str | None, bool]]:
        seen = filled.look("stale_partitions")
        filled.cursors["stale_partitions"] = seen.cursor
        return [(event.partition, event.passed) for event in seen.asset_events]

    filled.settings["target_auc"] = 0.7
    assert events() == []
    now = stale.time.time
    monkeypatch.setattr(stale.time, "time", lambda: now() + 25 * 3600)
    assert sorted(events()) == [("fox", False), ("owl", False)]
    assert events() == []
    filled.settings = dict(SETTINGS)
    assert sorted(events()) == [("fox", True), ("owl", True)]
    assert events() == []
