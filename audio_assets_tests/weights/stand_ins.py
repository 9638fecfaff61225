"""Weights that stand in for the publishers': random numbers in the same architectures, files and
signatures, so that the code that loads the genuine ones is what is tested.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio_assets.encoders.tensorflow_runtime import tensorflow
from audio_assets.models import registry
from audio_assets.weights.sources import SOURCES

CLASSES = 12
BACKBONES = ("vgg", "mobilenet", "resnet")


def without_digests(name: str, patch: pytest.MonkeyPatch) -> None:
    """Have the registry ask for no published digest of an encoder's files."""
    encoders = registry._registry().encoders
    source = SOURCES[name]
    files = tuple(replace(file, published=None) for file in source.files)
    patch.setitem(encoders, name, replace(encoders[name], source=replace(source, files=files)))


def write_backbone(folder: Path, name: str, *, seed: int = 0) -> Path:
    """A weights file of the real architecture, in the old HDF5 layout that Keras publishes."""
    tensorflow()
    import h5py
    import keras
    from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

    from audio_assets.encoders.keras_backbones import _BACKBONES

    keras.utils.set_random_seed(seed)
    factory = getattr(keras.applications, _BACKBONES[name].factory)
    model = factory(weights=None, include_top=False, pooling="avg", input_shape=(224, 224, 3))
    if name == "mobilenet":
        # Keras's initial weights shrink the signal at each of its many layers, down to 1e-13.
        for weight in model.weights:
            if "kernel" in weight.name:
                depthwise = weight.name.startswith("depthwise")
                inputs = np.prod(weight.shape[:2] if depthwise else weight.shape[:-1])
                weight.assign(keras.random.normal(weight.shape, stddev=(2 / inputs) ** 0.5))
    path = folder / name / SOURCES[name].files[0].name
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        save_weights_to_hdf5_group(file, model)
    return path


def write_saved_model(folder: Path, name: str, **options: Any) -> Path:
    """A small SavedModel that answers as the publisher's does; its folder."""
    tf = tensorflow()
    module = {
        "perch": perch_module,
        "perch_v2": perch_v2_module,
        "yamnet": yamnet_module,
        "vggish": vggish_module,
    }[name](tf, **options)
    path = folder / name
    tf.saved_model.save(module, str(path), signatures=getattr(module, "signature", None))
    write_class_list(path, name)
    return path


def write_class_list(path: Path, name: str, classes: int = CLASSES) -> None:
    """The class list in the file, the columns and the order of the publisher's."""
    header, row = {
        "perch": (["ebird2021"], lambda n: [f"bird{n}"]),
        "perch_v2": (["inat2024_fsd50k"], lambda n: [f"Genus species{n}"]),
        "yamnet": (["index", "mid", "display_name"], lambda n: [n, f"/m/{n}", f"Sound, {n}"]),
        "vggish": ([], list),
    }[name]
    if not header:
        return
    file_name = next(f.name for f in SOURCES[name].files if f.name.startswith("assets/"))
    (path / "assets").mkdir(exist_ok=True)
    with (path / file_name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *(row(number) for number in range(classes))])


def _projection(tf: Any, rows: int, columns: int, seed: int) -> Any:
    values = tf.random.stateless_normal((rows, columns), seed=(seed, seed), stddev=rows**-0.5)
    return tf.Variable(values)


def _bands(tf: Any, waveform: Any, frame: int) -> Any:
    """Mean spectrum over time of float32[..., samples], in 257 bins."""
    spectrum = tf.abs(tf.signal.stft(waveform, frame, frame, 512))
    return tf.math.log(tf.reduce_mean(spectrum, axis=-2) + 1e-3)


def perch_module(tf: Any, *, answer: str = "tuple", batch: int | None = None) -> Any:
    """``infer_tf`` as of Perch 8: a tuple of logits and embedding, or a dict."""

    class Perch(tf.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.embed = _projection(tf, 257, 1280, 1)
            self.head = _projection(tf, 1280, CLASSES, 2)

        @tf.function(input_signature=[tf.TensorSpec((batch, 160_000), tf.float32, name="inputs")])
        def infer_tf(self, inputs: Any) -> Any:
            embedding = tf.matmul(_bands(tf, inputs, 512), self.embed)
            logits = tf.matmul(embedding, self.head)
            if answer == "tuple":
                return logits, embedding
            return {"label": logits, "embedding": embedding, "family": logits[:, :2]}

    module = Perch()
    if answer == "dict":
        module.signature = {"serving_default": module.infer_tf}
    return module


def perch_v2_module(tf: Any, *, batch: int | None = None) -> Any:
    """``serving_default`` as of Perch 2."""

    class Perch2(tf.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.embed = _projection(tf, 257, 1536, 3)
            self.head = _projection(tf, 1536, CLASSES, 4)

        @tf.function(input_signature=[tf.TensorSpec((batch, 160_000), tf.float32, name="inputs")])
        def serve(self, inputs: Any) -> Any:
            bands = _bands(tf, inputs, 512)
            embedding = tf.matmul(bands, self.embed)
            return {
                "embedding": embedding,
                "label": tf.matmul(embedding, self.head),
                "spatial_embedding": embedding[:, None, None, :],
                "spectrogram": bands,
            }

    module = Perch2()
    module.signature = {"serving_default": module.serve}
    return module


def _patches(tf: Any, waveform: Any, step_frames: int) -> Any:
    """float32[patches, 15600] of 0.96 s each, a patch every ``step_frames`` frames of 10 ms."""
    return tf.signal.frame(waveform, 95 * 160 + 400, step_frames * 160)


def yamnet_module(tf: Any) -> Any:
    """A call with one waveform: scores, embeddings and a spectrogram, a row a patch."""

    class Yamnet(tf.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.embed = _projection(tf, 257, 1024, 5)
            self.head = _projection(tf, 1024, CLASSES, 6)

        @tf.function(input_signature=[tf.TensorSpec((None,), tf.float32)])
        def __call__(self, waveform: Any) -> Any:
            bands = _bands(tf, _patches(tf, waveform, 48), 400)
            embedding = tf.nn.relu(tf.matmul(bands, self.embed))
            return tf.sigmoid(tf.matmul(embedding, self.head)), embedding, bands

    return Yamnet()


def vggish_module(tf: Any) -> Any:
    """A call with one waveform: embeddings, a row a patch."""

    class Vggish(tf.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.embed = _projection(tf, 257, 128, 7)

        @tf.function(input_signature=[tf.TensorSpec((None,), tf.float32)])
        def __call__(self, waveform: Any) -> Any:
            return tf.matmul(_bands(tf, _patches(tf, waveform, 96), 400), self.embed)

    return Vggish()
