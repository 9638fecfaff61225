"""The pretrained models through the whole pipeline: on stand-in weights, and without any."""

from collections.abc import Callable
from pathlib import Path

import pytest

from audio_assets import load_embeddings, load_learning_curves
from audio_assets.models.registry import get_model, load_encoder
from audio_assets.results.parquet import read_table
from audio_assets.tables import CLIP_PROPERTIES
from audio_assets.weights.places import WeightPlaces
from audio_assets_tests.place import Place
from audio_assets_tests.small_audio import write_species

StandIns = Callable[..., WeightPlaces]
PRETRAINED = ("birdnet", "perch", "vgg", "mobilenet", "resnet")
SMALL = {"training_sizes": (0, 4), "folds": 2, "repeats": 1}


@pytest.mark.slow
def test_all_five_pretrained_models_run_through_the_whole_pipeline(
    place: Place, stand_ins: StandIns
) -> None:
    write_species(place.audio, "owl", recordings=4, clips=1, variants=("data", "data_5s"))
    classes = {"owl": {"perch": ["bird3"], "birdnet": ["Bubo bubo_Eurasian Eagle-Owl"]}}
    places = stand_ins(*(model for model in PRETRAINED if model != "birdnet"))
    summary = place.run(
        "owl", models=PRETRAINED, weights_root=places.root, species_classes=classes, **SMALL
    )
    assert summary.failures == {}
    curves = load_learning_curves(place.results.root).query("metric == 'roc_auc'")
    assert set(curves["model"]) == set(PRETRAINED)
    assert curves["mean"].notna().all()
    assert set(curves[curves["training_size"] == 0]["model"]) == {"birdnet", "perch"}
    for model in PRETRAINED:
        clips = load_embeddings(place.results.root, model, "owl")
        encoder = load_encoder(model, places)
        assert set(clips["variant"]) == {get_model(model).variant}
        assert set(clips["encoder_fingerprint"]) == {encoder.fingerprint}
        assert {len(embedding) for embedding in clips["embedding"]} == {encoder.dimension}


@pytest.mark.slow
def test_a_model_without_weights_fails_alone_and_says_how_to_get_them(
    place: Place, tmp_path: Path
) -> None:
    write_species(place.audio, "owl", recordings=4, clips=1)
    cache = tmp_path / "cache"
    run = {"models": ("placeholder", "vgg"), "cache_dir": str(cache), **SMALL}
    summary = place.run("owl", **run)
    assert list(summary.failures) == ["vgg, encoders"]
    reason = summary.failures["vgg, encoders"]
    assert reason.startswith("vgg: its weights are missing")
    assert str(cache / "weights" / "vgg") in reason
    assert "audio-assets weights fetch --model vgg" in reason
    assert set(load_learning_curves(place.results.root)["model"]) == {"placeholder"}
    assert "vgg: its weights are missing" in place.results.report.read_text()
    assert not cache.exists()
    # Tried again, and still nothing else is.
    again = place.run("owl", **run)
    assert list(again.failures) == ["vgg, encoders"] and again.materialized == []


def measured(place: Place, species: str) -> set[str]:
    """Variants of the clips whose properties were measured."""
    path = place.results.table("clip_properties", species)
    return set(read_table(path, CLIP_PROPERTIES)["variant"])


@pytest.mark.slow
def test_perch_has_no_result_without_5_s_clips_unless_it_may_read_the_others(
    place: Place, stand_ins: StandIns
) -> None:
    write_species(place.audio, "owl", recordings=4, clips=1)
    write_species(place.audio, "fox", recordings=4, clips=1, variants=("data", "data_5s"))
    run = {
        "models": ("perch", "placeholder"),
        "weights_root": stand_ins("perch").root,
        "species_classes": {},
        **SMALL,
    }
    summary = place.run("owl", "fox", **run)
    assert summary.failures == {}
    curves = load_learning_curves(place.results.root).set_index(["model", "species"]).sort_index()
    assert "data_5s" in curves.loc[("perch", "owl"), "ci_status"].iloc[0]
    assert curves.loc[("perch", "owl"), "mean"].isna().all()
    assert curves.loc[("perch", "fox"), "mean"].notna().any()
    assert curves.loc[("placeholder", "owl"), "mean"].notna().any()
    assert "Perch 8 (data, padded)" not in place.results.chart("fox", "svg").read_text()
    assert measured(place, "fox") == {"data", "data_5s"}

    again = place.run("owl", "fox", perch_variant="data", **run)
    assert again.failures == {}
    # Perch reads other clips, and nothing of the other model is computed again.
    assert ("embeddings", "perch|owl") in again.materialized
    assert not [p for _, p in again.materialized if p and p.startswith("placeholder")]
    curves = load_learning_curves(place.results.root).set_index(["model", "species"]).sort_index()
    assert curves.loc[("perch", "owl"), "mean"].notna().any()
    assert set(load_embeddings(place.results.root, "perch", "fox")["variant"]) == {"data"}
    assert measured(place, "fox") == {"data"}
    for species in ("owl", "fox"):
        assert "Perch 8 (data, padded)" in place.results.chart(species, "svg").read_text()
