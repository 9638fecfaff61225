"""Copies of clips through the whole pipeline: found, joined and reported."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
import soundfile

from audio_assets import load_embeddings, load_learning_curves
from audio_assets.encoders.placeholder import PlaceholderEncoder
from audio_assets.errors import WeightsError
from audio_assets.pipeline.report_content import _copies
from audio_assets.pipeline.probes import take_inventory
from audio_assets.results.parquet import concat_tables, read_table
from audio_assets.tables import BALANCED_MANIFEST, FOLD_PREDICTIONS, NEAR_DUPLICATES
from audio_assets_tests.place import Place, new_place
from audio_assets_tests.small_audio import write_species

# The placeholder hears little beyond loudness by band, so all noise is nearly the same to it.
LOOK = {"duplicate_encoder": "placeholder", "duplicate_cosine": 0.9999995}
FIRST, LAST = "pos/owl-pos-t-000_pos_1sec_1_a", "t-005_pos"


@pytest.fixture
def place(place: Place) -> Place:
    write_species(place.audio, "owl", recordings=6)
    return place


def copy_as(audio: Path, name: str, number: int = 0, variant: str = "data") -> None:
    """The first clip of a positive recording again, as FLAC: other bytes, the same sound."""
    source = audio / f"owl/{variant}/pos/owl-pos-t-{number:03d}_pos_1sec_1_a.wav"
    samples, rate = soundfile.read(source, dtype="int16")
    soundfile.write(audio / "owl" / variant / name, samples, rate)


def pairs_of(place: Place) -> pd.DataFrame:
    return read_table(place.results.table("near_duplicates", "owl"), NEAR_DUPLICATES)


def manifest_of(place: Place) -> pd.DataFrame:
    return read_table(place.results.table("balanced_manifest", "owl"), BALANCED_MANIFEST)


def copies_section(place: Place) -> str:
    return place.results.report.read_text().split('id="copies"')[1].split("</section>")[0]


def log_warnings(place: Place) -> list[str]:
    return [
        record.user_message
        for run in place.instance.get_runs()
        for record in place.instance.all_logs(run.run_id)
        if record.level >= 30
    ]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A finished run over a copy of each kind, to look at and not to change."""
    with new_place(tmp_path_factory.mktemp("found")) as place:
        write_species(place.audio, "owl", recordings=6)
        copy_as(place.audio, "pos/owl-pos-t-005_pos_1sec_9_copy.flac")
        copy_as(place.audio, "neg/owl-neg-t-004_neg_1sec_9_other.flac", number=2)
        folder = place.audio / "owl/data/pos"
        shutil.copy(folder / "owl-pos-t-003_pos_1sec_1_a.wav", folder / "again.wav")
        assert place.run("owl", **LOOK).failures == {}
        yield place


def test_a_copy_in_another_recording_joins_the_two_and_is_reported(found):
    copied = "pos/owl-pos-t-005_pos_1sec_9_copy"
    pair = pairs_of(found).set_index("clip_id_b").loc[copied]
    assert (pair["clip_id_a"], pair["cosine"]) == (FIRST, 1)
    assert not pair["same_recording"]

    manifest = manifest_of(found).set_index("clip_id")
    assert set(manifest.loc[[FIRST, copied], "recording_id"]) == {"t-000_pos"}
    both = manifest[manifest["recording_id"] == "t-000_pos"]
    assert both.index.nunique() == 5 and (both.groupby("repeat")["fold"].nunique() == 1).all()
    for table in (
        manifest,
        read_table(found.results.table("fold_predictions", "placeholder", "owl"), FOLD_PREDICTIONS),
        load_embeddings(found.results.root, "placeholder", "owl"),
    ):
        assert LAST not in set(table["recording_id"])

    shown = copies_section(found)
    assert copied in shown and "t-000_pos, t-005_pos" in shown


def test_a_copy_under_the_other_label_is_used_joined_and_called_contradictory(found):
    pair = pairs_of(found).set_index("clip_id_a").loc["neg/owl-neg-t-004_neg_1sec_9_other"]
    assert (pair["label_a"], pair["label_b"]) == ("neg", "pos")
    manifest = manifest_of(found).set_index("clip_id")
    assert set(manifest.loc[[pair.name, pair["clip_id_b"]], "recording_id"]) == {"t-002_pos"}
    assert "owl: clips that sound the same are labelled pos and neg" in copies_section(found)
    assert any("contradictory labels" in line for line in log_warnings(found))


