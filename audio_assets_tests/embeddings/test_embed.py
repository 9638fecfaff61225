"""The stream: order, bounds, independence of workers, and no failure that goes unseen."""

import hashlib
import io
import threading
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from audio_assets.audio.resample import resample
from audio_assets.audio.windows import cut_windows
from audio_assets.embeddings.batching import BATCH_WINDOWS
from audio_assets.embeddings.stream import Clip, ClipEmbedding, embed_clips, max_in_flight
from audio_assets.encoders.base import Encoded, Encoder
from audio_assets.encoders.placeholder import PlaceholderEncoder
from audio_assets.models.registry import load_encoder
from audio_assets_tests.embeddings.embedding import (
    LIMITS,
    Recorder,
    embed,
    our_threads,
    unknown,
    wav,
)


def equal(a: ClipEmbedding, b: ClipEmbedding) -> bool:
    return all(
        np.array_equal(getattr(a, field.name), getattr(b, field.name))
        for field in fields(ClipEmbedding)
    )


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert our_threads() == []


def test_a_clip_becomes_the_mean_of_its_windows_and_the_maximum_of_their_scores() -> None:
    data = wav(3.7, channels=2)
    (result,) = embed({"a": data})
    samples = soundfile.read(io.BytesIO(data))[0].mean(axis=1).astype(np.float32)
    windows = np.zeros((4, 16_000), np.float32)
    windows.reshape(-1)[: len(samples)] = samples
    expected = PlaceholderEncoder().encode(windows)
    assert expected.class_scores is not None
    assert result.embedding is not None and result.class_scores is not None
    assert result.embedding.dtype == result.class_scores.dtype == np.float32
    mean = expected.embeddings.astype(np.float64).mean(axis=0).astype(np.float32)
    np.testing.assert_array_equal(result.embedding, mean)
    np.testing.assert_array_equal(result.class_scores, expected.class_scores.max(axis=0))
    assert (result.clip_id, result.seconds, result.windows) == ("pos/a", 3.7, 4)
    assert (result.sample_rate, result.channels) == (16_000, 2)
    assert result.sha256 == hashlib.sha256(data).hexdigest()
    assert (result.fault, result.cached) == (None, False)


def test_other_sample_rates_are_resampled_before_windows_are_cut() -> None:
    data = wav(2.2, rate=44_100)
    (result,) = embed({"a": data})
    samples = soundfile.read(io.BytesIO(data), dtype="float32")[0]
    windows = cut_windows(resample(samples, 44_100, 16_000), 16_000, 1.0)
    expected = PlaceholderEncoder().encode(windows).embeddings.astype(np.float64).mean(axis=0)
    assert result.windows == 2
    assert (result.seconds, result.sample_rate) == (2.2, 44_100)
    np.testing.assert_array_equal(result.embedding, expected.astype(np.float32))


@given(
    seconds=st.lists(st.sampled_from([0.1, 0.6, 1.0, 2.5, 7.0, 40.0]), max_size=30),
    workers=st.integers(1, 4),
)
@settings(max_examples=15)
def test_output_has_the_order_of_input_and_no_clip_depends_on_others_or_on_workers(
    seconds: list[float], workers: int
) -> None:
    files = {f"{i}.wav": wav(length, seed=i) for i, length in enumerate(seconds)}
    results = embed(files, workers=workers)
    assert [result.clip_id for result in results] == [f"pos/{uri}" for uri in files]
    for uri, result in zip(files, results, strict=True):
        (alone,) = embed({uri: files[uri]})
        assert equal(result, alone)


@pytest.mark.parametrize("name", ["birdnet", "mfcc"])
def test_real_encoders_give_the_same_bits_with_any_number_of_workers(name: str) -> None:
    files = {f"{i}.wav": wav(1.0 + i, seed=i) for i in range(8)}
    one, two = (
        embed(files, make_encoder=lambda: load_encoder(name), workers=workers) for workers in (1, 2)
    )
    assert all(equal(a, b) for a, b in zip(one, two, strict=True))
    (alone,) = embed({"7.wav": files["7.wav"]}, make_encoder=lambda: load_encoder(name))
    assert equal(alone, one[7])


def test_batches_cross_the_borders_of_files() -> None:
    encoder = Recorder()
    embed({f"{i}": wav(3.0, seed=i) for i in range(32)}, make_encoder=lambda: encoder)
    assert encoder.batches == [BATCH_WINDOWS] * 6


@pytest.mark.parametrize("workers", [1, 3])
def test_the_input_is_consumed_lazily_however_long_it_is(workers: int) -> None:
    data = wav(1.0)
    taken = 0

    def endless() -> Iterator[Clip]:
        nonlocal taken
        while True:
            taken += 1
            yield Clip(f"pos/{taken}", "a")

    results = embed_clips(
        endless(),
        lambda uri: data,
        PlaceholderEncoder,
        limits=LIMITS,
        workers=workers,
        known=unknown,
    )
    assert taken == 0
    for given_back, _ in zip(range(300), results, strict=False):
        assert taken - given_back <= max_in_flight(workers) + 1
    results.close()  # type: ignore[attr-defined]


