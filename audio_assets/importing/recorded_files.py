"""Which recorded files the rows of a table mean, however each of them is spelled.

What the rows say of the files belongs to :mod:`audio_assets.importing.label_table`.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RecordedFile:
    """A file as one spelling in a table names it.

    Attributes
    ----------
    spelling
        Path as the table gives it.
    path
        Where it is opened.
    name
        Path below the folder of the recordings, with forward slashes, equal for all spellings of
        one file; of a file that lies elsewhere, one of its spellings.
    """

    spelling: str
    path: Path
    name: str


def find_recorded_files(folder: Path, spellings: Iterable[str]) -> dict[str, RecordedFile]:
    r"""The file that each spelling means.

    A file that two names lead to (a link, or letters in another case where the system does not tell
    them apart) is one file. ``\`` is a separator where there is no file with it in its name.

    Parameters
    ----------
    folder
        That the spellings are relative to.
    spellings
        Paths; those of no file get a name as well.
    """
    paths = {spelling: _path(folder, spelling) for spelling in spellings}
    names = defaultdict(set)
    for spelling, path in paths.items():
        names[_identity(path)].add(_name(folder, path, spelling))
    chosen = {file: min(its, key=_from_without) for file, its in names.items()}
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
    # Only a number other than 0 tells files of a device apart (documentation of os.stat_result).
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path)


def _name(folder: Path, path: Path, spelling: str) -> str:
    plain = Path(os.path.abspath(path))
    # ".." after a link to a folder leads elsewhere than the text says.
    if _identity(plain) == _identity(path) and plain.is_relative_to(os.path.abspath(folder)):
        return plain.relative_to(os.path.abspath(folder)).as_posix()
    real = Path(os.path.realpath(path))
    if real.is_relative_to(os.path.realpath(folder)):
        return real.relative_to(os.path.realpath(folder)).as_posix()
    return Path(spelling).as_posix()


def _from_without(name: str) -> tuple[bool, bool, int, str]:
    """Orders names of one file: below the folder, then beside it, then by an absolute path."""
    return os.path.isabs(name), name.startswith("../"), len(name), name
