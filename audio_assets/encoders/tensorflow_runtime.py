"""TensorFlow for the encoders: one copy of a model per process, and bounded threads.

Encoders pass one window per call to a model, always in the same shape. A batch would save at most a
seventh of the time, and on some processors it changes the result: without AVX-512, TensorFlow's
matrix products handle the last rows of a batch in a different kernel, which rounds differently, so
that a window's last bits depend on its place. With one window per call, one thread per operation
and TensorFlow's aligned buffers, they depend only on the kind of processor.

The models themselves belong in the encoders' own modules.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import Any

from audio_assets.errors import AudioAssetsError, WeightsError

INSTALL = "Install it: pip install 'audio-assets[tensorflow]'"
_OTHER_MODELS = "or choose models that do without TensorFlow"

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
            f"{encoder} runs on TensorFlow, which is not installed",
            how_to_install(sys.version_info[:2], sys.platform, platform.machine()),
        ) from None


def how_to_install(python: tuple[int, int], system: str, machine: str) -> str:
    """Say what to do where TensorFlow is missing: install it, if there is one for this machine.

    The extra leaves it out where there is none: see ``pyproject.toml``.

    Parameters
    ----------
    python
        Major and minor version.
    system
        As ``sys.platform``.
    machine
        As ``platform.machine()``.
    """
    if (system, machine) == ("darwin", "x86_64"):
        return (
            "There is no release of TensorFlow 2.20 or later for Macs with an Intel processor: use "
            f"another computer, {_OTHER_MODELS}."
        )
    if python >= (3, 14):
        return (
            f"There is no release of TensorFlow for Python {python[0]}.{python[1]}: use Python "
            f"3.11 to 3.13, {_OTHER_MODELS}."
        )
    return INSTALL


@cache
def tensorflow() -> Any:
    """Return the module, limited to CPUs and to one thread per operation.

    The worker threads of the embedding loop each run a batch of their own. Threads inside an
    operation would compete with them, and their order of addition would make the last bits of an
    embedding depend on the number of CPUs. So would a GPU. Operations of several batches run in
    parallel in as many threads as there are CPUs: with a single thread, TensorFlow would run one
    batch after the other, even for different callers.
    """
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(max(2, os.cpu_count() or 1))
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError as error:
        raise AudioAssetsError(
            f"TensorFlow is already in use and its threads cannot be limited: {error}",
            "Embed in a process that has not used TensorFlow before.",
        ) from error
    return tf


def shared_model(make: Callable[[Path], Any], path: Path, digest: str) -> Any:
    """Return the result of ``make`` for a path, created once per process for all threads.

    Parameters
    ----------
    digest
        Digest of the content: different weights at the same path are a different model.
    """
    # lru_cache alone lets two threads create it at the same time.
    with _LOADING:
        return _made(make, path, digest)


# Two: the current encoder, and the next one while the first is still referenced.
@lru_cache(maxsize=2)
def _made(make: Callable[[Path], Any], path: Path, digest: str) -> Any:
    return make(path)


def load_saved_model(path: Path) -> Any:
    """Load a SavedModel.

    Raises
    ------
    WeightsError
        If this TensorFlow cannot load it.
    """
    tf = tensorflow()
    try:
        return tf.saved_model.load(str(path))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise WeightsError(
            f"{path} is not a SavedModel that TensorFlow {tf.__version__} can load: {error}",
            "Fetch it again, or put the publisher's files there.",
        ) from error
