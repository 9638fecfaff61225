"""Detection of clips without a known recording, and a suggested pattern for their names.

Clips whose names match no rule count as one recording each. That is right if they do come from
separate recordings, and makes every number too good if they do not. Only names are examined here,
and nothing is joined. Ids that look alike belong in
:mod:`audio_assets.evaluation.doubts.recording_hints`.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audio_assets.tables.task import PRESENCE

if TYPE_CHECKING:
    import pandas as pd

BY_NAME = "stem"
"""Prefix of the ``recording_rule`` of a clip that counts as a recording of its own."""
CURVE_WARNING = "nothing tells which clips are of one recording"
"""Warning attached to every number of a species whose clips' names share long parts."""

# Ids in hexadecimal digits are of one kind, wherever their letters stand.
_HEX = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8,}|[0-9A-F]{8,}"
_TOKEN = re.compile(
    rf"(?<![^\W_])(?=[0-9-]*[A-Fa-f]+[0-9-]+[A-Fa-f]|[0-9]+[A-Fa-f]+[0-9])(?:{_HEX})(?![^\W_])"
    r"|[0-9]+|[^\W0-9_]+|[\W_]+"
)
_COUNTED = re.compile(
    r"(?:seg(?:ment)?|chunk|part|clip|slice|piece|sel(?:ection)?|event|det(?:ection)?|call|rank"
    r"|no|nr)s?",
    re.IGNORECASE,
)
# Shorter beginnings without a number are words such as the species, and fewer groups are labels.
_MIN_LENGTH = 8
_MIN_RECORDINGS = 4
_MOST = 0.5
_MAX_PATTERNS = 4
_MIN_DIGITS = 6
_PLAIN = re.compile(r"[0-9A-Za-z_ -]")


@dataclass(frozen=True)
class Suggestion:
    """Patterns that would join clips into recordings.

    Attributes
    ----------
    patterns
        Regular expressions with a group ``recording``; the first that matches a name counts. They
        hold neither backslashes nor quotes, which shells and ``.env`` files read in their own ways.
    recordings
        Number of recordings that would result.
    joined
        Number of names that would share a recording with another name.
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
    """Clips whose recording is unknown.

    Attributes
    ----------
    clips
        Usable clips of the species.
    by_name
        Number of clips that count as one recording each.
    suggestion
        How to join them, if they are most of the clips and their names share long parts.
    """

    clips: int
    by_name: int
    suggestion: Suggestion | None


def unknown_recordings(inventory: pd.DataFrame) -> UnknownRecordings:
    """Examine the clips of a species whose recording is their own name.

    Parameters
    ----------
    inventory
        As :data:`audio_assets.tables.AUDIO_INVENTORY`; only clips with status ``ok`` count.
    """
    usable = inventory[inventory["status"] == "ok"]
    own = usable[counts_by_name(usable)]
    most = len(own) >= _MOST * len(usable) and len(own) > 0
    if not most:
        return UnknownRecordings(len(usable), len(own), None)
    names = _names(own)
    suggestion = suggest_pattern(names)
    # Counted words may be kinds of sound, but not where those of the one species are of many.
    if not suggestion and suggest_pattern(
        _names(own[PRESENCE.is_positive(own["label"])]), words=True
    ):
        suggestion = suggest_pattern(names, words=True)
    return UnknownRecordings(len(usable), len(own), suggestion)


def _names(inventory: pd.DataFrame) -> list[str]:
    return sorted({posixpath.splitext(posixpath.basename(uri))[0] for uri in inventory["uri"]})


def counts_by_name(inventory: pd.DataFrame) -> pd.Series[bool]:
    """Whether each clip counts as a recording of its own because its name matches no rule."""
    return inventory["recording_rule"].str.startswith(BY_NAME)


def suggest_pattern(names: Sequence[str], *, words: bool = False) -> Suggestion | None:
    """Suggest patterns that join names by a shared long part before an offset or counter.

    Names of one form (the same kinds of characters in the same order) are cut at the last separator
    that joins at least half of them. A first number that no two names share, such as a rank, is
    left out where that joins them.

    Parameters
    ----------
    names
        File names without their endings, each of another clip.
    words
        Whether short words that are counted, as in ``creek_1``, are recordings as well.

    Returns
    -------
    Suggestion or None
        None where fewer than half of the names would be joined, or into fewer than 4 recordings:
        such names are merely numbered, as in ``frog_1`` and ``frog_2``.
    """
    makes: dict[tuple[str, ...], list[list[str]]] = defaultdict(list)
    distinct = sorted(set(names))
    for name in distinct:
        tokens = _TOKEN.findall(name)
        makes[tuple(_kind(token) for token in tokens)].append(tokens)
    found = []
    for rows in makes.values():
        cut = _cut(rows, words=words)
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
    if token.isascii() and token.isdigit():
        return "0"
    if token[0].isalnum():
        return "a" if token.isalpha() else "u" if "-" in token else "x"
    return token


def _cut(rows: Sequence[list[str]], *, words: bool) -> tuple[int, int] | None:
    """First and last token of the recording's name, as a slice; None if nothing is joined."""
    if len(rows) < 2:
        return None
    size = len(rows[0])
    separators = [place for place in range(1, size) if _kind(rows[0][place]) not in "0axu"]
    starts = [place + 1 for place in separators]
    # "Selection 12" before a name is of the clip, even where each recording counts from 1 again.
    counted = [start for start in starts if _are_counted(rows, start)]
    for start in [*(counted or [0]), *(start for start in starts if _are_ranks(rows, start))]:
        for end in [*([size] if start else []), *reversed(separators)]:
            keys = Counter("".join(row[start:end]) for row in rows) if end > start else Counter()
            joined = sum(count for count in keys.values() if count > 1)
            if joined < _MOST * len(rows) or len(keys) < 2:
                continue
            are_words = words and any(_kind(token) == "0" for token in rows[0][end:])
            if start in counted or are_words or all(map(_is_long, keys)) or _are_times(rows, end):
                return start, end
    return None


