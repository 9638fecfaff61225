"""Fetching gives the published files or an error, whole, and once."""

import errno
import hashlib
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from audio_assets.errors import WeightsError
from audio_assets.weights.fetch import fetch_weights
from audio_assets.weights.places import WeightPlaces, find_weights, read_record
from audio_assets.weights.sources import RECORD, WeightFile, WeightSource
from audio_assets_tests.weights.publisher import Publisher, publisher

CONTENT = bytes(range(256)) * 20_000
MD5 = "md5:" + hashlib.md5(CONTENT).hexdigest()  # noqa: S324


@pytest.fixture
def offered() -> Iterator[Publisher]:
    with publisher() as state:
        state.files["model.h5"] = CONTENT
        yield state


def source(state: Publisher, published: str | None = MD5) -> WeightSource:
    return WeightSource((WeightFile("model.h5", f"{state.url}/model.h5", published),), "it")


def fetch(source: WeightSource, folder: Path) -> bool:
    return fetch_weights("owl", source, folder / "owl", progress=lambda *_: None)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("published", [MD5, None])
def test_a_fetched_file_is_whole_recorded_and_found(
    published: str | None, offered: Publisher, tmp_path: Path
) -> None:
    seen: list[tuple[str, int, int]] = []
    wanted = source(offered, published)
    folder = tmp_path / "owl"
    assert fetch_weights("owl", wanted, folder, progress=lambda *p: seen.append(p))
    assert (folder / "model.h5").read_bytes() == CONTENT
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert read_record("owl", folder) == {"model.h5": digest}
    assert find_weights("owl", wanted, WeightPlaces(str(tmp_path))).digests == {"model.h5": digest}
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert seen[-1] == ("model.h5", len(CONTENT), len(CONTENT))
    assert files(tmp_path) == [RECORD, "model.h5"]


def test_what_is_there_is_not_fetched_again_and_what_is_damaged_is(
    offered: Publisher, tmp_path: Path
) -> None:
    wanted = source(offered, None)
    assert fetch(wanted, tmp_path) and not fetch(wanted, tmp_path)
    assert len(offered.asked) == 1
    (tmp_path / "owl/model.h5").write_bytes(CONTENT[:-1] + b"!")
    assert fetch(wanted, tmp_path)
    assert (tmp_path / "owl/model.h5").read_bytes() == CONTENT


@pytest.mark.parametrize("published", [MD5, None])
def test_a_download_that_is_cut_off_keeps_nothing_and_is_begun_again(
    published: str | None, offered: Publisher, tmp_path: Path
) -> None:
    offered.cut_after = len(CONTENT) // 2
    with pytest.raises(WeightsError, match=f"cut off after .* of {len(CONTENT)} bytes"):
        fetch(source(offered, published), tmp_path)
    assert files(tmp_path) == []
    offered.cut_after = None
    assert fetch(source(offered, published), tmp_path)
    assert (tmp_path / "owl/model.h5").read_bytes() == CONTENT


def test_another_file_than_the_published_one_is_refused_and_not_kept(
    offered: Publisher, tmp_path: Path
) -> None:
    offered.files["model.h5"] = CONTENT[::-1]
    found = hashlib.md5(CONTENT[::-1]).hexdigest()  # noqa: S324
    with pytest.raises(WeightsError, match=f"(?s)model.h5 .*{found} instead of {MD5[4:]}"):
        fetch(source(offered), tmp_path)
    assert files(tmp_path) == []


def test_a_failed_fetch_keeps_what_was_there(offered: Publisher, tmp_path: Path) -> None:
    wanted = WeightSource(
        (
            WeightFile("model.h5", f"{offered.url}/model.h5", MD5),
            WeightFile("gone", f"{offered.url}/gone"),
        ),
        "it",
    )
    (tmp_path / "owl").mkdir()
    (tmp_path / "owl/gone").write_bytes(b"kept")
    with pytest.raises(WeightsError, match="(?s)gone cannot be fetched.*404"):
        fetch(wanted, tmp_path)
    assert (tmp_path / "owl/gone").read_bytes() == b"kept"


def test_without_a_network_the_error_says_what_to_do(tmp_path: Path) -> None:
    with publisher() as state:
        wanted = source(state)
    with pytest.raises(WeightsError, match="(?s)cannot be fetched.*AUDIO_ASSETS_WEIGHTS_ROOT"):
        fetch(wanted, tmp_path)


@pytest.mark.parametrize(
    "fault", [ssl.SSLError(1, "record layer failure"), OSError(113, "No route to host")]
)
def test_a_connection_that_breaks_within_a_file_is_a_fault_of_the_network(
    fault: OSError, offered: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = HTTPResponse.read
    reads = []

    def read(answer: HTTPResponse, amount: int | None = None) -> bytes:
        reads.append(amount)
        if len(reads) > 1:
            raise fault
        return really(answer, amount)

    monkeypatch.setattr(HTTPResponse, "read", read)
    with pytest.raises(WeightsError) as caught:
        fetch(source(offered), tmp_path)
    assert f"{offered.url}/model.h5 cannot be fetched: {fault}" in caught.value.what
    assert "Check the network" in caught.value.remedy
    assert files(tmp_path) == []


def test_a_disk_that_fails_is_no_fault_of_the_network(
    offered: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(WeightsError, match="(?s)owl cannot be written: .*No space.*free space"):
        fetch(source(offered), tmp_path)


_FETCH = """
import sys
from pathlib import Path
from audio_assets.weights.fetch import fetch_weights
from audio_assets.weights.sources import RECORD, WeightFile, WeightSource
source = WeightSource((WeightFile("model.h5", sys.argv[1] + "/model.h5"),), "it")
print(fetch_weights("owl", source, Path(sys.argv[2]), progress=lambda *_: None))
"""


def test_two_processes_that_want_the_same_file_fetch_it_once(
    offered: Publisher, tmp_path: Path
) -> None:
    offered.may_answer.clear()
    command = [sys.executable, "-c", _FETCH, offered.url, str(tmp_path / "owl")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        while not offered.asked:
            assert any(process.poll() is None for process in both)
            time.sleep(0.05)
        # Both are at work before the first one gets its answer.
        time.sleep(1)
        offered.may_answer.set()
        said = sorted(process.communicate(timeout=60)[0].strip() for process in both)
    finally:
        for process in both:
            process.kill()
            process.wait()
    assert said == ["False", "True"]
    assert offered.asked == ["/model.h5"]
    assert (tmp_path / "owl/model.h5").read_bytes() == CONTENT


def test_a_killed_fetch_holds_nobody_up(offered: Publisher, tmp_path: Path) -> None:
    offered.may_answer.clear()
    command = [sys.executable, "-c", _FETCH, offered.url, str(tmp_path / "owl")]
    process = subprocess.Popen(command)
    while not offered.asked:
        time.sleep(0.05)
    process.kill()
    process.wait()
    offered.may_answer.set()
    assert fetch(source(offered), tmp_path)


def test_a_kaggle_model_is_taken_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kagglehub = pytest.importorskip("kagglehub")
    offered = {"saved_model.pb": b"graph", "variables/data": b"numbers"}
    wanted = WeightSource(
        tuple(WeightFile(name) for name in offered), "Kaggle", folders=("variables",), kaggle="a/b"
    )

    def download(handle: str, *, output_dir: str, **_: Any) -> str:
        assert handle == "a/b"
        for name, content in offered.items():
            path = Path(output_dir, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if fails:
            raise kagglehub.exceptions.DataCorruptionError("checksum mismatch")
        return output_dir

    monkeypatch.setattr(kagglehub, "model_download", download)
    fails = True
    with pytest.raises(WeightsError, match="(?s)a/b cannot be fetched: checksum mismatch"):
        fetch(wanted, tmp_path)
    assert files(tmp_path) == []
    fails = False
    assert fetch(wanted, tmp_path)
    assert set(read_record("owl", tmp_path / "owl")) == set(offered)
    del offered["variables/data"]
    (tmp_path / "owl/variables/data").write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="has no variables/data"):
        fetch(wanted, tmp_path)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "cannot be written"),
        (ConnectionResetError(errno.ECONNRESET, "reset by peer"), "a/b cannot be fetched"),
        (TimeoutError("timed out"), "a/b cannot be fetched"),
    ],
    ids=["full disk", "reset", "time-out"],
)
def test_a_fault_of_the_disk_is_no_fault_of_kaggle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: OSError, said: str
) -> None:
    kagglehub = pytest.importorskip("kagglehub")

    def download(handle: str, **_: Any) -> str:
        raise fault

    monkeypatch.setattr(kagglehub, "model_download", download)
    wanted = WeightSource((WeightFile("saved_model.pb"),), "Kaggle", kaggle="a/b")
    with pytest.raises(WeightsError, match=said):
        fetch(wanted, tmp_path)


def test_weights_that_nobody_offers_are_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=f"not available.*\\n.*from their publisher.*{tmp_path}"):
        fetch(WeightSource((WeightFile("model.h5"),), "the lab"), tmp_path)


def test_what_was_fetched_beside_a_damaged_record_is_fetched_again(
    offered: Publisher, tmp_path: Path
) -> None:
    fetch(source(offered), tmp_path)
    record = tmp_path / "owl" / RECORD
    record.write_bytes(b"\xff\xfe")
    assert fetch(source(offered), tmp_path)
    assert set(read_record("owl", record.parent)) == {"model.h5"}


def test_weights_in_a_wheel_are_not_fetched(tmp_path: Path) -> None:
    wheel = WeightSource((WeightFile("a"),), "a wheel", wheel="birds==1")
    with pytest.raises(WeightsError, match="(?s)wheel.*pip install birds==1"):
        fetch(wheel, tmp_path)
