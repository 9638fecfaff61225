"""``audio-assets embed``: any number of workers fill one store; a killed one loses a shard."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from upath import UPath

from audio_assets.embeddings.store import EmbeddingStore
from audio_assets.models.registry import load_encoder
from audio_assets_tests.embeddings.earlier_store import write_earlier_shard
from audio_assets_tests.small_audio import write_species

CALL = "from audio_assets.cli import main; main()"


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    settings = {"AUDIO_ROOT": str(folder / "audio"), "RESULTS_ROOT": str(folder / "results")}
    environment = {f"AUDIO_ASSETS_{name}": value for name, value in settings.items()}
    return subprocess.Popen(
        [sys.executable, "-c", CALL, "embed", *arguments],
        cwd=folder,
        env={**os.environ, **environment, "AUDIO_ASSETS_WORKERS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def store_in(folder: Path) -> EmbeddingStore:
    encoder = load_encoder("placeholder")
    root = UPath(folder / "results")
    store = EmbeddingStore(root, encoder.name, encoder.fingerprint, warn=pytest.fail)
    store.refresh()
    return store


def test_the_store_has_every_clip_afterwards_and_a_second_call_embeds_none(tmp_path: Path) -> None:
    write_species(tmp_path / "audio", "owl", recordings=3)
    for said in ("12 embedded here, 0 found", "0 embedded here, 12 found"):
        out, err = start(tmp_path, "-m", "placeholder", "-s", "owl").communicate(timeout=300)
        assert said in out, err
    assert len(store_in(tmp_path)) == 12


def test_means_of_an_earlier_version_are_kept_unless_windows_are_asked_for(tmp_path: Path) -> None:
    write_species(tmp_path / "audio", "owl", recordings=3)
    call = ("-m", "placeholder", "-s", "owl")
    start(tmp_path, *call).communicate(timeout=300)
    new = store_in(tmp_path)
    (shard,) = Path(new.folder.path).glob("*.windows")
    keys = pq.read_table(shard)["sha256"].unique().to_pylist()
    old = list(new.read(keys))
    windows = {one.sha256: one.embeddings.tobytes() for one in new.read_windows(keys)}
    shard.unlink()
    write_earlier_shard(shard.parent, old, new.encoder, new.fingerprint, reading=2)
    for arguments, said in (
        (call, "0 embedded here, 12 found"),
        ((*call, "--windows"), "12 embedded here, 0 found"),
        ((*call, "--windows"), "0 embedded here, 12 found"),
        (call, "0 embedded here, 12 found"),
    ):
        out, err = start(tmp_path, *arguments).communicate(timeout=300)
        assert said in out, err
        lacking = store_in(tmp_path).without_windows(keys)
        assert len(lacking) == (12 if arguments == call and not shard.exists() else 0)
    again = store_in(tmp_path)
    assert {one.sha256: one.embeddings.tobytes() for one in again.read_windows(keys)} == windows


def test_a_species_without_clips_is_an_error_that_says_where_they_belong(tmp_path: Path) -> None:
    write_species(tmp_path / "audio", "owl", recordings=1)
    process = start(tmp_path, "-m", "placeholder", "-s", "lark")
    _, err = process.communicate(timeout=300)
    assert process.returncode == 2
    assert "no clips of lark" in err and "lark/data/pos" in err


@pytest.mark.posix
@pytest.mark.slow
def test_workers_of_which_one_is_killed_embed_every_clip_once(tmp_path: Path) -> None:
    write_species(tmp_path / "audio", "owl", recordings=80, clips=8)
    workers = [start(tmp_path, "-m", "placeholder", "-s", "owl") for _ in range(3)]
    folder = store_in(tmp_path).folder
    deadline = time.monotonic() + 300
    while not list(folder.glob("*.windows")) and time.monotonic() < deadline:
        time.sleep(0.01)
    first = workers[0]
    os.kill(first.pid, signal.SIGKILL)
    for worker in workers[1:]:
        _, err = worker.communicate(timeout=300)
        assert worker.returncode == 0, err
    first.communicate()
    assert first.returncode == -signal.SIGKILL
    store = store_in(tmp_path)
    assert len(store) == 2 * 80 * 8
    assert store.repeats() == 0
