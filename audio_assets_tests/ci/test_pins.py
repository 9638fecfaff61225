"""What others publish is named by its content: actions by commit, the base image by digest."""

import re
import subprocess
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import audio_assets

ROOT = Path(audio_assets.__file__).parents[1]
_spec = spec_from_file_location("pins", ROOT / ".ci/pins.py")
assert _spec is not None and _spec.loader is not None
pins = module_from_spec(_spec)
_spec.loader.exec_module(pins)

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_to_a_commit_with_its_whole_tag_beside_it(path):
    uses = [line.strip("- ") for line in path.read_text().splitlines() if "uses:" in line]
    assert uses
    for line in uses:
        assert re.fullmatch(r"uses: [\w/.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line.strip()), line


def test_an_action_has_one_pin_in_all_workflows():
    found = {}
    for path in WORKFLOWS:
        for match in pins.ACTION.finditer(path.read_text()):
            found.setdefault(match["name"], set()).add((match["pin"], match["tag"]))
    assert all(len(pinned) == 1 for pinned in found.values()), found


def git(folder, *arguments):
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *who, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_a_pin_is_the_commit_of_the_tag_with_and_without_a_message(tmp_path):
    repo = tmp_path / "owner/action"
    repo.mkdir(parents=True)
    git(repo, "init", "-q")
    commits = {}
    for tag, message in {"v1.0.0": [], "v1.1.0": ["-a", "-m", "said"]}.items():
        git(repo, "commit", "-q", "--allow-empty", "-m", tag)
        git(repo, "tag", *message, tag)
        commits[tag] = git(repo, "rev-parse", "HEAD").strip()

    def commit(name, tag):
        return pins.commit_of(name, tag, f"file://{tmp_path}")

    text = f"- uses: owner/action@v1.0.0\n- uses: owner/action@{'0' * 40} # v1.1.0\n"
    pinned = pins.with_actions(text, commit)
    assert pinned == "".join(f"- uses: owner/action@{commits[t]} # {t}\n" for t in commits)
    assert pins.with_actions(pinned, commit) == pinned
    with pytest.raises(SystemExit, match="has no tag v9"):
        commit("owner/action", "v9")


def test_the_base_image_is_pinned_by_digest():
    assert re.search(
        r"(?m)^ARG BASE=\S+/python:3\.11-slim@sha256:[0-9a-f]{64}$",
        (ROOT / "Dockerfile").read_text(),
    )


def test_the_base_image_gets_the_digest_of_its_tag_and_keeps_the_tag():
    text = (ROOT / "Dockerfile").read_text()
    digest = f"sha256:{'a' * 64}"
    pinned = pins.with_base(text, lambda image: digest)
    (line,) = [line for line in pinned.splitlines() if line.startswith("ARG BASE=")]
    assert re.fullmatch(rf"ARG BASE=\S+/python:3\.11-slim@{digest}", line)
    other = f"sha256:{'b' * 64}"
    again = pins.with_base(pinned, lambda image: f"{other}" if "@" not in image else image)
    assert other in again and digest not in again
