"""The asset embedding_map in a run, and what of it the report shows."""

from collections.abc import Iterator

import dagster as dg
import pytest

from audio_assets.pipeline.current import of_best_models
from audio_assets.results.parquet import read_table
from audio_assets.tables import BALANCED_MANIFEST, EMBEDDING_MAP, EMBEDDINGS, ROC_AUC_CHART
from audio_assets_tests.place import Place, new_place
from audio_assets_tests.small_audio import clip, write_clip, write_species

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A species with a clip that cannot be used."""
    with new_place(tmp_path_factory.mktemp("map")) as place:
        write_species(place.audio, "owl")
        name = "neg-t-777_neg_1sec_1_a.wav"
        write_clip(place.audio / f"owl/data/neg/{name}", 0 * clip(777, tone=True))
        assert place.run("owl").failures == {}
        yield place


def table(place: Place, definition, *partition):
    return read_table(place.results.table(definition.name, *partition), definition)


def test_every_usable_clip_of_the_best_model_is_on_the_map(finished):
    rows = table(finished, EMBEDDING_MAP, "owl")
    embeddings = table(finished, EMBEDDINGS, "placeholder", "owl")
    usable = embeddings[embeddings["status"] == "ok"]
    assert len(usable) == len(embeddings) - 1
    assert rows["clip_id"].tolist() == usable["clip_id"].tolist()
    assert rows["label"].tolist() == usable["label"].tolist()
    assert set(rows["encoder_fingerprint"]) == set(usable["encoder_fingerprint"])
    assert (rows[["variance_x", "variance_y"]].iloc[0] > 0).all()
    manifest = table(finished, BALANCED_MANIFEST, "owl").drop_duplicates("clip_id")
    recordings = manifest.set_index("clip_id")["recording_id"]
    assert rows["recording_id"].tolist() == recordings[rows["clip_id"]].tolist()


def test_the_report_shows_the_map_and_the_ui_a_picture(finished):
    assert 'id="map-species-owl"' in finished.results.report.read_text()
    key = dg.AssetKey("embedding_map")
    event = finished.instance.get_latest_materialization_event(key)
    assert event and event.asset_materialization
    shown = event.asset_materialization.metadata
    assert "data:image/png;base64," in str(shown["preview"].value)
    assert shown["model"].value == "placeholder"


def test_a_map_of_another_origin_or_model_is_not_shown(finished):
    rows = table(finished, EMBEDDING_MAP, "owl")
    curves = table(finished, ROC_AUC_CHART, "owl")
    assert len(of_best_models(rows, curves)) == len(rows) > 0
    for column in ("split_plan", "encoder_fingerprint", "code_version", "model"):
        assert of_best_models(rows.assign(**{column: "another"}), curves).empty


def test_a_species_without_an_evaluation_has_an_empty_map(tmp_path):
    with new_place(tmp_path) as place:
        write_species(place.audio, "owl", labels=("pos",))
        place.run("owl")
        assert table(place, EMBEDDING_MAP, "owl").empty
        assert 'id="map-species-owl"' not in place.results.report.read_text()
