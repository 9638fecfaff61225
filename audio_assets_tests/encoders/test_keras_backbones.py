"""The backbones are those of keras.applications with their weights, and nothing besides."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from audio_assets.encoders import keras_backbones
from audio_assets.encoders.keras_backbones import KerasBackboneEncoder, load_backbone
from audio_assets.encoders.log_mel_image import log_mel_images
from audio_assets.errors import AudioAssetsError, WeightsError
from audio_assets.models.registry import load_encoder
from audio_assets.weights.places import WeightPlaces
from audio_assets.weights.sources import SOURCES
from audio_assets_tests.weights.stand_ins import BACKBONES

StandIns = Callable[..., WeightPlaces]
CHEAP_FIRST = [
    pytest.param(name, marks=pytest.mark.slow if name != "mobilenet" else ()) for name in BACKBONES
]
DIMENSIONS = {"vgg": 512, "mobilenet": 1280, "resnet": 2048}


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(scale=0.1, size=(count, 66_150)).astype(np.float32)


def weights_file(name: str, stand_ins: StandIns) -> Path:
    return Path(stand_ins(name).root or "") / name / SOURCES[name].files[0].name


@pytest.mark.parametrize("name", CHEAP_FIRST)
def test_an_embedding_is_what_keras_predicts_on_the_preprocessed_image(
    name: str, stand_ins: StandIns
) -> None:
    import keras

    apps = keras.applications
    factory, module = {
        "vgg": (apps.VGG16, apps.vgg16),
        "mobilenet": (apps.MobileNetV2, apps.mobilenet_v2),
        "resnet": (apps.ResNet50, apps.resnet50),
    }[name]
    model = factory(
        weights=str(weights_file(name, stand_ins)),
        include_top=False,
        pooling="avg",
        input_shape=(224, 224, 3),
    )
    windows = noise(2)
    expected = model.predict(module.preprocess_input(log_mel_images(windows)), verbose=0)
    found = load_encoder(name, stand_ins(name)).encode(windows).embeddings
    assert found.shape == (2, DIMENSIONS[name])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", CHEAP_FIRST)
def test_every_layer_has_the_weights_of_the_file_the_first_one_too(
    name: str, stand_ins: StandIns
) -> None:
    import h5py

    path = weights_file(name, stand_ins)
    model = load_backbone(name, path)
    with h5py.File(path) as file:
        stored = [
            file[layer][weight][()]
            for layer in file.attrs["layer_names"]
            for weight in file[layer].attrs["weight_names"]
        ]
    found = [np.asarray(w) for layer in model.layers for w in layer.weights]
    assert len(stored) == len(found) > 20
    for mine, theirs in zip(found, stored, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_file_of_another_backbone_is_refused(tmp_path: Path, stand_ins: StandIns) -> None:
    place = tmp_path / SOURCES["vgg"].files[0].name
    place.write_bytes(weights_file("mobilenet", stand_ins).read_bytes())
    with pytest.raises(WeightsError, match="(?s)vgg.*does not fit VGG16.*weights fetch"):
        KerasBackboneEncoder("vgg", tmp_path).encode(noise(1))


def test_a_truncated_file_is_refused(tmp_path: Path, stand_ins: StandIns) -> None:
    path = weights_file("mobilenet", stand_ins)
    (tmp_path / path.name).write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(WeightsError, match="mobilenet"):
        KerasBackboneEncoder("mobilenet", tmp_path).encode(noise(1))


def test_another_backend_of_keras_is_refused(
    stand_ins: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = weights_file("mobilenet", stand_ins)
    import keras

    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(AudioAssetsError, match="Keras is set to jax"):
        load_backbone("mobilenet", path)


def test_without_tensorflow_the_error_says_how_to_install_it(
    stand_ins: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib.metadata import PackageNotFoundError

    from audio_assets.encoders import tensorflow_runtime

    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    places = stand_ins("mobilenet")
    monkeypatch.setattr(tensorflow_runtime, "version", absent)
    with pytest.raises(
        AudioAssetsError, match=r"(?s)mobilenet.*pip install 'audio-assets\[tensorfl"
    ):
        load_encoder("mobilenet", places)


def test_the_fingerprint_follows_the_weights_and_the_picture(
    tmp_path: Path, stand_ins: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = weights_file("mobilenet", stand_ins)
    before = KerasBackboneEncoder("mobilenet", path.parent).fingerprint
    (tmp_path / path.name).write_bytes(path.read_bytes() + b"!")
    assert KerasBackboneEncoder("mobilenet", tmp_path).fingerprint != before
    monkeypatch.setitem(keras_backbones.log_mel_image.PARAMETERS, "fmin", 60.0)
    assert KerasBackboneEncoder("mobilenet", path.parent).fingerprint != before


def test_windows_of_another_length_are_refused(stand_ins: StandIns) -> None:
    with pytest.raises(ValueError, match="66150"):
        load_encoder("mobilenet", stand_ins("mobilenet")).encode(np.zeros((1, 48_000), np.float32))
