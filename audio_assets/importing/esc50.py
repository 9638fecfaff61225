"""Import ESC-50 (Piczak 2015) in its own layout: each category against all other sounds."""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audio_assets.importing.clips_csv import (
    add_recordings,
    read_clips_csv,
    require_agreement,
)
from audio_assets.importing.layout import (
    Imported,
    ImportRefusedError,
    Refused,
    require_species,
    write_clip,
)
from audio_assets.tables.task import PRESENCE

TABLE = Path("meta/esc50.csv")
CLIPS = Path("audio")
COLUMNS = ("filename", "fold", "category", "src_file")
GROUPINGS = ("fold", "source")


@dataclass(frozen=True)
class Clip:
    """A row of ESC-50's table: its fold, category and source recording (a Freesound number)."""

    filename: str
    fold: str
    category: str
    source: str


def import_esc50(
    folder: Path,
    root: Path,
    categories: Sequence[str] = (),
    *,
    group_by: str = "fold",
    negatives: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Copy categories of ESC-50 into the layout, each as a species.

    Clips of the category are its positives. Negatives are ``negatives`` clips of every other
    category in every fold, chosen by a hash of their names, so that the choice is the same
    everywhere and in any order of imports. Clips are 5 s long, so data and data_5s get the same
    files.

    Parameters
    ----------
    folder
        The unpacked data set, with ``meta/esc50.csv`` and ``audio``.
    root
        Audio root under which the clips are written, with their recordings in ``clips.csv``.
    categories
        Names as in the table; all 50 if empty.
    group_by
        ``fold``: ESC-50's five folds are the recordings, which keeps results comparable with
        published ones; ``source``: the more numerous source recordings are.
    negatives
        Clips per other category and fold, at least 1.
    progress
        Called with (files done, total files).

    Raises
    ------
    ImportRefusedError
        If this is not ESC-50, or it has no such category.
    AudioRootError
        If the root's ``clips.csv`` cannot be extended; nothing is copied then.
    """
    if group_by not in GROUPINGS or negatives < 1:
        raise ValueError(f"group_by must be one of {GROUPINGS} and negatives at least 1")
    clips = _read(folder)
    known = sorted({clip.category for clip in clips})
    unknown = [name for name in categories if name not in known]
    if unknown:
        raise ImportRefusedError(
            f"ESC-50 has no category {', '.join(unknown)}", f"Choose among {', '.join(known)}."
        )
    wanted = [
        (_paths(require_species(category), label, clip), clip)
        for category in (categories or known)
        for label, of_label in (
            (PRESENCE.positive, [clip for clip in clips if clip.category == category]),
            (PRESENCE.negative, _negatives(clips, category, negatives)),
        )
        for clip in of_label
    ]
    groups = {
        path: f"esc50-fold-{clip.fold}" if group_by == "fold" else f"esc50-{clip.source}"
        for paths, clip in wanted
        for path in paths
    }
    require_agreement(read_clips_csv(root), groups)
    written, unchanged, refused = list[str](), list[str](), list[Refused]()
    try:
        for done, (paths, clip) in enumerate(wanted, start=1):
            source = folder / CLIPS / clip.filename
            try:
                data = source.read_bytes()
                for path in paths:
                    (written if write_clip(root, path, data) else unchanged).append(path)
            except OSError as error:
                refused.append(Refused(str(source), f"cannot be read: {error.strerror}"))
            except ImportRefusedError as error:
                refused.append(Refused(str(source), error.what))
            if progress is not None:
                progress(done, len(wanted))
    finally:
        # Also when interrupted: a clip without a line would count as a separate recording.
        if written or unchanged:
            add_recordings(root, {path: groups[path] for path in (*written, *unchanged)})
    return Imported(tuple(written), tuple(unchanged), tuple(refused))


def _paths(species: str, label: str, clip: Clip) -> list[str]:
    return [f"{species}/{variant}/{label}/{clip.filename}" for variant in ("data", "data_5s")]


def _read(folder: Path) -> list[Clip]:
    table = folder / TABLE
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ImportRefusedError(
            f"{table} cannot be read: {error}",
            "Name the folder that contains ESC-50's meta and audio.",
        ) from error
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing or not rows:
        raise ImportRefusedError(
            f"{table} has no {'column ' + ' and '.join(missing) if missing else 'rows'}",
            "Use the table that comes with ESC-50.",
        )
    return [Clip(*(row[name] for name in COLUMNS)) for row in rows]


def _negatives(clips: Sequence[Clip], category: str, count: int) -> list[Clip]:
    pools = defaultdict(list)
    for clip in sorted(clips, key=lambda clip: hashlib.sha256(clip.filename.encode()).digest()):
        if clip.category != category:
            pools[clip.fold, clip.category].append(clip)
    return [clip for key in sorted(pools) for clip in pools[key][:count]]
