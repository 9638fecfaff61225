"""Count the files of a species in each folder, whatever the folders are called.

:mod:`audio_assets.catalog.layout` finds the mistakes in these counts. Nothing is read or decoded.
"""

from __future__ import annotations

import os
import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audio_assets.objects import bucket
from audio_assets.objects.files import is_local
from audio_assets.objects.links import Inside

if TYPE_CHECKING:
    from upath import UPath

AUDIO_ENDINGS = frozenset(
    "3gp aac ac3 aif aifc aiff amr ape au caf flac m4a mka mkv mp3 mp4 mpc oga ogg opus rf64 snd "
    "tta w64 wav wave webm wma wv".split()
)
"""Endings that mark a file as audio where the folder does not say so."""

# A root that is too high, such as a home folder, must not be searched to its end.
_DEEPEST = 6


@dataclass(frozen=True)
class FileCount:
    """Files that lie directly in a folder.

    Attributes
    ----------
    files
        All but hidden ones.
    audio
        Those with an ending in :data:`AUDIO_ENDINGS`.
    fault
        Reason why the folder could not be listed; empty if it was.
    """

    files: int = 0
    audio: int = 0
    fault: str = ""


Path = tuple[str, ...]
FolderCounts = Mapping[Path, FileCount]
"""Folder relative to the species folder, ``()`` for itself -> the files directly in it."""


def is_audio_name(name: str) -> bool:
    """Return whether the ending of a file name is one of audio, in upper or lower case."""
    return posixpath.splitext(name)[1].lstrip(".").lower() in AUDIO_ENDINGS


def count_files(root: UPath, species: str) -> FolderCounts:
    """Count the files of a species by folder.

    Hidden files and folders are left out, and so is what lies behind a link out of the root. A
    local folder is searched to a depth of six folders. A folder that cannot be listed has a fault;
    the others are counted. A bucket is asked once per 1000 objects.

    Raises
    ------
    StorageError
        If the bucket cannot be listed.
    """
    folder = root / species
    if not is_local(folder):
        return _counted(_in_bucket(folder))
    faults: dict[Path, str] = {}
    found = dict(_counted(_on_disk(folder.path, (), Inside(root), faults)))
    for path, fault in faults.items():
        found[path] = FileCount(fault=fault)
    return found


def _counted(files: Iterable[tuple[Path, str]]) -> FolderCounts:
    every: Counter[Path] = Counter()
    audio: Counter[Path] = Counter()
    for path, name in files:
        every[path] += 1
        audio[path] += is_audio_name(name)
    return {path: FileCount(number, audio[path]) for path, number in every.items()}


def _in_bucket(folder: UPath) -> Iterator[tuple[Path, str]]:
    for entry in bucket.list_folder(folder, deep=True):
        *path, name = entry.name.split("/")
        # An object that ends in a slash stands for an empty folder.
        if name and not any(part.startswith(".") for part in (*path, name)):
            yield tuple(path), name


def _on_disk(
    folder: str, path: Path, inside: Inside, faults: dict[Path, str]
) -> Iterator[tuple[Path, str]]:
    if not inside.has(folder):
        return
    folders = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if _is_folder(entry):
                    folders.append(entry.name)
                else:
                    yield path, entry.name
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        faults[path] = error.strerror or str(error)
    if len(path) < _DEEPEST:
        for name in sorted(folders):
            # Neither Parquet nor HTML can contain a name that is not UTF-8.
            shown = os.fsencode(name).decode("utf-8", "backslashreplace")
            yield from _on_disk(os.path.join(folder, name), (*path, shown), inside, faults)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link to itself, for example: a file that cannot be read.
        return False
