"""Perch, Google's bird vocalization classifier: versions 8 and 2.0 of its SavedModel.

References: Hamer et al. (2023), BIRB, arXiv 2312.07439 (Perch 8); van Merriënboer et al. (2025),
Perch 2.0, arXiv 2508.04665. Windows are prepared as in the publisher's own library: the mean is
subtracted and the peak set to 0.25.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio_assets.encoders.base import Encoded
from audio_assets.encoders.class_lists import read_class_list
from audio_assets.encoders.fingerprint import encoder_fingerprint
from audio_assets.encoders.tensorflow_runtime import (
    load_saved_model,
    require_tensorflow,
    shared_model,
    tensorflow,
)
from audio_assets.errors import WeightsError
from audio_assets.weights.places import saved_model_digests
from audio_assets.weights.sources import SOURCES

_PEAK = 0.25


@dataclass(frozen=True)
class _Version:
    """Length of an embedding, and the class list of the scores in the output ``label``."""

    dimension: int
    class_list: str


_VERSIONS = {"perch": _Version(1280, "label.csv"), "perch_v2": _Version(1536, "labels.csv")}


class PerchEncoder:
    """Embeddings and class scores (logits) of 5 s at 32 kHz.

    Parameters
    ----------
    name
        ``perch`` (8) or ``perch_v2``.
    folder
        Folder of the SavedModel.

    Raises
    ------
    AudioAssetsError
        From ``fingerprint`` and ``encode``, if TensorFlow is not installed.
    WeightsError
        From ``classes`` and ``encode``, if the folder does not contain this model.
    """

    sample_rate = 32_000
    window_seconds = 5.0

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._version = _VERSIONS[name]
        self._folder = folder

    @property
    def dimension(self) -> int:
        return self._version.dimension

    @cached_property
    def classes(self) -> tuple[str, ...] | None:
        return read_class_list(self._folder / "assets" / self._version.class_list)

    @cached_property
    def fingerprint(self) -> str:
        require_tensorflow(self.name)
        return encoder_fingerprint(
            self.name,
            weights=self._digests,
            preprocessing={
                "sample_rate": self.sample_rate,
                "window_seconds": self.window_seconds,
                "peak": _PEAK,
                "mean": "taken off",
                "class_scores": "logits",
            },
            libraries=("tensorflow",),
        )

    def encode(self, windows: NDArray[np.float32]) -> Encoded:
        samples = round(self.sample_rate * self.window_seconds)
        if windows.ndim != 2 or windows.shape[1] != samples:
            raise ValueError(f"windows must be float32[n, {samples}], not {list(windows.shape)}")
        require_tensorflow(self.name)
        tf = tensorflow()
        model = shared_model(
            load_saved_model, self._folder, "".join(sorted(self._digests.values()))
        )
        classes = len(self.classes or ())
        embeddings = np.empty((len(windows), self.dimension), dtype=np.float32)
        scores = np.empty((len(windows), classes), dtype=np.float32)
        # One window per call: see audio_assets.encoders.tensorflow_runtime. Some exports accept
        # only one.
        for row in range(len(windows)):
            window = to_peak(windows[row : row + 1], _PEAK)
            logits, embedding = _infer(model, tf.constant(window))
            self._check(embedding.shape, logits.shape, classes)
            embeddings[row] = embedding[0]
            scores[row] = logits[0]
        return Encoded(embeddings, scores)

    @cached_property
    def _digests(self) -> dict[str, str]:
        return saved_model_digests(SOURCES[self.name], self._folder)

    def _check(self, embedding: tuple[int, ...], logits: tuple[int, ...], classes: int) -> None:
        if (embedding[-1], logits[-1]) != (self.dimension, classes):
            raise WeightsError(
                f"{self.name}: the model in {self._folder} returns embeddings of {embedding[-1]} "
                f"and {logits[-1]} class scores instead of {self.dimension} and {classes}",
                f"Fetch it again: audio-assets weights fetch --model {self.name}",
            )


def perch(folder: Path) -> PerchEncoder:
    """Perch 8."""
    return PerchEncoder("perch", folder)


def perch_v2(folder: Path) -> PerchEncoder:
    """Perch 2.0."""
    return PerchEncoder("perch_v2", folder)


def to_peak(windows: NDArray[np.float32], peak: float) -> NDArray[np.float32]:
    """Subtract each window's mean and scale its peak to ``peak``; silence stays silent.

    Parameters
    ----------
    windows
        float32[n, samples].
    """
    centred = windows - windows.mean(axis=1, keepdims=True, dtype=np.float64)
    largest = np.abs(centred).max(axis=1, keepdims=True, initial=0.0)
    scaled = np.divide(centred * peak, largest, out=np.zeros_like(centred), where=largest > 0)
    as_float32: NDArray[np.float32] = scaled.astype(np.float32)
    return as_float32


def _infer(model: Any, batch: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return class scores and embeddings, in whichever form the model returns them."""
    if hasattr(model, "infer_tf"):
        output = model.infer_tf(batch)
    else:
        output = model.signatures["serving_default"](inputs=batch)
    if hasattr(output, "keys"):
        logits, embedding = output["label"], output["embedding"]
    else:
        logits, embedding = output
    return np.asarray(logits), np.asarray(embedding)
