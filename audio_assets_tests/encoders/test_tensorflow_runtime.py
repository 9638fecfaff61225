"""TensorFlow runs the batches of several threads side by side, each operation in one thread."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from audio_assets.encoders.tensorflow_runtime import shared_model, tensorflow

pytestmark = pytest.mark.usefixtures("needs_tensorflow")


def test_batches_of_two_threads_run_at_the_same_time() -> None:
    tf = tensorflow()
    # Neither call gets past it before the other one has come.
    both = Barrier(2, timeout=30)

    def meet(value: np.ndarray) -> np.ndarray:
        both.wait()
        return value

    @tf.function(input_signature=[tf.TensorSpec((), tf.float32)])
    def call(value: object) -> object:
        return tf.numpy_function(meet, [value], tf.float32)

    with ThreadPoolExecutor(2) as threads:
        assert [float(x) for x in threads.map(call, map(tf.constant, (1.0, 2.0)))] == [1, 2]


def test_an_operation_has_one_thread() -> None:
    assert tensorflow().config.threading.get_intra_op_parallelism_threads() == 1


def test_a_model_is_made_once_for_all_threads_and_anew_for_other_weights(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(path: Path) -> object:
        made.append(path)
        return object()

    with ThreadPoolExecutor(4) as threads:
        models = list(threads.map(lambda _: shared_model(make, tmp_path, "a"), range(20)))
    assert len(set(map(id, models))) == len(made) == 1
    assert shared_model(make, tmp_path, "b") is not models[0]


def test_threads_that_can_not_be_bounded_any_more_are_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from audio_assets.errors import AudioAssetsError

    tf = tensorflow()

    def too_late(_: int) -> None:
        raise RuntimeError("cannot be modified after initialization")

    monkeypatch.setattr(tf.config.threading, "set_intra_op_parallelism_threads", too_late)
    tensorflow.cache_clear()
    try:
        with pytest.raises(AudioAssetsError, match="(?s)already in use.*after initialization"):
            tensorflow()
    finally:
        monkeypatch.undo()
        tensorflow()
