"""Real repositories, made by git, and what the image's build writes in place of one."""

import re
import subprocess
from pathlib import Path

import pytest

from audio_assets.pipeline.source import git_commit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


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


def write_revision(app: Path, revision: str) -> None:
    """What the Dockerfile does with the build argument, in a folder of this machine."""
    (app / "audio_assets").mkdir()
    lines = (Path(__file__).parents[2] / "Dockerfile").read_text().split("the image\n")[-1]
    assert re.search(r"^ARG REVISION=$", lines, re.MULTILINE)
    (command,) = re.findall(r"^RUN (.*/REVISION.*)$", lines, re.MULTILINE)
    assert "/opt/app/" in command
    command = command.replace("/opt/app/", f"{app}/")
    subprocess.run(["sh", "-c", command], env={"REVISION": revision}, check=True)


@pytest.mark.posix
def test_the_image_has_the_commit_that_it_was_built_with(tmp_path: Path) -> None:
    write_revision(tmp_path, COMMIT)
    assert git_commit(tmp_path) == COMMIT


@pytest.mark.posix
def test_an_image_that_was_built_without_a_commit_has_none(tmp_path: Path) -> None:
    write_revision(tmp_path, "")
    assert not list((tmp_path / "audio_assets").iterdir())
    assert git_commit(tmp_path) is None


def test_a_clone_is_believed_before_a_file_that_a_build_left(tmp_path: Path) -> None:
    write_revision(tmp_path, COMMIT)
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "First")
    assert git_commit(tmp_path) == git(tmp_path, "rev-parse", "HEAD") != COMMIT


def test_an_installed_package_has_no_commit(tmp_path: Path) -> None:
    assert git_commit(tmp_path) is None
