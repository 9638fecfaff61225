"""The table of clip properties, measured once per clip and kept while its bytes are the same.

The measurements themselves belong in :mod:`audio_assets.audio.properties`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from audio_assets.audio.decode import SAME_SECONDS, DurationLimits
from audio_assets.audio.faults import ClipFault
from audio_assets.audio.properties import METHOD, ClipProperties, clip_properties
from audio_assets.errors import ResultsError
from audio_assets.objects.room import Room
from audio_assets.results.parquet import read_pieces
from audio_assets.tables import CLIP_PROPERTIES

if TYPE_CHECKING:
    import pandas as pd
    from upath import UPath

# Limit for large clips in memory at the same time.
_ROOM_BYTES = 2**27
_MEASURED = tuple(field.name for field in fields(ClipProperties))


def measure_clips(
    inventory: pd.DataFrame,
    variants: Collection[str],
    *,
    known: pd.DataFrame | None,
    read: Callable[[str], bytes | ClipFault],
    limits: DurationLimits,
    workers: int,
    progress: Callable[[int, int], None],
    heard_before: Mapping[tuple[str, int], float] | None = None,
) -> tuple[pd.DataFrame, int]:
    """Measure the clips of some variants.

    Parameters
    ----------
    inventory
        Table ``audio_inventory`` of the species; clips whose status is not ``ok`` are left out.
    known
        An earlier table of the species: clips with the same checksum and size are not read again.
    read
        Returns the bytes of a URI, or the fault that leaves the clip out; called from several
        threads at once. An OSError leaves the clip out too, except for broken connections and
        time-outs, which are raised.
    limits
        Accepted durations.
    workers
        Threads that read and decode; so many clips are in memory at once, if there is room.
    progress
        Called with the number of clips done and in total.
    heard_before
        Result of :func:`seconds_before`: clips whose length differs from it get a note.

    Returns
    -------
    table
        As :data:`audio_assets.tables.CLIP_PROPERTIES`, in the inventory's order. Clips that cannot
        be decoded have no row here: the quarantine gives the reason.
    measured
        Number of clips that this call read.
    """
    import pandas as pd

    usable = inventory[inventory["variant"].isin(variants) & (inventory["status"] == "ok")]
    kept = _kept(known, limits)
    rows: list[Any] = list(usable.itertuples(index=False))
    new = [row for row in rows if (row.checksum, row.size) not in kept]
    room = Room(_ROOM_BYTES)

    def measured(row: Any) -> ClipProperties | None:
        with room.held(row.size):
            return _measure(row.uri, read, limits)

    pool = ThreadPoolExecutor(workers, "audio-assets-measure")
    try:
        for done, (row, found) in enumerate(zip(new, pool.map(measured, new), strict=True), 1):
            if found is not None:
                found = _compared(found, (heard_before or {}).get((row.checksum, row.size)))
                kept[row.checksum, row.size] = tuple(getattr(found, name) for name in _MEASURED)
            progress(done, len(new))
    finally:
        pool.shutdown(cancel_futures=True)
    table = [
        (row.clip_id, row.variant, row.label, row.recording_id, row.checksum, row.size)
        + (*kept[row.checksum, row.size], METHOD)
        for row in rows
        if (row.checksum, row.size) in kept
    ]
    return pd.DataFrame(table, columns=list(CLIP_PROPERTIES.column_names)), len(new)


def seconds_before(path: UPath) -> dict[tuple[str, int], float]:
    """Return the length of clips that an earlier version of the measurement recorded.

    Parameters
    ----------
    path
        Path of the table, which may be missing.

    Returns
    -------
    dict
        (checksum, size) -> seconds.
    """
    columns = ["checksum", "size", "seconds", "method"]
    found: dict[tuple[str, int], float] = {}
    try:
        for piece in read_pieces(path, CLIP_PROPERTIES, columns):
            earlier = piece[piece["method"] < METHOD]
            keys = zip(earlier["checksum"], earlier["size"], strict=True)
            found |= dict(zip(keys, earlier["seconds"], strict=True))
    # A damaged table is ignored; it will be replaced.
    except (FileNotFoundError, ResultsError):
        return {}
    return found


def _compared(found: ClipProperties, before: float | None) -> ClipProperties:
    """Add a note to the properties if an earlier version had not read the same audio."""
    if before is None or abs(before - found.seconds) <= SAME_SECONDS:
        return found
    note = f"an earlier version had heard {before:.2f} s of it, so it was embedded again"
    return replace(found, note=note if found.note is None else f"{found.note}; {note}")


def _kept(
    known: pd.DataFrame | None, limits: DurationLimits
) -> dict[tuple[str, int], tuple[Any, ...]]:
    if known is None:
        return {}
    rows: list[Any] = list(known.itertuples(index=False))
    return {
        (row.checksum, row.size): tuple(getattr(row, name) for name in _MEASURED)
        for row in rows
        # This run's limits apply, whatever they were when the clip was measured.
        if row.method == METHOD
        and limits.fault(row.seconds, round(row.seconds * row.sample_rate) * row.channels) is None
    }


def _measure(
    uri: str, read: Callable[[str], bytes | ClipFault], limits: DurationLimits
) -> ClipProperties | None:
    try:
        data = read(uri)
    except (ConnectionError, TimeoutError):
        raise
    except OSError:
        return None
    found = data if isinstance(data, ClipFault) else clip_properties(data, limits)
    return found if isinstance(found, ClipProperties) else None
