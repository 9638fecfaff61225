"""Detect species whose audio differs from their inventory, and remember since when.

The decision compares states rather than events: the listing recorded with the last inventory with
the audio root now. A change that is missed or reverted does no harm.

Audio is processed when two listings agree, so that half-copied folders are left alone, and after
the longest wait even if it still changes, so that audio that never stops arriving is processed too.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import astuple, dataclass, field, replace
from typing import Any

from audio_assets.automation.listing_pace import Limits, PastListing, read_listing
from audio_assets.catalog.listing import SpeciesListing

_FORMAT = 2


@dataclass(frozen=True)
class Changed:
    """A species whose audio differs from its inventory.

    Attributes
    ----------
    seen
        Digest of its latest listing.
    recorded
        Digest behind its inventory at that time; empty without an inventory.
    since
        Start of the present change, in seconds since the epoch.
    waiting_since
        Start of the longest wait: ``since``, or the time when its inventory was last made or
        requested.
    is_settled
        Whether the last two listings were equal.
    """

    seen: str
    recorded: str
    since: float
    waiting_since: float
    is_settled: bool = False


@dataclass(frozen=True)
class AudioMemory:
    """The state passed from one tick to the next: only changed species, so that it stays small.

    Attributes
    ----------
    changed
        Species -> change.
    at_all
        Last listing of all species; None before the first.
    at_some
        Last listing of the species whose audio is changing.
    requests
        Number of requests ever made to the bucket, by kind.
    is_notified
        Whether notifications announce changes.
    notification_token
        Token of the last notifications; empty if there were none.
    notification_fault
        Reason why configured notifications failed; empty if they work.
    """

    changed: Mapping[str, Changed] = field(default_factory=dict)
    at_all: PastListing | None = None
    at_some: PastListing | None = None
    requests: Mapping[str, int] = field(default_factory=dict)
    is_notified: bool = False
    notification_token: str = ""
    notification_fault: str = ""

    @property
    def settled(self) -> tuple[str, ...]:
        """Species whose audio has changed, but was equal in the last two listings."""
        return tuple(sorted(name for name, one in self.changed.items() if one.is_settled))

    @property
    def moving(self) -> tuple[str, ...]:
        """Species whose audio differs between the last two listings, perhaps still being copied."""
        return tuple(sorted(self.changed.keys() - set(self.settled)))

    def overdue(self, longest_wait: float, now: float) -> tuple[str, ...]:
        """Return the species whose audio has been changing for the longest wait in seconds."""
        return tuple(
            name for name in self.moving if now - self.changed[name].waiting_since >= longest_wait
        )

    def asked_for(self, species: Iterable[str], now: float) -> AudioMemory:
        """Return the memory after requesting the inventories of these species.

        The longest wait of a species that is still changing restarts.
        """
        changed = dict(self.changed)
        for name in set(species) & changed.keys():
            changed[name] = replace(changed[name], waiting_since=now)
        return replace(self, changed=changed)

    def counted(self, requests: Mapping[str, int]) -> AudioMemory:
        """Return the memory with these requests added."""
        kinds = sorted({*self.requests, *requests})
        sums = {kind: self.requests.get(kind, 0) + requests.get(kind, 0) for kind in kinds}
        return replace(self, requests=sums)

    def next_listing(self, limits: Limits) -> float:
        """Return the time of the next full listing in seconds since the epoch; 0 for at once."""
        last = self.at_all
        return last.ended + last.wait_at_rest(limits) if last is not None else 0.0

    def lists_all(self, now: float, limits: Limits) -> bool:
        """Return whether the present tick should list all species."""
        last = self.at_all
        return last is None or last.is_over(last.wait_at_rest(limits), now, limits)

    def to_list(
        self,
        species: Iterable[str],
        recorded: Mapping[str, str],
        now: float,
        limits: Limits,
        named: Collection[str] = (),
    ) -> tuple[str, ...]:
        """Return the species to list at the present tick: all of them, or those that need it.

        Between two full listings, these are the species whose audio is changing, those that were
        never listed, and those whose inventory was made since the last listing, because it is
        unknown what it contained. Species ``named`` by a notification are listed too, unless they
        are changing, which have their own schedule.
        """
        species = sorted(species)
        if self.lists_all(now, limits):
            return tuple(species)
        last = self.at_some
        again = last is None or last.is_over(last.wait_in_motion(limits), now, limits)
        wanted = set(self.moving) if again else set()
        wanted |= set(named) - set(self.moving)
        return tuple(name for name in species if name in wanted or self._is_news(name, recorded))

    def after_listing(
        self,
        seen: Mapping[str, str],
        recorded: Mapping[str, str],
        listing: PastListing,
        *,
        at_all: bool,
    ) -> AudioMemory:
        """Return the memory after a listing.

        Parameters
        ----------
        seen
            Digest of each species that was listed.
        recorded
            Digest of the listing behind each species' inventory.
        listing
            End and cost of the listing; the number of quiet listings is determined here.
        at_all
            Whether it covered all species. Others are then forgotten.
        """
        changed = {} if at_all else dict(self.changed)
        found = False
        for name, digest in seen.items():
            before, made_of = self.changed.get(name), recorded.get(name, "")
            # Further changes of a changing species are no news: the others are not listed sooner.
            if before is None or before.is_settled:
                found |= digest not in (made_of, before.seen if before is not None else made_of)
            if digest == made_of:
                changed.pop(name, None)
            else:
                changed[name] = _changed(before, digest, made_of, listing.ended)
        if not at_all:
            # Not if some changing species have yet to be listed: they would wait longer.
            at_some = listing if set(self.moving) <= seen.keys() else self.at_some
            return replace(self, changed=changed, at_some=at_some)
        share = sum(not one.is_settled for one in changed.values()) / max(1, len(seen))
        # The next listing of the changing species takes only their share of the time.
        moved = replace(
            self, changed=changed, at_some=replace(listing, seconds=share * listing.seconds)
        )
        return moved.after_root(listing, found=found)

    def after_root(self, listing: PastListing, *, found: bool) -> AudioMemory:
        """Return the memory after a listing of the whole root.

        Parameters
        ----------
        found
            Whether it found anything new.
        """
        quiet = 0 if found or self.at_all is None else self.at_all.quiet + 1
        return replace(self, at_all=replace(listing, quiet=quiet))

    def _is_news(self, name: str, recorded: Mapping[str, str]) -> bool:
        if name in self.changed:
            return recorded.get(name, "") != self.changed[name].recorded
        return name not in recorded


def read_memory(cursor: str | None, now: float) -> AudioMemory:
    """Read the result of :func:`write_memory`; anything else yields an empty memory.

    Parameters
    ----------
    cursor
        Cursor of the last tick. An earlier version kept only the digests of changed species, which
        then count as changing since ``now``.
    now
        Seconds since the epoch.
    """
    kept = _json(cursor)
    if kept.get("format") != _FORMAT:
        digests = {name: seen for name, seen in kept.items() if isinstance(seen, str)}
        return AudioMemory({name: Changed(seen, "", now, now) for name, seen in digests.items()})
    try:
        return AudioMemory(
            {name: Changed(*one) for name, one in kept["changed"].items()},
            read_listing(kept["at_all"]),
            read_listing(kept["at_some"]),
            kept["requests"],
            kept.get("is_told", False),
            kept.get("told", ""),
            kept.get("not_told", ""),
        )
    except (AttributeError, KeyError, TypeError):
        # The cursor was edited by hand, which the UI allows.
        return AudioMemory()


def write_memory(memory: AudioMemory) -> str:
    """Return the cursor for :func:`read_memory`."""
    kept = {
        "format": _FORMAT,
        "changed": {name: astuple(one) for name, one in memory.changed.items()},
        "at_all": memory.at_all and memory.at_all.as_json(),
        "at_some": memory.at_some and memory.at_some.as_json(),
        "requests": dict(memory.requests),
        "is_told": memory.is_notified,
        "told": memory.notification_token,
        "not_told": memory.notification_fault,
    }
    return json.dumps(kept, sort_keys=True, separators=(",", ":"))


def changing_since(cursor: str | None) -> dict[str, float]:
    """Return the species whose audio is still changing -> start in seconds since the epoch.

    Parameters
    ----------
    cursor
        Cursor of the sensor ``changed_audio``; an earlier version's does not contain the start.
    """
    if _json(cursor).get("format") != _FORMAT:
        return {}
    memory = read_memory(cursor, 0.0)
    return {name: memory.changed[name].since for name in memory.moving}


def requests_in(cursor: str | None) -> dict[str, int]:
    """Return the requests to a bucket that a sensor's ticks have made so far, by kind.

    Requests of a failed tick are not included, because it leaves no cursor.

    Parameters
    ----------
    cursor
        Cursor of the sensor ``changed_audio`` or ``species_folders``.
    """
    requests = _json(cursor).get("requests")
    return dict(requests) if isinstance(requests, dict) else {}


def notifications_fault(cursor: str | None) -> str:
    """Return why notifications failed at the last tick, with the remedy; empty if they work.

    Parameters
    ----------
    cursor
        Cursor of the sensor ``changed_audio``.
    """
    return str(_json(cursor).get("not_told", ""))


def new_species(
    listing: SpeciesListing, known: Collection[str], wanted: Collection[str]
) -> tuple[str, ...]:
    """Return the species folders that are not partitions yet.

    Parameters
    ----------
    listing
        Current listing of the audio root.
    known
        Species that are partitions.
    wanted
        Species in the settings; empty for all.
    """
    found = set(wanted or listing.species)
    return tuple(sorted(found - set(known)))


def _changed(before: Changed | None, seen: str, recorded: str, now: float) -> Changed:
    now = round(now, 3)
    if before is None:
        return Changed(seen, recorded, now, now)
    if before.seen == seen:
        return replace(before, recorded=recorded, is_settled=True)
    if before.is_settled:
        return Changed(seen, recorded, now, now)
    made = before.recorded != recorded
    return Changed(seen, recorded, before.since, now if made else before.waiting_since)


def _json(cursor: str | None) -> dict[str, Any]:
    try:
        kept = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}
