"""What a fault does to the automation: what is tried again, given up and told, and what goes on."""

import json
import sys
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context

from audio_assets import definitions, load_learning_curves
from audio_assets.automation import decisions, stale, work
from audio_assets.automation.decisions import ATTEMPTS
from audio_assets.automation.lateness import late_names
from audio_assets.catalog import listing
from audio_assets.embeddings import table as embedding_table
from audio_assets.encoders.placeholder import PlaceholderEncoder
from audio_assets.errors import AudioRootError, EncoderError, TransientStorageError
from audio_assets.evaluation import species as species_evaluation
from audio_assets.evaluation.splits import manifest as split_plans
from audio_assets.models import registry
from audio_assets.pipeline.staleness import Staleness, State
from audio_assets.results.parquet import read_table
from audio_assets.tables import ROC_AUC_CHART
from audio_assets_tests.automation.ticks import SETTINGS, replace_clip
from audio_assets_tests.conftest import BUCKET
from audio_assets_tests.small_audio import write_species

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_drawing")]


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
    automation.settings["retry_seconds"] = 0
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


def test_splits_that_fail_leave_no_chart_of_earlier_audio(filled, monkeypatch):
    def fail(*arguments: Any, **options: Any) -> Any:
        raise RuntimeError("the disk is on fire")

    filled.settings["retry_seconds"] = 0
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
    assert "1 waiting to be retried" in automation.look("stale_partitions").skip_message
    now = stale.time.time
    monkeypatch.setattr(stale.time, "time", lambda: now() + decisions.DEFAULT_RETRIES.wait(1) + 1)
    (request,) = automation.tick("stale_partitions")
    assert request.partition_key == "placeholder|owl"
    automation.execute(request)
    assert automation.tick("stale_partitions") == []


def test_weights_that_are_missing_fail_their_model_and_no_other(automation, monkeypatch):
    automation.settings["retry_seconds"] = 0
    automation.settings["models"] = ("placeholder", "vgg")
    automation.settings["weights_root"] = str(automation.place.audio.parent / "none")
    automation.settings["cache_dir"] = str(automation.place.audio.parent / "cache")
    ran = automation.settle()
    assert ("roc_auc_chart", "owl") in ran and ("experiment_report", None) in ran
    assert not [one for one in ran if one[1] and "vgg" in one[1]]
    said = automation.look("stale_partitions").skip_message
    assert "given up: encoders vgg" in said


class _Broken:
    """Its fault has other words each time."""

    def __init__(self) -> None:
        raise FileNotFoundError(2, "No such file or directory", f"/tmp/{uuid4()}/weights.onnx")


def test_an_encoder_whose_code_fails_stops_its_model_and_no_other(automation, monkeypatch):
    mine = registry.EncoderSpec("mine", f"{__name__}:_Mine", "MIT", "a file")
    model = registry.ModelSpec("mine", "mine", "logistic", "data", False, "Mine")
    monkeypatch.setitem(registry._registry().models, "mine", model)
    monkeypatch.setitem(registry._registry().encoders, "mine", mine)
    works = type("Works", (PlaceholderEncoder,), {"name": "mine"})
    automation.settings["models"] = ("mine", "placeholder")
    place = automation.place
    # It never worked; it works; it does no more.
    for seed, encoder, failed in ((5, _Broken, True), (6, works, False), (7, _Broken, True)):
        monkeypatch.setattr(sys.modules[__name__], "_Mine", encoder, raising=False)
        replace_clip(automation, seed=seed)
        summary = place.run("owl", **automation.settings)
        assert set(summary.failures) == ({"mine, encoders"} if failed else set())
        assert ("experiment_report", None) in summary.materialized
        if failed:
            assert "encoder mine (models: mine)" in summary.failures["mine, encoders"]
            assert "weights.onnx" in place.results.report.read_text()
    asked = automation.look("stale_partitions").run_requests
    assert ("encoders", "mine") in [(one.job_name, one.partition_key) for one in asked]
    errors = []
    for _ in range(2):
        with pytest.raises(EncoderError) as caught:
            registry.load_encoder("mine")
        errors.append(caught.value)
    # Else it would be other work at each look, and tried for ever.
    assert str(errors[0]) != str(errors[1]) and work._fault(errors[0]) == work._fault(errors[1])


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


