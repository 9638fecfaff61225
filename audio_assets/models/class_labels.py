"""Find class labels of an encoder by a common or scientific name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from difflib import get_close_matches

_SUGGESTED = 5
_LIKENESS = 0.75


def find_labels(labels: Sequence[str], name: str) -> list[str]:
    """Return the labels that contain every word of a name, those with whole words first.

    Parameters
    ----------
    labels
        Labels as the encoder spells them, such as ``Canis latrans_Coyote``.
    name
        A common or scientific name or a part of one, in any case.
    """
    wanted = _words(name)
    found = [label for label in labels if all(word in _plain(label) for word in wanted)]
    return sorted(found, key=lambda label: not set(wanted) <= set(_words(label)))


def nearest_labels(labels: Sequence[str], name: str) -> list[str]:
    """Return the labels with a name or a word that is spelled most like a name."""
    by_text = defaultdict(list)
    for label in labels:
        for text in {*map(_plain, label.split("_")), *_words(label)}:
            by_text[text].append(label)
    texts = get_close_matches(_plain(name), by_text, _SUGGESTED, _LIKENESS)
    return list(dict.fromkeys(label for text in texts for label in by_text[text]))[:_SUGGESTED]


def _plain(text: str) -> str:
    return " ".join(_words(text))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())
