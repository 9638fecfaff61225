"""Which species have audio that their inventory does not know, and since when.

The decision looks at states and not at events: what was recorded with the last inventory against
what lies in the audio root now. A change that is missed, or that flips back, does no harm.

Audio is worked on when two looks agree, so that no half-copied folder is; and after the longest
wait although it still moves, so that audio that never stops arriving is worked on at all.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import astuple, dataclass, field, replace
from typing import Any

from audio_assets.automation.listing_pace import Limits, Look, read_look
from audio_assets.catalog.listing import SpeciesListing

_FORMAT = 2


@dataclass(frozen=True)
class Changed:
    """A species whose audio is not that of its inventory.

    Attributes
    ----------
    seen
        Digest of its listing at the last look.
    recorded
        Digest that its inventory was made of, at that look; empty without one.
    since
        When it was first seen to change, without having come to rest since; in seconds since the
        epoch.
    waiting_since
        From when the longest wait counts: as ``since``, or when its inventory was last made or
        asked for.
    is_settled
        Whether the last two looks saw the same.
    """

    seen: str
    recorded: str
    since: float
    waiting_since: float
    is_settled: bool = False


@dataclass(frozen=True)
class AudioMemory:
    """What one tick leaves to the next: changed species alone, so that it stays small.

    Attributes
    ----------
    changed
        By species.
    at_all
        The last look at all species; None before the first.
    at_some
        The last look at species whose audio moves.
    requests
        All that were ever made to the bucket, by kind.
    is_told
        Whether notifications tell what changes.
    told
        Token of what they last told; empty if they told nothing.
    not_told
        Why notifications could not be had, though they are to be; empty if they could.
    """

    changed: Mapping[str, Changed] = field(default_factory=dict)
    at_all: Look | None = None
    at_some: Look | None = None
    requests: Mapping[str, int] = field(default_factory=dict)
    is_told: bool = False
    told: str = ""
    not_told: str = ""

    @property
    def settled(self) -> tuple[str, ...]:
        """Species whose audio has changed, and not since the look before the last."""
        return tuple(sorted(name for name, one in self.changed.items() if one.is_settled))

    @property
    def moving(self) -> tuple[str, ...]:
        """Species whose audio changed between the last two looks: somebody may still be copying."""
        return tuple(sorted(self.changed.keys() - set(self.settled)))

    def overdue(self, longest_wait: float, now: float) -> tuple[str, ...]:
        """Species whose audio has been moving for the longest wait, in seconds."""
        return tuple(
            name for name in self.moving if now - self.changed[name].waiting_since >= longest_wait
        )

    def asked_for(self, species: Iterable[str], now: float) -> AudioMemory:
        """What is to be remembered once the inventories of these species were asked for.

        The longest wait of one that still moves begins anew.
        """
        changed = dict(self.changed)
        for name in set(species) & changed.keys():
            changed[name] = replace(changed[name], waiting_since=now)
        return replace(self, changed=changed)

    def counted(self, requests: Mapping[str, int]) -> AudioMemory:
        """What is to be remembered once these requests were made."""
        kinds = sorted({*self.requests, *requests})
        sums = {kind: self.requests.get(kind, 0) + requests.get(kind, 0) for kind in kinds}
        return replace(self, requests=sums)

    def next_look(self, limits: Limits) -> float:
        """When all species are looked at next, in seconds since the epoch; 0 for at once."""
        last = self.at_all
        return last.ended + last.wait_at_rest(limits) if last is not None else 0.0

    def looks_at_all(self, now: float, limits: Limits) -> bool:
        """Whether the tick of now is to look at all species."""
        last = self.at_all
        return last is None or last.is_over(last.wait_at_rest(limits), now, limits)

    def to_look_at(
        self,
        species: Iterable[str],
        recorded: Mapping[str, str],
        now: float,
        limits: Limits,
        named: Collection[str] = (),
    ) -> tuple[str, ...]:
        """Species to look at in the tick of now: all of them, or what is in motion.

        Between two looks at all, these are the species whose audio moves, those that were never
        looked at, and those whose inventory was made since the last look: what lay there while it
        was made, nobody knows. So are those that a notification ``named``, unless they move: these
        have their turn.
        """
        species = sorted(species)
        if self.looks_at_all(now, limits):
            return tuple(species)
        last = self.at_some
        again = last is None or last.is_over(last.wait_in_motion(limits), now, limits)
        wanted = set(self.moving) if again else set()
        wanted |= set(named) - set(self.moving)
        return tuple(name for name in species if name in wanted or self._is_news(name, recorded))

    def after_look(
        self, seen: Mapping[str, str], recorded: Mapping[str, str], look: Look, *, at_all: bool
    ) -> AudioMemory:
        """What is to be remembered after a look.

        Parameters
        ----------
        seen
            Digest of the listing of each species that was looked at.
        recorded
            Digest of the listing that the inventory of each species was made of.
        look
            When it ended and what it cost; how many were quiet is found here.
        at_all
            Whether it was at all species. Others are then forgotten.
        """
        changed = {} if at_all else dict(self.changed)
        found = False
        for name, digest in seen.items():
            before, made_of = self.changed.get(name), recorded.get(name, "")
            # That a species moves on tells nothing new: the others need no look the sooner.
            if before is None or before.is_settled:
                found |= digest not in (made_of, before.seen if before is not None else made_of)
            if digest == made_of:
                changed.pop(name, None)
            else:
                changed[name] = _changed(before, digest, made_of, look.ended)
        if not at_all:
            # Not when some that move are still to be looked at: they would wait the longer.
            at_some = look if set(self.moving) <= seen.keys() else self.at_some
            return replace(self, changed=changed, at_some=at_some)
        share = sum(not one.is_settled for one in changed.values()) / max(1, len(seen))
        # The next look at those that move takes only their share of the time.
        moved = replace(self, changed=changed, at_some=replace(look, seconds=share * look.seconds))
        return moved.after_root(look, found=found)

    def after_root(self, look: Look, *, found: bool) -> AudioMemory:
        """What is to be remembered after a look at all that lies in the root.

        Parameters
        ----------
        found
            Whether it found something new.
        """
        quiet = 0 if found or self.at_all is None else self.at_all.quiet + 1
        return replace(self, at_all=replace(look, quiet=quiet))

    def _is_news(self, name: str, recorded: Mapping[str, str]) -> bool:
        if name in self.changed:
            return recorded.get(name, "") != self.changed[name].recorded
        return name not in recorded


def read_memory(cursor: str | None, now: float) -> AudioMemory:
    """What :func:`write_memory` wrote; nothing is remembered of anything else.

    Parameters
    ----------
    cursor
        Of the last tick. An earlier version kept the digests of changed species alone, which then
        count as changing since ``now``.
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
            read_look(kept["at_all"]),
            read_look(kept["at_some"]),
            kept["requests"],
            kept.get("is_told", False),
            kept.get("told", ""),
            kept.get("not_told", ""),
        )
    except (AttributeError, KeyError, TypeError):
        # Somebody wrote it by hand, which the UI allows.
        return AudioMemory()


