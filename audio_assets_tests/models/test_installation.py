"""Models whose weights are not on this machine, and how messages say so."""

from pathlib import Path

import pytest

from audio_assets.errors import UnknownModelError
from audio_assets.models.installation import missing_weights, not_installed_words
from audio_assets.pipeline.enabled_models import EnabledModels
from audio_assets.settings import Settings, load_settings
from audio_assets.weights.places import WeightPlaces
from audio_assets.weights.sources import SOURCES

ABSENT = ["perch", "vgg", "mobilenet", "resnet"]


def put_mobilenet(cache: Path) -> None:
    file = cache / "weights/mobilenet" / SOURCES["mobilenet"].files[0].name
    file.parent.mkdir(parents=True)
    file.write_bytes(b"damaged")


@pytest.fixture
def defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of an installation without fetched weights and without the setting MODELS."""
    monkeypatch.delenv("AUDIO_ASSETS_MODELS", raising=False)
    return load_settings(cache_dir=str(tmp_path), weights_root="")


def test_models_by_default_without_weights_are_not_installed(defaults):
    models = EnabledModels(defaults)
    assert list(models.not_installed()) == ABSENT
    assert models.available() == ("birdnet", "random_forest", "svm")
    assert models.variants == {"data", "data_5s"} and models.available_variants == {"data"}


@pytest.mark.parametrize("by", ["argument", "environment"])
def test_a_model_that_the_settings_name_counts_as_available_whatever_its_weights(
    defaults, monkeypatch, by
):
    given = {"cache_dir": defaults.cache_dir}
    if by == "environment":
        monkeypatch.setenv("AUDIO_ASSETS_MODELS", '["svm", "vgg"]')
    else:
        given["models"] = ["svm", "vgg"]
    models = EnabledModels(load_settings(**given))
    assert models.not_installed() == {} and models.available() == ("svm", "vgg")


def test_damaged_weights_are_not_missing_and_a_model_becomes_available_with_its_files(defaults):
    models = EnabledModels(defaults)
    put_mobilenet(Path(defaults.cache_dir))
    assert "mobilenet" in models.available() and "mobilenet" not in models.not_installed()


def test_a_model_without_weights_of_its_own_lacks_none_and_an_unknown_one_is_an_error():
    assert missing_weights("svm", WeightPlaces()) is None
    with pytest.raises(UnknownModelError):
        missing_weights("owlnet", WeightPlaces())


def test_the_words_name_each_model_and_one_command(defaults):
    assert not_installed_words(EnabledModels(defaults).not_installed()) == (
        "not installed: perch, vgg, mobilenet, resnet. To install: audio-assets weights fetch "
        "--model perch --model vgg --model mobilenet --model resnet"
    )
    assert not_installed_words({}) == ""


def test_a_model_that_no_command_fetches_has_its_own_remedy(tmp_path, monkeypatch):
    from dataclasses import replace

    from audio_assets.models import installation

    places = WeightPlaces(cache=tmp_path)
    missing = {m: error for m in ("perch", "vgg") if (error := missing_weights(m, places))}
    real = installation.get_encoder

    def get(name):
        spec = real(name)
        return spec if name != "perch" else replace(spec, source=replace(spec.source, kaggle=None))

    monkeypatch.setattr(installation, "get_encoder", get)
    words = not_installed_words(missing)
    assert "audio-assets weights fetch --model vgg; perch: " in words
    assert missing["perch"].remedy in words
