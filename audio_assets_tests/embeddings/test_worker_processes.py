"""Worker processes: the same bits as threads, and no crash that costs a good clip."""

import io
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from upath import UPath

from audio_assets.audio.decode import DurationLimits
from audio_assets.catalog.inventory import build_inventory
from audio_assets.catalog.listing import list_objects
from audio_assets.catalog.recordings import read_recording_rules
from audio_assets.embeddings.store import EmbeddingStore
from audio_assets.embeddings.stream import Clip, ClipEmbedding, embed_clips
from audio_assets.embeddings.table import embed_inventory
from audio_assets.embeddings.worker_stream import embed_in_processes
from audio_assets.encoders.base import Encoded, Encoder
from audio_assets.encoders.placeholder import PlaceholderEncoder
from audio_assets.errors import EmbeddingError, EncoderError
from audio_assets.models.registry import load_encoder
from audio_assets_tests.small_audio import write_species

LIMITS = DurationLimits(0.5, 100.0)
POISON = 0.9


def wav(seconds: float, seed: int = 0, level: float = 0.1) -> bytes:
    """Noise at 16 kHz; a ``level`` of POISON is what the encoders below die of."""
    rng = np.random.default_rng(seed)
    buffer = io.BytesIO()
    samples = np.clip(rng.normal(scale=0.1, size=round(seconds * 16_000)), -0.8, 0.8)
    samples[0] = level
    soundfile.write(buffer, samples, 16_000, format="WAV")
    return buffer.getvalue()


class Mortal(PlaceholderEncoder):
    """Ends its process over a clip that begins at the level POISON."""

    def __init__(self, way: str) -> None:
        self.way = way

    def encode(self, windows: NDArray[np.float32]) -> Encoded:
        if (windows[:, 0] > 0.85).any():
            if self.way == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            import resource

            resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
            np.ones((2**33,), dtype=np.float64)
        return super().encode(windows)


