"""Perch, YAMNet and VGGish are called as they were published, in each form they answer in."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from audio_assets.encoders.audioset import VggishEncoder, YamnetEncoder
from audio_assets.encoders.perch import PerchEncoder, to_peak
from audio_assets.encoders.tensorflow_runtime import tensorflow
from audio_assets.errors import WeightsError
from audio_assets.models.registry import load_encoder
from audio_assets.weights.places import WeightPlaces
from audio_assets_tests.weights.stand_ins import CLASSES, write_class_list, write_saved_model

StandIns = Callable[..., WeightPlaces]


def noise(count: int, samples: int) -> np.ndarray:
    return np.random.default_rng(0).normal(scale=0.1, size=(count, samples)).astype(np.float32)


def test_windows_are_centred_and_scaled_to_the_peak_one_by_one() -> None:
    windows = noise(3, 1000) * np.array([[1], [1e-4], [0]], dtype=np.float32) + 0.2
    windows[2] = 0
    scaled = to_peak(windows, 0.25)
    np.testing.assert_allclose(np.abs(scaled).max(axis=1), [0.25, 0.25, 0], rtol=1e-6)
    np.testing.assert_allclose(scaled.mean(axis=1), 0, atol=1e-6)
    expected = (windows[0] - windows[0].mean()) / np.abs(windows[0] - windows[0].mean()).max() / 4
    np.testing.assert_allclose(scaled[0], expected, atol=1e-6)
    np.testing.assert_array_equal(to_peak(windows[1:2], 0.25), scaled[1:2])


@pytest.mark.parametrize("name", ["perch", "perch_v2"])
def test_perch_gives_the_models_own_outputs_of_scaled_windows(
    name: str, stand_ins: StandIns
) -> None:
    windows = noise(6, 160_000)
    places = stand_ins(name)
    encoder = load_encoder(name, places)
    found = encoder.encode(windows)
    tf = tensorflow()
    model = tf.saved_model.load(str(Path(places.root or "") / name))
    scaled = tf.constant(to_peak(windows, 0.25))
    if name == "perch":
        logits, embedding = model.infer_tf(scaled)
    else:
        output = model.signatures["serving_default"](inputs=scaled)
        logits, embedding = output["label"], output["embedding"]
    np.testing.assert_allclose(found.embeddings, embedding, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.class_scores, logits, rtol=1e-4, atol=1e-4)
    assert encoder.dimension == {"perch": 1280, "perch_v2": 1536}[name]
    first = {"perch": "bird0", "perch_v2": "Genus species0"}[name]
    assert encoder.classes is not None
    assert (encoder.classes[0], len(encoder.classes)) == (first, CLASSES)


def test_perchs_level_does_not_depend_on_the_recorders_gain(stand_ins: StandIns) -> None:
    encoder = load_encoder("perch", stand_ins("perch"))
    windows = noise(2, 160_000)
    np.testing.assert_allclose(
        encoder.encode(windows / 50).embeddings, encoder.encode(windows).embeddings, atol=1e-4
    )


@pytest.mark.parametrize("options", [{"answer": "dict"}, {"answer": "dict", "batch": 1}])
def test_perch_may_answer_with_a_dict_and_take_one_window_at_a_time(
    options: dict[str, object], tmp_path: Path, stand_ins: StandIns
) -> None:
    folder = write_saved_model(tmp_path, "perch", **options)
    windows = noise(3, 160_000)
    found = PerchEncoder("perch", folder).encode(windows)
    same = load_encoder("perch", stand_ins("perch")).encode(windows)
    np.testing.assert_allclose(found.embeddings, same.embeddings, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.class_scores, same.class_scores, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("needs_tensorflow")
def test_a_class_list_of_another_length_than_the_scores_is_refused(tmp_path: Path) -> None:
    folder = write_saved_model(tmp_path, "perch")
    write_class_list(folder, "perch", CLASSES + 1)
    with pytest.raises(WeightsError, match="12 class scores instead of 1280 and 13"):
        PerchEncoder("perch", folder).encode(noise(1, 160_000))


@pytest.mark.usefixtures("needs_tensorflow")
def test_another_model_in_the_folder_is_refused(tmp_path: Path) -> None:
    folder = write_saved_model(tmp_path, "perch_v2")
    (folder / "assets/labels.csv").rename(folder / "assets/label.csv")
    with pytest.raises(WeightsError, match="embeddings of 1536 .* instead of 1280"):
        PerchEncoder("perch", folder).encode(noise(1, 160_000))


@pytest.mark.parametrize("content", [None, "", "ebird2021\n"])
def test_a_class_list_that_is_missing_or_empty_is_refused(
    content: str | None, tmp_path: Path
) -> None:
    (tmp_path / "assets").mkdir()
    if content is not None:
        (tmp_path / "assets/label.csv").write_text(content)
    with pytest.raises(WeightsError, match="label.csv is not a class list"):
        PerchEncoder("perch", tmp_path).classes  # noqa: B018


@pytest.mark.usefixtures("needs_tensorflow")
def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    write_class_list(tmp_path, "perch")
    (tmp_path / "variables").mkdir()
    for name in ("variables.index", "variables.data-00000-of-00001"):
        (tmp_path / "variables" / name).write_bytes(b"")
    (tmp_path / "saved_model.pb").write_bytes(b"no graph")
    with pytest.raises(WeightsError, match="not a SavedModel"):
        PerchEncoder("perch", tmp_path).encode(noise(1, 160_000))


@pytest.mark.usefixtures("needs_tensorflow")
def test_the_fingerprint_of_a_saved_model_covers_all_its_files(tmp_path: Path) -> None:
    folder = write_saved_model(tmp_path, "perch")
    before = PerchEncoder("perch", folder).fingerprint
    (folder / "README.md").write_text("words")
    assert PerchEncoder("perch", folder).fingerprint == before
    found = set()
    for name in ("saved_model.pb", "variables/variables.index", "assets/label.csv"):
        (folder / name).write_bytes((folder / name).read_bytes() + b"\n")
        found.add(PerchEncoder("perch", folder).fingerprint)
    assert len(found | {before}) == 4


def test_yamnet_averages_patches_and_takes_the_highest_scores(stand_ins: StandIns) -> None:
    places = stand_ins("yamnet")
    encoder = load_encoder("yamnet", places)
    assert isinstance(encoder, YamnetEncoder)
    windows = noise(2, 46_320)
    found = encoder.encode(windows)
    model = tensorflow().saved_model.load(str(Path(places.root or "") / "yamnet"))
    for row, window in enumerate(windows):
        scores, embeddings, _ = model(window)
        assert len(scores) == 5
        np.testing.assert_allclose(
            found.embeddings[row], np.mean(embeddings, axis=0), rtol=1e-5, atol=1e-6
        )
        assert found.class_scores is not None
        np.testing.assert_array_equal(found.class_scores[row], np.max(scores, axis=0))
    assert encoder.classes is not None and encoder.classes[1] == "Sound, 1"


def test_vggish_averages_its_three_patches(stand_ins: StandIns) -> None:
    places = stand_ins("vggish")
    encoder = load_encoder("vggish", places)
    assert isinstance(encoder, VggishEncoder)
    window = noise(1, 46_320)
    model = tensorflow().saved_model.load(str(Path(places.root or "") / "vggish"))
    patches = model(window[0])
    assert patches.shape == (3, 128)
    found = encoder.encode(window)
    np.testing.assert_allclose(found.embeddings[0], np.mean(patches, axis=0), rtol=1e-5, atol=1e-6)
    assert found.class_scores is None
