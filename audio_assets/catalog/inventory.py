"""The inventory of a species: a listing with recordings, and with equal bytes recognised.

Equal bytes are told by the listing's checksum. What a clip sounds like is not known here.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from audio_assets.catalog.listing import AudioObject, KnownChecksums
from audio_assets.catalog.recordings import RecordingRules
from audio_assets.tables import AUDIO_INVENTORY

if TYPE_CHECKING:
    import pandas as pd


def build_inventory(objects: Iterable[AudioObject], rules: RecordingRules) -> pd.DataFrame:
    """The table ``audio_inventory`` of one species.

    Equal bytes with the same label in one variant are used once (the first clip_id in order), the
    others are ``duplicate``. Equal bytes under both labels, in whatever variants, are
    ``both_labels`` and none of them is used. Recordings that share equal bytes become one, named
    by the first of their names in order. Files without bytes count as different from one another.
    What is a ``folder`` or a ``link_out_of_root`` is no clip, and in quarantine by its name.

    Returns
    -------
    DataFrame
        As :data:`audio_assets.tables.AUDIO_INVENTORY`, in order of variant and clip_id.
    """
    import pandas as pd

    listed = list(objects)
    clip_ids = _clip_ids(listed)
    recordings = [
        (item.name, "stem") if item.is_folder or item.leads_out else rules.recording_of(item.path)
        for item in listed
    ]
    content = [_content(item) for item in listed]
    joined = _join([name for name, _ in recordings], content)
    labels_of = defaultdict(set)
    for item, same in zip(listed, content, strict=True):
        labels_of[same].add(item.label)

    rows = []
    first: dict[tuple[str, str, str], str] = {}
    order = sorted(range(len(listed)), key=lambda i: (listed[i].variant, clip_ids[i]))
    for i in order:
        item, clip_id = listed[i], clip_ids[i]
        kept = first.setdefault((item.variant, item.label, content[i]), clip_id)
        if item.leads_out:
            status, other = "link_out_of_root", ""
        elif item.is_folder:
            status, other = "folder", ""
        elif len(labels_of[content[i]]) > 1:
            status, other = "both_labels", _contradiction(i, listed, content, clip_ids)
        elif kept != clip_id:
            status, other = "duplicate", kept
        else:
            status, other = "ok", ""
        rows.append(
            (
                clip_id,
                item.variant,
                item.label,
                item.uri,
                item.size,
                item.checksum,
                item.generation,
                item.updated,
                joined[recordings[i][0]],
                recordings[i][1],
                status,
                other,
                item.file_state,
            )
        )
    return pd.DataFrame(rows, columns=list(AUDIO_INVENTORY.column_names))


def known_checksums(inventory: pd.DataFrame) -> KnownChecksums:
    """Checksums that an earlier inventory of the species computed, for :func:`list_objects`."""
    columns = (inventory[name].tolist() for name in ("uri", "size", "file_state", "checksum"))
    return {
        (uri, size, state): checksum
        for uri, size, state, checksum in zip(*columns, strict=True)
        if state and checksum.startswith("sha256:")
    }


def inventory_version(inventory: pd.DataFrame) -> str:
    """SHA-256 of what downstream results depend on.

    Names, labels, checksums, recordings and the rules that gave them count; times and generations
    do not, so that a re-listing that finds the same audio changes nothing.
    """
    # The report shows the rules: a clips.csv that fits no clip changes them and nothing else.
    recording = ["recording_id", "recording_rule"]
    columns = ["variant", "label", "clip_id", "checksum", *recording, "status"]
    rows = sorted(inventory[columns].itertuples(index=False, name=None))
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def listing_digest(objects: Iterable[AudioObject], rules: RecordingRules) -> str:
    """16 hex digits that change when a listing shows other audio; no file is read for it.

    Names, sizes, times of modification and of change, generations, recordings and their rules
    count. Equal digests mean that there is nothing to list anew; unequal ones may still lead to the
    same :func:`inventory_version`.

    Parameters
    ----------
    objects
        In the order of :func:`audio_assets.catalog.listing.list_objects`; read one at a time.
    """
    digest = hashlib.sha256()
    for item in objects:
        times = (item.updated.isoformat(), item.changed_ns)
        seen = (item.path, item.size, *times, item.generation, *rules.recording_of(item.path))
        digest.update(repr(seen).encode())
    return digest.hexdigest()[:16]


def _clip_ids(objects: list[AudioObject]) -> list[str]:
    """Label and stem of each clip, or its whole name where another file has that stem or name.

    So no two files of a folder share one, whatever programs leave beside clips. What is named by a
    clip's whole name and an ending (``a.wav.asd``) leaves the clip its id; a file with the clip's
    own stem (``a.txt``) does not, be it sound or not.
    """
    stems = [posixpath.splitext(item.name)[0] for item in objects]
    folders = [(item.variant, item.label) for item in objects]
    # A name without an ending is its own stem, and counts once.
    taken = Counter(
        (folder, name)
        for folder, item, stem in zip(folders, objects, stems, strict=True)
        for name in {item.name, stem}
    )
    return [
        f"{item.label}/{item.name if taken[folder, stem] > 1 else stem}"
        for folder, item, stem in zip(folders, objects, stems, strict=True)
    ]


def _content(item: AudioObject) -> str:
    # Files without bytes are equal and yet say nothing of one another: they neither join
    # recordings nor contradict.
    return item.checksum if item.size else item.path


def _contradiction(
    i: int, objects: list[AudioObject], content: list[str], clip_ids: list[str]
) -> str:
    return min(
        clip_ids[j]
        for j, other in enumerate(objects)
        if content[j] == content[i] and other.label != objects[i].label
    )


def _join(recordings: list[str], contents: list[str]) -> dict[str, str]:
    """Name of the joined recording by recording: union-find over shared contents."""
    parent = {name: name for name in recordings}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    seen: dict[str, str] = {}
    for name, content in zip(recordings, contents, strict=True):
        a, b = root(name), root(seen.setdefault(content, name))
        parent[max(a, b)] = min(a, b)
    return {name: root(name) for name in parent}