class DiesOnce(PlaceholderEncoder):
    """Is killed the first time that any process encodes."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def encode(self, windows: NDArray[np.float32]) -> Encoded:
        if not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode(windows)


class DiesAtTheStart(PlaceholderEncoder):
    def __init__(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Fails(PlaceholderEncoder):
    def encode(self, windows: NDArray[np.float32]) -> Encoded:
        raise KeyError("the encoder broke")


class Exits(PlaceholderEncoder):
    def encode(self, windows: NDArray[np.float32]) -> Encoded:
        sys.exit()


def embed(
    files: dict[str, bytes],
    make_encoder: Callable[[], Encoder] = PlaceholderEncoder,
    *,
    workers: int = 1,
    known: Callable[[str], bool] = lambda sha256: False,
    stream: Callable[..., object] = embed_in_processes,
) -> list[ClipEmbedding]:
    clips = (Clip(f"pos/{uri}", uri) for uri in files)
    read = files.__getitem__
    return list(
        stream(  # type: ignore[call-overload]
            clips, read, make_encoder, limits=LIMITS, workers=workers, known=known
        )
    )


def same(a: ClipEmbedding, b: ClipEmbedding) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in vars(a))


def children() -> set[int]:
    """Processes that this one has started; none elsewhere than on Linux, where nothing tells."""
    found: set[int] = set()
    if sys.platform != "linux":
        return found
    for task in Path("/proc/self/task").iterdir():
        # A thread may end while they are looked through.
        with suppress(FileNotFoundError):
            found.update(map(int, (task / "children").read_text().split()))
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_give_the_bits_of_threads_in_the_order_of_the_clips(workers: int) -> None:
    files = {f"{i}": wav(0.4 + 0.7 * (i % 7), seed=i) for i in range(70)}
    files["30"] = b"no audio"
    before = children()
    found = embed(files, workers=workers)
    expected = embed(files, stream=embed_clips)
    assert [result.clip_id for result in found] == [f"pos/{uri}" for uri in files]
    assert sum(result.embedding is None for result in found) == 11
    assert all(same(a, b) for a, b in zip(found, expected, strict=True))
    assert not children() - before


@pytest.mark.slow
def test_birdnet_gives_the_same_bits_with_any_number_of_processes() -> None:
    files = {f"{i}": wav(0.6 + i / 2, seed=i) for i in range(20)}
    make = partial(load_encoder, "birdnet")
    threads, one, two = (
        embed(files, make, workers=workers, stream=stream)
        for workers, stream in ((2, embed_clips), (1, embed_in_processes), (2, embed_in_processes))
    )
    assert all(same(a, b) and same(a, c) for a, b, c in zip(threads, one, two, strict=True))


@pytest.mark.posix
@pytest.mark.parametrize(
    ("way", "words"), [("killed", "SIGKILL"), ("out of memory", "ran out of memory")]
)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_clip_that_ends_its_process_costs_no_other_clip(
    way: str, words: str, workers: int
) -> None:
    files = {f"{i}": wav(1.0, seed=i) for i in range(40)}
    files["5"] = wav(1.0, level=POISON)
    files["6"] = b"RIFF broken"
    results = embed(files, partial(Mortal, way), workers=workers)
    assert [result.clip_id for result in results] == [f"pos/{uri}" for uri in files]
    crashed = {result.clip_id: result.crash for result in results if result.crash}
    assert list(crashed) == ["pos/5"]
    assert words in crashed["pos/5"]
    assert {r.clip_id for r in results if r.embedding is None} == {"pos/5", "pos/6"}
    expected = embed(files, stream=embed_clips)
    assert all(same(a, b) for a, b in zip(results, expected, strict=True) if not a.crash)


@pytest.mark.posix
@pytest.mark.parametrize("count", [1, 40])
def test_a_worker_that_is_killed_from_outside_is_replaced_unnoticed(
    count: int, tmp_path: Path
) -> None:
    files = {f"{i}": wav(1.0, seed=i) for i in range(count)}
    results = embed(files, partial(DiesOnce, tmp_path / "mark"), workers=2)
    assert (tmp_path / "mark").exists()
    assert all(result.embedding is not None for result in results)


@pytest.mark.posix
def test_workers_that_die_before_any_clip_blame_none() -> None:
    before = children()
    with pytest.raises(EmbeddingError, match="while it made its encoder.*SIGKILL"):
        embed({"a": wav(1.0)}, DiesAtTheStart)
    assert not children() - before


def test_an_error_of_the_encoder_is_passed_on_with_where_it_was_raised() -> None:
    with pytest.raises(EncoderError, match="its encode fails: KeyError: 'the encoder b") as raised:
        embed({"a": wav(1.0)}, Fails)
    assert "in encode" in "".join(raised.value.__notes__)


def test_an_encoder_that_exits_is_at_fault_and_not_its_clips() -> None:
    with pytest.raises(EncoderError, match="its encode fails: SystemExit"):
        embed({"a": wav(1.0), "b": wav(1.0, seed=1)}, Exits)


def test_known_clips_start_no_process() -> None:
    before = children()
    seen: list[set[int]] = []

    def known(sha256: str) -> bool:
        seen.append(children() - before)
        return True

    results = embed({f"{i}": wav(1.0, seed=i) for i in range(100)}, known=known)
    assert all(result.cached for result in results)
    assert seen and not any(seen)


def test_clips_are_taken_lazily_and_leaving_the_stream_ends_its_processes() -> None:
    data = wav(1.0)
    taken = 0

    def endless() -> object:
        nonlocal taken
        while True:
            taken += 1
            yield Clip(f"pos/{taken}", "a")

    before = children()
    results = embed_in_processes(
        endless(),  # type: ignore[arg-type]
        lambda uri: data,
        PlaceholderEncoder,
        limits=LIMITS,
        workers=2,
        known=lambda sha256: False,
    )
    assert taken == 0
    for given_back, _ in zip(range(200), results, strict=False):
        assert taken - given_back <= 16 * 5 + 8
    assert children() - before
    results.close()  # type: ignore[attr-defined]
    assert not children() - before


@pytest.mark.posix
def test_a_crash_fails_the_partition_by_name_and_a_rerun_tries_that_clip_alone(
    tmp_path: Path,
) -> None:
    write_species(tmp_path / "audio", "owl", recordings=4)
    bad = sorted((tmp_path / "audio").rglob("*.wav"))[3]
    bad.write_bytes(wav(1.0, level=POISON))
    root = UPath(tmp_path / "audio")
    inventory = build_inventory(list_objects(root, "owl"), read_recording_rules(root, ()))
    reads: list[str] = []

    def run(make_encoder: Callable[[], Encoder]) -> object:
        encoder = PlaceholderEncoder()

        def read(uri: str) -> bytes:
            reads.append(uri)
            return UPath(uri).read_bytes()

        return embed_inventory(
            inventory,
            "data",
            encoder=encoder,
            make_encoder=make_encoder,
            store=EmbeddingStore(
                UPath(tmp_path / "results"), "placeholder", encoder.fingerprint, warn=pytest.fail
            ),
            read=read,
            limits=LIMITS,
            species_classes=(),
            workers=1,
            progress=lambda done, total: None,
            in_processes=True,
        )

    for expected in (len(inventory), 1):
        with pytest.raises(EmbeddingError, match=f"^1 of {len(inventory)} .*{bad.name}.*SIGKILL"):
            run(partial(Mortal, "killed"))
        assert len(reads) == expected
        reads.clear()
    run(PlaceholderEncoder)
    assert [Path(uri).name for uri in reads] == [bad.name]
