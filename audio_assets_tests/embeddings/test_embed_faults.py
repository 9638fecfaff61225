"""What becomes of an encoder that fails, exits or breaks its word while clips are embedded."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from audio_assets.encoders.base import Encoded, Encoder
from audio_assets.encoders.placeholder import PlaceholderEncoder
from audio_assets.errors import EncoderError, WeightsError
from audio_assets_tests.embeddings.embedding import Recorder, embed, our_threads, wav


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert our_threads() == []


class Fails(PlaceholderEncoder):
    def encode(self, windows: NDArray[np.float32]) -> Encoded:
        raise OSError("the encoder broke")


def test_an_error_of_the_encoder_is_never_a_fault_of_a_clip() -> None:
    with pytest.raises(
        EncoderError, match="placeholder.* its encode fails: OSError: the encoder b"
    ):
        embed({"a": wav(1.0)}, make_encoder=Fails)


class Exits(PlaceholderEncoder):
    def encode(self, windows: NDArray[np.float32]) -> Encoded:
        sys.exit(3)


class NoMemory(PlaceholderEncoder):
    def encode(self, windows: NDArray[np.float32]) -> Encoded:
        raise MemoryError


class Unsure(PlaceholderEncoder):
    def encode(self, windows: NDArray[np.float32]) -> Encoded:
        raise WeightsError("my weights are gone", "Copy them.")


@pytest.mark.parametrize(
    ("make_encoder", "kind", "what"),
    [
        (Exits, EncoderError, "its encode fails: SystemExit: 3"),
        (NoMemory, MemoryError, None),
        (Unsure, WeightsError, "my weights are gone"),
    ],
)
def test_an_encoder_that_exits_is_at_fault_and_what_says_what_is_wrong_stays(
    make_encoder: Callable[[], Encoder], kind: type[Exception], what: str | None
) -> None:
    with pytest.raises(kind, match=what):
        embed({"a": wav(1.0)}, make_encoder=make_encoder)


def test_an_error_in_making_a_further_encoder_is_passed_on() -> None:
    first = Recorder()
    first.go.clear()
    encoders = iter([first])

    def make() -> Encoder:
        for encoder in encoders:
            return encoder
        first.go.set()
        raise RuntimeError("no second encoder")

    with pytest.raises(RuntimeError, match="no second encoder"):
        embed({f"{i}": wav(40.0, seed=i) for i in range(4)}, make_encoder=make, workers=2)


def wrong(**changes: Any) -> Callable[[], Encoder]:
    class Wrong(PlaceholderEncoder):
        def encode(self, windows: NDArray[np.float32]) -> Encoded:
            encoded = super().encode(windows)
            return Encoded(
                changes.get("embeddings", lambda e: e)(encoded.embeddings.copy()),
                changes.get("class_scores", lambda s: s)(encoded.class_scores),
            )

    return Wrong


def giving(what: Callable[[Encoded], object]) -> Callable[[], Encoder]:
    class Gives(PlaceholderEncoder):
        def encode(self, windows: NDArray[np.float32]) -> Any:
            return what(super().encode(windows))

    return Gives


def with_nan(values: NDArray[np.float32]) -> NDArray[np.float32]:
    values[0, 0] = np.nan
    return values


@pytest.mark.parametrize(
    ("make_encoder", "why"),
    [
        (wrong(embeddings=with_nan), "embeddings that are not finite"),
        (wrong(class_scores=with_nan), "class scores that are not finite"),
        (wrong(embeddings=lambda e: e[:, :3]), r"embeddings of shape \(1, 3\)"),
        (wrong(embeddings=lambda e: e[:0]), r"embeddings of shape \(0, 16\)"),
        (wrong(class_scores=lambda s: None), "class scores of shape None"),
        (wrong(embeddings=lambda e: e.tolist()), "embeddings as a list, not an array"),
        (wrong(embeddings=lambda e: e + 1j), "embeddings of type complex64 instead of float32"),
        (wrong(embeddings=lambda e: e * np.float64(1e300)), "embeddings that are not finite"),
        (giving(lambda e: e.embeddings), "a ndarray, not an Encoded"),
        (giving(lambda e: [e]), "a list, not an Encoded"),
        (giving(lambda e: None), "a NoneType, not an Encoded"),
    ],
    ids=[
        "nan",
        "nan scores",
        "short",
        "empty",
        "no scores",
        "list inside",
        "complex",
        "too large for float32",
        "bare array",
        "list",
        "nothing",
    ],
)
def test_an_encoder_that_breaks_its_word_is_an_error(
    make_encoder: Callable[[], Encoder], why: str
) -> None:
    with pytest.raises(EncoderError, match=f"encoder placeholder .*its encode gave {why}"):
        embed({"a": wav(1.0)}, make_encoder=make_encoder)
