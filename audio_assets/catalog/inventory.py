"""The inventory of a species: its listing, with recordings and with copies of equal bytes.

Equal bytes are recognised by the listing's checksum. Clips that merely sound alike are found
elsewhere.
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
    """Build the table ``audio_inventory`` of one species.

    Equal bytes with the same label in one variant are used once (the first clip_id in order); the
    others are ``duplicate``. Equal bytes under both labels, in any variants, are ``both_labels``
    and none of them is used. Recordings that share equal bytes become one, named by the first of
    their names in order. Empty files count as different from each other. A ``folder`` or a
    ``link_out_of_root`` is not a clip, and is quarantined by name.

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
    """Return the checksums that an earlier inventory computed, for :func:`list_objects`."""
    columns = (inventory[name].tolist() for name in ("uri", "size", "file_state", "checksum"))
    return {
        (uri, size, state): checksum
        for uri, size, state, checksum in zip(*columns, strict=True)
        if state and checksum.startswith("sha256:")
    }


def inventory_version(inventory: pd.DataFrame) -> str:
    """Return a SHA-256 of everything that downstream results depend on.

    That is names, labels, checksums, recordings and their rules; times and generations are left
    out, so that listing the same audio again changes nothing.
    """
    # The report shows the rules: a clips.csv that matches no clip changes only these.
    recording = ["recording_id", "recording_rule"]
    columns = ["variant", "label", "clip_id", "checksum", *recording, "status"]
    rows = sorted(inventory[columns].itertuples(index=False, name=None))
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def listing_digest(objects: Iterable[AudioObject], rules: RecordingRules) -> str:
    """Return 16 hex digits that change when a listing shows different audio; reads no file.

    Names, sizes, times of modification and of change, generations, recordings and their rules
    count. Equal digests mean that the inventory is still valid; different ones may still lead to
    the same :func:`inventory_version`.

    Parameters
    ----------
    objects
        In the order of :func:`audio_assets.catalog.listing.list_objects`; consumed one at a time.
    """
    digest = hashlib.sha256()
    for item in objects:
        times = (item.updated.isoformat(), item.changed_ns)
        seen = (item.path, item.size, *times, item.generation, *rules.recording_of(item.path))
        digest.update(repr(seen).encode())
    return digest.hexdigest()[:16]


def _clip_ids(objects: list[AudioObject]) -> list[str]:
    """Return label and stem of each clip, or its full name if another file has that stem or name.

    Thus no two files of a folder share an id, whatever programs leave beside clips. A file named
    after a clip's full name (``a.wav.asd``) does not change the clip's id; a file with the clip's
    stem (``a.txt``) does, whether it is sound or not.
    """
    stems = [posixpath.splitext(item.name)[0] for item in objects]
    folders = [(item.variant, item.label) for item in objects]
    # A name without an ending is its own stem, and counts once.
    uses = Counter(
        (folder, name)
        for folder, item, stem in zip(folders, objects, stems, strict=True)
        for name in {item.name, stem}
    )
    return [
        f"{item.label}/{item.name if uses[folder, stem] > 1 else stem}"
        for folder, item, stem in zip(folders, objects, stems, strict=True)
    ]


def _content(item: AudioObject) -> str:
    # Empty files are equal but unrelated: they neither join recordings nor contradict each other.
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
    """Return recording -> name of its joined recording, by union-find over shared contents."""
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
