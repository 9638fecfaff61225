"""What runs again when something changed, and what does not; on a real instance."""

import shutil
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from audio_assets import load_embeddings, load_learning_curves
from audio_assets.catalog import quarantine
from audio_assets.encoders.placeholder import PlaceholderEncoder
from audio_assets.evaluation import species as species_evaluation
from audio_assets.evaluation.doubts import leak_check
from audio_assets.evaluation.splits import manifest as split_plans
from audio_assets.models import registry
from audio_assets.models.registry import get_model
from audio_assets.pipeline.stages import STAGES
from audio_assets.published import load_comparisons
from audio_assets.results.parquet import read_table
from audio_assets.tables import (
    ROC_AUC_CHART,
)
from audio_assets_tests.place import Place
from audio_assets_tests.small_audio import clip, write_clip, write_species


def test_a_second_run_with_nothing_changed_materializes_nothing(place):
    run, audio, results = place.run, place.audio, place.results
    write_species(audio, "owl", recordings=5)
    run("owl")
    before = results.learning_curves.read_bytes()
    assert run("owl").materialized == []
    assert results.learning_curves.read_bytes() == before


@pytest.mark.slow
def test_one_new_clip_makes_only_its_species_run_again(place):
    run, audio, results = place.run, place.audio, place.results
    write_species(audio, "owl", recordings=5)
    write_species(audio, "fox", recordings=5)
    run("owl", "fox")
    write_clip(audio / "owl/data/pos/owl-pos-new_1sec_1.wav", clip(99, tone=True))
    materialized = run("owl", "fox").materialized
    assert {partition for _, partition in materialized if partition} == {"owl", "placeholder|owl"}
    embeddings = load_embeddings(results.root, "placeholder", "owl")
    assert len(embeddings) == 21


@pytest.mark.slow
def test_a_new_species_changes_no_number_of_the_others(place):
    write_species(place.audio, "owl", recordings=5)
    place.run("owl")
    before = load_learning_curves(place.results.root), load_comparisons(place.results.root)
    # Its clips come from owl's negatives too, as users' folders often share clips.
    write_species(place.audio, "fox", recordings=5)
    shutil.copytree(place.audio / "owl/data/neg", place.audio / "fox/data/neg", dirs_exist_ok=True)
    place.run("owl", "fox")
    after = load_learning_curves(place.results.root), load_comparisons(place.results.root)
    for old, new in zip(before, after, strict=True):
        assert set(new["species"]) == {"fox", "owl"}
        owl = new[new["species"] == "owl"].reset_index(drop=True)
        pd.testing.assert_frame_equal(owl, old, check_exact=True, check_dtype=False)


@pytest.mark.slow
def test_a_new_seed_or_size_touches_no_embedding(place):
    run, audio = place.run, place.audio
    write_species(audio, "owl", recordings=5)
    run("owl")
    again = run("owl", seed=1, training_sizes=(0, 4))
    assert "embeddings" not in {asset for asset, _ in again.materialized}
    assert "fold_scores" in {asset for asset, _ in again.materialized}


@pytest.mark.slow
def test_a_new_model_touches_no_other_models_rows(place):
    run, audio, results = place.run, place.audio, place.results
    write_species(audio, "owl", recordings=5)
    run("owl")
    before = load_learning_curves(results.root)
    again = run("owl", models=("placeholder", "svm"))
    assert "balanced_manifest" not in {asset for asset, _ in again.materialized}
    assert not [p for _, p in again.materialized if p == "placeholder|owl"]
    after = load_learning_curves(results.root)
    assert set(after["model"]) == {"placeholder", "svm"}
    same = after[after["model"] == "placeholder"].reset_index(drop=True)
    pd.testing.assert_frame_equal(same, before)
    assert "difference" in set(load_comparisons(results.root)["kind"])


@pytest.mark.slow
def test_an_output_that_was_deleted_is_made_again(place):
    run, audio, results = place.run, place.audio, place.results
    write_species(audio, "owl", recordings=5)
    run("owl")
    results.chart("owl", "png").unlink()
    results.table("fold_scores", "placeholder", "owl").unlink()
    again = [asset for asset, _ in run("owl").materialized]
    assert again[:2] == ["fold_scores", "fold_predictions"]
    assert "roc_auc_chart" in again
    assert "embeddings" not in again
    assert results.chart("owl", "png").exists()


