"""Class labels of a model, found by name."""

import json


def test_classes_finds_labels_by_common_and_scientific_name(call):
    for words in (["coyote"], ["canis", "latrans"]):
        called = call("classes", "birdnet", *words)
        assert (called.code, called.out) == (0, "Canis latrans_Coyote\n")
        assert '{"SPECIES": {"birdnet": ["Canis latrans_Coyote"]}}' in called.err
    called = call("classes", "birdnet", "coyote", "--json")
    assert json.loads(called.out) == ["Canis latrans_Coyote"] and called.err == ""


def test_classes_suggests_the_nearest_label_of_a_mistyped_name(call):
    called = call("classes", "birdnet", "coyotte")
    assert (called.code, called.out) == (1, "")
    assert "contains 'coyotte'" in called.err
    assert "Nearest: Canis latrans_Coyote" in called.err


def test_classes_of_a_model_without_labels_says_so(call):
    called = call("classes", "svm", "owl")
    assert called.code == 1 and "svm has no class labels" in called.err


def test_classes_of_a_model_that_is_not_installed_says_how_to_fetch_it(call, monkeypatch, tmp_path):
    monkeypatch.setenv("AUDIO_ASSETS_CACHE_DIR", str(tmp_path / "cache"))
    called = call("classes", "yamnet", "owl")
    assert called.code == 1 and "yamnet: its weights are missing" in called.err
    assert "audio-assets weights fetch --model yamnet" in called.err
