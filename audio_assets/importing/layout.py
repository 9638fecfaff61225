"""Write clips into the layout of an audio root, and define the result of an import.

Reading other layouts belongs in their modules, and assigning recordings in
:mod:`audio_assets.importing.clips_csv`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audio_assets.errors import AudioAssetsError
from audio_assets.objects.files import write_atomic
from audio_assets.tables.partition_keys import KEY_RULE, is_partition_key


class ImportRefusedError(AudioAssetsError):
    """The import, or one row of it, is impossible."""


@dataclass(frozen=True)
class Refused:
    """A row or file of the source that was left out.

    Attributes
    ----------
    file
        Table, or file of a clip.
    why
        Reason in plain words.
    line
        Line of the table.
    """

    file: str
    why: str
    line: int | None = None


@dataclass(frozen=True)
class Imported:
    """The result of an import.

    Attributes
    ----------
    written, unchanged
        Paths relative to the audio root; ``unchanged`` existed with the same bytes.
    refused
        Rows or files that were left out.
    leftover
        Paths of clips of the same recordings that are not from the source, perhaps from an earlier
        version of it. They were not touched.
    remarks
        Remarks on unusual recordings that were used: a wrong header, a missing end.
    skipped
        Number of rows that carry no label or another one, and are not used by choice.
    drawn
        Number of negative clips from stretches without a label.
    """

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    refused: tuple[Refused, ...]
    leftover: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    skipped: int = 0
    drawn: int = 0


def require_species(name: str) -> str:
    """Return the name if it may be a species folder.

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
    """Write a clip unless it exists with the same bytes; return whether it was written.

    Parameters
    ----------
    root
        Audio root.
    path
        Path relative to it, with forward slashes.

    Raises
    ------
    ImportRefusedError
        If the file exists with other bytes: a clip is never replaced.
    """
    from upath import UPath

    target = root / path
    if target.exists():
        if target.read_bytes() == data:
            return False
        raise ImportRefusedError(
            f"{target} already exists with other content", "Move it away, or import elsewhere."
        )
    write_atomic(UPath(target), data)
    return True
