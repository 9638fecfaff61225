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
    is not used.

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
    """

    def __init__(self, folder: Path, kind: TableFormat, rows: Sequence[Mapping[str, str]]) -> None:
        self._folder, self._kind = folder, kind
        ends = defaultdict(set)
        named = {paths[0]: paths for paths in map(self._paths, rows) if paths}
        for path, paths in named.items():
            if self._exists(path):
                ends[path.replace("\\", "/")].add(path)
            elif _is_loose(paths):
                # A second name, such as Begin File, may be that of a file in another folder.
                ends[self._end(path) or ""].add(path)
        self.moved = {
            path: end
            for end, paths in ends.items()
            for path in paths
            if end and len(paths) == 1 and not self._exists(path)
        }

    def spelling(self, row: Mapping[str, str]) -> str:
        """Return the path that a row gives its file, or an empty text if it names none."""
        paths = self._paths(row)
        return self.moved.get(paths[0], paths[0]) if paths else ""

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

    def _end(self, path: str) -> str | None:
        """Return the longest end of a path that is a file below the folder."""
        parts = [part for part in re.split(r"[\\/]+", path) if part]
        ends = ("/".join(parts[first:]) for first in range(1, len(parts)))
        return next((end for end in ends if os.path.isfile(self._folder / end)), None)


def _is_loose(paths: Sequence[str]) -> bool:
    """Whether the folder in the first path may be missing here."""
    return len(paths) > 1 or _ABSOLUTE.match(paths[0]) is not None