def test_nothing_else_is_a_pair_and_equal_bytes_are_listed_too(found):
    assert len(pairs_of(found)) == 2
    shown = copies_section(found)
    assert "pos/owl-pos-t-003_pos_1sec_1_a" in shown and "not used: a copy" in shown


def test_what_the_search_embedded_is_there_for_the_model(found):
    record = found.instance.fetch_materializations(
        dg.AssetRecordsFilter(dg.AssetKey("embeddings"), asset_partitions=["placeholder|owl"]),
        limit=1,
    ).records[0]
    metadata = record.asset_materialization.metadata
    assert metadata["embedded now"].value == 0 and metadata["from the store"].value == 26


@pytest.mark.slow
def test_copies_among_5_s_clips_alone_are_joined(place):
    """The models that read them would otherwise be tested on copies of what they trained on."""
    write_species(place.audio, "owl", recordings=6, variants=("data_5s",), seed=9)
    copy_as(place.audio, "pos/owl-pos-t-005_pos_1sec_9_copy.flac", variant="data_5s")
    copy_as(place.audio, "pos/owl-pos-t-004_pos_1sec_9_copy.flac", number=1)
    assert place.run("owl", **LOOK).failures == {}
    pairs = pairs_of(place).set_index("variant")
    assert pairs[["clip_id_a", "clip_id_b"]].to_dict("index") == {
        "data": {
            "clip_id_a": "pos/owl-pos-t-001_pos_1sec_1_a",
            "clip_id_b": "pos/owl-pos-t-004_pos_1sec_9_copy",
        },
        "data_5s": {"clip_id_a": FIRST, "clip_id_b": "pos/owl-pos-t-005_pos_1sec_9_copy"},
    }
    # Also in the folder that has no copy: what is one recording is one for every model.
    for _, clips in manifest_of(place).groupby("variant"):
        names = set(clips["recording_id"])
        assert {"t-000_pos", "t-001_pos"} <= names and not {"t-004_pos", LAST} & names


@pytest.mark.slow
def test_clean_audio_has_no_copies_and_nothing_is_said(place):
    place.run("owl", **LOOK)
    assert pairs_of(place).empty
    assert "No copies were found." in copies_section(place)
    assert "placeholder embeddings" in copies_section(place)
    assert not log_warnings(place)
    assert manifest_of(place)["recording_id"].nunique() == 12


@pytest.mark.slow
def test_turned_off_nothing_is_looked_for_and_the_report_says_so(place, monkeypatch):
    copy_as(place.audio, "pos/owl-pos-t-005_pos_1sec_9_copy.flac")

    def refuse(*_: object) -> None:
        raise AssertionError("an encoder was asked for")

    monkeypatch.setattr("audio_assets.pipeline.probes.load_encoder", refuse)
    assert place.run("owl", **{**LOOK, "duplicate_cosine": 1.0}).failures == {}
    assert pairs_of(place).empty
    assert "not clips that sound the same" in copies_section(place)


@pytest.mark.slow
def test_models_turned_on_or_off_change_neither_the_plan_nor_other_models_rows(place):
    copy_as(place.audio, "pos/owl-pos-t-005_pos_1sec_9_copy.flac")
    curves, manifests = {}, []
    for models in (("svm",), ("placeholder", "svm"), ("placeholder",)):
        ran = {asset for asset, _ in place.run("owl", models=models, **LOOK).materialized}
        assert not manifests or not ran & {"near_duplicates", "balanced_manifest"}
        manifests.append(manifest_of(place))
        table = load_learning_curves(place.results.root)
        for model, rows in table.groupby("model"):
            rows = rows.reset_index(drop=True)
            pd.testing.assert_frame_equal(curves.setdefault(model, rows), rows)
    assert set(curves) == {"svm", "placeholder"}
    for manifest in manifests[1:]:
        pd.testing.assert_frame_equal(manifest, manifests[0])