@pytest.mark.slow
def test_a_species_that_a_run_leaves_out_shows_no_results_of_earlier_audio(place):
    write_species(place.audio, "owl", recordings=5)
    write_species(place.audio, "fox", recordings=5)
    place.run("owl", "fox")
    write_clip(place.audio / "fox/data/pos/fox-pos-new_1sec_1.wav", clip(99, tone=True))
    write_clip(place.audio / "owl/data/pos/owl-pos-new_1sec_1.wav", clip(98, tone=True))
    made = place.run("owl").materialized
    assert {asset for asset, partition in made if partition == "fox"} <= {
        "audio_inventory",
        "clip_digests",
    }
    curves = load_learning_curves(place.results.root)
    assert set(curves["species"]) == {"owl"}
    report = place.results.report.read_text()
    assert "fox" in report.split("Not in this report", 1)[-1]


@pytest.mark.slow
def test_a_species_whose_clips_cannot_be_listed_is_named_and_stops_no_other(place):
    write_species(place.audio, "owl", recordings=5)
    write_species(place.audio, "fox", recordings=5)
    place.run("owl", "fox")
    folder = place.audio / "fox/data/pos"
    shutil.move(folder, place.audio.parent / "kept")
    folder.write_bytes(b"no folder")
    write_clip(place.audio / "owl/data/pos/owl-pos-new_1sec_1.wav", clip(98, tone=True))
    # Asked for or not: the report covers all species.
    failures = place.run("owl").failures
    assert (
        list(failures) == ["fox, inventory"]
        and "Set it to the folder" in failures["fox, inventory"]
    )
    assert len(load_embeddings(place.results.root, "placeholder", "owl")) == 21
    fox, owl = place.status("fox", "owl")
    assert (fox.state, owl.state) == ("failed", "fresh") and "is a file" in fox.note

    folder.unlink()
    shutil.move(place.audio.parent / "kept", folder)
    assert place.run("owl", "fox").failures == {}
    fox, owl = place.status("fox", "owl")
    assert (fox.state, owl.state) == ("fresh", "fresh")


@pytest.mark.slow
def test_a_changed_setting_reruns_what_it_changes_and_nothing_before(place):
    write_species(place.audio, "owl", recordings=4)
    place.run("owl")
    again = {asset for asset, _ in place.run("owl", ci_level=0.9).materialized}
    assert again == {
        "learning_curve",
        "model_comparison",
        "hard_clips",
        "embedding_map",
        "roc_auc_chart",
        "leak_check",
        "findings",
        "answer",
        "experiment_report",
    }
    again = {asset for asset, _ in place.run("owl", ci_level=0.9, target_auc=0.8).materialized}
    assert again == {"model_comparison", "answer", "experiment_report"}


@pytest.mark.slow
def test_a_changed_encoder_reruns_its_own_models_only(place, monkeypatch):
    write_species(place.audio, "owl", recordings=4)
    models = ("placeholder", "svm")
    place.run("owl", models=models)
    monkeypatch.setattr(PlaceholderEncoder, "fingerprint", "e" * 64)
    again = place.run("owl", models=models).materialized
    assert ("embeddings", "placeholder|owl") in again
    assert not [partition for _, partition in again if partition in ("svm|owl", "svm")]
    curves = load_learning_curves(place.results.root)
    assert set(curves["encoder_fingerprint"][curves["model"] == "placeholder"]) == {"e" * 64}


@pytest.mark.slow
def test_a_changed_head_reruns_the_scores_and_curves_of_its_own_models_only(place, monkeypatch):
    write_species(place.audio, "owl", recordings=4)
    models = ("placeholder", "svm")
    place.run("owl", models=models)
    other = replace(get_model("placeholder"), head="svm")
    monkeypatch.setitem(registry._registry().models, "placeholder", other)
    again = place.run("owl", models=models).materialized
    for asset in ("fold_scores", "learning_curve"):
        assert (asset, "placeholder|owl") in again
    assert not [partition for _, partition in again if partition in ("svm|owl", "svm")]
    assert set(load_learning_curves(place.results.root)["model"]) == set(models)
    assert place.run("owl", models=models).materialized == []


