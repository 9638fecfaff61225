"""Real repositories, made by git."""

import subprocess
from pathlib import Path

import pytest

from audio_assets.source import git_commit


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "gc.auto=0"]
    done = subprocess.run(
        ["git", *settings, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("state", ["branch", "packed", "detached", "linked"])
def test_the_commit_is_the_one_that_git_names(tmp_path: Path, state: str) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    git(clone, "init")
    git(clone, "commit", "--allow-empty", "-m", "First")
    if state == "packed":
        git(clone, "pack-refs", "--all")
    elif state == "detached":
        git(clone, "checkout", "--detach")
    elif state == "linked":
        git(clone, "worktree", "add", "../linked", "-b", "other")
        clone = tmp_path / "linked"
        git(clone, "commit", "--allow-empty", "-m", "Second")
    assert git_commit(clone) == git(clone, "rev-parse", "HEAD")


def test_an_installed_package_has_no_commit(tmp_path: Path) -> None:
    assert git_commit(tmp_path) is None