@pytest.mark.slow
def test_a_changed_encoder_or_threshold_looks_again_and_reruns_what_that_changes(
    place, monkeypatch
):
    copy_as(place.audio, "pos/owl-pos-t-005_pos_1sec_9_copy.flac")
    place.run("owl", models=("svm",), **LOOK)
    assert place.run("owl", models=("svm",), **LOOK).materialized == []

    looser = {**LOOK, "duplicate_cosine": 0.9999994}
    again = {asset for asset, _ in place.run("owl", models=("svm",), **looser).materialized}
    # The same pair is found, so the plan and the scores stay; the curve names its settings.
    curves = {
        "learning_curve",
        "model_comparison",
        "hard_clips",
        "embedding_map",
        "roc_auc_chart",
        "answer",
        "experiment_report",
    }
    assert again == {"near_duplicates", *curves}

    monkeypatch.setattr(PlaceholderEncoder, "fingerprint", "e" * 64)
    again = {asset for asset, _ in place.run("owl", models=("svm",), **looser).materialized}
    # The pairs name the encoder that found them, which the plan reads and leaves as it is.
    looked = {"duplicate_encoder", "near_duplicates"}
    assert again == {*looked, "balanced_manifest", "experiment_report"}


def test_without_the_encoders_weights_the_message_names_the_setting(place, monkeypatch):
    def missing(self: object) -> str:
        raise WeightsError("its weights are missing", "Fetch them.")

    monkeypatch.setattr(PlaceholderEncoder, "fingerprint", property(missing))
    summary = place.run("owl", models=("svm",), **LOOK)
    assert list(summary.failures) == ["duplicates"]
    assert "AUDIO_ASSETS_DUPLICATE_ENCODER" in summary.failures["duplicates"]


@pytest.mark.slow
def test_an_encoder_that_fails_over_clips_quarantines_none_and_names_the_setting(
    place, monkeypatch
):
    def fails(self: object, windows: object) -> object:
        raise ConnectionError("no session")

    monkeypatch.setattr(PlaceholderEncoder, "encode", fails)
    summary = place.run("owl", models=("svm",), **LOOK)
    (said,) = summary.failures.values()
    for part in ("encoder placeholder", "its encode fails: ConnectionError: no session"):
        assert part in said
    assert "AUDIO_ASSETS_DUPLICATE_ENCODER" in said
    assert not place.results.table("near_duplicates", "owl").exists()


@pytest.mark.slow
def test_joins_that_leave_too_few_recordings_name_the_setting(place):
    loose = {**LOOK, "duplicate_cosine": 0.1}
    assert place.run("owl", **loose).failures == {}
    (row,) = load_learning_curves(place.results.root).query("metric == 'roc_auc'").itertuples()
    assert "DUPLICATE_COSINE" in row.ci_status
    shown = copies_section(place)
    assert "owl: 12 of 12 recordings count as one" in shown
    assert "AUDIO_ASSETS_DUPLICATE_COSINE" in shown
    assert any("AUDIO_ASSETS_DUPLICATE_COSINE" in line for line in log_warnings(place))


@pytest.mark.slow
def test_birdnet_knows_a_real_clip_again_after_mp3_half_the_level_and_a_shorter_end(
    real_audio, tmp_path
):
    with new_place(tmp_path) as place:
        names = {}
        for label in ("pos", "neg"):
            names[label] = sorted((real_audio / "canid/data" / label).iterdir())[:6]
            for name in names[label]:
                target = place.audio / "owl/data" / label / name.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(name, target)
        sound, rate = soundfile.read(names["pos"][0])
        copied = np.asarray(sound)[: round(0.97 * len(sound))] / 2
        soundfile.write(place.audio / "owl/data/pos/other.mp3", copied, rate)
        summary = place.run("owl", models=("placeholder",), duplicate_encoder="birdnet")
        assert summary.failures == {}
        (pair,) = pairs_of(place).to_dict("records")
        assert {pair["clip_id_a"], pair["clip_id_b"]} == {
            "pos/other",
            f"pos/{names['pos'][0].stem}",
        }


def test_species_that_the_search_has_not_come_to_are_told_to_the_report(place):
    plan = place.plan(**LOOK)
    inventory, _ = take_inventory(plan.roots, plan.settings.recording_patterns, "owl")
    none = concat_tables([], NEAR_DUPLICATES)
    copies = _copies(plan.settings, {"owl": inventory, "fox": inventory}, {"owl": none})
    assert copies.not_looked_at == ["fox"]
    assert _copies(plan.settings, {"owl": inventory}, {"owl": none}).not_looked_at == []
