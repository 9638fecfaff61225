"""YAMNet and VGGish, trained by Google on the sounds of AudioSet, as SavedModels.

Both cut a waveform into patches of 0.96 s themselves: 96 frames of 25 ms, one every 10 ms. A window
is 2.895 s long because that is 288 frames, which are exactly three patches of VGGish and five of
YAMNet, whose patches overlap by half. With 3 s, YAMNet's last patch would end in zeros.

References: Gemmeke et al. (2017), Audio Set, ICASSP; Hershey et al. (2017), arXiv 1609.09430.
"""

from __future__ import annotations

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

_SAMPLE_RATE = 16_000
_WINDOW_SECONDS = 2.895


class _AudioSetEncoder:
    """A model that turns one waveform into one embedding per patch."""

    name: str
    dimension: int
    patches: int
    sample_rate = _SAMPLE_RATE
    window_seconds = _WINDOW_SECONDS

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def fingerprint(self) -> str:
        require_tensorflow(self.name)
        return encoder_fingerprint(
            self.name,
            weights=self._digests,
            preprocessing={
                "sample_rate": self.sample_rate,
                "window_seconds": self.window_seconds,
                "over_patches": "mean of embeddings, maximum of class scores",
            },
            libraries=("tensorflow",),
        )

    @cached_property
    def _digests(self) -> dict[str, str]:
        return saved_model_digests(SOURCES[self.name], self._folder)

    def _run(self, windows: NDArray[np.float32]) -> list[Any]:
        """Return the model's output for each window."""
        samples = round(self.sample_rate * self.window_seconds)
        if windows.ndim != 2 or windows.shape[1] != samples:
            raise ValueError(f"windows must be float32[n, {samples}], not {list(windows.shape)}")
        require_tensorflow(self.name)
        tf = tensorflow()
        model = shared_model(
            load_saved_model, self._folder, "".join(sorted(self._digests.values()))
        )
        return [model(tf.constant(window)) for window in windows]

    def _check(self, what: str, found: tuple[int, ...], size: int) -> None:
        if found != (self.patches, size):
            raise WeightsError(
                f"{self.name}: the model in {self._folder} returns {what} of shape {list(found)} "
                f"instead of {[self.patches, size]}",
                f"Fetch it again: audio-assets weights fetch --model {self.name}",
            )


class YamnetEncoder(_AudioSetEncoder):
    """YAMNet: 1024-d embeddings, and scores of 521 AudioSet classes.

    Parameters
    ----------
    folder
        Folder of the SavedModel.
    """

    name = "yamnet"
    dimension = 1024
    patches = 5

    @cached_property
    def classes(self) -> tuple[str, ...] | None:
        return read_class_list(self._folder / "assets" / "yamnet_class_map.csv", "display_name")

    def encode(self, windows: NDArray[np.float32]) -> Encoded:
        classes = len(self.classes or ())
        embeddings = np.empty((len(windows), self.dimension), dtype=np.float32)
        scores = np.empty((len(windows), classes), dtype=np.float32)
        for row, (patch_scores, patch_embeddings, _) in enumerate(self._run(windows)):
            self._check("class scores", tuple(patch_scores.shape), classes)
            self._check("embeddings", tuple(patch_embeddings.shape), self.dimension)
            scores[row] = patch_scores.numpy().max(axis=0)
            embeddings[row] = _mean(patch_embeddings.numpy())
        return Encoded(embeddings, scores)


class VggishEncoder(_AudioSetEncoder):
    """VGGish: 128-d embeddings.

    Parameters
    ----------
    folder
        Folder of the SavedModel.
    """

    name = "vggish"
    dimension = 128
    patches = 3
    classes: tuple[str, ...] | None = None

    def encode(self, windows: NDArray[np.float32]) -> Encoded:
        embeddings = np.empty((len(windows), self.dimension), dtype=np.float32)
        for row, patch_embeddings in enumerate(self._run(windows)):
            self._check("embeddings", tuple(patch_embeddings.shape), self.dimension)
            embeddings[row] = _mean(patch_embeddings.numpy())
        return Encoded(embeddings)


def _mean(patches: NDArray[np.float32]) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = patches.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean
