"""librosa is imported where nothing but a temporary folder can be written to."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from audio_assets.encoders.librosa_runtime import _numba_finds_a_folder, _temporary_folder
from audio_assets.errors import AudioAssetsError

# Prints the MFCC of a noise, and where numba keeps what it compiled for them.
ENCODE = """
import numpy as np
from audio_assets.models.registry import load_encoder

window = np.random.default_rng(0).normal(size=(1, 66_150)).astype(np.float32)
print(load_encoder("mfcc").encode(window).embeddings.tobytes().hex())
import numba
print(numba.config.CACHE_DIR)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def encode(**environment: str) -> list[str]:
    """What ENCODE prints, in a process with these variables beside those of this one."""
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    run = subprocess.run(
        [sys.executable, "-c", ENCODE],
        env={**kept, **environment},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


# Numba is told not to look beside librosa or in the user's folder, as file modes do not bind root.
@pytest.mark.posix
@pytest.mark.slow
def test_mfcc_are_the_same_bits_where_neither_the_installation_nor_a_home_can_be_written_to(
    tmp_path: Path,
) -> None:
    closed = {"HOME": "/dev/null/home", "NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator"}
    found, folder = encode(**closed, TMPDIR=str(tmp_path))
    assert Path(folder).parent == tmp_path
    assert list(Path(folder).rglob("*.nbc"))
    expected, _ = encode()
    assert found == expected


def test_a_folder_that_numba_finds_itself_is_kept() -> None:
    import numba

    before = numba.config.CACHE_DIR
    assert _numba_finds_a_folder()
    assert numba.config.CACHE_DIR == before


@pytest.mark.posix
def test_no_folder_is_found_where_none_can_be_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    monkeypatch.setattr(numba.config, "CACHE_LOCATOR_CLASSES", "UserProvidedCacheLocator")
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    assert not _numba_finds_a_folder()
    monkeypatch.setattr(numba.config, "CACHE_DIR", "/dev/null/numba")
    assert not _numba_finds_a_folder()


@pytest.mark.posix
def test_the_temporary_folder_is_closed_to_others_and_found_again(temporary: Path) -> None:
    folder = _temporary_folder()
    assert folder.parent == temporary
    assert folder.stat().st_mode & 0o777 == 0o700
    assert _temporary_folder() == folder


@pytest.mark.posix
@pytest.mark.parametrize("kind", ["open to others", "a link", "of another user"])
def test_a_folder_that_others_may_have_filled_is_not_used(
    kind: str, temporary: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    planted = temporary / f"audio-assets-numba-{os.getuid()}"
    if kind == "a link":
        planted.symlink_to(tmp_path_factory.mktemp("elsewhere"))
    else:
        planted.mkdir()
        planted.chmod(0o777 if kind == "open to others" else 0o700)
    if kind == "of another user":
        if os.getuid() != 0:
            planted.chmod(0o750)
        else:
            os.chown(planted, 12345, 12345)
    folder = _temporary_folder()
    assert folder != planted
    assert folder.parent == temporary
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.posix
def test_without_any_folder_the_error_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/dev/null/tmp")
    with pytest.raises(AudioAssetsError, match="(?s)no place for librosa.*NUMBA_CACHE_DIR"):
        _temporary_folder()
