"""Identify the recorded files that the rows of a table name, in any spelling.

Reading the rows belongs in :mod:`audio_assets.importing.label_table`.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RecordedFile:
    """A file under one of its spellings in a table.

    Attributes
    ----------
    spelling
        Path in the table.
    path
        Path to open.
    name
        Path below the folder of the recordings, with forward slashes, equal for all spellings of
        one file; for a file elsewhere, one of its spellings.
    """

    spelling: str
    path: Path
    name: str


def find_recorded_files(folder: Path, spellings: Iterable[str]) -> dict[str, RecordedFile]:
    r"""Return the file that each spelling means.

    Two names of the same file (a link, or different case on a case-insensitive system) are one
    file. ``\`` is a separator unless a file with it in its name exists.

    Parameters
    ----------
    folder
        Folder that the spellings are relative to.
    spellings
        Paths; those without a file get a name too.
    """
    paths = {spelling: _path(folder, spelling) for spelling in spellings}
    names = defaultdict(set)
    for spelling, path in paths.items():
        names[_identity(path)].add(_name(folder, path, spelling))
    chosen = {file: min(of_file, key=_nearest_first) for file, of_file in names.items()}
    return {
        spelling: RecordedFile(spelling, path, chosen[_identity(path)])
        for spelling, path in paths.items()
    }


def _path(folder: Path, spelling: str) -> Path:
    path, other = folder / spelling, folder / spelling.replace("\\", "/")
    return other if not os.path.isfile(path) and os.path.isfile(other) else path


def _identity(path: Path) -> Hashable:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return os.path.abspath(path)
    # Only a number other than 0 identifies a file on a device (documentation of os.stat_result).
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path)


def _name(folder: Path, path: Path, spelling: str) -> str:
    plain = Path(os.path.abspath(path))
    # ".." after a link to a folder leads elsewhere than the text suggests.
    if _identity(plain) == _identity(path) and plain.is_relative_to(os.path.abspath(folder)):
        return plain.relative_to(os.path.abspath(folder)).as_posix()
    real = Path(os.path.realpath(path))
    if real.is_relative_to(os.path.realpath(folder)):
        return real.relative_to(os.path.realpath(folder)).as_posix()
    return Path(spelling).as_posix()


def _nearest_first(name: str) -> tuple[bool, bool, int, str]:
    """Order names of one file: below the folder, then beside it, then absolute."""
    return os.path.isabs(name), name.startswith("../"), len(name), name