@pytest.mark.slow
def test_a_changed_code_version_reruns_that_asset_and_what_its_content_changes(place, monkeypatch):
    write_species(place.audio, "owl", recordings=4)
    place.run("owl")
    for name in ("fold_scores", "fold_predictions"):
        monkeypatch.setitem(STAGES, name, replace(STAGES[name], version=99))
    again = [asset for asset, _ in place.run("owl").materialized]
    # The same numbers come out: what names the version of its origin is made again, no more.
    assert again == [
        "fold_scores",
        "fold_predictions",
        "learning_curve",
        "roc_auc_chart",
        "model_comparison",
        "hard_clips",
        "embedding_map",
        "answer",
        "experiment_report",
    ]
    assert published(place) == {"owl"}


@pytest.mark.slow
def test_a_removed_species_folder_leaves_no_numbers_behind(place):
    write_species(place.audio, "owl", recordings=4)
    write_species(place.audio, "fox", recordings=4)
    place.run("owl", "fox")
    shutil.rmtree(place.audio / "fox")
    place.run("owl", "fox")
    curves = load_learning_curves(place.results.root)
    assert curves[curves["species"] == "fox"]["mean"].isna().all()
    assert curves[curves["species"] == "owl"]["mean"].notna().any()


@pytest.mark.slow
def test_a_failed_partition_stops_no_other_and_is_tried_again(place, monkeypatch):
    write_species(place.audio, "owl", recordings=4)
    write_species(place.audio, "fox", recordings=4)

    monkeypatch.setattr(species_evaluation, "score_species", _fail_for_owl)
    failed = place.run("owl", "fox")
    assert list(failed.failures) == ["owl, placeholder"]
    assert "the disk is on fire" in failed.failures["owl, placeholder"]
    assert set(load_learning_curves(place.results.root)["species"]) == {"fox"}
    assert "owl" in place.results.report.read_text()

    monkeypatch.setattr(species_evaluation, "score_species", _SCORE_SPECIES)
    again = place.run("owl", "fox")
    assert again.failures == {}
    assert not [p for asset, p in again.materialized if asset == "embeddings"]
    assert not [p for _, p in again.materialized if p == "placeholder|fox"]
    assert set(load_learning_curves(place.results.root)["species"]) == {"owl", "fox"}


@pytest.mark.slow
def test_a_result_older_than_its_audio_is_named_and_shown_nowhere(place, monkeypatch):
    write_species(place.audio, "owl", recordings=4)
    write_species(place.audio, "fox", recordings=4)
    place.run("owl", "fox")
    write_species(place.audio, "owl", recordings=5)
    monkeypatch.setattr(species_evaluation, "score_species", _fail_for_owl)
    assert list(place.run("owl", "fox").failures) == ["owl, placeholder"]
    assert published(place) == {"fox"}
    assert read_table(place.results.table("roc_auc_chart", "owl"), ROC_AUC_CHART).empty
    assert "failed or not run with this audio" in place.results.report.read_text()


@pytest.mark.slow
def test_a_result_of_earlier_settings_is_named_and_shown_nowhere(place, monkeypatch):
    write_species(place.audio, "owl", recordings=4)
    write_species(place.audio, "fox", recordings=4)
    place.run("owl", "fox")
    monkeypatch.setattr(species_evaluation, "score_species", _fail_for_owl)
    failed = place.run("owl", "fox", training_sizes=(4,))
    assert list(failed.failures) == ["owl, placeholder"]
    assert published(place) == {"fox"}


@pytest.mark.slow
def test_a_species_whose_splits_fail_keeps_no_numbers_of_earlier_audio(place, monkeypatch):
    write_species(place.audio, "owl", recordings=4)
    write_species(place.audio, "fox", recordings=4)
    place.run("owl", "fox")
    write_species(place.audio, "owl", recordings=5)
    with monkeypatch.context() as patch:
        patch.setattr(split_plans, "build_manifest", _fail)
        assert list(place.run("owl", "fox").failures) == ["owl, splits"]
    assert published(place) == {"fox"}
    assert read_table(place.results.table("roc_auc_chart", "owl"), ROC_AUC_CHART).empty
    assert "failed or not run with this audio" in place.results.report.read_text()
    assert place.run("owl", "fox").failures == {}
    assert published(place) == {"owl", "fox"}


