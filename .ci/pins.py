"""Bring pins up to the tags beside them: actions by commit, the base image by digest.

What a tag names can be changed by who owns it; a commit and a digest cannot. Needs a network,
git and, for the image, docker with buildx. ``make pins`` runs it; to move on, raise the tag in
a comment.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
ACTION = re.compile(r"uses: (?P<name>[\w.-]+/[\w.-]+)@(?P<pin>\S+)(?: # (?P<tag>\S+))?")
BASE = re.compile(r"(?m)^ARG BASE=(?P<name>[^\s@]+)(?:@sha256:[0-9a-f]{64})?$")


def commit_of(name: str, tag: str, host: str = "https://github.com") -> str:
    """Commit that a tag of a repository names, also if the tag has a message of its own."""
    asked = [f"refs/tags/{tag}", f"refs/tags/{tag}^{{}}"]
    found = _output("git", "ls-remote", f"{host}/{name}", *asked).split()
    commits = dict(zip(found[1::2], found[::2], strict=True))
    if not commits:
        sys.exit(f"{name} has no tag {tag}: correct the comment beside its pin.")
    return commits.get(asked[1]) or commits[asked[0]]


def digest_of(image: str) -> str:
    """Digest of what an image's tag names, for all platforms."""
    form = "{{.Manifest.Digest}}"
    return _output("docker", "buildx", "imagetools", "inspect", "--format", form, image).strip()


def with_actions(text: str, commit: Callable[[str, str], str]) -> str:
    """A workflow whose actions are pinned to the tags in their comments, or to those they had."""

    def pinned(match: re.Match[str]) -> str:
        tag = match["tag"] or match["pin"]
        return f"uses: {match['name']}@{commit(match['name'], tag)} # {tag}"

    return ACTION.sub(pinned, text)


def with_base(text: str, digest: Callable[[str], str]) -> str:
    """A Dockerfile whose base image is pinned to its tag."""
    return BASE.sub(lambda match: f"ARG BASE={match['name']}@{digest(match['name'])}", text)


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    """Write the workflows and the Dockerfile anew."""
    for path in sorted((ROOT / ".github/workflows").glob("*.yaml")):
        path.write_text(with_actions(path.read_text(), commit_of))
    dockerfile = ROOT / "Dockerfile"
    dockerfile.write_text(with_base(dockerfile.read_text(), digest_of))


if __name__ == "__main__":
    main()
