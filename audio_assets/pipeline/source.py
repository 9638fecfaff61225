"""Find the commit of the source, where the package runs from a clone or in its image.

It is read from the files of the clone, since a container or a laptop may have no git, or in the
image, which has no clone, from the file that the build wrote beside the code.
"""

from __future__ import annotations

from pathlib import Path

CLONE = Path(__file__).parents[2]
# Written by the Dockerfile.
_REVISION = Path("audio_assets", "REVISION")


def git_commit(clone: Path = CLONE) -> str | None:
    """Return the commit that is checked out in a folder, as 40 hex digits; None without one.

    Uncommitted changes are not detected. Without ``.git`` it is the build argument REVISION of the
    image.

    Parameters
    ----------
    clone
        Folder with ``.git``, or with the file that points to it in a linked work tree; or the one
        that the package is installed in.
    """
    git = clone / ".git"
    try:
        if not git.exists():
            return (clone / _REVISION).read_text("utf-8").strip() or None
        if git.is_file():
            git = clone / git.read_text("utf-8").removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text("utf-8").strip()
        if not head.startswith("ref:"):
            return head
        name = head.removeprefix("ref:").strip()
        shared = git / "commondir"
        common = git / shared.read_text("utf-8").strip() if shared.is_file() else git
        if (common / name).is_file():
            return (common / name).read_text("utf-8").strip()
        packed = (common / "packed-refs").read_text("utf-8").splitlines()
    except OSError:
        # No clone, or one that may not be read.
        return None
    return next((line.split()[0] for line in packed if line.endswith(f" {name}")), None)
