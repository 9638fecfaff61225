"""The asset hard_clips in a run, and what of it the report shows."""

from collections.abc import Iterator

import pandas as pd
import pytest

from audio_assets.pipeline.assets.hard_clips import previews
from audio_assets.pipeline.current import of_best_models
from audio_assets.results.parquet import read_table
from audio_assets.tables import HARD_CLIPS, ROC_AUC_CHART
from audio_assets_tests.place import Place, new_place
from audio_assets_tests.small_audio import clip, write_clip, write_species


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A species with a clip under the wrong label."""
    with new_place(tmp_path_factory.mktemp("hard")) as place:
        write_species(place.audio, "owl")
        name = "neg-t-777_neg_1sec_1_a.wav"
        write_clip(place.audio / f"owl/data/neg/{name}", clip(777, tone=True))
        assert place.run("owl").failures == {}
        yield place


def of_owl(place: Place):
    return read_table(place.results.table("hard_clips", "owl"), HARD_CLIPS)


@pytest.mark.slow
def test_a_clip_under_the_wrong_label_is_the_most_wrong_and_can_be_heard(finished):
    rows = of_owl(finished)
    first = rows[(rows["label"] == "neg") & (rows["place"] == 0)].iloc[0]
    assert "777" in first["clip_id"] and first["misranked"] > 0.4
    assert first["picture"].startswith(b"RIFF") and first["sound"].startswith(b"\xff")
    assert first["seconds"] == pytest.approx(1)
    report = finished.results.report.read_text()
    assert first["clip_id"] in report and 'src="data:audio/mpeg;base64,' in report


def test_clips_of_another_origin_or_model_are_not_shown(finished):
    rows = of_owl(finished)
    curves = read_table(finished.results.table("roc_auc_chart", "owl"), ROC_AUC_CHART)
    assert len(of_best_models(rows, curves)) == len(rows) > 0
    for column in ("split_plan", "encoder_fingerprint", "code_version", "model"):
        assert of_best_models(rows.assign(**{column: "another"}), curves).empty
    assert of_best_models(rows.assign(training_size=4), curves).empty
    better = curves.assign(model="svm", mean=1.0)
    assert of_best_models(rows, better).empty
    assert of_best_models(rows, curves.iloc[:0]).empty


def test_a_clip_that_cannot_be_read_or_decoded_is_a_fault_and_no_error(tmp_path):
    with new_place(tmp_path) as place:
        good, bad = (place.audio / f"owl/data/pos/{name}.wav" for name in ("good", "bad"))
        write_clip(good, clip(0, tone=True))
        bad.write_bytes(good.read_bytes()[:100])
        uris = [str(good), str(bad), str(place.audio / "gone.wav")]
        inventory = pd.DataFrame({"clip_id": ["good", "bad", "gone"], "uri": uris})
        listed = inventory.assign(
            variant="data", size=1000, generation="", checksum="", file_state=""
        )
        read = previews(place.plan().settings, place.plan().roots, listed, "data")
        assert read("good")["sound"] and read("good")["fault"] is None
        for name, why in (("bad", "cut off"), ("gone", "could not be read")):
            row = read(name)
            assert why in row["fault"] and row["sound"] is row["picture"] is None