def _are_ranks(rows: Sequence[list[str]], start: int) -> bool:
    """Whether what is before the token is a number of each name's own, at most behind a word."""
    before = ["".join(row[:start]) for row in rows]
    return len(set(before)) == len(rows) and all(
        _kind(rows[0][place]) not in "axu" or len({row[place] for row in rows}) == 1
        for place in range(start)
    )


def _are_counted(rows: Sequence[list[str]], start: int) -> bool:
    """Whether what is before the token is "Selection 12" or alike, and a name is behind it."""
    kinds = [_kind(token) for token in rows[0][:start]]
    word = rows[0][0]
    named = any(_kind(token) in "axu" or len(token) >= _MIN_DIGITS for token in rows[0][start:])
    return (
        all(row[0] == word for row in rows)
        and bool(_COUNTED.fullmatch(word))
        and kinds.count("a") == 1
        and kinds.count("0") == 1
        and named
    )


def _are_times(rows: Sequence[list[str]], end: int) -> bool:
    """Whether two numbers of one distance, which a start and an end are, follow the token."""
    numbers = [[int(token) for token in row[end:] if _kind(token) == "0"] for row in rows]
    lengths = {found[1] - found[0] if len(found) == 2 else 0 for found in numbers}
    return len(lengths) == 1 and min(lengths) > 0 and len({found[0] for found in numbers}) > 1


def _is_long(key: str) -> bool:
    return any(map(str.isdigit, key)) or len(key) >= _MIN_LENGTH


def _pattern(rows: Sequence[list[str]], start: int, end: int) -> str:
    parts = [_matching([row[place] for row in rows]) for place in range(len(rows[0]))]
    name = "".join(parts[start:end])
    return f"^{''.join(parts[:start])}(?P<recording>{name}){''.join(parts[end:])}$"


def _matching(tokens: Sequence[str]) -> str:
    """A pattern that matches all these tokens, which are of one kind."""
    if len(set(tokens)) == 1:
        return "".join(sign if _PLAIN.fullmatch(sign) else "." for sign in tokens[0])
    if _kind(tokens[0]) == "0":
        lengths = {len(token) for token in tokens}
        # Dates, times and ids have a length of their own, while counters and offsets grow.
        fixed = len(lengths) == 1 and min(lengths) >= _MIN_DIGITS
        return f"[0-9]{{{min(lengths)}}}" if fixed else "[0-9]+"
    if _kind(tokens[0]) in "xu":
        return "[0-9a-f-]{36}" if "-" in tokens[0] else "[0-9A-Fa-f]{8,}"
    return "[A-Za-z]+" if all(map(str.isascii, tokens)) else "[^0-9_ .-]+"


def _recording(name: str, patterns: Sequence[str]) -> str:
    for pattern in patterns:
        match = re.search(pattern, name)
        if match:
            return match["recording"]
    return name
