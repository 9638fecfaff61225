"""Find the recorded files that the rows of a label table mean.

Equal files under several spellings belong in :mod:`audio_assets.importing.recorded_files`.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from audio_assets.importing.table_formats import TableFormat

_ABSOLUTE = re.compile(r"[A-Za-z]:[\\/]|\\\\|/")


class TableFiles:
    """The files of a table.

    A table from another computer names folders that do not exist here. The file is then looked up
    below the folder of the recordings by the longest end of its path; an end that two paths share
    is not used. Windows and macOS ignore case in names, so a file that does not exist under its
    name is the only one whose name differs in case alone.

    Parameters
    ----------
    folder
        Folder that the files are relative to.
    kind
        Columns of the table.
    rows
        Values by column.

    Attributes
    ----------
    moved
        Paths that were found by their end, and the path below the folder.
    respelled
        Paths that were found in another case, and the path below the folder.
    """

    def __init__(self, folder: Path, kind: TableFormat, rows: Sequence[Mapping[str, str]]) -> None:
        self._folder, self._kind = folder, kind
        self._entries = dict[str, dict[str, list[str]]]()
        ends = defaultdict(set)
        named = {paths[0]: paths for paths in map(self._paths, rows) if paths}
        for path, paths in named.items():
            if self._exists(path):
                ends[path.replace("\\", "/")].add(path)
            else:
                # A second name, such as Begin File, may be that of a file in another folder.
                ends[self._end(path, _is_loose(paths)) or ""].add(path)
        found = {
            path: end
            for end, paths in ends.items()
            for path in paths
            if end and len(set(map(_folded, paths))) == 1 and not self._exists(path)
        }
        self.respelled = {one: end for one, end in found.items() if _folded(one) == _folded(end)}
        self.moved = {one: end for one, end in found.items() if one not in self.respelled}

    def spelling(self, row: Mapping[str, str]) -> str:
        """Return the path that a row gives its file, or an empty text if it names none."""
        paths = self._paths(row)
        if not paths:
            return ""
        return self.moved.get(paths[0]) or self.respelled.get(paths[0], paths[0])

    def _paths(self, row: Mapping[str, str]) -> list[str]:
        found = []
        for columns in self._kind.files:
            parts = [row.get(column, "") for column in columns]
            # A folder without the name of a file is not a path.
            if parts[-1] and "\0" not in "".join(parts):
                found.append("/".join(part.rstrip("\\/") for part in parts if part))
        return found

    def _exists(self, path: str) -> bool:
        return any(os.path.isfile(self._folder / one) for one in (path, path.replace("\\", "/")))

    def _end(self, path: str, is_loose: bool) -> str | None:
        """Return the longest end of a path that is a file below the folder, in its real case.

        Parameters
        ----------
        path
            Path that does not exist.
        is_loose
            Whether its first folders may be left out.
        """
        parts = [part for part in re.split(r"[\\/]+", path) if part]
        for first in range(len(parts) if is_loose else 1):
            end = "/".join(parts[first:])
            if os.path.isfile(self._folder / end):
                return end
            found = self._in_any_case(parts[first:])
            if found:
                return found[0] if len(found) == 1 else None
        return None

    def _in_any_case(self, parts: Sequence[str]) -> list[str]:
        """Return the files below the folder with these parts of their path in any case."""
        found = [""]
        for part in parts:
            found = [
                os.path.join(folder, name)
                for folder in found
                for name in self._names(folder).get(part.casefold(), ())
            ]
        return [one for one in found if os.path.isfile(self._folder / one)]

    def _names(self, folder: str) -> dict[str, list[str]]:
        """Return the names in a folder by their folded form."""
        if folder not in self._entries:
            names = defaultdict(list)
            try:
                for name in os.listdir(self._folder / folder):
                    names[name.casefold()].append(name)
            except OSError:
                pass  # It is a file, or not readable: nothing is found in it.
            self._entries[folder] = names
        return self._entries[folder]


def _folded(path: str) -> str:
    """Return a path without regard to case and separators."""
    return path.replace("\\", "/").casefold()


def _is_loose(paths: Sequence[str]) -> bool:
    """Return whether the folder in the first path may be missing here."""
    return len(paths) > 1 or _ABSOLUTE.match(paths[0]) is not None
