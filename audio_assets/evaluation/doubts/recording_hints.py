"""Recordings whose names suggest that they are parts of one recording.

A hint for a person to judge; no recordings are joined or left out because of it. Sites belong in
:mod:`audio_assets.evaluation.doubts.sites`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

_LETTER = re.compile(r"^(?P<base>.*\d.*?)(?:[-_ .]|(?<=\d))(?P<part>[A-Za-z])$")
_NUMBER = re.compile(r"^(?P<base>.*\d.*?)(?:[-_ .](?:part|seg|clip)?|[-_ .]?\()(?P<part>\d)\)?$")


def look_alike_recordings(recordings: Sequence[str]) -> list[tuple[str, ...]]:
    """Find recording ids that may be parts of one recording.

    Ids that differ in a last letter (``rec12_a``, ``rec12_b``, also beside ``rec12``), or in a last
    digit that counts from 0 or 1 without a gap (``rec12_1``, ``rec12_2``; ``rec12 (1)``). What is
    before it must hold a digit, that is, be the name of something: ``site_a`` and ``site_b``, or
    ``frog_1`` and ``frog_2``, are names of their own.

    Returns
    -------
    list of tuple
        Sorted ids that may belong to one recording, one tuple per group.
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
