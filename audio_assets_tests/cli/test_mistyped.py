"""Mistyped settings, models and species, and lists with commas, as from a shell."""

import json

import pytest


def test_a_mistyped_model_names_its_nearest_neighbour_and_no_model_for_tests(call):
    for arguments in (("classes", "birdnt", "owl"), ("run", "--model", "birdnt")):
        called = call(*arguments)
        assert called.code == 2 and "Perhaps you mean birdnet?" in called.err
        assert "placeholder" not in called.err


def test_a_mistyped_species_names_its_nearest_neighbour(call):
    called = call("run", "--species", "owll")
    assert called.code == 2 and "Perhaps you mean owl?" in called.err


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("MODELS", "birdnett", ("AUDIO_ASSETS_MODELS", "Perhaps you mean birdnet?")),
        ("FOLD", "4", ("AUDIO_ASSETS_FOLD", "Perhaps you mean AUDIO_ASSETS_FOLDS?")),
        ("TRAINING_SIZES", "4,x", ("AUDIO_ASSETS_TRAINING_SIZES[1]", "integer")),
    ],
)
def test_a_wrong_setting_ends_with_2_and_what_to_write(name, value, words, call, monkeypatch):
    monkeypatch.setenv(f"AUDIO_ASSETS_{name}", value)
    called = call("status")
    assert called.code == 2 and all(word in called.err for word in words)


def test_lists_with_commas_are_in_effect(call, monkeypatch):
    monkeypatch.setenv("AUDIO_ASSETS_MODELS", "svm,random_forest")
    monkeypatch.setenv("AUDIO_ASSETS_TRAINING_SIZES", "8,4")
    rows = {one["setting"]: one["value"] for one in json.loads(call("settings", "--json").out)}
    assert rows["AUDIO_ASSETS_MODELS"] == ["svm", "random_forest"]
    assert rows["AUDIO_ASSETS_TRAINING_SIZES"] == [4, 8]
