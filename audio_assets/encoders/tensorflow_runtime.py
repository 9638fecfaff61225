"""TensorFlow as the encoders use it: one copy of a model in a process, and bounded threads.

Encoders give a model one window per call, always in the same shape. A batch would save at most a
seventh of the time, and on some processors it changes the result: without AVX-512, TensorFlow's
matrix products handle the last rows of a batch in another kernel, which rounds differently, so that
a window's last bits depend on its place. With one window per call, one thread per operation and
TensorFlow's aligned buffers, nothing is left for them to depend on but the kind of processor.

What a model computes belongs to the encoder's own module.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import Any

from audio_assets.errors import AudioAssetsError, WeightsError

INSTALL = "pip install 'audio-assets[tensorflow]'"

_LOADING = Lock()


def require_tensorflow(encoder: str) -> None:
    """Check that TensorFlow is installed, without importing it.

    Raises
    ------
    AudioAssetsError
        If it is not.
    """
    try:
        version("tensorflow")
    except PackageNotFoundError:
        raise AudioAssetsError(
            f"{encoder} runs on TensorFlow, which is not installed", f"Install it: {INSTALL}"
        ) from None


@cache
def tensorflow() -> Any:
    """The module, bound to one thread an operation and to CPUs.

    The worker threads of the embedding loop each run a batch of their own; threads inside an
    operation would compete with them, and the order in which they add would change the last bits of
    an embedding with the number of CPUs. So would a GPU. Operations of several batches run side by
    side in as many threads as there are CPUs: with a single one, TensorFlow would run one batch
    after the other, whoever asks.
    """
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(max(2, os.cpu_count() or 1))
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError as error:
        raise AudioAssetsError(
            f"TensorFlow is in use already and its threads cannot be bounded: {error}",
            "Embed in a process that has not used TensorFlow before.",
        ) from error
    return tf


def shared_model(make: Callable[[Path], Any], path: Path, digest: str) -> Any:
    """What ``make`` gives for a path, made once in this process and used by all its threads.

    Parameters
    ----------
    digest
        Of the content: other weights at the same path are another model.
    """
    # lru_cache alone lets two threads make it at the same time.
    with _LOADING:
        return _made(make, path, digest)


# Two: an encoder at work, and the next one while the first is still referred to.
@lru_cache(maxsize=2)
def _made(make: Callable[[Path], Any], path: Path, digest: str) -> Any:
    return make(path)


def load_saved_model(path: Path) -> Any:
    """Load a SavedModel.

    Raises
    ------
    WeightsError
        If it is none that this TensorFlow can load.
    """
    tf = tensorflow()
    try:
        return tf.saved_model.load(str(path))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise WeightsError(
            f"{path} is no SavedModel that TensorFlow {tf.__version__} can load: {error}",
            "Fetch it again, or put the publisher's files there.",
        ) from error
