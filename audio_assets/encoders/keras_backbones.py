"""ImageNet backbones from keras.applications, applied to log-mel images.

Their pretrained layers are used unchanged, including the first one: the image has three equal
channels because the weights expect three, and it passes the backbone's own ``preprocess_input``.

References: Simonyan and Zisserman (2015), arXiv 1409.1556 (VGG16); Sandler et al. (2018), arXiv
1801.04381 (MobileNetV2); He et al. (2016), arXiv 1512.03385 (ResNet50).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio_assets.encoders import log_mel_image
from audio_assets.encoders.base import Encoded
from audio_assets.encoders.fingerprint import encoder_fingerprint, file_sha256
from audio_assets.encoders.tensorflow_runtime import require_tensorflow, shared_model, tensorflow
from audio_assets.errors import AudioAssetsError, WeightsError
from audio_assets.weights.sources import SOURCES


@dataclass(frozen=True)
class _Backbone:
    """A class of keras.applications, its module, and the length of its embedding."""

    module: str
    factory: str
    dimension: int


_BACKBONES = {
    "vgg": _Backbone("vgg16", "VGG16", 512),
    "mobilenet": _Backbone("mobilenet_v2", "MobileNetV2", 1280),
    "resnet": _Backbone("resnet50", "ResNet50", 2048),
}


class KerasBackboneEncoder:
    """A backbone without its top, averaged over the image.

    Parameters
    ----------
    name
        ``vgg``, ``mobilenet`` or ``resnet``.
    folder
        Folder with the weights file that Keras publishes for the backbone without its top.

    Raises
    ------
    AudioAssetsError
        From ``fingerprint`` and ``encode``, if TensorFlow is not installed or Keras is set to
        another backend.
    WeightsError
        From ``encode``, if the file does not fit the backbone.
    """

    sample_rate = log_mel_image.SAMPLE_RATE
    window_seconds = log_mel_image.WINDOW_SECONDS
    classes: tuple[str, ...] | None = None

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._backbone = _BACKBONES[name]
        self._path = folder / SOURCES[name].files[0].name

    @property
    def dimension(self) -> int:
        return self._backbone.dimension

    @cached_property
    def fingerprint(self) -> str:
        require_tensorflow(self.name)
        return encoder_fingerprint(
            self.name,
            weights={self._path.name: file_sha256(self._path)},
            preprocessing={
                **log_mel_image.PARAMETERS,
                "backbone": f"keras.applications.{self._backbone.module}, no top, average pooling",
                "graph": "weights folded in as constants",
            },
            libraries=("keras", "librosa", "scipy", "tensorflow"),
        )

    def encode(self, windows: NDArray[np.float32]) -> Encoded:
        samples = round(self.sample_rate * self.window_seconds)
        if windows.ndim != 2 or windows.shape[1] != samples:
            raise ValueError(f"windows must be float32[n, {samples}], not {list(windows.shape)}")
        require_tensorflow(self.name)
        tf = tensorflow()
        graph = shared_model(_MAKERS[self.name], self._path, file_sha256(self._path))
        embeddings = np.empty((len(windows), self.dimension), dtype=np.float32)
        # One window per call: see audio_assets.encoders.tensorflow_runtime.
        for row in range(len(windows)):
            image = log_mel_image.log_mel_images(windows[row : row + 1])
            (encoded,) = graph(tf.constant(image))
            embeddings[row] = encoded.numpy()[0]
        return Encoded(embeddings)


def vgg(folder: Path) -> KerasBackboneEncoder:
    """VGG16."""
    return KerasBackboneEncoder("vgg", folder)


def mobilenet(folder: Path) -> KerasBackboneEncoder:
    """MobileNetV2."""
    return KerasBackboneEncoder("mobilenet", folder)


def resnet(folder: Path) -> KerasBackboneEncoder:
    """ResNet50."""
    return KerasBackboneEncoder("resnet", folder)


def load_backbone(name: str, weights: Path) -> Any:
    """Load the backbone as a Keras model with the weights of a file.

    Raises
    ------
    AudioAssetsError
        If Keras does not run on TensorFlow with channels last.
    WeightsError
        If the file does not fit.
    """
    tensorflow()
    import keras

    found = (keras.config.backend(), keras.config.image_data_format())
    if found != ("tensorflow", "channels_last"):
        raise AudioAssetsError(
            f"{name}: Keras is set to {found[0]} and {found[1]} instead of tensorflow and "
            "channels_last",
            "Unset KERAS_BACKEND, and remove these lines from ~/.keras/keras.json.",
        )
    factory = getattr(keras.applications, _BACKBONES[name].factory)
    size = log_mel_image.SIZE
    try:
        # Keras downloads ImageNet's weights only for the word "imagenet", which is never passed.
        return factory(
            weights=str(weights), include_top=False, pooling="avg", input_shape=(size, size, 3)
        )
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(
            f"{name}: {weights} does not fit {_BACKBONES[name].factory}: {error}",
            f"Fetch it again: audio-assets weights fetch --model {name}",
        ) from error


def _graph(name: str, weights: Path) -> Any:
    from importlib import import_module

    tf = tensorflow()
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    model = load_backbone(name, weights)
    module = import_module(f"keras.applications.{_BACKBONES[name].module}")
    size = log_mel_image.SIZE
    signature = [tf.TensorSpec((1, size, size, 3), tf.float32)]

    def embed(images: Any) -> Any:
        # Keras's own preprocessing for this backbone; it changes numpy arrays in place, but not
        # tensors.
        return model(module.preprocess_input(images), training=False)

    # With constant weights, TensorFlow folds each normalization into the preceding convolution.
    function = tf.function(embed, input_signature=signature)
    return convert_variables_to_constants_v2(function.get_concrete_function())


_MAKERS = {name: partial(_graph, name) for name in _BACKBONES}