@pytest.mark.parametrize(
    "settings",
    [{"models": ("vgg", "resnet")}, {"duplicate_encoder": "vgg"}],
    ids=["models", "near-duplicates"],
)
def test_a_tick_gives_up_on_a_bucket_of_weights_as_soon(
    settings, automation, bucket_server, monkeypatch, tmp_path
):
    monkeypatch.setattr(definitions, "_TICK_PATIENCE_SECONDS", 0.2)
    automation.settings |= settings
    automation.settings["weights_root"] = f"gs://{BUCKET}/weights"
    automation.settings["cache_dir"] = str(tmp_path / "cache")
    bucket_server.fail(503, times=-1)
    # Of several models the first ends the tick: each would take as long again.
    with pytest.raises(TransientStorageError, match="weights/vgg could not be listed for 0.2 s"):
        automation.look("stale_partitions")


def test_a_species_that_cannot_be_listed_holds_up_no_other(filled, monkeypatch):
    filled.settings["retry_seconds"] = 0
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


def test_nothing_is_built_on_what_a_blocking_check_refuses(automation, monkeypatch):
    automation.settings["retry_seconds"] = 0
    with monkeypatch.context() as patch:
        patch.setattr(embedding_table, "embedding_faults", lambda *_, **__: ["pos/a: not finite"])
        ran = automation.settle()
    assert ran.count(("embeddings", "placeholder|owl")) == ATTEMPTS
    assert not [one for one in ran if one[0] in ("fold_scores", "learning_curve")]
    assert ("experiment_report", None) in ran
    assert "given up: experiment" in automation.look("stale_partitions").skip_message
    # A run that is cancelled before its check leaves what was refused as it was.
    instance = automation.place.instance
    with partition_loading_context(dynamic_partitions_store=instance):
        cancelled = instance.create_run_for_job(
            automation.defs.resolve_job_def("experiment"),
            tags={"dagster/partition": "placeholder|owl"},
            asset_selection=frozenset({dg.AssetKey("embeddings")}),
            status=dg.DagsterRunStatus.STARTED,
        )
    instance.report_run_canceled(cancelled)
    graph = automation.defs.resolve_asset_graph()
    plan = automation.place.plan(**automation.settings)
    found = Staleness(graph, plan.roots, instance).state("embeddings", "placeholder|owl")
    assert found is not State.FRESH
    assert automation.place.run("owl", **automation.settings).failures == {}
    assert set(load_learning_curves(automation.place.results.root)["species"]) == {"owl"}


def test_a_species_is_late_when_its_work_has_been_due_too_long_and_its_runs_are_asked_for(
    filled, monkeypatch
):
    clock = [stale.time.time()]
    monkeypatch.setattr(stale.time, "time", lambda: clock[0])

    def look() -> tuple[int, dict[str, float], str]:
        seen = filled.look("stale_partitions")
        filled.cursors["stale_partitions"] = seen.cursor
        # Dagster stores one runless event per check and partition: a second ends all ticks.
        assert not seen.asset_events
        return len(seen.run_requests or ()), json.loads(seen.cursor), seen.skip_message or ""

    # Late, mended, and late again: nothing that was told before stands in the way.
    for _ in range(3):
        filled.settings["target_auc"] = 0.7
        start = clock[0]
        requests, since, _ = look()
        assert requests and since == dict.fromkeys(["fox", "job report", "owl"], start)
        # However old the audio is, work that became due just now is not late.
        assert late_names(since, 24, clock[0] + 23 * 3600) == []
        clock[0] += 25 * 3600
        requests, since, _ = look()
        assert requests and since == dict.fromkeys(["fox", "job report", "owl"], start)
        assert late_names(since, 24, clock[0]) == ["fox", "job report", "owl"]
        filled.settings = dict(SETTINGS)
        requests, since, said = look()
        assert (requests, since) == (0, {}) and "late" not in said


def test_what_an_earlier_version_kept_of_late_species_stops_no_tick(filled):
    filled.cursors["stale_partitions"] = '["fox", "owl"]'
    seen = filled.look("stale_partitions")
    assert json.loads(seen.cursor) == {} and "fresh" in seen.skip_message
