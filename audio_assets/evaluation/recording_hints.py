"""Faults in how recordings and sites were told, as far as names and labels alone can show them.

Both are hints for a person to judge; nothing is joined or left out for them. What clips sound like
is not looked at here.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from audio_assets.evaluation.intervals import MIN_RECORDINGS

MAX_CHANCE = 0.001
"""A separation of the labels by site that chance makes more often than this is not reported."""

_LABEL_WORDS = {"pos", "neg", "positive", "negative", "presence", "absence", "present", "absent"}

_LETTER = re.compile(r"^(?P<base>.*\d.*?)(?:[-_ .]|(?<=\d))(?P<part>[A-Za-z])$")
_NUMBER = re.compile(r"^(?P<base>.*\d.*?)(?:[-_ .](?:part|seg|clip)?|[-_ .]?\()(?P<part>\d)\)?$")


@dataclass(frozen=True)
class SiteFinding:
    """A class all of whose clips come from a few sites that have no clip of the other class.

    Attributes
    ----------
    label
        ``pos`` or ``neg``.
    sites
        Their names: recording ids, or what the ids of several recordings begin with.
    """

    label: str
    sites: tuple[str, ...]


def sites_that_equal_a_label(
    labels: Sequence[str], recordings: Sequence[str], species: str
) -> list[SiteFinding]:
    """Find classes that come from fewer than 5 sites, none of which has the other class.

    A site is a recording id (a ``clips.csv`` may give sites as groups) or, failing that, what
    recording ids begin with, if all recordings share their beginning with others. Labels and the
    species' own name in an id are no site. A separation that chance would make is not reported:
    of all ways to choose as many clips (or recordings, for beginnings) as the class has, the share
    that are so few whole sites must be at most :data:`MAX_CHANCE`.

    Parameters
    ----------
    labels
        ``pos`` or ``neg`` of each clip.
    recordings
        Recording of each clip.
    species
        Species folder.
    """
    found = _separated(labels, recordings)
    if found:
        return found
    # A recording of both labels belongs to none, and breaks the separation of its site.
    pairs = sorted(set(zip(recordings, labels, strict=True)))
    begins = [_beginning(recording, species) for recording, _ in pairs]
    counts = Counter(begins)
    if "" in counts or min(counts.values(), default=0) < 2:
        return []
    return _separated([label for _, label in pairs], begins)


def look_alike_recordings(recordings: Sequence[str]) -> list[tuple[str, ...]]:
    """Find recording ids that may be parts of one recording.

    Ids that differ in a last letter (``rec12_a``, ``rec12_b``, also beside ``rec12``), or in a last
    digit that counts from 0 or 1 without a gap (``rec12_1``, ``rec12_2``; ``rec12 (1)``). What is
    before it must hold a digit, that is, be the name of something: ``site_a`` and ``site_b``, or
    ``frog_1`` and ``frog_2``, are names of their own.

    Returns
    -------
    list of tuple
        Each the ids of what may be one recording, sorted.
    """
    names = sorted(set(recordings))
    groups: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for name in names:
        for kind, pattern in (("letter", _LETTER), ("number", _NUMBER)):
            match = pattern.match(name)
            if match:
                groups[kind, match["base"]][name] = match["part"].lower()
    found = set()
    for (kind, base), parts in groups.items():
        numbers = sorted(int(part) for part in parts.values()) if kind == "number" else []
        if numbers and numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            continue
        if numbers and numbers[0] > 1:
            continue
        ids = set(parts) | ({base} & set(names))
        if len(ids) > 1:
            found.add(tuple(sorted(ids)))
    return sorted(found)


def _separated(labels: Sequence[str], sites: Sequence[str]) -> list[SiteFinding]:
    """Classes of few sites, if no site has both labels and chance would not do that."""
    of_site = dict(zip(sites, labels, strict=True))
    if any(of_site[site] != label for site, label in zip(sites, labels, strict=True)):
        return []
    sizes = Counter(sites)
    found = []
    for label in ("neg", "pos"):
        named = sorted(site for site, of in of_site.items() if of == label)
        units = labels.count(label)
        few = len(named) < MIN_RECORDINGS and units >= 2 * len(named) > 0
        if few and _chance(sizes, units, len(named)) <= MAX_CHANCE:
            found.append(SiteFinding(label, tuple(named)))
    return found


def _chance(sizes: Counter[str], units: int, sites: int) -> float:
    """Share of the ways to choose ``units`` that are all of at most ``sites`` whole sites."""
    # Ways by (units, sites) chosen among the sites seen so far.
    ways: Counter[tuple[int, int]] = Counter({(0, 0): 1})
    for size in sizes.values():
        with_it = {
            (total + size, number + 1): count
            for (total, number), count in ways.items()
            if total + size <= units and number < sites
        }
        ways.update(with_it)
    chosen = sum(count for (total, _), count in ways.items() if total == units)
    return chosen / math.comb(sum(sizes.values()), units)


def _beginning(recording: str, species: str) -> str:
    """First part of an id that is neither a label nor the species; empty if nothing is after it."""
    # As one word: the parts of human_vocal would be told apart otherwise.
    text = recording.lower().replace(species.lower(), " ")
    words = [word for word in re.split(r"[^0-9a-z]+", text) if word]
    words = [word for word in words if word not in _LABEL_WORDS]
    return words[0] if len(words) > 1 else ""