def test_windows_in_memory_are_bounded_when_inference_is_slow() -> None:
    encoder = Recorder()
    encoder.go.clear()
    data = wav(20.0)
    reads: list[str] = []

    def read(uri: str) -> bytes:
        reads.append(uri)
        # 64 windows are four clips; those that are loaded meanwhile come on top.
        if len(reads) > 12:
            encoder.go.set()
            raise AssertionError("it reads on while nothing is encoded")
        return data

    results = embed_clips(
        (Clip(f"pos/{i}", "a") for i in range(1_000)),
        read,
        lambda: encoder,
        limits=LIMITS,
        workers=1,
        known=unknown,
    )
    # No result can come before the encoder goes on; until then reading must stop by itself.
    release = threading.Timer(1.5, encoder.go.set)
    release.start()
    next(results)
    reads.clear()
    results.close()  # type: ignore[attr-defined]
    release.join()


def test_clips_that_need_no_encoding_do_not_pile_up_behind_one_that_does() -> None:
    encoder = Recorder()
    encoder.go.clear()
    new, old = wav(1.0), b"known"

    def endless() -> Iterator[Clip]:
        yield Clip("pos/0", "new")
        for taken in range(1, 10_000):
            if taken > max_in_flight(1):
                encoder.go.set()
                raise AssertionError("it takes clips while none is given back")
            yield Clip(f"pos/{taken}", "old")

    results = embed_clips(
        endless(),
        {"new": new, "old": old}.__getitem__,
        lambda: encoder,
        limits=LIMITS,
        workers=1,
        known=lambda sha256: sha256 == hashlib.sha256(old).hexdigest(),
    )
    release = threading.Timer(1.0, encoder.go.set)
    release.start()
    assert next(results).embedding is not None
    assert next(results).cached
    results.close()  # type: ignore[attr-defined]
    release.join()


def test_a_known_clip_is_neither_decoded_nor_encoded() -> None:
    class Refuses(PlaceholderEncoder):
        def encode(self, windows: NDArray[np.float32]) -> Encoded:
            raise AssertionError("it was encoded")

    data = b"no audio at all"
    digest = hashlib.sha256(data).hexdigest()
    (result,) = embed({"a": data}, make_encoder=Refuses, known={digest}.__contains__)
    assert result.cached
    assert (result.sha256, result.fault, result.embedding) == (digest, None, None)


def test_an_unusable_clip_is_a_fault_in_its_place() -> None:
    files = {"a": wav(1.0), "b": b"", "c": wav(0.2), "d": wav(1.0, seed=1)}
    results = embed(files)
    reasons = [result.fault and result.fault.reason for result in results]
    assert reasons == [None, "empty_file", "too_short", None]
    assert results[2].sha256 == hashlib.sha256(files["c"]).hexdigest()
    assert results[2].embedding is None
    assert results[2].windows == 0


def test_a_clip_that_cannot_be_read_is_unreadable_and_names_the_error(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(wav(1.0))
    results = list(
        embed_clips(
            [Clip("pos/a", "a"), Clip("pos/b", "b")],
            lambda uri: (tmp_path / uri).read_bytes(),
            PlaceholderEncoder,
            limits=LIMITS,
            workers=1,
            known=unknown,
        )
    )
    fault = results[0].fault
    assert fault is not None
    assert fault.reason == "unreadable"
    assert "FileNotFoundError" in fault.detail
    assert results[0].sha256 is None
    assert results[1].embedding is not None


def test_an_error_in_reading_that_is_no_oserror_is_passed_on() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        list(
            embed_clips(
                [Clip("pos/a", "nowhere")],
                {}.__getitem__,
                PlaceholderEncoder,
                limits=LIMITS,
                workers=1,
                known=unknown,
            )
        )


@pytest.mark.parametrize("workers", [1, 2])
def test_at_most_one_encoder_is_made_for_each_worker(workers: int) -> None:
    made: list[Encoder] = []

    def make() -> Encoder:
        made.append(PlaceholderEncoder())
        return made[-1]

    embed({f"{i}": wav(10.0, seed=i) for i in range(20)}, make_encoder=make, workers=workers)
    assert 1 <= len(made) <= workers


def test_leaving_the_stream_stops_its_threads() -> None:
    clips = (Clip(f"pos/{i}", "a") for i in range(10_000))
    data = wav(2.0)
    results = embed_clips(
        clips, lambda uri: data, PlaceholderEncoder, limits=LIMITS, workers=2, known=unknown
    )
    next(results)
    assert our_threads()
    results.close()  # type: ignore[attr-defined]
    assert our_threads() == []


def test_a_stream_that_is_never_asked_starts_nothing() -> None:
    embed_clips(
        [Clip("pos/a", "a")],
        lambda uri: b"",
        PlaceholderEncoder,
        limits=LIMITS,
        workers=2,
        known=unknown,
    )
    assert our_threads() == []


def test_no_clips_give_no_results() -> None:
    assert embed({}) == []


def test_workers_must_be_positive_before_anything_starts() -> None:
    with pytest.raises(ValueError, match="workers"):
        embed_clips(
            [], lambda uri: b"", PlaceholderEncoder, limits=LIMITS, workers=0, known=unknown
        )
