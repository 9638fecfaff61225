"""Writing clips into the layout of an audio root, and what an import did.

Where clips come from belongs to the modules of the layouts that are read, their recordings to
:mod:`audio_assets.importing.clips_csv`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audio_assets.errors import AudioAssetsError
from audio_assets.objects.files import write_atomic
from audio_assets.tables.partition_keys import KEY_RULE, is_partition_key


class ImportRefusedError(AudioAssetsError):
    """Nothing, or nothing of one row, can be brought in."""


@dataclass(frozen=True)
class Refused:
    """A row or file of the source that was left out.

    Attributes
    ----------
    file
        Table, or file of a clip.
    why
        In plain words.
    line
        Of the table.
    """

    file: str
    why: str
    line: int | None = None


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes
    ----------
    written, unchanged
        Paths relative to the audio root; ``unchanged`` were there with the same bytes.
    refused
        What was left out.
    leftover
        Paths of clips of the same recordings that the source does not make, as an earlier version
        of it may have. They were not touched.
    remarks
        What is odd about recordings that were used: a wrong header, an end that is missing.
    """

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    refused: tuple[Refused, ...]
    leftover: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def require_species(name: str) -> str:
    """The name, if it may be a species folder.

    Raises
    ------
    ImportRefusedError
        If it breaks the rule for folder names.
    """
    if not is_partition_key(name):
        raise ImportRefusedError(
            f"{name!r} cannot be a species folder", f"Use a name that matches {KEY_RULE}."
        )
    return name


def write_clip(root: Path, path: str, data: bytes) -> bool:
    """Write a clip unless it is there with the same bytes; whether it was written.

    Parameters
    ----------
    root
        Audio root.
    path
        Relative to it, with forward slashes.

    Raises
    ------
    ImportRefusedError
        If other bytes are there: a clip is never replaced.
    """
    from upath import UPath

    target = root / path
    if target.exists():
        if target.read_bytes() == data:
            return False
        raise ImportRefusedError(
            f"{target} is there already with other content", "Move it away, or import elsewhere."
        )
    write_atomic(UPath(target), data)
    return True
