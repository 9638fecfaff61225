"""Runs that are killed, meet another run, or cannot write; real processes with the placeholder."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from audio_assets.published import load_learning_curves
from audio_assets_tests.small_audio import write_species
from benchmarks.kill_loop import Place, kill_loop

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path: Path) -> Place:
    write_species(tmp_path / "audio", "owl", recordings=6)
    place = Place(tmp_path / "place", tmp_path / "audio")
    place.prepare()
    return place


@pytest.fixture
def mounted(place: Place) -> Iterator[Path]:
    """The results root of ``place`` as a file system of 256 kB."""
    place.results.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place.results)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if done.returncode != 0:
        pytest.skip("mounting needs to be root")
    yield place.results
    subprocess.run(["umount", str(place.results)], check=True)


def end(process: "subprocess.Popen[str]") -> tuple[int, str]:
    output, _ = process.communicate(timeout=300)
    return process.returncode, output


def test_killed_runs_lose_nothing_and_repeat_nothing():
    with tempfile.TemporaryDirectory() as folder:
        outcome = kill_loop(Path(folder), kills=3, clips=200)
    assert outcome.ok, outcome
    assert outcome.clips_in_store == 200


def test_of_two_runs_at_once_one_works_and_the_other_says_so(place, tmp_path):
    alone = Place(tmp_path / "alone", place.audio)
    alone.prepare()
    alone.finish()
    ended = [end(process) for process in (place.start(), place.start())]
    assert sorted(code for code, _ in ended) == [0, 1]
    (refused,) = (output for code, output in ended if code == 1)
    assert len(refused.strip().splitlines()) == 2 and "Another run is working on" in refused
    assert place.curves() == alone.curves()


def test_a_read_only_results_root_is_two_lines(place, mounted):
    subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
    code, output = end(place.start())
    assert code == 1
    assert len(output.strip().splitlines()) == 2 and "cannot be written" in output
    assert not list(mounted.iterdir())


def test_a_full_disk_is_said_and_leaves_only_whole_files(place, mounted):
    code, output = end(place.start())
    assert code == 1
    assert "No space left on device" in output and "Traceback" not in output
    assert not place.temporary_files()
    # Some stages fitted; what they published is whole.
    for path in mounted.rglob("*.parquet"):
        pq.read_table(path)
    if (mounted / "learning_curves.csv").exists():
        load_learning_curves(mounted)
    subprocess.run(["mount", "-o", "remount,size=100m", str(mounted)], check=True)
    assert end(place.start())[0] == 0
    assert (mounted / "learning_curves.csv").stat().st_size and os.listdir(mounted / "report")
