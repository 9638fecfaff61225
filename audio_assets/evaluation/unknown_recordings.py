"""Tells where nothing says which clips are of one recording, and which pattern would.

Clips whose names no rule knows count as a recording each. That is right for clips of as many
recordings and makes every number too good for others; only names are looked at here, and nothing is
joined. Ids that look alike are the subject of :mod:`audio_assets.evaluation.recording_hints`.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

BY_NAME = "stem"
"""Begins the ``recording_rule`` of a clip that counts as a recording of its own."""
CURVE_WARNING = "nothing tells which clips are of one recording"
"""Said with every number of a species whose clips' names share long parts."""

_TOKEN = re.compile(r"[0-9]+|[^\W0-9_]+|[\W_]+")
# Shorter beginnings without a number are words such as the species, and fewer groups are labels.
_MIN_LENGTH = 8
_MIN_RECORDINGS = 4
_MOST = 0.5
_MAX_PATTERNS = 4
_MIN_DIGITS = 6
_PLAIN = re.compile(r"[0-9A-Za-z_ -]")


@dataclass(frozen=True)
class Suggestion:
    """Patterns by which clips would be joined.

    Attributes
    ----------
    patterns
        Regular expressions with a group ``recording``; no two of them match one name. They hold
        neither backslashes nor quotes, which shells and ``.env`` files read in their own ways.
    recordings
        How many recordings the names would be of.
    joined
        How many of the names would share theirs with another.
    """

    patterns: tuple[str, ...]
    recordings: int
    joined: int

    @property
    def setting(self) -> str:
        """A line for a shell or a ``.env`` file."""
        listed = json.dumps(["default", *self.patterns], ensure_ascii=False)
        return f"AUDIO_ASSETS_RECORDING_PATTERNS='{listed}'"


@dataclass(frozen=True)
class UnknownRecordings:
    """Clips of which nothing tells the recording.

    Attributes
    ----------
    clips
        Usable clips of the species.
    by_name
        Those that count as a recording each.
    suggestion
        How they may be joined, where they are most of the clips and their names share long parts.
    """

    clips: int
    by_name: int
    suggestion: Suggestion | None


def unknown_recordings(inventory: pd.DataFrame) -> UnknownRecordings:
    """Look at the clips of a species whose recording is their own name.

    Parameters
    ----------
    inventory
        As :data:`audio_assets.tables.AUDIO_INVENTORY`; only clips with status ``ok`` count.
    """
    usable = inventory[inventory["status"] == "ok"]
    own = usable[counts_by_name(usable)]
    names = sorted({posixpath.splitext(posixpath.basename(uri))[0] for uri in own["uri"]})
    most = len(own) >= _MOST * len(usable) and len(own) > 0
    return UnknownRecordings(len(usable), len(own), suggest_pattern(names) if most else None)


def counts_by_name(inventory: pd.DataFrame) -> pd.Series[bool]:
    """Which clips count as a recording of their own, as no rule knows their names."""
    return inventory["recording_rule"].str.startswith(BY_NAME)


def suggest_pattern(names: Sequence[str]) -> Suggestion | None:
    """Find how names would be joined by what they share: a long part before an offset or counter.

    Names of one make (the same kinds of characters in the same order) are cut at the last separator
    that joins at least half of them. A first number that no two names share, such as a rank, is
    left out where that joins them.

    Parameters
    ----------
    names
        File names without their endings, each of another clip.

    Returns
    -------
    Suggestion or None
        None where fewer than half of the names would be joined, or into fewer than 4 recordings:
        they are no more than counted, as in ``frog_1`` and ``frog_2``.
    """
    makes: dict[tuple[str, ...], list[list[str]]] = defaultdict(list)
    distinct = sorted(set(names))
    for name in distinct:
        tokens = _TOKEN.findall(name)
        makes[tuple(_kind(token) for token in tokens)].append(tokens)
    found = []
    for rows in makes.values():
        cut = _cut(rows)
        if cut is not None:
            found.append((len(rows), _pattern(rows, *cut)))
    patterns = tuple(pattern for _, pattern in sorted(found, key=lambda one: (-one[0], one[1])))
    patterns = patterns[:_MAX_PATTERNS]
    recordings = Counter(_recording(name, patterns) for name in distinct)
    joined = sum(count for count in recordings.values() if count > 1)
    if joined < _MOST * len(distinct) or not joined or len(recordings) < _MIN_RECORDINGS:
        return None
    return Suggestion(patterns, len(recordings), joined)


def _kind(token: str) -> str:
    return "0" if "0" <= token[0] <= "9" else "a" if token[0].isalnum() else token


def _cut(rows: Sequence[list[str]]) -> tuple[int, int] | None:
    """First and last token of the recording's name, as a slice; None if nothing is joined."""
    if len(rows) < 2:
        return None
    size = len(rows[0])
    separators = [place for place in range(1, size) if _kind(rows[0][place]) not in "0a"]
    for start in [0, *(place + 1 for place in separators)]:
        if start and not _are_ranks(rows, start):
            continue
        for end in [*([size] if start else []), *reversed(separators)]:
            keys = Counter("".join(row[start:end]) for row in rows) if end > start else Counter()
            joined = sum(count for count in keys.values() if count > 1)
            if joined >= _MOST * len(rows) and len(keys) > 1 and all(map(_is_long, keys)):
                return start, end
    return None


def _are_ranks(rows: Sequence[list[str]], start: int) -> bool:
    """Whether what is before the token is a number of each name's own."""
    before = ["".join(row[:start]) for row in rows]
    return len(set(before)) == len(rows) and all(
        _kind(token) != "a" for row in rows for token in row[:start]
    )


def _is_long(key: str) -> bool:
    return any(map(str.isdigit, key)) or len(key) >= _MIN_LENGTH


def _pattern(rows: Sequence[list[str]], start: int, end: int) -> str:
    parts = [_matching([row[place] for row in rows]) for place in range(len(rows[0]))]
    name = "".join(parts[start:end])
    return f"^{''.join(parts[:start])}(?P<recording>{name}){''.join(parts[end:])}$"


def _matching(tokens: Sequence[str]) -> str:
    """A pattern of all these tokens, which are of one kind."""
    if len(set(tokens)) == 1:
        return "".join(sign if _PLAIN.fullmatch(sign) else "." for sign in tokens[0])
    if _kind(tokens[0]) == "0":
        lengths = {len(token) for token in tokens}
        # Dates, times and ids have a length of their own, while counters and offsets grow.
        fixed = len(lengths) == 1 and min(lengths) >= _MIN_DIGITS
        return f"[0-9]{{{min(lengths)}}}" if fixed else "[0-9]+"
    return "[A-Za-z]+" if all(map(str.isascii, tokens)) else "[^0-9_ .-]+"


def _recording(name: str, patterns: Sequence[str]) -> str:
    for pattern in patterns:
        match = re.search(pattern, name)
        if match:
            return match["recording"]
    return name
