"""The fingerprint changes with all that changes numbers, and with nothing else."""

import os
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from audio_assets.encoders import fingerprint
from audio_assets.encoders.fingerprint import encoder_fingerprint, file_sha256

BASE: dict[str, Any] = {
    "weights": {"model": "ab", "labels": "cd"},
    "preprocessing": {"sample_rate": 16_000, "window_seconds": 1.0},
    "libraries": ("librosa", "scipy"),
}


def make(name: str = "mine", **changes: Any) -> str:
    return encoder_fingerprint(name, **{**BASE, **changes})


def test_a_fingerprint_is_a_sha256() -> None:
    assert len(bytes.fromhex(make())) == 32


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"weights": {"model": "ab", "labels": "ce"}},
        {"preprocessing": {"sample_rate": 16_000, "window_seconds": 1.5}},
        {"preprocessing": {**BASE["preprocessing"], "n_fft": 512}},
        {"libraries": ("librosa",)},
    ],
    ids=str,
)
def test_it_changes_with_whatever_changes_numbers(changes: dict[str, Any]) -> None:
    assert make(**changes) != make()


def test_it_does_not_change_with_the_order_of_anything() -> None:
    changed = {
        "weights": dict(reversed(BASE["weights"].items())),
        "preprocessing": dict(reversed(BASE["preprocessing"].items())),
        "libraries": ("scipy", "librosa", "numpy"),
    }
    assert make(**changed) == make()


@pytest.mark.parametrize("library", ["numpy", "soundfile", "soxr", "librosa"])
def test_it_changes_with_the_version_of_a_library(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = make()
    true_version = fingerprint.version
    monkeypatch.setattr(
        fingerprint, "version", lambda name: "0.0" if name == library else true_version(name)
    )
    assert make() != before


@pytest.mark.parametrize("rule", ["RESAMPLER", "WINDOW_RULE", "_PIPELINE_VERSION"])
def test_it_changes_with_the_rules_between_bytes_and_windows(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = make()
    monkeypatch.setattr(fingerprint, rule, "another rule")
    assert make() != before


def test_a_library_that_is_not_installed_is_an_error() -> None:
    with pytest.raises(PackageNotFoundError):
        make(libraries=("no-such-library",))


def test_the_digest_of_a_file_follows_its_content(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"abc")
    assert file_sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    path.write_bytes(b"abd")
    os.utime(path, ns=(1, 1))
    assert file_sha256(path) == "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9"
