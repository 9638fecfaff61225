"""What the whole pipeline publishes, on a real instance with the placeholder encoder."""

import platform
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import normalize

from audio_assets import (
    answer,
    evaluate,
    load_answers,
    load_embeddings,
    load_learning_curves,
    load_splits,
    plot,
)
from audio_assets.pipeline import report_content
from audio_assets.pipeline.source import git_commit
from audio_assets.published import load_comparisons
from audio_assets.results.csv_format import to_csv_bytes
from audio_assets.results.layout import CHART_FORMATS
from audio_assets.results.parquet import read_table
from audio_assets.tables import (
    ANSWER,
    FINDINGS,
    AUDIO_INVENTORY,
    BALANCED_MANIFEST,
    BOOTSTRAP_SCORES,
    FOLD_PREDICTIONS,
    FOLD_SCORES,
    LEARNING_CURVE,
)
from audio_assets_tests.place import Place, new_place
from audio_assets_tests.small_audio import write_species


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One finished run over one species, to look at and not to change."""
    with new_place(tmp_path_factory.mktemp("finished")) as place:
        write_species(place.audio, "owl")
        assert place.run("owl").failures == {}
        yield place


def test_a_run_publishes_every_file_of_the_layout(finished):
    results = finished.results
    for form in CHART_FORMATS:
        assert results.chart("owl", form).stat().st_size > 0
    tables = (results.learning_curves, results.comparisons, results.answers, results.quarantine)
    for path in (*tables, results.report):
        assert path.stat().st_size > 0
    for table in (FOLD_SCORES, FOLD_PREDICTIONS):
        assert len(read_table(results.table(table.name, "placeholder", "owl"), table))
    curves = load_learning_curves(results.root)
    assert tuple(curves.columns) == LEARNING_CURVE.column_names
    assert set(curves["metric"]) == {
        "roc_auc",
        "average_precision",
        "recall_at_precision_90",
        "brier",
    }
    auc = curves[curves["metric"] == "roc_auc"].set_index("training_size")
    # 10 recordings of 2 clips a class in 3 folds leave at least 12 clips to train on.
    assert auc.index.tolist() == [0, 4, 8, 12]
    assert auc["mean"].between(0, 1).all()
    assert (auc["ci_low"] <= auc["mean"]).all() and (auc["mean"] <= auc["ci_high"]).all()
    assert set(load_comparisons(results.root)["kind"]) == {"clips_needed", "gain"}


def test_the_published_answer_is_that_of_the_published_tables(finished):
    root = finished.results.root
    findings = read_table(finished.results.table(FINDINGS.name, "owl"), FINDINGS)
    again = answer(load_learning_curves(root), load_comparisons(root), findings)
    assert list(again["model"]) == ["placeholder"]
    assert to_csv_bytes(load_answers(root), ANSWER) == to_csv_bytes(again, ANSWER)


def test_the_report_names_the_commit_and_the_data_that_it_is_made_from(finished):
    report = finished.results.report.read_text()
    assert (git_commit() or "not run from a clone") in report
    for table in (AUDIO_INVENTORY, BALANCED_MANIFEST):
        key = dg.AssetKey(table.name)
        record = finished.instance.get_latest_data_version_record(key, partition_key="owl")
        assert record.asset_materialization.tags["dagster/data_version"] in report


def test_the_report_says_when_and_with_which_versions_it_was_made(finished):
    report = finished.results.report.read_text()
    made = re.search(r'<p class="made">Made on (.*) UTC with audio-assets (\S+) (.*)</p>', report)
    assert made is not None
    at = datetime.strptime(made[1], "%d %B %Y at %H:%M").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - at).total_seconds()) < 3600
    assert made[2] == version("audio-assets")
    assert f"Python {platform.python_version()}. Models: Placeholder." in made[3]


def test_the_asset_links_to_the_report(finished):
    key = dg.AssetKey("experiment_report")
    event = finished.instance.get_latest_materialization_event(key)
    link = event.asset_materialization.metadata["report"]
    assert isinstance(link, dg.UrlMetadataValue)
    assert link.url == Path(str(finished.results.report)).as_uri()


def test_the_report_links_to_the_files_of_each_chart(finished):
    report = finished.results.report
    links = re.findall(r'<a href="(\.\./[^"]*)">(\w+)</a>', report.read_text())
    assert [form for _, form in links] == ["CSV", "SVG", "PNG"]
    for link, _ in links:
        assert Path(str(report.parent), link).resolve().is_file()
    curves = load_learning_curves(finished.results.root)
    of_chart = pd.read_csv(str(finished.results.chart("owl", "csv")))
    assert of_chart["mean"].tolist() == pytest.approx(curves["mean"].tolist(), nan_ok=True)


def test_a_report_of_the_same_results_has_the_same_data_version_at_another_time(
    tmp_path, monkeypatch
):
    def data_version() -> str:
        record = place.instance.get_latest_data_version_record(dg.AssetKey("experiment_report"))
        return record.asset_materialization.tags["dagster/data_version"]

    with new_place(tmp_path) as place:
        write_species(place.audio, "owl", recordings=6)
        place.run("owl")
        before = data_version()
        place.results.report.unlink()
        later = "Made on another day."
        monkeypatch.setattr(report_content, "made_in_words", lambda *_: later)
        assert place.run("owl").materialized == [("experiment_report", None)]
        assert later in place.results.report.read_text()
        assert data_version() == before


def test_embeddings_splits_and_head_give_every_published_number_bit_for_bit(finished):
    root = finished.results.root
    clips = load_embeddings(root, "placeholder", "owl")
    again = evaluate(
        np.stack(clips["embedding"]),
        clips["label"],
        clips["recording_id"],
        sizes=(0, 4, 8),
        splits=load_splits(root, "placeholder", "owl"),
        class_scores=clips["class_score"],
    )
    published = load_learning_curves(root)
    again = again.sort_values(["training_size", "metric"], ignore_index=True)
    assert published["ci_low"].notna().any()
    pd.testing.assert_frame_equal(
        published[again.columns.tolist()], again, check_dtype=False, check_exact=True
    )


def test_plot_draws_the_published_chart(finished):
    curves = load_learning_curves(finished.results.root)
    assert plot(curves).to_json() == finished.results.chart("owl", "json").read_text()


def test_scikit_learn_alone_gives_the_number_of_the_chart_on_the_published_splits(finished):
    root = finished.results.root
    clips = load_embeddings(root, "placeholder", "owl")
    auc = load_learning_curves(root).query("metric == 'roc_auc'").set_index("training_size")["mean"]
    unit = normalize(np.stack(clips["embedding"]).astype(float))
    head = LogisticRegression(C=10.0, tol=1e-10, solver="newton-cholesky", max_iter=1000)
    splits = load_splits(root, "placeholder", "owl")
    for size in (4, 8, 12):
        pairs = splits.train_test(clips["label"], size)
        scores = cross_val_score(head, unit, clips["label"] == "pos", cv=pairs, scoring="roc_auc")
        assert scores.mean() == pytest.approx(auc[size], abs=1e-12)


def test_no_recording_is_in_two_folds_and_every_clip_is_predicted_once_a_repeat(finished):
    results = finished.results
    table = read_table(results.table("fold_predictions", "placeholder", "owl"), FOLD_PREDICTIONS)
    assert (table.groupby(["repeat", "recording_id"])["fold"].nunique() == 1).all()
    sizes = table["training_size"].nunique()
    assert (table.groupby(["clip_id", "repeat"]).size() == sizes).all()
    assert table["clip_id"].nunique() == 40


@pytest.mark.slow
def test_clips_renamed_consistently_publish_the_same_numbers(tmp_path):
    published = []
    for renamed in (False, True):
        with new_place(tmp_path / str(renamed)) as place:
            write_species(place.audio, "owl", recordings=5)
            if renamed:
                # Another order of recordings and clips, and the same clips in each recording.
                for path in sorted((place.audio / "owl/data").glob("*/*.wav")):
                    label, recording, letter = path.parent.name, path.stem[10:13], path.stem[-1]
                    name = (
                        f"owl-{label}-{label}{999 - int(recording)}_1sec_{ord('z') - ord(letter)}"
                    )
                    path.rename(path.with_name(f"{name}.wav"))
            assert place.run("owl").failures == {}
            # The split plan lists the clips by name.
            curves = load_learning_curves(place.results.root).drop(columns="split_plan")
            published.append((curves.to_csv(), place.results.comparisons.read_bytes()))
    assert published[0] == published[1]


@pytest.mark.slow
def test_two_runs_publish_the_same_bytes_with_any_number_of_workers(tmp_path):
    published = []
    for workers in (1, 3):
        with new_place(tmp_path / str(workers)) as place:
            write_species(place.audio, "owl")
            models = ("placeholder", "random_forest")
            summary = place.run(
                "owl", workers=workers, models=models, training_sizes=(4,), folds=2, repeats=1
            )
        assert summary.failures == {}
        files = (place.results.learning_curves, place.results.comparisons)
        published.append([file.read_bytes() for file in files])
    assert published[0] == published[1]


@pytest.mark.slow
def test_an_audio_root_that_cannot_be_listed_fails_and_keeps_what_was_published(place):
    run, audio, results = place.run, place.audio, place.results
    write_species(audio, "owl", recordings=5)
    run("owl")
    before = results.learning_curves.read_bytes()
    audio.rename(audio.with_name("elsewhere"))
    summary = run("owl")
    assert "does not exist" in summary.failures["owl, inventory"]
    assert results.learning_curves.read_bytes() == before


def test_metadata_shows_counts_the_largest_auc_and_a_preview(finished):
    def metadata(asset: str, partition: str) -> dict[str, object]:
        records = finished.instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[partition]), limit=1
        )
        materialization = records.records[0].asset_materialization
        assert materialization is not None
        return {name: value.value for name, value in materialization.metadata.items()}

    assert metadata("audio_inventory", "owl")["clips data/pos"] == 20
    assert metadata("embeddings", "placeholder|owl")["embedded now"] == 40
    assert 0 <= metadata("learning_curve", "placeholder|owl")["AUC at the largest size"] <= 1
    assert "data:image/svg+xml;base64," in metadata("roc_auc_chart", "owl")["preview"]


@pytest.mark.slow
def test_bootstrap_intervals_are_made_where_they_are_asked_for(place):
    write_species(place.audio, "owl", recordings=6)
    write_species(place.audio, "fox", recordings=3)
    place.run("owl", "fox")
    usual = load_learning_curves(place.results.root)
    assert "bootstrap" not in set(usual["ci_method"])
    assert not place.results.table("bootstrap_scores", "placeholder", "owl").exists()

    options: dict[str, Any] = {"bootstrap": 100, "workers": 1}
    again = place.run("owl", "fox", **options)
    assert again.failures == {}
    made = {asset for asset, _ in again.materialized}
    assert {"bootstrap_scores", "learning_curve"} <= made
    assert not made & {"embeddings", "balanced_manifest", "fold_scores", "fold_predictions"}
    curves = load_learning_curves(place.results.root)
    owl = curves[(curves["species"] == "owl") & (curves["metric"] == "roc_auc")]
    assert set(owl["ci_method"]) <= {"bootstrap", "recording_bound"} and owl["ci_low"].notna().all()
    pd.testing.assert_series_equal(curves["mean"], usual["mean"])
    # Too few recordings for an interval: nothing is drawn.
    fox = curves[curves["species"] == "fox"]
    assert fox["ci_low"].isna().all()
    assert fox["ci_status"].str.contains("fewer than 5 recordings").any()

    draws = read_table(
        place.results.table("bootstrap_scores", "placeholder", "owl"), BOOTSTRAP_SCORES
    )
    assert set(draws["training_size"]) == set(owl["training_size"])
    assert draws["draw"].nunique() == 100
    assert place.run("owl", "fox", **options).materialized == []
    again = place.run("owl", "fox", ci_level=0.9, **options)
    assert "bootstrap_scores" not in {asset for asset, _ in again.materialized}
    # Turned off: the curve is what it was.
    place.run("owl", "fox")
    pd.testing.assert_frame_equal(load_learning_curves(place.results.root), usual)


@pytest.mark.slow
def test_the_holdout_protocol_publishes_one_test_set_for_all_models(place):
    # Of 37 recordings a class, each of 2 clips, 11 may be tested on; 10 are enough.
    write_species(place.audio, "owl", recordings=37)
    models = ("placeholder", "svm")
    holdout = {"protocol": "holdout", "holdout_per_class": 10, "training_sizes": (0, 4, 28)}
    assert place.run("owl", models=models, **holdout).failures == {}
    curves = load_learning_curves(place.results.root)
    assert set(curves["protocol"]) == {"holdout"} and set(curves["repeats"]) == {2}
    assert curves["folds"].isna().all() and curves["distinct_folds"].isna().all()
    auc = curves[curves["metric"] == "roc_auc"]
    # 5 recordings have 10 clips, but 10 are tested on; 27 with 54 clips are left to train on.
    assert sorted(set(auc["training_size"])) == [0, 4, 28, 54]
    assert auc["ci_low"].notna().all()
    assert set(auc["ci_status"]) == {"ok"}

    tables = [
        read_table(place.results.table("fold_predictions", model, "owl"), FOLD_PREDICTIONS)
        for model in models
    ]
    tested = {frozenset(table["clip_id"]) for table in tables}
    assert len(tested) == 1 and len(next(iter(tested))) == 40
    per_cell = pd.concat(tables).groupby(["model", "repeat", "training_size"])["clip_id"]
    assert set(per_cell.nunique()) == {40}
    manifest = read_table(place.results.table("balanced_manifest", "owl"), BALANCED_MANIFEST)
    assert set(manifest.loc[manifest["fold"] == 0, "clip_id"]) == set(next(iter(tested)))

    compared = load_comparisons(place.results.root)
    differences = compared[compared["kind"] == "difference"]
    assert len(differences) and differences["distinct_folds"].isna().all()
    page = place.results.report.read_text()
    assert "Fixed test set" in page and "<h3>Cross-validation</h3>" not in page

    clips = load_embeddings(place.results.root, "svm", "owl")
    expected = evaluate(
        np.stack(clips["embedding"]),
        clips["label"] == "pos",
        clips["recording_id"],
        sizes=(4, 28),
        head="svm",
        protocol="holdout",
        splits=load_splits(place.results.root, "svm", "owl"),
    ).sort_values(["training_size", "metric"], ignore_index=True)
    published = curves[curves["model"] == "svm"].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        published[expected.columns.tolist()], expected, check_dtype=False, check_exact=True
    )

    # Only what reads the changed setting runs again.
    again = place.run("owl", models=models, **holdout, folds=4).materialized
    assert again == []
    holdout["holdout_per_class"] = 22
    again = {asset for asset, _ in place.run("owl", models=models, **holdout).materialized}
    assert {"balanced_manifest", "fold_scores", "learning_curve"} <= again
    assert not {"audio_inventory", "embeddings"} & again


@pytest.mark.slow
def test_a_species_too_small_for_a_test_set_has_no_numbers_and_says_why(place):
    write_species(place.audio, "owl", recordings=3)
    assert place.run("owl", protocol="holdout").failures == {}
    curves = load_learning_curves(place.results.root)
    assert curves["mean"].isna().all()
    assert "at least 4 of each are needed" in curves["ci_status"].iloc[0]
