"""What becomes of encoders whose embeddings tell no clip from another."""

import logging
from dataclasses import replace

import dagster as dg
import numpy as np
import pytest

from audio_assets import load_learning_curves
from audio_assets.encoders.base import Encoded
from audio_assets.encoders.placeholder import PlaceholderEncoder
from audio_assets_tests.small_audio import write_species

SMALL = {"models": ("placeholder", "svm"), "training_sizes": (4,), "folds": 2, "repeats": 1}

encode = PlaceholderEncoder.encode


@pytest.mark.slow
def test_embeddings_of_one_direction_fail_their_model_alone_and_the_message_says_what_to_do(
    place, monkeypatch
):
    def lengths(self: PlaceholderEncoder, windows: np.ndarray) -> Encoded:
        usual = encode(self, windows)
        return replace(usual, embeddings=np.abs(usual.embeddings[:, :1]) * np.ones(16, np.float32))

    monkeypatch.setattr(PlaceholderEncoder, "encode", lengths)
    write_species(place.audio, "owl", recordings=6)
    summary = place.run("owl", **SMALL)
    assert list(summary.failures) == ["owl, placeholder"]
    said = summary.failures["owl, placeholder"]
    assert "embeddings: scaling to unit length" in said and "svm" in said
    assert set(load_learning_curves(place.results.root)["model"]) == {"svm"}


@pytest.mark.slow
def test_an_encoder_that_gives_zeros_is_named_in_the_log_and_in_the_metadata(place, monkeypatch):
    def zeros(self: PlaceholderEncoder, windows: np.ndarray) -> Encoded:
        usual = encode(self, windows)
        return replace(usual, embeddings=np.zeros_like(usual.embeddings))

    monkeypatch.setattr(PlaceholderEncoder, "encode", zeros)
    write_species(place.audio, "owl", recordings=6)
    assert place.run("owl", **SMALL).failures == {}
    words = "all 24 rows of embeddings are of zeros"
    logged = [
        record.user_message
        for run in place.instance.get_runs()
        for record in place.instance.all_logs(run.run_id)
        if record.level == logging.WARNING
    ]
    assert [line for line in logged if line.startswith(f"owl: placeholder: {words}")]
    assert not [line for line in logged if line.startswith("owl: svm:")]
    found = place.instance.fetch_materializations(
        dg.AssetRecordsFilter(dg.AssetKey("fold_scores"), asset_partitions=["placeholder|owl"]), 1
    )
    made = found.records[0].asset_materialization
    assert made and str(made.metadata["warning"].value).startswith(words)
