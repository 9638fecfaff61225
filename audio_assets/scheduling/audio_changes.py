"""Which species have audio that their inventory does not know, and since when.

The decision looks at states and not at events: what was recorded with the last inventory against
what lies in the audio root now. A change that is missed, or that flips back, does no harm.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from audio_assets.storage.listing import SpeciesListing


@dataclass(frozen=True)
class AudioChanges:
    """What a look at the audio root leads to.

    Attributes
    ----------
    settled
        Species to list anew: their audio has changed, and not since the last look.
    moving
        Species whose audio has changed since the last look: somebody may still be copying.
    cursor
        What the next look has to know: digests of changed species alone, so that it stays small.
    """

    settled: tuple[str, ...]
    moving: tuple[str, ...]
    cursor: str


def audio_changes(
    now: Mapping[str, str], recorded: Mapping[str, str], cursor: str | None
) -> AudioChanges:
    """Compare the audio of now with what inventories were made of.

    Parameters
    ----------
    now
        Species to digest of its listing.
    recorded
        Species to digest of the listing that its inventory was made of.
    cursor
        Of the last look; None, or anything that is no cursor, is no look at all.
    """
    before = _read(cursor)
    changed = {name: seen for name, seen in now.items() if recorded.get(name) != seen}
    settled = tuple(sorted(name for name, seen in changed.items() if before.get(name) == seen))
    return AudioChanges(
        settled=settled,
        moving=tuple(sorted(changed.keys() - set(settled))),
        cursor=json.dumps(changed, sort_keys=True, separators=(",", ":")),
    )


def new_species(
    listing: SpeciesListing, known: Collection[str], wanted: Collection[str]
) -> tuple[str, ...]:
    """Species folders that have yet to become partitions.

    Parameters
    ----------
    listing
        The audio root of now.
    known
        Species that are partitions.
    wanted
        Species of the settings; empty for all.
    """
    found = set(wanted or listing.species)
    return tuple(sorted(found - set(known)))


def _read(cursor: str | None) -> dict[str, str]:
    try:
        seen = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return seen if isinstance(seen, dict) else {}
