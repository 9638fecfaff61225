"""The clips of the last report, and those that have been removed since.

Displaying the list belongs in :mod:`audio_assets.reporting`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from audio_assets.results.parquet import concat_tables, read_table
from audio_assets.tables import REPORTED_CLIPS

if TYPE_CHECKING:
    import pandas as pd
    from upath import UPath

_KEY = ["variant", "clip_id"]
_CONTENT = [*_KEY, "checksum"]


def read_reported(path: UPath) -> pd.DataFrame:
    """Read the last result of :func:`clips_to_report`; empty if there was no report yet.

    Raises
    ------
    ResultsError
        If the file is damaged.
    """
    try:
        return read_table(path, REPORTED_CLIPS)
    except FileNotFoundError:
        return concat_tables([], REPORTED_CLIPS)


def clips_to_report(
    reported: pd.DataFrame, inventories: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Return the current clips, and those removed when the audio of their species last changed.

    A species whose clips and checksums are unchanged keeps its list of removed clips, so that
    writing the report again produces the same page. Any change restarts the list: clips that
    existed at the last report and do not exist now. A clip with different bytes under its old name
    still exists; a clip that was renamed or moved to another folder is removed under its old name.
    A species without an inventory stays unchanged, since nothing is known about its clips.

    Parameters
    ----------
    reported
        Result of this function for the last report.
    inventories
        Species -> table ``audio_inventory``, now.

    Returns
    -------
    DataFrame
        As :data:`audio_assets.tables.REPORTED_CLIPS`, by species, variant and clip_id.
    """
    import pandas as pd

    unknown = reported[~reported["species"].isin(list(inventories))]
    parts = [unknown]
    for species, inventory in inventories.items():
        old = reported[reported["species"] == species]
        there = old[~old["removed"]]
        now = inventory[_CONTENT].assign(species=species, removed=False)
        same = set(there[_CONTENT].itertuples(index=False, name=None)) == set(
            now[_CONTENT].itertuples(index=False, name=None)
        )
        gone = old[old["removed"]]
        if not same:
            kept = pd.MultiIndex.from_frame(there[_KEY]).isin(pd.MultiIndex.from_frame(now[_KEY]))
            gone = there[~kept].assign(removed=True)
        parts += [now, gone]
    table = concat_tables(parts, REPORTED_CLIPS)
    return table.sort_values(["species", *_KEY], ignore_index=True)
