"""Content digests of clips, independent of where the audio is stored.

A listing returns SHA-256, MD5 or CRC32C, depending on the place. Random draws by content use these
digests instead, so that the same clips get the same splits in a folder and in a bucket. A file too
large to read for that is represented by its two ends in both places, whether it can be used or
not: the splits of the other clips must not depend on the limits for clips.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from audio_assets.catalog.reading import WHOLE_UP_TO
from audio_assets.errors import ResultsError
from audio_assets.objects.room import Room
from audio_assets.tables import CLIP_DIGESTS

if TYPE_CHECKING:
    import pandas as pd

# Reading from a bucket is mostly waiting; so many clips are in memory at once, if there is room.
_AT_ONCE = 16
_ROOM_BYTES = 2 * WHOLE_UP_TO


def digest_clips(
    inventory: pd.DataFrame,
    *,
    known: pd.DataFrame | None,
    content: Callable[[str], str],
    progress: Callable[[int, int], None],
) -> tuple[pd.DataFrame, int]:
    """Compute the digests of all usable clips, in all variants.

    Parameters
    ----------
    inventory
        Table ``audio_inventory`` of the species; clips whose status is not ``ok`` are left out.
    known
        An earlier table of the species: clips with the same checksum and size are not read again.
    content
        Returns the content digest of a URI, see
        :func:`audio_assets.catalog.reading.content_reader`; called from several threads at once.
        Not called if the listing computed the SHA-256 of a clip of ordinary size, as it does for
        a folder.
    progress
        Called with the number of clips read and the number to read.

    Returns
    -------
    table
        As :data:`audio_assets.tables.CLIP_DIGESTS`, in the inventory's order. Files that the
        listing could not read have no row: they are quarantined.
    read
        Number of clips that this call read.
    """
    import pandas as pd

    rows: list[Any] = list(inventory[inventory["status"] == "ok"].itertuples(index=False))
    rows = [row for row in rows if not row.checksum.startswith("unread:")]
    # An earlier version digested large files whole.
    digests = {} if known is None else _digests(known[_is_current(known)])
    for row in rows:
        if row.checksum.startswith("sha256:") and row.size <= WHOLE_UP_TO:
            digests[row.checksum, row.size] = row.checksum
    new = [row for row in rows if (row.checksum, row.size) not in digests]
    room = Room(_ROOM_BYTES)

    def digest(row: Any) -> str:
        with room.held(min(row.size, WHOLE_UP_TO)):
            return content(row.uri)

    pool = ThreadPoolExecutor(_AT_ONCE, "audio-assets-digest")
    try:
        for done, (row, found) in enumerate(zip(new, pool.map(digest, new), strict=True), 1):
            digests[row.checksum, row.size] = found
            progress(done, len(new))
    finally:
        pool.shutdown(cancel_futures=True)
    table = [
        (row.clip_id, row.variant, row.checksum, row.size, digests[row.checksum, row.size])
        for row in rows
    ]
    return pd.DataFrame(table, columns=list(CLIP_DIGESTS.column_names)), len(new)


def with_digests(inventory: pd.DataFrame, digests: pd.DataFrame) -> pd.DataFrame:
    """Replace the inventory's checksums by these digests; clips without one keep their checksum.

    Raises
    ------
    ResultsError
        If the digests belong to an earlier inventory.
    """
    import pandas as pd

    known = _digests(digests)
    rows = zip(inventory["status"], inventory["checksum"], inventory["size"], strict=True)
    checksums = []
    for status, checksum, size in rows:
        if status == "ok" and not checksum.startswith("unread:"):
            if (checksum, size) not in known:
                raise ResultsError(
                    f"clip_digests is older than audio_inventory: it has no {checksum}",
                    "Materialize clip_digests, then balanced_manifest.",
                )
            checksum = known[checksum, size]
        checksums.append(checksum)
    return inventory.assign(checksum=pd.Series(checksums, index=inventory.index, dtype=object))


def _digests(table: pd.DataFrame) -> dict[tuple[str, int], str]:
    columns = (table[name].tolist() for name in ("checksum", "size", "content"))
    return {(checksum, size): content for checksum, size, content in zip(*columns, strict=True)}


def _is_current(table: pd.DataFrame) -> pd.Series:
    """Select the rows whose digest was made by today's rule."""
    return table["content"].str.startswith("ends:") == (table["size"] > WHOLE_UP_TO)