@pytest.mark.slow
def test_a_result_of_an_earlier_encoder_is_named_and_shown_nowhere(place, monkeypatch):
    write_species(place.audio, "owl", recordings=4)
    write_species(place.audio, "fox", recordings=4)
    place.run("owl", "fox")
    monkeypatch.setattr(PlaceholderEncoder, "fingerprint", "e" * 64)
    monkeypatch.setattr(species_evaluation, "score_species", _fail_for_owl)
    assert list(place.run("owl", "fox").failures) == ["owl, placeholder"]
    assert published(place) == {"fox"}
    assert set(load_learning_curves(place.results.root)["encoder_fingerprint"]) == {"e" * 64}
    assert read_table(place.results.table("roc_auc_chart", "owl"), ROC_AUC_CHART).empty
    assert "failed or not run with this audio" in place.results.report.read_text()


@pytest.mark.slow
def test_a_leak_check_of_earlier_audio_is_not_shown(place, monkeypatch):
    write_species(place.audio, "owl", recordings=6)
    place.run("owl")
    assert "AUC of folds over clips minus" in place.results.report.read_text()
    write_species(place.audio, "owl", recordings=8)
    monkeypatch.setattr(leak_check, "leak_check", _fail)
    assert list(place.run("owl").failures) == ["owl, placeholder"]
    assert published(place) == {"owl"}
    assert "AUC of folds over clips minus" not in place.results.report.read_text()


@pytest.mark.slow
def test_a_quarantine_of_earlier_audio_is_said_to_be_one(place, monkeypatch):
    write_species(place.audio, "owl", recordings=4)
    place.run("owl")
    assert "The last check of the clips" not in place.results.report.read_text()
    write_species(place.audio, "owl", recordings=5)
    monkeypatch.setattr(quarantine, "quarantined_clips", _fail)
    assert list(place.run("owl").failures) == ["owl, charts"]
    report = place.results.report.read_text()
    assert "The last check of the clips of owl failed" in report
    assert "Every clip that a model read could be used" not in report


@pytest.mark.slow
def test_a_comparison_that_fails_costs_its_own_species_alone(place, monkeypatch):
    write_species(place.audio, "owl", recordings=6)
    write_species(place.audio, "fox", recordings=4)
    place.run("owl", "fox")
    write_species(place.audio, "owl", recordings=8)
    write_species(place.audio, "fox", recordings=5)
    compare = species_evaluation.compare_species

    def compare_but_for_owl(*arguments: Any, **options: Any) -> Any:
        return (_fail if options["species"] == "owl" else compare)(*arguments, **options)

    monkeypatch.setattr(species_evaluation, "compare_species", compare_but_for_owl)
    failed = place.run("owl", "fox", training_sizes=(0, 4))
    assert list(failed.failures) == ["owl, charts"]
    assert set(load_learning_curves(place.results.root)["species"]) == {"owl", "fox"}
    assert set(load_comparisons(place.results.root)["species"]) == {"fox"}


@pytest.mark.slow
def test_species_that_a_run_leaves_out_do_not_keep_results_of_earlier_settings(place):
    write_species(place.audio, "owl", recordings=4)
    write_species(place.audio, "fox", recordings=4)
    place.run("owl", "fox")
    place.run("fox", seed=1)
    assert published(place) == {"fox"}
    place.run("owl", "fox", seed=1)
    assert published(place) == {"fox", "owl"}


def published(place: Place) -> set[str]:
    """Species with rows in the shared CSV files."""
    curves = load_learning_curves(place.results.root)
    comparisons = load_comparisons(place.results.root)
    assert set(curves["species"]) == set(comparisons["species"])
    return set(curves["species"])


def _fail(*arguments: Any, **options: Any) -> Any:
    raise RuntimeError("the disk is on fire")


def _fail_for_owl(*arguments: Any, **options: Any) -> Any:
    if options["species"] == "owl":
        _fail()
    return _SCORE_SPECIES(*arguments, **options)


_SCORE_SPECIES = species_evaluation.score_species


@pytest.mark.slow
def test_files_with_new_times_and_their_old_content_are_listed_once_and_nothing_follows(place):
    write_species(place.audio, "owl", recordings=4)
    place.run("owl")
    for path in place.audio.rglob("*.wav"):
        path.touch()
    assert place.run("owl").materialized == [("audio_inventory", "owl")]
    assert place.run("owl").materialized == []