def write_memory(memory: AudioMemory) -> str:
    """The cursor that :func:`read_memory` reads."""
    kept = {
        "format": _FORMAT,
        "changed": {name: astuple(one) for name, one in memory.changed.items()},
        "at_all": memory.at_all and memory.at_all.as_json(),
        "at_some": memory.at_some and memory.at_some.as_json(),
        "requests": dict(memory.requests),
        "is_told": memory.is_told,
        "told": memory.told,
        "not_told": memory.not_told,
    }
    return json.dumps(kept, sort_keys=True, separators=(",", ":"))


def changing_since(cursor: str | None) -> dict[str, float]:
    """Species whose audio still moves, and since when, in seconds since the epoch.

    Parameters
    ----------
    cursor
        Of the sensor ``changed_audio``; one of an earlier version does not say since when.
    """
    if _json(cursor).get("format") != _FORMAT:
        return {}
    memory = read_memory(cursor, 0.0)
    return {name: memory.changed[name].since for name in memory.moving}


def requests_in(cursor: str | None) -> dict[str, int]:
    """Requests to a bucket that the ticks of a sensor have made so far, by kind.

    Those of a tick that failed are not among them: it leaves no cursor.

    Parameters
    ----------
    cursor
        Of the sensor ``changed_audio`` or ``species_folders``.
    """
    requests = _json(cursor).get("requests")
    return dict(requests) if isinstance(requests, dict) else {}


def notifications_fault(cursor: str | None) -> str:
    """Why the last tick could not have notifications, and what to do; empty if nothing is wrong.

    Parameters
    ----------
    cursor
        Of the sensor ``changed_audio``.
    """
    return str(_json(cursor).get("not_told", ""))


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
